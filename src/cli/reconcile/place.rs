//! Where the data directory is at work: in a running process, or here.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::samples;
use crate::diag::Diag;
use crate::engine::{Control, Desk, How, Known, KnownAsked, SettleAsked, Verdict};
use crate::pipeline::Plan;
use crate::source::orders::Order;

/// Orders are run through the pipeline before there is an answer, and that may ask the shop several times for each.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Who compares and journals.
pub(super) enum Place {
    /// This process: no other has the directory.
    Here(Desk),
    /// The process that has it.
    There(There),
}

/// A running process.
pub(super) struct There {
    client: reqwest::Client,
    base: String,
    authorization: String,
}

impl Place {
    /// Finds out who has the data directory. `admin`: where the running process is, if that is known better than by its own file.
    pub(super) fn open(dir: &Path, plan: &Plan, admin: Option<SocketAddr>) -> Result<Self, Diag> {
        if !dir.join("journal").is_dir() {
            let message = format!("there is no journal in {}: nothing has run there", dir.display());
            return Err(Diag::error("no-journal", message)
                .help("give the --data-dir of `cartwire run`; before its first run there is nothing to compare with"));
        }
        let failed = |error: String| Diag::error("data-dir", format!("the data directory {}: {error}", dir.display()));
        if let Some(desk) = Desk::open(dir, plan).map_err(failed)? {
            return Ok(Self::Here(desk));
        }
        let control = Control::read(dir).map_err(|error| {
            failed(format!("another process has it and left no readable control.json: {error}"))
                .help("run this as the user that runs Cartwire, of the same version")
        })?;
        let client = samples::client().map_err(|error| failed(error.to_string()))?;
        let base = format!("http://{}", admin.unwrap_or(control.admin));
        Ok(Self::There(There { client, base, authorization: control.authorization() }))
    }

    /// What the journal says of a shop's orders.
    pub(super) async fn known(&self, plan: &Arc<Plan>, source: &str, shop: &str) -> Result<Known, String> {
        match self {
            Self::Here(desk) => desk.known(plan, source, shop).await,
            Self::There(there) => {
                let asked =
                    KnownAsked { pipeline: plan.name.to_string(), source: source.to_owned(), shop: shop.to_owned() };
                there.ask("/reconcile/known", &asked).await
            }
        }
    }

    /// What becomes of orders.
    pub(super) async fn settle(
        &self,
        plan: &Arc<Plan>,
        source: &str,
        shop: &str,
        orders: Vec<Order>,
        how: How,
    ) -> Result<Vec<Verdict>, String> {
        match self {
            Self::Here(desk) => desk.settle(plan, source, shop, &orders, how).await,
            Self::There(there) => {
                let asked = SettleAsked {
                    pipeline: plan.name.to_string(),
                    source: source.to_owned(),
                    shop: shop.to_owned(),
                    how,
                    orders,
                };
                there.ask("/reconcile/orders", &asked).await
            }
        }
    }

    /// What the user should know of what was journaled.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Here(_) => "they are in the journal: the next `cartwire run` sends them",
            Self::There(_) => "the running Cartwire sends them",
        }
    }

    /// Ends.
    pub(super) fn close(self) {
        if let Self::Here(desk) = self {
            desk.close();
        }
    }
}

impl There {
    async fn ask<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, String> {
        let url = format!("{}{path}", self.base);
        let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
        let request = self.client.post(&url).timeout(TIMEOUT).header("authorization", &self.authorization);
        let response = request.header("content-type", "application/json").body(body).send().await.map_err(|_| {
            format!("a running Cartwire has the data directory, but does not answer at {url}: give its --admin address")
        })?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            return serde_json::from_str(&text)
                .map_err(|error| format!("the running Cartwire answered nonsense: {error}"));
        }
        Err(format!("the running Cartwire refuses ({status}): {}", text.trim()))
    }
}
