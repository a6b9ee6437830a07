//! The listener: a thread with its own runtime, so that tests stay synchronous, and the faults on the wire.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

use super::browser;
use super::faults::Action;
use super::request::{Request, Route};
use super::store::{Store, Verdict};

/// The store and a bell that rings after every request.
#[derive(Debug, Default)]
pub struct Shared {
    store: Mutex<Store>,
    /// Rung after every request.
    pub changed: Condvar,
}

impl Shared {
    /// The store; a test that panicked while holding it does not make the others panic.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Serves until `stop` is closed.
pub fn serve(listener: std::net::TcpListener, shared: &Arc<Shared>, stop: tokio::sync::oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a listener");
        let listener = TcpListener::from_std(listener).expect("a listener");
        let accept = async {
            for connection in 1_u64.. {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(connected(stream, connection, Arc::clone(shared)));
                }
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stop => {}
        }
    });
}

async fn connected(stream: TcpStream, connection: u64, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(request, connection, Arc::clone(&shared)));
    // The only errors here are the client's going away and faults that were asked for.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: http::Request<Incoming>,
    connection: u64,
    shared: Arc<Shared>,
) -> std::io::Result<Response<Reply>> {
    let (head, body) = request.into_parts();
    let _in_flight = InFlight::enter(&shared);
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes().to_vec();
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        connection,
    };
    let mut response = match request.route() {
        Route::Preflight => {
            shared.store().record(&request, Some(204), None, None);
            reply(204, Vec::new(), "text/plain")
        }
        Route::Settings(key) => settings(&shared, &request, &key),
        Route::Metrics => {
            shared.store().record(&request, Some(200), None, None);
            success()
        }
        Route::Pixel(kind) => {
            match browser::pixel(&request, kind) {
                Some(parsed) => shared.store().take_pixel(&request, &parsed, Timestamp::now()),
                None => {
                    shared.store().record(&request, Some(200), Some("unreadable".to_owned()), None);
                }
            }
            reply(200, browser::GIF.to_vec(), "image/gif")
        }
        Route::Unknown => {
            shared.store().record(&request, Some(404), Some("no such path".to_owned()), None);
            refused(404, "no such path")
        }
        route => {
            let verdict = shared.store().take(&request, &route, Timestamp::now());
            shared.changed.notify_all();
            act(verdict).await?
        }
    };
    shared.changed.notify_all();
    browser::cors(response.headers_mut());
    Ok(response)
}

async fn act(verdict: Verdict) -> std::io::Result<Response<Reply>> {
    // An error from the service makes hyper close the connection without an answer.
    let status = verdict.status.ok_or_else(|| std::io::Error::other("a fault was set"))?;
    let mut response = match status {
        200 => success(),
        status => refused(status, verdict.refusal.as_deref().unwrap_or("refused")),
    };
    match verdict.fault {
        None | Some(Action::CloseBeforeReply | Action::ProcessThenClose) => {}
        Some(Action::Refuse { retry_after_s, location, .. }) => {
            let headers: &mut HeaderMap = response.headers_mut();
            if let Some(s) = retry_after_s {
                headers.insert("retry-after", HeaderValue::from(s));
                headers.insert("x-ratelimit-reset", HeaderValue::from(s));
            }
            if let Some(location) = location {
                headers.insert("location", location.parse().expect("a header value"));
            }
        }
        Some(Action::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Action::DelayedBody(delay)) => response.body_mut().delay(delay),
        Some(Action::StalledBody) => response.body_mut().stall(),
    }
    Ok(response)
}

fn settings(shared: &Shared, request: &Request, key: &str) -> Response<Reply> {
    let mut store = shared.store();
    let known = store.refused_keys.get(key) != Some(&"unknown_source");
    let status = if known { 200 } else { 404 };
    store.record(request, Some(status), None, None);
    reply(status, browser::settings(key).to_string().into_bytes(), "application/json")
}

fn success() -> Response<Reply> {
    reply(200, br#"{"success":true}"#.to_vec(), "application/json")
}

fn refused(status: u16, why: &str) -> Response<Reply> {
    let body = json!({ "success": false, "code": "bad_request", "message": why, "error": why });
    reply(status, body.to_string().into_bytes(), "application/json")
}

fn reply(status: u16, body: Vec<u8>, content_type: &'static str) -> Response<Reply> {
    let length = body.len();
    let mut response = Response::new(Reply { parts: vec![Bytes::from(body)], pause: None });
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    if status != 204 {
        response.headers_mut().insert("content-length", HeaderValue::from(length));
    }
    response
}

/// An answer's body, of which the last part can come late or never.
struct Reply {
    parts: Vec<Bytes>,
    pause: Option<Pause>,
}

enum Pause {
    Until(Pin<Box<Sleep>>),
    ForEver,
}

impl Reply {
    fn delay(&mut self, delay: Duration) {
        self.pause = Some(Pause::Until(Box::pin(tokio::time::sleep(delay))));
    }

    fn stall(&mut self) {
        let whole = self.parts.remove(0);
        let half = whole.len() / 2;
        self.parts = vec![whole.slice(..half), whole.slice(half..)];
        self.pause = Some(Pause::ForEver);
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let waiting = match &mut self.pause {
            None => false,
            Some(Pause::ForEver) => true,
            Some(Pause::Until(sleep)) => sleep.as_mut().poll(context).is_pending(),
        };
        if waiting && self.parts.len() == 1 {
            return Poll::Pending;
        }
        if self.parts.is_empty() {
            return Poll::Ready(None);
        }
        let part = self.parts.remove(0);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}

struct InFlight(Arc<Shared>);

impl InFlight {
    fn enter(shared: &Arc<Shared>) -> Self {
        let mut store = shared.store();
        store.in_flight.0 += 1;
        store.in_flight.1 = store.in_flight.1.max(store.in_flight.0);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.store().in_flight.0 -= 1;
    }
}
