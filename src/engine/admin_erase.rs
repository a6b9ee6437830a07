//! `POST /erase` on the admin address: a command asks that a person be erased, or what that would be.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::erase_now::look;
use super::lane::Shared;
use super::status::Board;
use super::transmit::now_ms;
use crate::erasure::Erasure;
use crate::pipeline::Plan;
use crate::source::Reply;

/// More than the values of one request take.
const BODY_BYTES_MAX: usize = 4 << 20;
/// How long the answer waits for the end of the erasure, which goes on without it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the command sends.
#[derive(Deserialize)]
struct Asked {
    pipeline: String,
    #[serde(flatten)]
    erasure: Erasure,
    #[serde(default)]
    dry_run: bool,
}

/// Answers a request.
pub(super) async fn answer(request: Request<Incoming>, shared: &Arc<Shared>, board: &Board) -> Reply {
    // A page in somebody's browser can reach this address too; but it cannot hide where it comes from, nor send JSON unasked.
    let json = |value: &http::HeaderValue| value.as_bytes().starts_with(b"application/json");
    if request.headers().contains_key("origin") || !request.headers().get("content-type").is_some_and(json) {
        return Reply::text(403, "this takes application/json, and nothing from browsers\n");
    }
    let body = match Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Reply::text(400, &format!("{error}\n")),
    };
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return Reply::text(400, &format!("{error}\n")),
    };
    let erasure = match asked.erasure.checked() {
        Ok(erasure) => erasure,
        Err(unfit) => return Reply::text(400, &format!("{unfit}\n")),
    };
    let Some(plan) = board.plan(&asked.pipeline) else {
        return Reply::text(404, &format!("no pipeline `{}` is running\n", asked.pipeline));
    };
    // What a dry run remembers is not what lies on the disk: an answer would be a false promise.
    if shared.dry && !asked.dry_run {
        return Reply::text(409, "this is a dry run: stop it, then erase in the data directory\n");
    }
    let done = if asked.dry_run { dry(shared, plan, erasure).await } else { erase(shared, &plan, &erasure).await };
    done.unwrap_or_else(|error| Reply::text(500, &format!("{error}\n")))
}

/// Has the request journaled, and waits for the lane that carries it out.
async fn erase(shared: &Shared, plan: &Plan, erasure: &Erasure) -> io::Result<Reply> {
    let (done, durable) = oneshot::channel();
    let delivery = erasure.request(&plan.name, now_ms());
    let queued = shared.journal.append(delivery, move |result| {
        let _ = done.send(result);
    });
    queued.map_err(io::Error::other)?;
    let seq = durable.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
    let place = (plan.name.to_string(), Some(seq), 0);
    match tokio::time::timeout(PATIENCE, shared.audit.wait(&place)).await {
        Ok(Some(line)) => Ok(Reply::json(200, &line.to_string())),
        // It is durable: the lane comes to it when it can.
        _ => Ok(Reply::json(202, &json!({ "pipeline": &*plan.name, "delivery": seq, "pending": true }).to_string())),
    }
}

async fn dry(shared: &Arc<Shared>, plan: Arc<Plan>, erasure: Erasure) -> io::Result<Reply> {
    let shared = Arc::clone(shared);
    let looked = tokio::task::spawn_blocking(move || {
        let before = shared.journal.durable() + 1;
        let letters = shared.graveyard.store();
        look(&plan.name, Some(&plan), erasure, before, &shared.state, letters, &shared.journal)
    });
    let tally = looked.await.map_err(io::Error::other)??;
    Ok(Reply::json(200, &tally.to_json().to_string()))
}
