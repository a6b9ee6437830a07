//! Starting and ending an engine.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::admin::Admin;
use super::audit::Audit;
use super::files::{self, Progress};
use super::grave::Graveyard;
use super::intake::Intake;
use super::keeper::{Keeper, SharedEnvironment, load_all};
use super::lane::{LaneStatus, Shared};
use super::metrics::Metrics;
use super::outside::Outside;
use super::project::read_tree;
use super::reconcile::Served;
use super::status::Board;
use super::stores::Stores;
use super::transmit::Output;
use super::watch::Watch;
use super::worker::Workers;
use crate::check::Canned;
use crate::diag::Diag;
use crate::journal::{Journal, JournalOptions};
use crate::pipeline::Plan;
use crate::script::Limits;
use crate::source::{FileInput, Input};
use crate::state::Memory;
use crate::tree::Tree;

/// Everything process-wide; pipelines say nothing of it, so that a file can move between machines.
pub struct Settings {
    /// The project folder.
    pub dir: PathBuf,
    /// Where sources listen.
    pub listen: SocketAddr,
    /// Where health, metrics and status are.
    pub admin: SocketAddr,
    /// Journal, cursors and dead letters.
    pub data_dir: PathBuf,
    /// Only these pipelines, if any are named.
    pub only: Vec<String>,
    /// Print messages instead of sending them.
    pub dry: bool,
    /// Worker threads.
    pub workers: usize,
    /// Bounds of the journal.
    pub journal: JournalOptions,
    /// Bounds of scripts.
    pub limits: Limits,
    /// Whether a proxy's `X-Forwarded-For` tells the client's address.
    pub behind_proxy: bool,
    /// How long the end may take.
    pub drain: Duration,
    /// Variables and secret files.
    pub env: SharedEnvironment,
    /// Where console messages go.
    pub out: Output,
    /// Answers that lookups get instead of asking: those of the fixtures, in a dry run.
    pub canned: Vec<Canned>,
}

/// Why a run could not start.
#[derive(Debug)]
pub enum StartError {
    /// The pipelines have errors; the tree is for drawing them.
    Pipelines(Vec<Diag>, Arc<Tree>),
    /// There is nothing to run.
    Nothing(PathBuf),
    /// Something of the machine.
    Io(String, std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipelines(problems, _) => {
                let errors = problems.iter().filter(|diag| diag.is_error()).count();
                write!(f, "{errors} error{} in the pipelines", if errors == 1 { "" } else { "s" })
            }
            Self::Nothing(dir) if !dir.is_dir() => write!(f, "there is no folder {}", dir.display()),
            Self::Nothing(dir) => write!(f, "there is no pipeline in {}", dir.join("pipelines").display()),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running engine.
pub struct Engine {
    /// Where sources really listen.
    pub listen: SocketAddr,
    /// Where the admin pages really are.
    pub admin: SocketAddr,
    /// The pipelines as they started.
    pub plans: Vec<Arc<Plan>>,
    /// What loading them warned of, and the texts for drawing it.
    pub warnings: (Vec<Diag>, Arc<Tree>),
    /// Bytes that a torn write left at the journal's end, cut off at the start.
    pub recovered_bytes: u64,
    files: Vec<(String, Arc<Progress>, JoinHandle<std::io::Result<()>>)>,
    only_files: bool,
    board: Arc<Board>,
    journal: Arc<Journal>,
    reload: mpsc::UnboundedSender<()>,
    stop: watch::Sender<bool>,
    intake_stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    keeper: JoinHandle<()>,
    admin_state: Arc<Admin>,
}

impl Engine {
    /// Loads everything, opens everything, and begins to accept.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let tree =
            Arc::new(read_tree(&settings.dir).map_err(|error| StartError::Io("the project folder".into(), error))?);
        let (plans, problems) = load_all(&tree, &settings.only, &settings.env, &settings.limits);
        if problems.iter().any(Diag::is_error) {
            return Err(StartError::Pipelines(problems, tree));
        }
        if plans.is_empty() {
            return Err(StartError::Nothing(settings.dir));
        }
        let io = |what: &str| {
            let what = what.to_owned();
            move |error| StartError::Io(what, error)
        };
        let Stores { journal, cursors, dead, state, audit, recovered_bytes } =
            Stores::open(&settings.data_dir, &settings.journal)?;
        let (listener, listen) = bind(settings.listen, "listening").await?;
        let (admin_listener, admin) = bind(settings.admin, "the admin address").await?;

        let durable = watch_durable(&journal);
        let metrics = Arc::new(Metrics::default());
        let board = Arc::new(Board::default());
        let shared = Arc::new(Shared {
            dir: settings.dir.clone(),
            journal: Arc::clone(&journal),
            cursors: Arc::clone(&cursors),
            graveyard: Arc::new(Graveyard::new(dead, Arc::clone(&journal))),
            // What a dry run prints has not arrived anywhere: it must not count later.
            state: if settings.dry { Arc::new(Memory::default()) } else { state },
            outside: Arc::new(Outside::new(settings.canned, &metrics)),
            audit: Arc::new(if settings.dry { Audit::nowhere() } else { audit }),
            workers: Workers::start(settings.workers).map_err(io("worker threads"))?,
            client: client().map_err(|error| StartError::Io("the HTTP client".into(), std::io::Error::other(error)))?,
            metrics: Arc::clone(&metrics),
            out: settings.out.clone(),
            dry: settings.dry,
            files: Mutex::default(),
        });
        let intake = Arc::new(intake(&journal, &metrics, settings.behind_proxy));
        let mut keeper = Keeper {
            shared: Arc::clone(&shared),
            intake: Arc::clone(&intake),
            env: Arc::clone(&settings.env),
            limits: settings.limits.clone(),
            only: settings.only.clone(),
            board: Arc::clone(&board),
            durable,
            tree: Arc::clone(&tree),
            lanes: std::collections::BTreeMap::default(),
            retiring: Vec::new(),
            missing: std::collections::BTreeMap::default(),
            listen,
            loops: std::collections::BTreeSet::default(),
        };
        // Watching begins before the lanes do: an edit in between is seen.
        let watch = Watch::new(&settings.dir);
        keeper.start(plans.clone());
        super::tend::warn_of_orphans(&cursors, &journal, &*shared.state, &plans);

        let (stop, stopped) = watch::channel(false);
        let (intake_stop, intake_stopped) = watch::channel(false);
        let files = start_files(&keeper, &shared, &stopped, settings.drain);
        let admin_state = Arc::new(Admin {
            board: Arc::clone(&board),
            metrics,
            shared: Arc::clone(&shared),
            served: Served::new(&settings.data_dir, admin, &shared, &board).map_err(io("the data directory"))?,
            ready: AtomicBool::new(true),
        });
        let servers = vec![
            tokio::spawn(super::server::serve(listener, intake_stopped, move |request, peer| {
                Arc::clone(&intake).handle(request, peer)
            })),
            tokio::spawn({
                let admin_state = Arc::clone(&admin_state);
                super::server::serve(admin_listener, stopped.clone(), move |request, _| {
                    Arc::clone(&admin_state).handle(request)
                })
            }),
        ];
        let (reload, reloads) = mpsc::unbounded_channel();
        let keeper = tokio::spawn(super::tend::tend(keeper, watch, reloads, stopped, settings.drain, cursors));
        Ok(Self {
            listen,
            admin,
            only_files: read_files_only(&plans),
            plans,
            warnings: (problems, tree),
            recovered_bytes,
            files,
            board,
            journal,
            reload,
            stop,
            intake_stop,
            servers,
            keeper,
            admin_state,
        })
    }

    /// Loads everything anew, also what did not change on disk (secrets), and wakes halted sinks.
    pub fn reload(&self) {
        let _ = self.reload.send(());
    }

    /// The runs of file sources: pipeline and progress.
    pub fn progress(&self) -> Vec<(String, Arc<Progress>)> {
        self.files.iter().map(|(name, progress, _)| (name.clone(), Arc::clone(progress))).collect()
    }

    /// Whether there are file sources only: then the run ends with them.
    pub fn ends_with_files(&self) -> bool {
        self.only_files
    }

    /// Waits for all file sources; the first error is returned when all have ended.
    pub async fn files_done(&mut self) -> std::io::Result<()> {
        let mut result = Ok(());
        for (_, _, task) in std::mem::take(&mut self.files) {
            let done = task.await.map_err(std::io::Error::other).and_then(|done| done);
            result = result.and(done);
        }
        result
    }

    /// What `status` shows.
    pub fn status(&self) -> serde_json::Value {
        self.board.to_json(self.journal.durable())
    }

    /// Whether everything accepted so far has been brought to an end.
    pub fn is_idle(&self) -> bool {
        // Asked first: what wakes an event is journaled before the event waits no more.
        !self.board.holds()
            && self.board.floor().is_none_or(|floor| floor >= self.journal.durable())
            && self.files.iter().all(|(_, progress, _)| progress.done.load(Ordering::SeqCst))
    }

    /// Stops accepting, sends what is there within the drain time, and closes.
    pub async fn stop(self) {
        self.admin_state.ready.store(false, Ordering::SeqCst);
        let _ = self.intake_stop.send(true);
        let mut servers = self.servers.into_iter();
        if let Some(intake) = servers.next() {
            let _ = intake.await;
        }
        let _ = self.stop.send(true);
        let _ = self.keeper.await;
        for server in servers {
            let _ = server.await;
        }
        for (_, _, task) in self.files {
            let _ = task.await;
        }
        let journal = self.journal;
        let _ = tokio::task::spawn_blocking(move || journal.close()).await;
    }
}

/// Tells up to which delivery the journal is durable.
fn watch_durable(journal: &Journal) -> watch::Receiver<u64> {
    let (sender, durable) = watch::channel(journal.durable());
    journal.on_durable(move |seq| {
        sender.send_replace(seq);
    });
    durable
}

/// Opens a listener, and says where it really is (port 0 takes any).
async fn bind(address: SocketAddr, what: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Io(format!("{what} at {address}"), error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Whether the run ends with its files: no source listens.
fn read_files_only(plans: &[Arc<Plan>]) -> bool {
    plans.iter().all(|plan| plan.sources.iter().all(|part| matches!(part.source.input(), Input::Files(_))))
}

fn start_files(
    keeper: &Keeper,
    shared: &Arc<Shared>,
    stop: &watch::Receiver<bool>,
    drain: Duration,
) -> Vec<(String, Arc<Progress>, JoinHandle<std::io::Result<()>>)> {
    let mut runs = Vec::new();
    for lane in keeper.lanes.values() {
        let status: Arc<LaneStatus> = Arc::clone(&lane.status);
        for part in &status.plan().sources {
            let Input::Files(input) = part.source.input() else { continue };
            let progress = Arc::new(Progress::default());
            let task = run_file(
                Arc::clone(&status),
                Arc::clone(&part.id),
                input,
                Arc::clone(shared),
                Arc::clone(&progress),
                (stop.clone(), drain),
            );
            runs.push((status.plan().name.to_string(), progress, tokio::spawn(task)));
        }
    }
    runs
}

async fn run_file(
    status: Arc<LaneStatus>,
    source: Arc<str>,
    input: FileInput,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    stop: (watch::Receiver<bool>, Duration),
) -> std::io::Result<()> {
    let done = files::run(Arc::clone(&status), source, input, shared, Arc::clone(&progress), stop).await;
    progress.done.store(true, Ordering::SeqCst);
    if let Err(error) = &done {
        tracing::error!(pipeline = %status.plan().name, %error, "the file source stopped");
    }
    done
}

/// One client for all sinks: connections are kept, redirects are never followed (they would carry the key elsewhere).
fn client() -> reqwest::Result<reqwest::Client> {
    // A second installation is refused, which is fine: the first one is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(50))
        .tcp_nodelay(true)
        .build()
}

fn intake(journal: &Arc<Journal>, metrics: &Arc<Metrics>, behind_proxy: bool) -> Intake {
    Intake {
        routes: arc_swap::ArcSwap::default(),
        journal: Arc::clone(journal),
        metrics: Arc::clone(metrics),
        behind_proxy,
        room_kib: Arc::new(tokio::sync::Semaphore::new(super::body::ROOM_KIB)),
    }
}
