//! What a reconciliation found: while it runs as a bar, at the end as lines or as JSON.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::when::shown;
use crate::cli::{STYLE_DIM, STYLE_GOOD};
use crate::engine::{Fate, Known};
use crate::source::orders::{Order, Told, Window};
use crate::source::time::iso;

/// Missing orders that are listed one by one; the others are counted.
const ROWS_MAX: usize = 20;

/// What was found of one shop.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) source: String,
    pub(super) shop: String,
    begins_ms: Option<i64>,
    lost: u64,
    listed: usize,
    told: usize,
    reconciled: usize,
    older: usize,
    left_out: Vec<(Order, String)>,
    missing: Vec<Order>,
}

impl Found {
    pub(super) fn new(source: &str, shop: &str, known: &Known) -> Self {
        let (source, shop) = (source.to_owned(), shop.to_owned());
        Self { source, shop, begins_ms: known.begins_ms, lost: known.lost, ..Self::default() }
    }

    /// Books a listed order by what the journal says. `true`: the pipeline decides what becomes of it. `backfill`: also of those
    /// that are older than the journal.
    pub(super) fn is_open(&mut self, order: &Order, told: Option<Told>, backfill: bool) -> bool {
        self.listed += 1;
        match told {
            Some(Told::Surely) => self.told += 1,
            Some(Told::Reconciled) => self.reconciled += 1,
            None if !backfill && self.begins_ms.is_none_or(|begins_ms| order.created_ms < begins_ms) => self.older += 1,
            None | Some(Told::Perhaps) => return true,
        }
        false
    }

    /// Books an order that the journal knows, and whose delivery came to nothing.
    pub(super) fn was_in_vain(&mut self, order: Order, reason: String) {
        self.told -= 1;
        self.left_out.push((order, reason));
    }

    /// The orders that were left out, with the reasons.
    pub(super) fn left_out(&self) -> impl Iterator<Item = &str> {
        self.left_out.iter().map(|(_, reason)| reason.as_str())
    }

    /// Books what the pipeline decided.
    pub(super) fn decided(&mut self, order: Order, fate: Fate) {
        match fate {
            Fate::Missing => self.missing.push(order),
            Fate::LeftOut(reason) => self.left_out.push((order, reason)),
        }
    }

    /// How many are missing.
    pub(super) fn missing(&self) -> usize {
        self.missing.len()
    }

    fn known(&self) -> usize {
        self.told + self.reconciled
    }

    /// In a few words.
    fn summary(&self) -> String {
        format!("{} listed, {} known, {} missing", self.listed, self.known(), self.missing.len())
    }

    fn to_json(&self, dry: bool) -> Value {
        let order = |order: &Order| json!({"id": order.id, "created_at": iso(order.created_ms)});
        let left_out = |(left, reason): &(Order, String)| {
            let mut shown = order(left);
            shown["reason"] = reason.as_str().into();
            shown
        };
        json!({
            "source": self.source, "shop": self.shop, "journal_begins": self.begins_ms.map(iso), "unreadable": self.lost,
            "listed": self.listed, "known": self.known(), "reconciled_before": self.reconciled,
            "older_than_journal": self.older, "left_out": self.left_out.iter().map(left_out).collect::<Value>(),
            "missing": self.missing.iter().map(order).collect::<Value>(),
            "synthesised": if dry { 0 } else { self.missing.len() },
        })
    }

    fn print(&self, dry: bool) {
        let row = |name: &str, count: usize, note: &str| {
            if note.is_empty() {
                say!("  {name:<12}{count:>7}");
            } else {
                say!("  {name:<12}{count:>7}  {STYLE_DIM}{note}{STYLE_DIM:#}");
            }
        };
        say!("{} of {}", self.source, self.shop);
        row("listed", self.listed, "");
        let before = match self.reconciled {
            0 => String::new(),
            count => format!("{count} by an earlier reconciliation"),
        };
        row("known", self.known(), &before);
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for (order, reason) in &self.left_out {
            // `order 250 is gone` is the same reason for every order.
            *reasons.entry(reason.replace(&order.id, "…")).or_default() += 1;
        }
        for (reason, count) in reasons {
            row("left out", count, &reason);
        }
        if self.older > 0 {
            row("not compared", self.older, "older than the journal");
        }
        row("missing", self.missing.len(), "");
        row("synthesised", if dry { 0 } else { self.missing.len() }, if dry { "a dry run" } else { "" });
        for order in self.missing.iter().take(ROWS_MAX) {
            say!("    {STYLE_GOOD}{}{STYLE_GOOD:#}  {}", order.id, shown(order.created_ms));
        }
        if self.missing.len() > ROWS_MAX {
            say!("    … and {} more; --json lists all", self.missing.len() - ROWS_MAX);
        }
        if let Some(begins_ms) = self.begins_ms {
            say!("  journal begins at {}", shown(begins_ms));
        } else {
            say!("  the journal holds nothing of this pipeline");
        }
        if self.lost > 0 {
            say!("  {} deliveries of the journal can no longer be read: what they told counts as missing", self.lost);
        }
        if self.older > 0 {
            say!(
                "  whether orders from before were sent is not known; --backfill delivers those that the pipeline does not remember"
            );
        }
    }
}

/// The whole report.
pub(super) struct Report {
    pub(super) pipeline: String,
    pub(super) window: Window,
    pub(super) dry: bool,
    pub(super) shops: Vec<Found>,
    /// Ended by `--limit`.
    pub(super) limited: bool,
    /// What comes of what was journaled.
    pub(super) hint: &'static str,
}

impl Report {
    /// How many orders were told, or would be.
    pub(super) fn missing(&self) -> usize {
        self.shops.iter().map(Found::missing).sum()
    }

    pub(super) fn to_json(&self, error: Option<&str>) -> Value {
        json!({
            "pipeline": self.pipeline, "since": iso(self.window.since_ms), "until": iso(self.window.until_ms),
            "dry_run": self.dry, "limited": self.limited, "error": error,
            "shops": self.shops.iter().map(|found| found.to_json(self.dry)).collect::<Value>(),
        })
    }

    pub(super) fn print(&self) {
        say!("{}: orders from {} to {}", self.pipeline, shown(self.window.since_ms), shown(self.window.until_ms));
        for found in &self.shops {
            found.print(self.dry);
        }
        if self.limited {
            say!("stopped at --limit; the rest is left for the next time");
        }
        if !self.dry && self.missing() > 0 {
            say!("{}", self.hint);
        }
    }
}

/// How far it is, on a terminal: the part of the window that the list has passed.
pub(super) struct Bar {
    drawn: ProgressBar,
    window: Window,
    edges: Option<(i64, i64)>,
}

impl Bar {
    pub(super) fn new(window: Window, prefix: &str) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(prefix.to_owned());
        Self { drawn: bar, window, edges: None }
    }

    /// An order was listed. Lists run forth or back in time.
    pub(super) fn passed(&mut self, order: &Order) {
        let at = order.created_ms.clamp(self.window.since_ms, self.window.until_ms);
        let (from, to) = self.edges.get_or_insert((at, at));
        (*from, *to) = ((*from).min(at), (*to).max(at));
        let whole = (self.window.until_ms - self.window.since_ms).max(1);
        self.drawn.set_position(((*to - *from) as f64 / whole as f64 * 1000.0) as u64);
    }

    pub(super) fn show(&self, found: &Found) {
        self.drawn.set_message(found.summary());
    }

    pub(super) fn say(&self, what: &str) {
        self.drawn.set_message(what.to_owned());
    }

    pub(super) fn end(&self) {
        self.drawn.finish_and_clear();
    }
}
