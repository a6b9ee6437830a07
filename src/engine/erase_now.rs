//! Erasing without a lane: on the data directory when nothing runs, and looking what would be erased. Blocking.

use std::path::Path;
use std::sync::Arc;

use super::erase::{Erasing, Tally};
use super::start::StartError;
use super::stores::Stores;
use super::transmit::now_ms;
use crate::erasure::{Erasure, Names};
use crate::journal::{DeadLetters, Journal, JournalOptions};
use crate::lookup::Answers;
use crate::pipeline::{Pipeline, Plan};
use crate::state::{Session, Store};

/// Erases in a data directory that no process uses, or says what would be erased. Without the plan, steps are not asked what else
/// belongs to the person.
pub fn erase_in(
    data_dir: &Path,
    pipeline: &str,
    plan: Option<&Arc<Plan>>,
    erasure: Erasure,
    dry: bool,
) -> Result<Tally, StartError> {
    let failed = |error: std::io::Error| StartError::Io("the data directory".to_owned(), error);
    let Stores { journal, cursors, dead, state, audit, .. } = Stores::open(data_dir, &JournalOptions::default())?;
    if plan.is_none() && !cursors.list().iter().any(|(known, ..)| *known == *pipeline) {
        let unknown =
            std::io::Error::new(std::io::ErrorKind::NotFound, format!("no pipeline `{pipeline}` has run here"));
        return Err(failed(unknown));
    }
    let before = journal.durable() + 1;
    if dry {
        return look(pipeline, plan, erasure, before, &state, &dead, &journal).map_err(failed);
    }
    let erasures = [known(pipeline, plan, erasure, &state).map_err(failed)?];
    let names = Names::new(&erasures);
    let plan = plan.map(|plan| &**plan);
    let erasing = Erasing { pipeline, plan, erasures: &erasures, names: &names, before, delivery: None };
    let found = erasing.deliveries(&journal, &*state).map_err(failed)?;
    let done = erasing.carry_out(&*state, &dead, &found).map_err(failed)?;
    erasing.record(&audit, &done.tallies, now_ms()).map_err(failed)?;
    Ok(done.tallies.first().copied().unwrap_or_default())
}

/// What would be erased of what came before a delivery.
pub(super) fn look(
    pipeline: &str,
    plan: Option<&Arc<Plan>>,
    erasure: Erasure,
    before: u64,
    state: &Arc<dyn Store>,
    dead: &DeadLetters,
    journal: &Journal,
) -> std::io::Result<Tally> {
    let erasures = [known(pipeline, plan, erasure, state)?];
    let names = Names::new(&erasures);
    let plan = plan.map(|plan| &**plan);
    let erasing = Erasing { pipeline, plan, erasures: &erasures, names: &names, before, delivery: None };
    let (_, counts) = erasing.deliveries(journal, &**state)?;
    Ok(erasing.count(&**state, dead, &counts)?.first().copied().unwrap_or_default())
}

/// The request with what the steps know to belong to the person.
fn known(
    pipeline: &str,
    plan: Option<&Arc<Plan>>,
    erasure: Erasure,
    state: &Arc<dyn Store>,
) -> std::io::Result<Erasure> {
    let Some(plan) = plan else { return Ok(erasure) };
    let compiled = Pipeline::new(plan).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        std::io::Error::other(problems.join("; "))
    })?;
    let session = Session::new(Arc::clone(state), &pipeline.into());
    session.begin(now_ms(), Answers::default());
    let mut related = compiled.related(vec![erasure], &session).map_err(std::io::Error::other)?;
    related.pop().ok_or_else(|| std::io::Error::other("the request is lost"))
}
