//! The command line: one file per sub-command.

/// Prints a line on standard output. A reader that has gone (`| head`) is no reason to panic, as `println!` would.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stdout(), $($text)*);
    }};
}

mod check;
mod completions;
mod dead;
mod environment;
mod erase;
mod logs;
mod new;
mod reconcile;
mod reference;
mod run;
mod samples;
mod schema;
mod send;
mod test;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use environment::{Placeholders, Process};

/// Commerce events from shop to Segment: declarative pipelines, scripts that rewrite, fixtures that prove it.
#[derive(Parser)]
#[command(
    name = "cartwire",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve all pipelines of a folder; edits are taken up while it runs.
    Run(run::Arguments),
    /// Validate pipelines, scripts and fixtures without running them.
    Check(check::Arguments),
    /// Run fixture events through the pipelines and compare what comes out.
    Test(test::Arguments),
    /// Post signed sample deliveries to a running Cartwire.
    Send(send::Arguments),
    /// Make a new project folder that runs at once.
    New(new::Arguments),
    /// List and show dead letters.
    Dead(dead::Arguments),
    /// Erase a person from all that a pipeline keeps, or show the record of erasures.
    Erase(erase::Arguments),
    /// Compare the shop's orders with what was delivered, and deliver those that are missing.
    Reconcile(reconcile::Arguments),
    /// Show what can be written in pipelines, fixtures and scripts.
    Reference(reference::Arguments),
    /// Print the JSON Schema of a pipeline file or a fixture, for editors.
    Schema(schema::Arguments),
    /// Print a script that completes commands and flags in a shell.
    Completions(completions::Arguments),
}

/// Exit codes: 0 fine, 1 something failed, 2 wrong usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fine,
    Failed,
    Usage,
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` are errors to clap; it knows which go to standard output with code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Send(arguments) => send::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Dead(arguments) => dead::run(&arguments),
        Command::Erase(arguments) => erase::run(&arguments),
        Command::Reconcile(arguments) => reconcile::run(&arguments),
        Command::Reference(arguments) => reference::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    match outcome {
        Outcome::Fine => ExitCode::SUCCESS,
        Outcome::Failed => ExitCode::from(1),
        Outcome::Usage => ExitCode::from(2),
    }
}

/// Says on standard error what went wrong.
fn complain(message: impl std::fmt::Display) {
    anstream::eprintln!("{RED}error{RED:#}: {message}", RED = STYLE_ERROR);
}

const STYLE_ERROR: clap::builder::styling::Style =
    clap::builder::styling::AnsiColor::Red.on_default().effects(clap::builder::styling::Effects::BOLD);
const STYLE_GOOD: clap::builder::styling::Style = clap::builder::styling::AnsiColor::Green.on_default();
const STYLE_DIM: clap::builder::styling::Style =
    clap::builder::styling::Style::new().effects(clap::builder::styling::Effects::DIMMED);

/// Whether standard error takes colours: a terminal, and nobody said no.
fn colour_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// An address to listen at: `127.0.0.1:8080`, `localhost:8080`, or a port alone for this machine only.
fn address(text: &str) -> Result<std::net::SocketAddr, String> {
    use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| "an address and a port, as 127.0.0.1:8080 or 0.0.0.0:8080".to_owned())
}

/// `1 error`, `2 errors`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
