//! Log lines on standard error: text for people, JSON for machines.

use std::io::stderr;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Sets up logging for the process; a second call changes nothing.
pub(super) fn start(format: Format, verbose: bool) {
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    match format {
        Format::Text => {
            let _ = tracing_subscriber::fmt()
                .with_writer(stderr)
                .with_ansi(super::colour_stderr())
                .with_target(false)
                .with_timer(Clock)
                .with_max_level(level)
                .try_init();
        }
        Format::Json => {
            let _ = tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_writer(stderr)
                .with_target(false)
                .with_current_span(false)
                .with_max_level(level)
                .try_init();
        }
    }
}

/// Hours, minutes, seconds: who looks at a terminal knows the day.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", jiff::Zoned::now().strftime("%H:%M:%S%.3f"))
    }
}
