//! Going through a shop's list of orders, page by page: what is missing of a page is told before the next one is asked for, so that
//! whatever comes in between has lost nothing.

use std::collections::HashSet;
use std::sync::Arc;

use super::place::Place;
use super::report::{Bar, Found, Report};
use crate::diag::Diag;
use crate::engine::{Fate, How, Lister, Unanswered};
use crate::lookup::{Answer, Lookup};
use crate::pipeline::{Plan, SourcePart};
use crate::source::orders::{Order, Orders, Told};
use crate::step::DUPLICATE;

/// Orders that are decided on at once.
const SETTLED_AT_ONCE: usize = 20;

/// What a walk needs to know.
pub(super) struct Walk<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) place: &'a Place,
    pub(super) backfill: bool,
    pub(super) limit: usize,
}

impl Walk<'_> {
    /// Compares one shop. What was found before an error is in the report.
    pub(super) async fn shop(&self, part: &SourcePart, orders: &dyn Orders, report: &mut Report) -> Result<(), Diag> {
        let told = self.place.known(self.plan, &part.id, orders.shop()).await;
        let told = told.map_err(|error| self.at(part, "reconcile", error))?;
        let mut found = Found::new(&part.id, orders.shop(), &told);
        let mut bar = Bar::new(report.window, orders.shop());
        let lister = Lister::new().map_err(|error| self.at(part, "reconcile", error))?;
        let mut seen: HashSet<String> = HashSet::new();
        let mut cursor: Option<String> = None;
        let ended = loop {
            let asked = orders.request(&report.window, cursor.as_deref());
            let page = match self.ask(&lister, &asked, orders, part, &bar).await {
                Ok(answer) => {
                    orders.page(cursor.as_deref(), &answer).map_err(|error| self.unread(part, orders, &error))
                }
                Err(problem) => Err(problem),
            };
            let page = match page {
                Ok(page) => page,
                Err(problem) => break Err(problem),
            };
            let (mut open, mut told_surely) = (Vec::new(), Vec::new());
            for order in page.orders {
                bar.passed(&order);
                // A list that changes while it is read may show an order twice.
                if report.window.holds(order.created_ms) && seen.insert(order.id.clone()) {
                    let known: Option<Told> = told.orders.get(&order.id).copied();
                    if found.is_open(&order, known, self.backfill) {
                        open.push(order);
                    } else if known == Some(Told::Surely) && order.is_whole() {
                        told_surely.push(order);
                    }
                }
            }
            bar.show(&found);
            if let Err(problem) = self.confirm(part, orders, told_surely, &mut found).await {
                break Err(problem);
            }
            if let Err(problem) = self.settle(part, orders, &lister, open, (&mut found, report, &bar)).await {
                break Err(problem);
            }
            if report.limited {
                break Ok(());
            }
            match page.next {
                // The same page again would never end.
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => break Ok(()),
            }
        };
        bar.end();
        let mismatch = self.mismatch(part, orders, &found);
        report.shops.push(found);
        ended.and(mismatch.map_or(Ok(()), Err))
    }

    /// Looks at orders whose own delivery the journal has: that it came does not say that anything came of it. They are not told
    /// again, whatever the pipeline says. Where to see that would take a request for each, the journal is believed.
    async fn confirm(
        &self,
        part: &SourcePart,
        orders: &dyn Orders,
        known: Vec<Order>,
        found: &mut Found,
    ) -> Result<(), Diag> {
        for batch in known.chunks(SETTLED_AT_ONCE) {
            let verdicts = self.place.settle(self.plan, &part.id, orders.shop(), batch.to_vec(), How::Recall).await;
            let verdicts = verdicts.map_err(|error| self.at(part, "reconcile", error))?;
            for (order, verdict) in batch.iter().zip(verdicts) {
                match verdict.fate {
                    // Which is what becomes of an order that was told.
                    Fate::LeftOut(reason) if reason != DUPLICATE => found.was_in_vain(order.clone(), reason),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The error where the source tells orders in another way than the pipeline takes them: nothing would ever be missing.
    fn mismatch(&self, part: &SourcePart, orders: &dyn Orders, found: &Found) -> Option<Diag> {
        let (reason, advice) = found.left_out().find_map(|reason| Some((reason, orders.advice(reason)?)))?;
        let message = format!("orders of {} are left out as the source tells them: {reason}", orders.shop());
        Some(self.at(part, "left-out", message).help(advice))
    }

    /// Decides on the orders of a page that the journal does not know.
    async fn settle(
        &self,
        part: &SourcePart,
        orders: &dyn Orders,
        lister: &Lister,
        open: Vec<Order>,
        (found, report, bar): (&mut Found, &mut Report, &Bar),
    ) -> Result<(), Diag> {
        let mut open = open.into_iter().peekable();
        while open.peek().is_some() {
            let room = self.limit.saturating_sub(report.missing() + found.missing());
            if room == 0 {
                report.limited = true;
                return Ok(());
            }
            let mut batch = Vec::new();
            for mut order in open.by_ref().take(room.min(SETTLED_AT_ONCE)) {
                if let Some(detail) = orders.detail(&order) {
                    let answer = lister.ask(&detail, |why| bar.say(why)).await;
                    if answer == Err(Unanswered::Status(404)) {
                        let reason = format!("order {} is gone", order.id);
                        found.decided(order, Fate::LeftOut(reason));
                        continue;
                    }
                    let answer = answer.map_err(|unanswered| self.unanswered(part, orders, &detail, &unanswered))?;
                    orders.complete(&mut order, &answer).map_err(|error| self.unread(part, orders, &error))?;
                }
                batch.push(order);
            }
            let how = if report.dry { How::Look } else { How::Deliver };
            let verdicts = self.place.settle(self.plan, &part.id, orders.shop(), batch.clone(), how).await;
            let verdicts = verdicts.map_err(|error| self.at(part, "reconcile", error))?;
            for (order, verdict) in batch.into_iter().zip(verdicts) {
                found.decided(order, verdict.fate);
            }
            bar.show(found);
        }
        Ok(())
    }

    async fn ask(
        &self,
        lister: &Lister,
        asked: &Lookup,
        orders: &dyn Orders,
        part: &SourcePart,
        bar: &Bar,
    ) -> Result<Answer, Diag> {
        let answer = lister.ask(asked, |why| bar.say(why)).await;
        answer.map_err(|unanswered| self.unanswered(part, orders, asked, &unanswered))
    }

    fn unanswered(&self, part: &SourcePart, orders: &dyn Orders, asked: &Lookup, why: &Unanswered) -> Diag {
        let shop = orders.shop();
        match why {
            Unanswered::Status(status @ (401 | 403)) => self
                .at(part, "no-access", format!("{shop} refuses the token of `api` ({status})"))
                .help(format!("`token` takes {}", orders.needs())),
            Unanswered::Status(status @ (300..=399 | 404)) => self
                .at(part, "no-shop", format!("{shop} is not found: {} answered {status}", asked.shown()))
                .help("check the shop and the address under `api`"),
            Unanswered::Status(429) => self
                .at(part, "busy-shop", format!("{shop} has no time for more requests"))
                .help("what was delivered stays delivered; run the same command again later"),
            Unanswered::Status(status) => self
                .at(part, "no-answer", format!("{shop} answered {status} to {}", asked.shown()))
                .help("what was delivered stays delivered; run the same command again"),
            Unanswered::Failed(error) => self
                .at(part, "no-answer", format!("{shop} does not answer: {error}"))
                .help("what was delivered stays delivered; run the same command again"),
        }
    }

    fn unread(&self, part: &SourcePart, orders: &dyn Orders, error: &str) -> Diag {
        self.at(part, "not-understood", format!("{}: {error}", orders.shop()))
            .help("is the address under `api` that of the platform's API?")
    }

    /// An error at the source in the pipeline's file.
    fn at(&self, part: &SourcePart, code: &'static str, message: impl Into<String>) -> Diag {
        let spec = &self.plan.spec;
        let span = spec.sources.iter().find(|source| *source.id == *part.id).map_or(0..0, |source| source.span.clone());
        Diag::error(code, message).at(&spec.file, span)
    }
}
