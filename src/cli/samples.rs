//! Posting fixture deliveries, signed as their senders would, to a running engine.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::check::{self, Given};
use crate::engine::Engine;
use crate::pipeline::{Plan, SourcePart};
use crate::source::{Input, Sample};

/// A source's id and address, for people.
pub(super) fn place(part: &SourcePart) -> String {
    match part.source.input() {
        Input::Http { path, below: true } => format!("{} at {}/…", part.id, path.trim_end_matches('/')),
        Input::Http { path, .. } => format!("{} at {path}", part.id),
        Input::Files(input) => format!("{} reads {}", part.id, input.paths.join(", ")),
    }
}

/// The path a sample is posted to.
pub(super) fn target(part: &SourcePart, sample: &Sample) -> Option<String> {
    let Input::Http { path, .. } = part.source.input() else { return None };
    let mut target = format!("{}{}", path.trim_end_matches('/'), sample.path);
    if target.is_empty() {
        target.push('/');
    }
    if !sample.query.is_empty() {
        target.push('?');
        target.push_str(&sample.query);
    }
    Some(target)
}

/// Completes a fixture's delivery for a source. `None` if it names another source or needs no signature.
pub(super) fn sign(plan: &Plan, given: &Given, now_ms: i64) -> Option<(usize, Sample)> {
    let index = plan.sources.iter().position(|part| given.is_for(part))?;
    let mut sample = given.sample();
    if given.sign {
        plan.sources[index].source.sign(&mut sample, now_ms);
    }
    Some((index, sample))
}

/// Sends all fixtures' deliveries of all pipelines. Returns how many were not accepted.
pub(super) async fn send_all(engine: &Engine, dir: &Path) -> usize {
    let mut tree = crate::tree::Tree::new();
    let (cases, problems) = check::load(dir, &mut tree);
    for diag in &problems {
        tracing::warn!("{diag}");
    }
    let Ok(client) = client() else { return 1 };
    let mut failed = 0;
    for plan in &engine.plans {
        for case in check::samples(&cases, &plan.name) {
            for given in &case.given {
                // A delivery that is meant to be refused is no sample.
                if given.status.is_some_and(|status| status >= 300) {
                    continue;
                }
                let Some((index, sample)) = sign(plan, given, now_ms()) else { continue };
                let Some(path) = target(&plan.sources[index], &sample) else { continue };
                match post(&client, &format!("http://{}{path}", engine.listen), sample).await {
                    Ok(status) if (200..300).contains(&status) => {
                        tracing::info!(pipeline = %plan.name, case = case.name, status, "sample sent");
                    }
                    Ok(status) => {
                        failed += 1;
                        tracing::error!(pipeline = %plan.name, case = case.name, status, "sample refused");
                    }
                    Err(error) => {
                        failed += 1;
                        tracing::error!(pipeline = %plan.name, case = case.name, %error, "sample not sent");
                    }
                }
            }
        }
    }
    failed
}

/// A client for samples.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build()
}

/// Posts one sample and gives the status.
pub(super) async fn post(client: &reqwest::Client, url: &str, sample: Sample) -> Result<u16, String> {
    let method = reqwest::Method::from_bytes(sample.method.as_bytes()).map_err(|error| error.to_string())?;
    let mut request = client.request(method, url).body(sample.body);
    for (name, value) in sample.headers {
        request = request.header(name, value);
    }
    request.send().await.map(|response| response.status().as_u16()).map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        text
    })
}

pub(super) fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
