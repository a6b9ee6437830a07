//! The admin address: health, readiness, metrics, status, dead letters, erasing a person, and reconciliation for those who know the
//! token. Loopback by default.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;

use super::intake::response;
use super::lane::Shared;
use super::metrics::Metrics;
use super::reconcile::Served;
use super::status::Board;
use crate::journal::{DeadFilter, DeadLetter};
use crate::source::Reply;

/// What the admin pages show.
pub(super) struct Admin {
    pub(super) board: Arc<Board>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shared: Arc<Shared>,
    pub(super) served: Served,
    /// Set while requests are accepted.
    pub(super) ready: AtomicBool,
}

impl Admin {
    pub(super) async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        if request.uri().path() == "/erase" && *request.method() == Method::POST {
            return Ok(response(super::admin_erase::answer(request, &self.shared, &self.board).await));
        }
        if request.uri().path().starts_with("/reconcile/") {
            return Ok(response(self.served.handle(request).await));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(response(Reply::text(405, "only GET\n").header("allow", "GET, HEAD")));
        }
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let reply = match path.as_str() {
            "/healthz" => Reply::text(200, "ok\n"),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(),
            "/status" => Reply::json(200, &self.board.to_json(self.shared.journal.durable()).to_string()),
            "/dead" => self.dead(&query).await,
            path if path.starts_with("/dead/") => self.dead_letter(&path["/dead/".len()..]).await,
            "/" => Reply::text(200, "cartwire: /healthz /readyz /metrics /status /dead\n"),
            _ => Reply::text(404, "there are /healthz /readyz /metrics /status /dead\n"),
        };
        Ok(response(reply))
    }

    fn readiness(&self) -> Reply {
        if !self.ready.load(Ordering::SeqCst) {
            return Reply::text(503, "not accepting\n");
        }
        match self.shared.journal.poisoned() {
            Some(trouble) => Reply::text(503, &format!("the journal takes nothing: {trouble}\n")),
            None => Reply::text(200, "ready\n"),
        }
    }

    fn metrics(&self) -> Reply {
        let durable = self.shared.journal.durable();
        self.metrics.journal(self.shared.journal.stats().bytes, durable);
        for (pipeline, sink, cursor) in self.board.cursors() {
            self.metrics.lag(&pipeline, &sink, durable.saturating_sub(cursor));
        }
        Reply::empty(200)
            .header("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
            .with_body(self.metrics.render().into_bytes())
    }

    /// `/dead?pipeline=shop&limit=20`: the newest dead letters, without their bodies.
    async fn dead(&self, query: &str) -> Reply {
        let mut filter = DeadFilter::default();
        let mut limit = 100_usize;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "pipeline" => filter.pipeline = Some(value.into_owned()),
                "before" => filter.before = value.parse().ok(),
                "limit" => limit = value.parse().unwrap_or(limit).min(1000),
                _ => {}
            }
        }
        let store = Arc::clone(self.shared.graveyard.store());
        match tokio::task::spawn_blocking(move || store.list(&filter, limit)).await {
            Ok(page) => {
                let letters: serde_json::Value = page.letters.iter().map(dead_json).collect();
                Reply::json(200, &letters.to_string())
            }
            Err(error) => Reply::text(500, &format!("{error}\n")),
        }
    }

    /// `/dead/17`: one dead letter with its delivery.
    async fn dead_letter(&self, id: &str) -> Reply {
        let Ok(id) = id.parse() else { return Reply::text(404, "a dead letter has a number\n") };
        let store = Arc::clone(self.shared.graveyard.store());
        match tokio::task::spawn_blocking(move || store.get(id)).await {
            Ok(Ok(Some(letter))) => Reply::json(200, &dead_json_whole(&letter).to_string()),
            Ok(Ok(None)) => Reply::text(404, "there is no such dead letter\n"),
            Ok(Err(error)) => Reply::text(500, &format!("{error}\n")),
            Err(error) => Reply::text(500, &format!("{error}\n")),
        }
    }
}

/// A dead letter with its message and its delivery.
pub fn dead_json_whole(letter: &DeadLetter) -> serde_json::Value {
    let readable = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: serde_json::Map<_, _> =
        letter.delivery.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let mut value = dead_json(letter);
    value["message"] = letter.message.as_deref().map(readable).into();
    value["request"] = json!({
        "method": letter.delivery.method, "path": &*letter.delivery.path, "query": letter.delivery.query,
        "headers": headers, "body": readable(&letter.delivery.body),
    });
    value
}

/// A dead letter for lists: everything but the bodies.
pub fn dead_json(letter: &DeadLetter) -> serde_json::Value {
    json!({
        "id": letter.id, "at_ms": letter.at_ms, "pipeline": &*letter.pipeline, "source": &*letter.source,
        "delivery": letter.delivery_seq, "index": letter.index, "revision": letter.revision, "part": letter.part,
        "code": letter.code, "reason": letter.reason, "place": letter.place,
        "stack": letter.stack, "logs": letter.logs,
    })
}
