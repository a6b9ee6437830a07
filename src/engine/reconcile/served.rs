//! The reconciliation of a running process, by its admin address: two orders, for those who know its token.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};

use super::{Desk, Fate, How, find_shop};
use crate::engine::control::Control;
use crate::engine::lane::{LaneStatus, Shared};
use crate::engine::status::Board;
use crate::source::Reply;
use crate::source::orders::Order;

/// The largest order. A command sends a few dozen shop orders at once.
const BODY_BYTES_MAX: usize = 64 << 20;

/// The body of `POST /reconcile/known`; the answer is a [`Known`](super::Known).
#[derive(Debug, Serialize, Deserialize)]
pub struct KnownAsked {
    /// The pipeline's name.
    pub pipeline: String,
    /// The source's id.
    pub source: String,
    /// The shop of the source.
    pub shop: String,
}

/// The body of `POST /reconcile/orders`; the answer is a list of [`Verdict`](super::Verdict)s.
#[derive(Debug, Serialize, Deserialize)]
pub struct SettleAsked {
    /// The pipeline's name.
    pub pipeline: String,
    /// The source's id.
    pub source: String,
    /// The shop of the source.
    pub shop: String,
    /// What to do about them.
    pub how: How,
    /// The orders.
    pub orders: Vec<Order>,
}

/// What the admin address needs for it.
pub(in crate::engine) struct Served {
    desk: Desk,
    control: Control,
    board: Arc<Board>,
    /// Nothing is sent: what would be told now would be lost.
    dry: bool,
}

impl Served {
    /// Tells commands by a file in the data directory where it is.
    pub(in crate::engine) fn new(
        dir: &Path,
        admin: SocketAddr,
        shared: &Shared,
        board: &Arc<Board>,
    ) -> std::io::Result<Self> {
        let control = Control::write(dir, admin)?;
        Ok(Self { desk: Desk::of(shared), control, board: Arc::clone(board), dry: shared.dry })
    }

    /// Whether a request carries the token of this process.
    pub(in crate::engine) fn permits(&self, headers: &http::HeaderMap) -> bool {
        self.control.permits(headers)
    }

    /// Answers a request below `/reconcile/`.
    pub(in crate::engine) async fn handle(&self, request: Request<Incoming>) -> Reply {
        if request.method() != Method::POST {
            return Reply::text(405, "only POST\n").header("allow", "POST");
        }
        if !self.control.permits(request.headers()) {
            return Reply::text(401, "this takes the token in the data directory\n");
        }
        if self.dry {
            return Reply::text(409, "it is a dry run, which sends nothing\n");
        }
        let path = request.uri().path().to_owned();
        let body = match Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Reply::text(400, &format!("the body could not be read: {error}\n")),
        };
        let answer = match path.as_str() {
            "/reconcile/known" => self.known(&body).await,
            "/reconcile/orders" => self.orders(&body).await,
            _ => return Reply::text(404, "there are /reconcile/known and /reconcile/orders\n"),
        };
        match answer {
            Ok(answer) => Reply::json(200, &answer),
            Err((status, why)) => Reply::text(status, &format!("{why}\n")),
        }
    }

    async fn known(&self, body: &Bytes) -> Result<String, (u16, String)> {
        let KnownAsked { pipeline, source, shop } = read(body)?;
        let plan = self.lane(&pipeline)?.plan();
        find_shop(&plan, &source, &shop).map_err(|why| unknown(&why))?;
        let known = self.desk.known(&plan, &source, &shop).await.map_err(failed)?;
        write(&known)
    }

    async fn orders(&self, body: &Bytes) -> Result<String, (u16, String)> {
        let SettleAsked { pipeline, source, shop, how, orders } = read(body)?;
        let lane = self.lane(&pipeline)?;
        let plan = lane.plan();
        find_shop(&plan, &source, &shop).map_err(|why| unknown(&why))?;
        let verdicts = self.desk.settle(&plan, &source, &shop, &orders, how).await.map_err(failed)?;
        let missing = verdicts.iter().filter(|verdict| verdict.fate == Fate::Missing).count();
        if how == How::Deliver && missing > 0 {
            lane.ledger.reconciled(missing);
            tracing::info!(
                pipeline,
                source,
                shop,
                orders = missing,
                "reconciled: orders whose own deliveries are missing are in the journal"
            );
        }
        write(&verdicts)
    }

    fn lane(&self, pipeline: &str) -> Result<Arc<LaneStatus>, (u16, String)> {
        let none = || (404, format!("the running Cartwire has no pipeline `{pipeline}`"));
        self.board.lane(pipeline).ok_or_else(none)
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, (u16, String)> {
    serde_json::from_slice(body).map_err(|error| (400, error.to_string()))
}

fn write(answer: &impl Serialize) -> Result<String, (u16, String)> {
    serde_json::to_string(answer).map_err(|error| failed(error.to_string()))
}

fn failed(why: String) -> (u16, String) {
    (500, why)
}

/// Its pipelines are those of its last good reload, which may be older than the files.
fn unknown(why: &str) -> (u16, String) {
    (409, format!("{why} as it runs there; if the file says otherwise, its log tells why that was not taken up"))
}
