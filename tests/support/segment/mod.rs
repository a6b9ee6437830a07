//! A fake Segment Tracking API: what it accepts, the real one accepts, and it remembers everything.
//!
//! Three severities: a bad request is refused (400, 404, 413), a bad message is answered 200 and dropped with Segment's code, as
//! the real API does, and a risky one is warned about. In strict mode, the default, a drop fails the test.

mod browser;
mod context;
mod ecommerce;
mod faults;
pub mod json;
mod record;
mod request;
mod server;
mod store;
mod time;
mod validate;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use ecommerce::Lint;
pub use faults::Fault;
pub use record::{Dropped, Recorded, Stored, Warning};
use store::Store;

/// A running fake; it stops when it goes out of scope.
#[derive(Debug)]
pub struct FakeSegment {
    address: SocketAddr,
    shared: Arc<server::Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeSegment {
    /// Starts a strict one on a free port.
    pub fn start() -> Self {
        Self::start_on("127.0.0.1:0".parse().expect("an address"))
    }

    /// Starts one on this address: for clients that must find it again.
    pub fn start_on(address: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::<server::Shared>::default();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || server::serve(listener, &serving, stopped));
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// `http://127.0.0.1:port`, without `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a dropped message fails the test (in `wait_for`, or when the fake goes out of scope) and an oversized message
    /// its whole request. A repeated message is no failure unless its content changed.
    pub fn strict(&self, strict: bool) {
        self.shared.store().strict = strict;
    }

    /// What breaks the e-commerce spec: ignored, warned about (the default) or dropped.
    pub fn ecommerce(&self, lint: Lint) {
        self.shared.store().lint = lint;
    }

    /// Drops all messages of a key with a code such as `unknown_source`, `source_disabled` or `locked_workspace`.
    pub fn refuse_key(&self, key: &str, code: &'static str) {
        self.shared.store().refused_keys.insert(key.to_owned(), code);
    }

    /// Replaces the faults to come.
    pub fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.store().faults = faults.into_iter().collect();
    }

    /// The accepted messages, each once, in order.
    pub fn received(&self) -> Vec<Stored> {
        self.shared.store().received.clone()
    }

    /// The messages that came again, in order.
    pub fn duplicates(&self) -> Vec<Stored> {
        self.shared.store().duplicates.clone()
    }

    /// The dropped messages, repeated ones (code `duplicate`) included.
    pub fn drops(&self) -> Vec<Dropped> {
        self.shared.store().dropped.clone()
    }

    /// What was warned about.
    pub fn warnings(&self) -> Vec<Warning> {
        self.shared.store().warnings.clone()
    }

    /// How many requests held this message, those that a fault refused included.
    pub fn attempts(&self, message_id: &str) -> usize {
        self.shared.store().attempts.get(message_id).copied().unwrap_or(0)
    }

    /// All requests.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.store().requests.clone()
    }

    /// The most requests there were at one time.
    pub fn concurrency_max(&self) -> usize {
        self.shared.store().in_flight.1
    }

    /// Forgets what came and the faults to come; strictness, lint and keys stay.
    pub fn reset(&self) {
        let mut store = self.shared.store();
        let fresh = Store {
            strict: store.strict,
            lint: store.lint,
            refused_keys: std::mem::take(&mut store.refused_keys),
            in_flight: (store.in_flight.0, store.in_flight.0),
            ..Store::default()
        };
        *store = fresh;
    }

    /// Waits until at least `n` different messages were accepted, and gives all of them.
    pub fn wait_for(&self, n: usize, timeout: Duration) -> Vec<Stored> {
        self.wait_until(timeout, &format!("{n} messages"), |received| received.len() >= n)
    }

    /// Waits until the accepted messages satisfy a condition, and gives them. Panics with what there is instead.
    pub fn wait_until(&self, timeout: Duration, what: &str, done: impl Fn(&[Stored]) -> bool) -> Vec<Stored> {
        let deadline = Instant::now() + timeout;
        let mut store = self.shared.store();
        loop {
            let broken = if store.strict { store.violations.join("\n") } else { String::new() };
            if !broken.is_empty() {
                // Told here, and so not again when the fake goes out of scope.
                store.violations.clear();
                drop(store);
                panic!("messages were dropped:\n{broken}");
            }
            if done(&store.received) {
                return store.received.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let report = report(&store);
                drop(store);
                panic!("no {what} within {timeout:?}: {report}");
            }
            let woken = self.shared.changed.wait_timeout(store, left);
            store = woken.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }
}

impl Drop for FakeSegment {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let store = self.shared.store();
        let broken = if store.strict { store.violations.join("\n") } else { String::new() };
        drop(store);
        assert!(broken.is_empty() || std::thread::panicking(), "messages were dropped:\n{broken}");
    }
}

fn report(store: &Store) -> String {
    let named = |stored: &Stored| {
        let name = stored.message["event"].as_str().or(stored.message["type"].as_str()).unwrap_or("?");
        format!("{name} ({})", stored.message_id)
    };
    let last: Vec<_> = store.received.iter().rev().take(20).map(named).collect();
    let requests: Vec<_> = store.requests.iter().rev().take(20).collect();
    let answers: Vec<_> =
        requests.iter().map(|r| format!("{} {} {:?} {:?}", r.method, r.path, r.status, r.refusal)).collect();
    format!(
        "{} accepted (last first: {}), {} repeated, {} dropped, {} requests (last first: {})",
        store.received.len(),
        last.join(", "),
        store.duplicates.len(),
        store.dropped.len(),
        store.requests.len(),
        answers.join(", "),
    )
}
