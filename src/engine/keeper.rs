//! The one who keeps what runs in line with what the files say: loads, judges, swaps, retires.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::intake::Intake;
use super::lane::{Lane, Order, Shared};
use super::loops;
use super::project::read_tree;
use super::routes::{self, Routes};
use super::status::Board;
use crate::config::pipeline_files;
use crate::diag::{Diag, did_you_mean, once};
use crate::pipeline::{Loaded, Plan};
use crate::registry::Environment;
use crate::script::Limits;
use crate::source::Input;
use crate::tree::Tree;

/// A pipeline whose file is gone ends only when the file stays away this long: editors delete and create.
const REMOVAL_GRACE: Duration = Duration::from_millis(700);

/// Variables and secret files, usable from any thread.
pub type SharedEnvironment = Arc<dyn Environment + Send + Sync>;

/// Owns the lanes.
pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) intake: Arc<Intake>,
    pub(super) env: SharedEnvironment,
    pub(super) limits: Limits,
    /// Only these pipelines, if any are named.
    pub(super) only: Vec<String>,
    pub(super) board: Arc<Board>,
    pub(super) durable: watch::Receiver<u64>,
    pub(super) tree: Arc<Tree>,
    pub(super) lanes: BTreeMap<String, Lane>,
    /// Lanes of removed pipelines that still send what they have.
    pub(super) retiring: Vec<Lane>,
    /// Since when a pipeline's file has been gone.
    pub(super) missing: BTreeMap<String, std::time::Instant>,
    /// Where sources listen, and which sinks that send there were warned of.
    pub(super) listen: SocketAddr,
    pub(super) loops: BTreeSet<String>,
}

/// A version that cannot run, and why.
type Refusal = (Arc<Plan>, Diag);

/// What a reload found.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<Diag>,
    pub(super) changed: Vec<String>,
    /// Look again after this long: a file is gone.
    pub(super) again: Option<Duration>,
}

/// Loads all pipelines of a tree. Used at the start, where any error stops the run.
pub fn load_all(
    tree: &Arc<Tree>,
    only: &[String],
    env: &SharedEnvironment,
    limits: &Limits,
) -> (Vec<Arc<Plan>>, Vec<Diag>) {
    let mut plans = Vec::new();
    let mut problems = Vec::new();
    let files = pipeline_files(tree);
    let names = || files.iter().map(|(_, name)| name.as_str());
    for wanted in only.iter().filter(|wanted| !files.is_empty() && names().all(|name| name != *wanted)) {
        let help = match did_you_mean(wanted, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        problems.push(Diag::error("unknown-pipeline", format!("there is no pipeline `{wanted}`")).help(help));
    }
    for (file, name) in pipeline_files(tree) {
        if !only.is_empty() && !only.contains(&name) {
            continue;
        }
        let Loaded { plan, problems: found } = Plan::load(tree, &file, &name, &**env, limits);
        plans.extend(plan);
        problems.extend(found);
    }
    for (name, diag) in routes::conflicts(&plans) {
        plans.retain(|plan| plan.name != name);
        problems.push(diag);
    }
    once(&mut problems);
    (plans, problems)
}

impl Keeper {
    /// Starts lanes for plans and opens the routes to them.
    pub(super) fn start(&mut self, plans: Vec<Arc<Plan>>) {
        for plan in plans {
            let name = plan.name.to_string();
            self.lanes.insert(name, Lane::start(&plan, &self.shared, self.durable.clone(), None));
        }
        self.warn_of_loops();
        self.publish();
    }

    /// Says once of each sink that it sends to one of our own sources.
    fn warn_of_loops(&mut self) {
        let found: BTreeSet<String> = loops::warnings(&self.plans(), self.listen).into_iter().collect();
        for warning in found.difference(&self.loops) {
            tracing::warn!("{warning}");
        }
        self.loops = found;
    }

    /// Brings what runs in line with the files. `force` loads pipelines whose texts are the same, for secrets that changed elsewhere.
    pub(super) async fn reload(&mut self, force: bool) -> Report {
        let dir = self.shared.dir.clone();
        let read = tokio::task::spawn_blocking(move || read_tree(&dir)).await;
        let tree = match read.map_err(std::io::Error::other).and_then(|tree| tree) {
            Ok(tree) => Arc::new(tree),
            Err(error) => {
                tracing::error!(%error, "the project folder cannot be read; the running versions stay");
                return Report { again: Some(Duration::from_secs(2)), ..Report::default() };
            }
        };
        if !force && *tree == *self.tree && self.missing.is_empty() {
            return Report::default();
        }
        let before = std::mem::replace(&mut self.tree, Arc::clone(&tree));
        let mut report = Report::default();
        let loads = self.load_changed(&before, &tree, force).await;
        let mut fresh: Vec<Arc<Plan>> = Vec::new();
        for (name, Loaded { plan, problems }) in loads {
            let failed = plan.is_none();
            let is_new = |diag: &&Diag| !report.problems.contains(diag);
            Board::log(&name, problems.iter().filter(is_new), &tree);
            self.board.problems(&name, &problems, &tree);
            report.problems.extend(problems);
            once(&mut report.problems);
            if failed {
                self.shared.metrics.reload(&name, "refused");
                self.board.refused(&name);
                continue;
            }
            fresh.extend(plan);
        }
        // First what goes: a renamed pipeline takes over the path of its old name.
        self.retire_missing(&tree, &mut report);
        self.take_up(fresh, &tree, &mut report);
        if !report.changed.is_empty() {
            self.warn_of_loops();
            self.publish();
        }
        report
    }

    /// Loads the pipelines that a change may concern, on a thread for blocking work.
    async fn load_changed(&self, before: &Arc<Tree>, tree: &Arc<Tree>, force: bool) -> Vec<(String, Loaded)> {
        let mut wanted = Vec::new();
        for (file, name) in pipeline_files(tree) {
            if !self.only.is_empty() && !self.only.contains(&name) {
                continue;
            }
            let untouched = self.lanes.get(&name).is_some_and(|lane| {
                let plan = lane.status.plan();
                // A refused edit that is taken back must clear its message: it counts as touched.
                !self.board.is_refused(&name)
                    && plan.files.contains(&file)
                    && plan.files.iter().all(|file| before.get(file) == tree.get(file))
            });
            if force || !untouched {
                wanted.push((file, name));
            }
        }
        let (tree, env, limits) = (Arc::clone(tree), Arc::clone(&self.env), self.limits.clone());
        tokio::task::spawn_blocking(move || {
            wanted
                .into_iter()
                .map(|(file, name)| {
                    let loaded = Plan::load(&tree, &file, &name, &*env, &limits);
                    (name, loaded)
                })
                .collect()
        })
        .await
        .unwrap_or_default()
    }

    /// Hands new versions to their lanes.
    fn take_up(&mut self, fresh: Vec<Arc<Plan>>, tree: &Arc<Tree>, report: &mut Report) {
        let (fresh, conflicts) = self.without_conflicts(fresh);
        for (plan, diag) in conflicts {
            let name = plan.name.to_string();
            Board::log(&name, [&diag], tree);
            self.board.problems(&name, std::slice::from_ref(&diag), tree);
            self.board.refused(&name);
            self.shared.metrics.reload(&name, "refused");
            report.problems.push(diag);
        }
        for plan in fresh {
            let name = plan.name.to_string();
            self.board.accepted(&name);
            match self.lanes.get(&name) {
                Some(lane) if lane.status.plan().fingerprint == plan.fingerprint => continue,
                Some(lane) => {
                    tracing::info!(pipeline = name, revision = %plan.revision, "reloaded");
                    say_files_wait(&plan, Some(&lane.status.plan()));
                    lane.status.set_plan(&plan);
                    let _ = lane.orders.send(Order::Plan(plan));
                }
                None => {
                    tracing::info!(pipeline = name, revision = %plan.revision, "new pipeline");
                    say_files_wait(&plan, None);
                    let before = self.retiring.iter().position(|lane| lane.status.plan().name == plan.name);
                    let before = before.map(|at| self.retiring.swap_remove(at));
                    self.lanes.insert(name.clone(), Lane::start(&plan, &self.shared, self.durable.clone(), before));
                }
            }
            self.shared.metrics.reload(&name, "accepted");
            report.changed.push(name);
        }
    }

    /// A path that two pipelines want stays with the one that has it. Gives the versions that can run, and the others.
    fn without_conflicts(&self, mut fresh: Vec<Arc<Plan>>) -> (Vec<Arc<Plan>>, Vec<Refusal>) {
        let mut refused = Vec::new();
        // What is refused keeps running as it was, with the paths it had: another version may want those.
        loop {
            let replaced = |lane: &&Lane| fresh.iter().any(|new| new.name == lane.status.plan().name);
            let stays = self.lanes.values().filter(|lane| !replaced(lane)).map(|lane| lane.status.plan());
            let candidates: Vec<Arc<Plan>> = stays.chain(fresh.iter().cloned()).collect();
            let conflicts = routes::conflicts(&candidates);
            let before = fresh.len();
            for (name, diag) in conflicts {
                if let Some(at) = fresh.iter().position(|plan| plan.name == name) {
                    refused.push((fresh.remove(at), diag));
                }
            }
            if fresh.len() == before {
                break;
            }
        }
        // A pipeline whose file is gone still has its paths for a moment: who takes them over waits without a fuss.
        refused.retain(|(plan, _)| {
            let wants = routes::paths(plan);
            !self
                .missing
                .keys()
                .filter_map(|name| self.lanes.get(name))
                .any(|lane| routes::paths(&lane.status.plan()).iter().any(|path| wants.contains(path)))
        });
        (fresh, refused)
    }

    /// Ends pipelines whose files have stayed away.
    fn retire_missing(&mut self, tree: &Tree, report: &mut Report) {
        let there: Vec<String> = pipeline_files(tree).into_iter().map(|(_, name)| name).collect();
        self.missing.retain(|name, _| !there.contains(name));
        self.board.forget(|name| there.iter().any(|file| file == name) || self.lanes.contains_key(name));
        let gone: Vec<String> = self.lanes.keys().filter(|name| !there.contains(name)).cloned().collect();
        for name in gone {
            let since = *self.missing.entry(name.clone()).or_insert_with(std::time::Instant::now);
            if since.elapsed() < REMOVAL_GRACE {
                report.again = Some(REMOVAL_GRACE);
                continue;
            }
            self.missing.remove(&name);
            if let Some(lane) = self.lanes.remove(&name) {
                tracing::info!(pipeline = name, "removed; what it has accepted is still sent");
                let _ = lane.orders.send(Order::Retire);
                self.retiring.push(lane);
                self.shared.metrics.reload(&name, "removed");
                report.changed.push(name);
            }
        }
    }

    /// The versions that run.
    pub(super) fn plans(&self) -> Vec<Arc<Plan>> {
        self.lanes.values().map(|lane| lane.status.plan()).collect()
    }

    /// Forgets the lanes of removed pipelines that have sent everything.
    pub(super) fn tidy(&mut self) {
        if self.retiring.iter().any(|lane| lane.task.is_finished()) {
            self.retiring.retain(|lane| !lane.task.is_finished());
            self.show_lanes();
        }
    }

    /// Opens the routes to what runs, all at once.
    fn publish(&self) {
        let lanes = self.lanes.values().map(|lane| (lane.status.plan(), Arc::clone(&lane.status)));
        self.intake.routes.store(Arc::new(Routes::new(lanes)));
        self.show_lanes();
    }

    fn show_lanes(&self) {
        let status = |lane: &Lane| Arc::clone(&lane.status);
        self.board.lanes(self.lanes.values().map(status).collect(), self.retiring.iter().map(status).collect());
    }

    /// Wakes sinks that wait: the user wants them to try again.
    pub(super) fn nudge(&self) {
        for lane in self.lanes.values().chain(&self.retiring) {
            lane.status.nudge.notify_waiters();
        }
    }

    /// Ends all lanes: sends what is there within the time, leaves the rest to the next start.
    pub(super) async fn close(mut self, within: Duration) {
        let mut lanes: Vec<Lane> = std::mem::take(&mut self.lanes).into_values().collect();
        lanes.append(&mut self.retiring);
        for lane in &lanes {
            let _ = lane.orders.send(Order::Drain);
        }
        let deadline = tokio::time::Instant::now() + within;
        for lane in &mut lanes {
            if tokio::time::timeout_at(deadline, &mut lane.task).await.is_err() {
                tracing::warn!(pipeline = %lane.status.plan().name, "not everything could be sent in time; it stays in the journal");
                let _ = lane.orders.send(Order::Stop);
                let _ = tokio::time::timeout(Duration::from_secs(20), &mut lane.task).await;
            }
        }
    }
}

/// Files are read once, at the start of a run: what a reload adds is not begun in the middle, and the user should know.
fn say_files_wait(plan: &Plan, before: Option<&Plan>) {
    let files = |plan: &Plan| -> Vec<Input> {
        plan.sources.iter().map(|part| part.source.input()).filter(|input| matches!(input, Input::Files(_))).collect()
    };
    if !files(plan).is_empty() && before.is_none_or(|before| files(before) != files(plan)) {
        tracing::warn!(pipeline = %plan.name, "its files are read at the next start: a reload takes up everything but them");
    }
}
