//! `cartwire run`: serve until told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::logs::{self, Format};
use super::{Outcome, Placeholders, Process, complain, count, samples};
use crate::check;
use crate::engine::{Engine, Output, Progress, Settings, SharedEnvironment, StartError, text_of};
use crate::journal::JournalOptions;
use crate::registry::{parse_bytes, parse_duration_ms};
use crate::script::Limits;

#[derive(clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line, independent of the others")]
pub(super) struct Arguments {
    /// The project folder: its `pipelines`, `scripts` and `tests/fixtures`.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Run only this pipeline; may be given several times.
    #[arg(long, value_name = "NAME")]
    pipeline: Vec<String>,
    /// Where sources listen.
    #[arg(long, env = "CARTWIRE_LISTEN", default_value = "127.0.0.1:8080", value_parser = super::address)]
    listen: SocketAddr,
    /// Where /healthz, /readyz, /metrics and /status are.
    #[arg(long, env = "CARTWIRE_ADMIN", default_value = "127.0.0.1:9090", value_parser = super::address)]
    admin: SocketAddr,
    /// Journal, cursors, state and dead letters; `.cartwire` in the project folder if not given. A dry run has its own, `dry-run`
    /// below it.
    #[arg(long, env = "CARTWIRE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// How log lines are written.
    #[arg(long, env = "CARTWIRE_LOG_FORMAT", value_enum, default_value_t = Format::Text)]
    log_format: Format,
    /// Log more.
    #[arg(long, short)]
    verbose: bool,
    /// Print messages instead of sending them; secrets that are not set get placeholders.
    #[arg(long)]
    dry_run: bool,
    /// Send each pipeline's sample fixtures (`sample: true`, or all), signed, through its sources once it is up.
    #[arg(long)]
    samples: bool,
    /// End when everything accepted has been sent, all files are read, and no event waits any more.
    #[arg(long)]
    until_idle: bool,
    /// Worker threads; one per core if not given.
    #[arg(long, env = "CARTWIRE_WORKERS")]
    workers: Option<usize>,
    /// The journal answers 503 when what is not sent yet is larger than this.
    #[arg(long, env = "CARTWIRE_JOURNAL_MAX", default_value = "10GiB", value_parser = bytes)]
    journal_max: u64,
    /// How long deliveries that were sent stay in the journal.
    #[arg(long, env = "CARTWIRE_JOURNAL_KEEP", default_value = "7d", value_parser = duration)]
    journal_keep: Duration,
    /// Size that deliveries that were sent may take in the journal.
    #[arg(long, env = "CARTWIRE_JOURNAL_KEEP_MAX", default_value = "1GiB", value_parser = bytes)]
    journal_keep_max: u64,
    /// Trust the last address of `X-Forwarded-For`: only behind a proxy that sets it.
    #[arg(long, env = "CARTWIRE_BEHIND_PROXY")]
    behind_proxy: bool,
    /// How long sending may go on after a signal to stop; what is left is sent after the next start.
    #[arg(long, env = "CARTWIRE_DRAIN", default_value = "20s", value_parser = duration)]
    drain: Duration,
}

fn bytes(text: &str) -> Result<u64, String> {
    parse_bytes(text).ok_or_else(|| "a size, as 10GiB".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration_ms(text).map(Duration::from_millis).ok_or_else(|| "a duration, as 20s or 7d".to_owned())
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    logs::start(arguments.log_format, arguments.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads_for_io()).enable_all().build();
    match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(serve(arguments));
            // Everything durable is closed; a write to an output that nobody reads must not keep the process.
            runtime.shutdown_timeout(Duration::from_millis(200));
            outcome
        }
        Err(error) => {
            complain(format!("the runtime cannot start: {error}"));
            Outcome::Failed
        }
    }
}

/// Requests are cheap: one thread serves several cores' worth of workers.
fn threads_for_io() -> usize {
    cores().div_ceil(4).clamp(1, 8)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What a dry run takes in is printed and gone: it must not touch what waits to be sent.
fn data_dir(arguments: &Arguments) -> PathBuf {
    let dir = arguments.data_dir.clone().unwrap_or_else(|| arguments.dir.join(".cartwire"));
    if arguments.dry_run { dir.join("dry-run") } else { dir }
}

async fn serve(arguments: Arguments) -> Outcome {
    let placeholders = Arc::new(Placeholders::new(&arguments.dir));
    let env: SharedEnvironment =
        if arguments.dry_run { placeholders.clone() } else { Arc::new(Process::new(&arguments.dir)) };
    let settings = Settings {
        dir: arguments.dir.clone(),
        listen: arguments.listen,
        admin: arguments.admin,
        data_dir: data_dir(&arguments),
        only: arguments.pipeline.clone(),
        dry: arguments.dry_run,
        workers: arguments.workers.unwrap_or_else(cores),
        journal: JournalOptions {
            max_bytes: arguments.journal_max,
            keep: arguments.journal_keep,
            keep_bytes: arguments.journal_keep_max,
            ..JournalOptions::default()
        },
        limits: Limits::default(),
        behind_proxy: arguments.behind_proxy,
        drain: arguments.drain,
        env,
        out: Output::stdout(),
        canned: if arguments.dry_run { canned(&arguments.dir) } else { Vec::new() },
    };
    // Signals count from the start: one that comes while the engine opens is not lost.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            complain(format!("signals cannot be received: {error}"));
            return Outcome::Failed;
        }
    };
    let mut engine = match Engine::start(settings).await {
        Ok(engine) => engine,
        Err(error) => {
            explain(&error);
            return Outcome::Failed;
        }
    };
    announce(&engine, &arguments, &placeholders);
    let failed = until_the_end(&mut engine, &arguments, &mut signals).await;
    engine.stop().await;
    tracing::info!("stopped");
    if failed { Outcome::Failed } else { Outcome::Fine }
}

/// What the fixtures answer: a dry run of samples asks nobody.
fn canned(dir: &std::path::Path) -> Vec<check::Canned> {
    let (cases, _) = check::load(dir, &mut crate::tree::Tree::new());
    cases.into_iter().flat_map(|case| case.http).collect()
}

/// Waits for a signal, or for the work to end where that ends the run. `true`: something failed.
async fn until_the_end(engine: &mut Engine, arguments: &Arguments, signals: &mut Signals) -> bool {
    let bars = tokio::spawn(progress(engine.progress()));
    let mut failed = false;
    if arguments.samples {
        failed |= samples::send_all(engine, &arguments.dir).await > 0;
        if !arguments.until_idle {
            tracing::info!(
                "samples are through; edit a pipeline and save, then send again with `cartwire send`; Ctrl-C ends"
            );
        }
    }
    let ends = arguments.until_idle || engine.ends_with_files();
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Reload => engine.reload(),
                Signal::Stop => break,
            },
            () = tokio::time::sleep(Duration::from_millis(20)), if ends => {
                if engine.is_idle() {
                    if let Err(error) = engine.files_done().await {
                        complain(error);
                        failed = true;
                    }
                    break;
                }
            }
        }
    }
    bars.abort();
    failed
}

fn explain(error: &StartError) {
    if let StartError::Pipelines(problems, tree) = error {
        for diag in problems {
            anstream::eprintln!("{}\n", diag.render(text_of(diag, tree), super::colour_stderr()));
        }
    }
    complain(error);
    match error {
        StartError::Nothing(dir) => anstream::eprintln!("help: `cartwire new {}` makes a project", dir.display()),
        StartError::Io(_, cause) if cause.kind() == std::io::ErrorKind::AddrInUse => {
            anstream::eprintln!(
                "help: another program listens there: choose other addresses with --listen and --admin"
            );
        }
        _ => {}
    }
}

fn announce(engine: &Engine, arguments: &Arguments, placeholders: &Placeholders) {
    let (warnings, tree) = &engine.warnings;
    for diag in warnings {
        tracing::warn!("{}", diag.render(text_of(diag, tree), false));
    }
    if engine.recovered_bytes > 0 {
        tracing::warn!(
            bytes = engine.recovered_bytes,
            "cut a torn write off the journal; nothing that was answered is lost"
        );
    }
    if arguments.dry_run {
        tracing::warn!("dry run: messages are printed, nothing is sent");
        let missing = placeholders.missing();
        if !missing.is_empty() {
            tracing::warn!("dry run: placeholders stand in for {}", missing.join(", "));
        }
    }
    for plan in &engine.plans {
        let sources: Vec<_> = plan.sources.iter().map(samples::place).collect();
        tracing::info!(pipeline = %plan.name, revision = %plan.revision, "{}", sources.join(", "));
    }
    tracing::info!(listen = %engine.listen, admin = %engine.admin, "listening");
}

/// Draws a bar for each file source, on a terminal.
async fn progress(runs: Vec<(String, Arc<Progress>)>) {
    use std::io::IsTerminal;
    use std::sync::atomic::Ordering;
    if runs.is_empty() || !std::io::stderr().is_terminal() {
        return;
    }
    let bars = indicatif::MultiProgress::new();
    let style =
        indicatif::ProgressStyle::with_template("{prefix:12} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
    let drawn: Vec<_> = runs
        .iter()
        .map(|(name, progress)| {
            let bar = bars.add(indicatif::ProgressBar::new(progress.total_bytes.load(Ordering::Relaxed)));
            bar.set_style(style.clone());
            bar.set_prefix(name.clone());
            bar
        })
        .collect();
    loop {
        for ((_, progress), bar) in runs.iter().zip(&drawn) {
            bar.set_length(progress.total_bytes.load(Ordering::Relaxed));
            bar.set_position(progress.read_bytes.load(Ordering::Relaxed));
            bar.set_message(count(progress.lines.load(Ordering::Relaxed) as usize, "event"));
            if progress.done.load(Ordering::SeqCst) {
                bar.finish();
            }
        }
        if drawn.iter().all(indicatif::ProgressBar::is_finished) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

enum Signal {
    Reload,
    Stop,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::Stop
    }
}
