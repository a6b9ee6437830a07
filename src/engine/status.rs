//! What `status` shows: the running versions, their books and sinks, and what the last edit said.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::lane::LaneStatus;
use crate::diag::Diag;
use crate::pipeline::Plan;
use crate::tree::Tree;

/// Shared by the keeper, who writes, and the admin pages, who read.
#[derive(Default)]
pub(super) struct Board {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    lanes: Vec<Arc<LaneStatus>>,
    /// Of removed pipelines that still send: the journal keeps what they need.
    retiring: Vec<Arc<LaneStatus>>,
    /// The newest problems of each pipeline's files, drawn.
    problems: BTreeMap<String, Vec<Value>>,
    /// Pipelines whose newest edit was refused.
    refused: Vec<String>,
}

impl Inner {
    fn all(&self) -> impl Iterator<Item = &Arc<LaneStatus>> {
        self.lanes.iter().chain(&self.retiring)
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lanes(&self, lanes: Vec<Arc<LaneStatus>>, retiring: Vec<Arc<LaneStatus>>) {
        let mut inner = self.lock();
        (inner.lanes, inner.retiring) = (lanes, retiring);
    }

    /// Logs what loading a pipeline said.
    pub(super) fn log<'d>(name: &str, problems: impl IntoIterator<Item = &'d Diag>, tree: &Tree) {
        for diag in problems {
            let drawn = diag.render(text_of(diag, tree), false);
            if diag.is_error() {
                tracing::error!(pipeline = name, "{drawn}");
            } else {
                tracing::warn!(pipeline = name, "{drawn}");
            }
        }
    }

    /// Notes what loading a pipeline said.
    pub(super) fn problems(&self, name: &str, problems: &[Diag], tree: &Tree) {
        let drawn = problems.iter().map(|diag| diag_json(diag, tree)).collect();
        self.lock().problems.insert(name.to_owned(), drawn);
    }

    pub(super) fn refused(&self, name: &str) {
        let mut inner = self.lock();
        if !inner.refused.iter().any(|refused| refused == name) {
            inner.refused.push(name.to_owned());
        }
        drop(inner);
        tracing::error!(pipeline = name, "the edit was refused; the version before keeps running");
    }

    pub(super) fn accepted(&self, name: &str) {
        self.lock().refused.retain(|refused| refused != name);
    }

    pub(super) fn is_refused(&self, name: &str) -> bool {
        self.lock().refused.iter().any(|refused| refused == name)
    }

    pub(super) fn forget(&self, keep: impl Fn(&str) -> bool) {
        let mut inner = self.lock();
        inner.problems.retain(|name, _| keep(name));
        inner.refused.retain(|name| keep(name));
    }

    /// The version of a pipeline that runs, or still sends.
    pub(super) fn plan(&self, name: &str) -> Option<Arc<Plan>> {
        self.lock().all().map(|lane| lane.plan()).find(|plan| *plan.name == *name)
    }

    /// The lane of a pipeline that runs.
    pub(super) fn lane(&self, pipeline: &str) -> Option<Arc<LaneStatus>> {
        self.lock().lanes.iter().find(|lane| *lane.plan().name == *pipeline).cloned()
    }

    /// The smallest position that any sink still needs; `None` without sinks.
    pub(super) fn floor(&self) -> Option<u64> {
        self.lock().all().map(|lane| lane.floor()).min()
    }

    /// Each sink's pipeline, id and cursor.
    pub(super) fn cursors(&self) -> Vec<(Arc<str>, Arc<str>, u64)> {
        let mut cursors = Vec::new();
        for lane in self.lock().all() {
            let name = Arc::clone(&lane.plan().name);
            let sinks = lane.sinks.lock().unwrap_or_else(PoisonError::into_inner);
            cursors.extend(
                sinks
                    .iter()
                    .map(|(id, state)| (Arc::clone(&name), Arc::clone(id), state.cursor.load(Ordering::SeqCst))),
            );
        }
        cursors
    }

    /// The whole status.
    pub(super) fn to_json(&self, durable: u64) -> Value {
        let inner = self.lock();
        let pipelines: Vec<Value> = inner
            .lanes
            .iter()
            .map(|lane| {
                let plan = lane.plan();
                let sinks: Vec<Value> = lane
                    .sinks
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .iter()
                    .map(|(id, state)| {
                        let cursor = state.cursor.load(Ordering::SeqCst);
                        let trouble = state.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
                        json!({"id": &**id, "cursor": cursor, "lag": durable.saturating_sub(cursor), "trouble": trouble})
                    })
                    .collect();
                json!({
                    "name": &*plan.name, "revision": &*plan.revision, "description": plan.spec.description,
                    "refused_edit": inner.refused.iter().any(|name| **name == *plan.name),
                    "problems": inner.problems.get(&*plan.name), "ledger": lane.ledger.to_json(), "sinks": sinks,
                })
            })
            .collect();
        let broken: Vec<Value> = inner
            .refused
            .iter()
            .filter(|name| !inner.lanes.iter().any(|lane| *lane.plan().name == ***name))
            .map(|name| json!({"name": name, "problems": inner.problems.get(name)}))
            .collect();
        let retiring: Vec<Value> = inner
            .retiring
            .iter()
            .map(|lane| json!({"name": &*lane.plan().name, "ledger": lane.ledger.to_json()}))
            .collect();
        json!({"journal": {"durable": durable}, "pipelines": pipelines, "not_loaded": broken, "retiring": retiring})
    }

    /// Whether any event waits, or may wait: at a start that is not known at once.
    pub(super) fn holds(&self) -> bool {
        self.lock().all().any(|lane| !lane.recalled.load(Ordering::SeqCst) || lane.ledger.balance().held > 0)
    }
}

/// The text that a diagnostic points into.
pub fn text_of<'t>(diag: &Diag, tree: &'t Tree) -> Option<&'t str> {
    diag.file.as_deref().and_then(|file| tree.get(file)).map(|text| &**text)
}

/// A diagnostic as JSON: for `check --json` and for `status`.
pub fn diag_json(diag: &Diag, tree: &Tree) -> Value {
    let text = text_of(diag, tree);
    let place = text.and_then(|text| diag.line_column(text));
    json!({
        "severity": if diag.is_error() { "error" } else { "warning" },
        "code": diag.code, "message": diag.message, "file": diag.file,
        "line": place.map(|(line, _)| line), "column": place.map(|(_, column)| column),
        "help": diag.help, "rendered": diag.render(text, false),
    })
}
