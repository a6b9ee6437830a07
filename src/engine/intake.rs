//! The listener: a request in, verified, journaled, answered.

use std::convert::Infallible;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::{Semaphore, oneshot};

use super::body::{self, Unread};
use super::metrics::Metrics;
use super::routes::{Route, Routes};
use super::transmit::now_ms;
use crate::event::Delivery;
use crate::journal::{AppendError, Journal};
use crate::source::{Reply, Request, Verdict};

/// What every connection shares.
pub(super) struct Intake {
    pub(super) routes: ArcSwap<Routes>,
    pub(super) journal: Arc<Journal>,
    pub(super) metrics: Arc<Metrics>,
    /// Whether `X-Forwarded-For` tells the client's address.
    pub(super) behind_proxy: bool,
    /// Room for bodies that are being read, in KiB: many large bodies at once must not fill the memory.
    pub(super) room_kib: Arc<Semaphore>,
}

impl Intake {
    /// Answers one request. Never fails: whatever happens has a status.
    pub(super) async fn handle(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let routes = self.routes.load_full();
        let path = request.uri().path().to_owned();
        let Some((route, rest)) = routes.find(&path) else {
            return Ok(response(Reply::text(404, "no source listens here\n")));
        };
        let reply = match self.accept(route, rest, request, peer.ip()).await {
            Ok(reply) | Err(reply) => reply,
        };
        Ok(response(reply))
    }

    async fn accept(
        &self,
        route: &Route,
        rest: &str,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Reply, Reply> {
        let (head, body) = request.into_parts();
        let limit = route.source.body_bytes_max();
        // Held until the delivery is durable.
        let patient = head.headers.contains_key(http::header::EXPECT);
        let kept = match body::read(body, limit, patient, &self.room_kib).await {
            Ok(kept) => kept,
            Err(unread) => return Err(self.unread(route, limit, unread)),
        };
        let wire = &kept.bytes;
        let started = Instant::now();
        let decoded = self.unpack(route, &head.headers, wire, limit)?;
        let body = decoded.as_ref().unwrap_or(wire);
        let peer = self.client(&head.headers, peer);
        let received_ms = now_ms();
        let seen = Request {
            method: head.method.as_str(),
            path: rest,
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            peer: &peer,
            wire,
            body,
            now_ms: received_ms,
        };
        let (headers, reply) = match route.source.verify(&seen) {
            Verdict::Answer(reply) => return Ok(reply),
            Verdict::Reject { reply, reason } => {
                self.metrics.refused(&route.plan.name, &route.id, reason);
                tracing::info!(pipeline = %route.plan.name, source = %route.id, reason, status = reply.status, "refused a request");
                return Err(reply);
            }
            Verdict::Accept { headers, reply } => (headers, reply),
        };
        let delivery = Delivery {
            seq: 0,
            pipeline: Arc::clone(&route.plan.name),
            source: Arc::clone(&route.id),
            received_ms,
            method: head.method.as_str().to_owned().into(),
            path: rest.into(),
            query: seen.query.to_owned(),
            peer,
            headers,
            body: body.clone(),
        };
        self.journal(route, delivery).await?;
        route.status.ledger.delivered();
        self.metrics.accepted(&route.plan.name, &route.id, started.elapsed().as_secs_f64());
        Ok(reply)
    }

    /// Waits for the fsync that covers the delivery.
    async fn journal(&self, route: &Route, delivery: Delivery) -> Result<(), Reply> {
        let (done, durable) = oneshot::channel();
        let queued = self.journal.append(delivery, move |result| {
            let _ = done.send(result);
        });
        let error = match queued {
            Ok(()) => match durable.await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => AppendError::Closed,
            },
            Err(error) => error,
        };
        let retry_after_s = match &error {
            AppendError::TooLarge { bytes_max, .. } => return Err(self.too_large(route, *bytes_max)),
            AppendError::Full { retry_after_ms, .. } => retry_after_ms.div_ceil(1000).max(1),
            _ => 5,
        };
        self.metrics.refused(&route.plan.name, &route.id, "overloaded");
        tracing::warn!(pipeline = %route.plan.name, %error, "a delivery could not be journaled");
        Err(route.source.overloaded(retry_after_s))
    }

    fn unread(&self, route: &Route, limit: usize, unread: Unread) -> Reply {
        match unread {
            Unread::TooLarge => self.too_large(route, limit),
            Unread::Slow => self.refuse(route, "slow-body", 408, "the body did not arrive in time\n"),
            Unread::Broken => self.refuse(route, "bad-body", 400, "the body could not be read\n"),
            Unread::NoRoom => {
                self.metrics.refused(&route.plan.name, &route.id, "overloaded");
                route.source.overloaded(1)
            }
        }
    }

    /// Undoes `Content-Encoding: gzip`, never beyond the limit.
    fn unpack(
        &self,
        route: &Route,
        headers: &http::HeaderMap,
        wire: &Bytes,
        limit: usize,
    ) -> Result<Option<Bytes>, Reply> {
        let encoding = headers.get(http::header::CONTENT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default();
        if encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity") {
            return Ok(None);
        }
        if !encoding.eq_ignore_ascii_case(b"gzip") {
            return Err(self.refuse(route, "bad-encoding", 415, "only gzip is understood as Content-Encoding\n"));
        }
        let mut body = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(wire.as_ref()).take(limit as u64 + 1);
        if reader.read_to_end(&mut body).is_err() {
            return Err(self.refuse(route, "bad-gzip", 400, "the body is not valid gzip\n"));
        }
        if body.len() > limit {
            return Err(self.too_large(route, limit));
        }
        Ok(Some(body.into()))
    }

    fn too_large(&self, route: &Route, limit: usize) -> Reply {
        self.refuse(route, "too-large", 413, &format!("the body is larger than {limit} bytes\n"))
    }

    fn refuse(&self, route: &Route, reason: &'static str, status: u16, text: &str) -> Reply {
        self.metrics.refused(&route.plan.name, &route.id, reason);
        route.source.refused(Reply::text(status, text))
    }

    /// The client's address: the peer's, or what the nearest proxy says.
    fn client(&self, headers: &http::HeaderMap, peer: IpAddr) -> String {
        let forwarded = headers
            .get("x-forwarded-for")
            .filter(|_| self.behind_proxy)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit(',').next())
            .and_then(|address| address.trim().parse::<IpAddr>().ok());
        forwarded.unwrap_or(peer).to_canonical().to_string()
    }
}

/// A reply as hyper sends it.
pub(super) fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
