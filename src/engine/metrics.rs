//! What is counted, for Prometheus.

use std::sync::Mutex;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::sink::Judgement;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Part {
    pipeline: String,
    part: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
#[allow(clippy::struct_field_names, reason = "the field's name is the label's")]
struct Reason {
    pipeline: String,
    part: String,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Lookup {
    /// As it is listed, since names under a wild card come from events.
    host: String,
    status: u32,
}

/// All metrics of one engine; no global state, so several engines can run in one process.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    accepted: Family<Part, Counter>,
    refused: Family<Reason, Counter>,
    dropped: Family<Part, Counter>,
    dead: Family<Reason, Counter>,
    sent: Family<Part, Counter>,
    attempts: Family<Reason, Counter>,
    reloads: Family<Reason, Counter>,
    lag: Family<Part, Gauge>,
    held: Family<Part, Gauge>,
    lookups: Family<Lookup, Counter>,
    journal_bytes: Gauge,
    journal_seq: Gauge,
    accept_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("cartwire");
        let metrics = Self {
            registry: Mutex::default(),
            accepted: Family::default(),
            refused: Family::default(),
            dropped: Family::default(),
            dead: Family::default(),
            sent: Family::default(),
            attempts: Family::default(),
            reloads: Family::default(),
            lag: Family::default(),
            held: Family::default(),
            lookups: Family::default(),
            journal_bytes: Gauge::default(),
            journal_seq: Gauge::default(),
            accept_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
        };
        registry.register("deliveries", "Deliveries accepted (answered 2xx), by source", metrics.accepted.clone());
        registry.register("refused", "Requests refused, by source and reason", metrics.refused.clone());
        registry.register("dropped", "Events that ended on purpose, by part", metrics.dropped.clone());
        registry.register("dead", "Events kept as dead letters, by part and code", metrics.dead.clone());
        registry.register("sent", "Messages taken by a sink", metrics.sent.clone());
        registry.register("attempts", "Sending attempts by sink and result", metrics.attempts.clone());
        registry.register("reloads", "Reloads by pipeline and result", metrics.reloads.clone());
        registry.register("lag", "Deliveries in the journal that a sink has not completed", metrics.lag.clone());
        registry.register("held", "Events that wait for their time", metrics.held.clone());
        registry.register(
            "lookups",
            "Requests to services for scripts and steps, by the host as it is listed and by status",
            metrics.lookups.clone(),
        );
        registry.register("journal_bytes", "Size of the journal on disk", metrics.journal_bytes.clone());
        registry.register("journal_seq", "Sequence number of the newest durable delivery", metrics.journal_seq.clone());
        registry.register(
            "accept_seconds",
            "Time from a request's last byte to its answer, the fsync included",
            metrics.accept_seconds.clone(),
        );
        *metrics.lock() = registry;
        metrics
    }
}

impl Metrics {
    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The text of `/metrics`.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.lock());
        text
    }

    pub(super) fn accepted(&self, pipeline: &str, source: &str, seconds: f64) {
        self.accepted.get_or_create(&part(pipeline, source)).inc();
        self.accept_seconds.observe(seconds);
    }

    pub(super) fn refused(&self, pipeline: &str, source: &str, reason: &str) {
        self.refused.get_or_create(&self::reason(pipeline, source, reason)).inc();
    }

    pub(super) fn dropped(&self, pipeline: &str, part_id: &str) {
        self.dropped.get_or_create(&part(pipeline, part_id)).inc();
    }

    pub(super) fn dead(&self, pipeline: &str, part_id: &str, code: &str, count: u64) {
        self.dead.get_or_create(&reason(pipeline, part_id, code)).inc_by(count);
    }

    pub(super) fn sent(&self, pipeline: &str, sink: &str, count: usize) {
        self.sent.get_or_create(&part(pipeline, sink)).inc_by(count as u64);
    }

    pub(super) fn attempt(&self, pipeline: &str, sink: &str, judgement: &Judgement) {
        let result = match judgement {
            Judgement::Delivered => "delivered",
            Judgement::Retry { .. } => "retry",
            Judgement::Reject { .. } => "rejected",
            Judgement::Halt { .. } => "halted",
        };
        self.attempts.get_or_create(&reason(pipeline, sink, result)).inc();
    }

    pub(super) fn reload(&self, pipeline: &str, result: &'static str) {
        self.reloads.get_or_create(&reason(pipeline, "", result)).inc();
    }

    pub(super) fn lag(&self, pipeline: &str, sink: &str, deliveries: u64) {
        self.lag.get_or_create(&part(pipeline, sink)).set(deliveries as i64);
    }

    pub(super) fn held(&self, pipeline: &str, events: usize) {
        self.held.get_or_create(&part(pipeline, "")).set(events as i64);
    }

    pub(super) fn lookup(&self, host: &str, status: u16) {
        self.lookups.get_or_create(&Lookup { host: host.to_owned(), status: status.into() }).inc();
    }

    pub(super) fn journal(&self, bytes: u64, seq: u64) {
        self.journal_bytes.set(bytes as i64);
        self.journal_seq.set(seq as i64);
    }
}

fn part(pipeline: &str, part: &str) -> Part {
    Part { pipeline: pipeline.to_owned(), part: part.to_owned() }
}

fn reason(pipeline: &str, part: &str, reason: &str) -> Reason {
    Reason { pipeline: pipeline.to_owned(), part: part.to_owned(), reason: reason.to_owned() }
}
