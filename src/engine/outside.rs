//! Asking the outside: lookups as requests, each host at its pace, equal questions asked once, private addresses refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use super::host::Host;
use super::idle::Idle;
use super::metrics::Metrics;
use super::resolve::Guarded;
use super::transmit::chain;
use crate::check::Canned;
use crate::lookup::{Access, Answer, Lookup, LookupKey};

/// The largest answer that is taken.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Attempts at a request that may be repeated.
const ATTEMPTS: u32 = 3;
/// The longest wait between attempts that a host may ask for; beyond that the script is told.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Answers that are kept, and their bytes in all.
const CACHE_MAX: usize = 10_000;
const CACHE_BYTES_MAX: usize = 64 << 20;

/// Everything that pipelines may ask.
pub(super) struct Outside {
    /// Answers of fixtures, for samples in a dry run.
    canned: Vec<Canned>,
    metrics: Arc<Metrics>,
    /// One client for each list of hosts, which judges the addresses that names lead to.
    clients: Mutex<Idle<Vec<String>, reqwest::Client>>,
    hosts: Mutex<Idle<String, Arc<Host>>>,
    cache: Mutex<Cache>,
    flights: Mutex<HashMap<LookupKey, Arc<OnceCell<Arc<Answer>>>>>,
}

/// An answer, and the numbers of those who asked for it.
pub(super) struct Told {
    pub(super) askers: Vec<usize>,
    pub(super) key: LookupKey,
    pub(super) answer: Arc<Answer>,
}

#[derive(Default)]
struct Cache {
    answers: HashMap<LookupKey, (Instant, Arc<Answer>)>,
    bytes: usize,
}

impl Outside {
    pub(super) fn new(canned: Vec<Canned>, metrics: &Arc<Metrics>) -> Self {
        Self {
            canned,
            metrics: Arc::clone(metrics),
            // A request under way has its own handle of its client, so none needs to stay for it.
            clients: Mutex::new(Idle::new(|_| false)),
            hosts: Mutex::new(Idle::new(|host| Arc::strong_count(host) > 1)),
            cache: Mutex::default(),
            flights: Mutex::default(),
        }
    }

    /// Asks everything at once, for askers by number. Equal questions are asked once, but those that may not be shared once for
    /// each asker: how many deliveries come together is chance, and must not decide how many posts there are.
    pub(super) async fn ask_all(self: &Arc<Self>, needs: Vec<(usize, Lookup)>) -> Vec<Told> {
        let mut asked: HashMap<(LookupKey, Option<usize>), (Vec<usize>, Lookup)> = HashMap::new();
        for (asker, lookup) in needs {
            let alone = (!lookup.is_question()).then_some(asker);
            let (askers, _) = asked.entry((lookup.key(), alone)).or_insert_with(|| (Vec::new(), lookup));
            askers.push(asker);
        }
        let futures: Vec<_> = asked
            .into_iter()
            .map(|((key, _), (askers, lookup))| {
                let outside = Arc::clone(self);
                async move { Told { askers, key, answer: outside.ask(key, &lookup).await } }
            })
            .collect();
        super::join_all(futures).await.into_iter().flatten().collect()
    }

    async fn ask(&self, key: LookupKey, lookup: &Lookup) -> Arc<Answer> {
        if let Some(canned) = self.canned.iter().find(|canned| canned.is_for(lookup)) {
            return Arc::new(canned.answer.clone());
        }
        if let Some(answer) = self.cached(&key) {
            return answer;
        }
        if !lookup.is_question() {
            return Arc::new(self.perform(lookup).await);
        }
        let flight = Arc::clone(lock(&self.flights).entry(key).or_default());
        let answer = Arc::clone(flight.get_or_init(|| self.fly(key, lookup)).await);
        // Whoever comes next asks anew, or finds it in the cache.
        if let Entry::Occupied(known) = lock(&self.flights).entry(key)
            && Arc::ptr_eq(known.get(), &flight)
        {
            known.remove();
        }
        answer
    }

    /// Asks for all who wait, and keeps the answer before the flight ends. So who comes in between finds the flight or the answer.
    async fn fly(&self, key: LookupKey, lookup: &Lookup) -> Arc<Answer> {
        // It may have come since the asker looked, with a flight that has ended.
        if let Some(answer) = self.cached(&key) {
            return answer;
        }
        let answer = Arc::new(self.perform(lookup).await);
        if lookup.cache_ms > 0 && (200..300).contains(&answer.status) {
            self.keep(key, &answer, Duration::from_millis(lookup.cache_ms));
        }
        answer
    }

    /// Forgets all answers.
    pub(super) fn forget(&self) {
        *lock(&self.cache) = Cache::default();
    }

    fn cached(&self, key: &LookupKey) -> Option<Arc<Answer>> {
        let cache = lock(&self.cache);
        let (until, answer) = cache.answers.get(key)?;
        (*until > Instant::now()).then(|| Arc::clone(answer))
    }

    fn keep(&self, key: LookupKey, answer: &Arc<Answer>, ttl: Duration) {
        let mut cache = lock(&self.cache);
        let now = Instant::now();
        if cache.answers.len() >= CACHE_MAX || cache.bytes >= CACHE_BYTES_MAX {
            cache.answers.retain(|_, (until, _)| *until > now);
            if cache.answers.len() >= CACHE_MAX || cache.bytes >= CACHE_BYTES_MAX {
                cache.answers.clear();
            }
            cache.bytes = cache.answers.values().map(|(_, answer)| answer.body.len()).sum();
        }
        cache.bytes += answer.body.len();
        if let Some((_, old)) = cache.answers.insert(key, (now + ttl, Arc::clone(answer))) {
            cache.bytes -= old.body.len();
        }
    }

    /// Asks, and where a repetition harms nobody asks again if the network fails or the host is busy for a moment.
    async fn perform(&self, lookup: &Lookup) -> Answer {
        let failed = |error: String| Answer { error: Some(error), ..Answer::default() };
        // Checked when the lookup was made; once more, where it counts.
        let entry = match lookup.access.entry(&lookup.url) {
            Ok(entry) => entry,
            Err(error) => return failed(error),
        };
        let host = self.host(lookup);
        let client = match self.client(&lookup.access) {
            Ok(client) => client,
            Err(error) => return failed(chain(&error)),
        };
        for attempt in 1.. {
            let _turn = host.turn(lookup.access.per_second, lookup.access.concurrent).await;
            let answer = once(&client, lookup, ANSWER_BYTES_MAX).await;
            host.note(&answer.headers);
            self.metrics.lookup(entry, answer.status);
            let wait = if answer.status == 0 {
                Some(Duration::from_millis(200 << attempt))
            } else if matches!(answer.status, 429 | 502 | 503 | 504) {
                let asked = retry_after(&answer).unwrap_or(Duration::from_millis(500 << attempt));
                if answer.status == 429 {
                    host.pause(asked.min(WAIT_MAX));
                }
                (asked <= WAIT_MAX).then_some(asked)
            } else {
                None
            };
            match wait {
                Some(wait) if attempt < ATTEMPTS && (lookup.is_repeatable() || answer.status == 429) => {
                    tracing::debug!(
                        request = lookup.shown(),
                        status = answer.status,
                        error = answer.error,
                        "asking again"
                    );
                    sleep(wait).await;
                }
                _ => {
                    if let Some(error) = &answer.error {
                        tracing::warn!(request = lookup.shown(), error, "no answer from outside");
                    }
                    return answer;
                }
            }
        }
        failed("no attempt was made".to_owned())
    }

    fn host(&self, lookup: &Lookup) -> Arc<Host> {
        let key = host_name(&lookup.url);
        let (mut hosts, now) = (lock(&self.hosts), Instant::now());
        if let Some(host) = hosts.get(&key, now) {
            return host;
        }
        let host = Arc::<Host>::default();
        hosts.put(key, Arc::clone(&host), now);
        host
    }

    fn client(&self, access: &Arc<Access>) -> reqwest::Result<reqwest::Client> {
        let (mut clients, now) = (lock(&self.clients), Instant::now());
        if let Some(client) = clients.get(&access.allow, now) {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            // A redirect would lead to hosts that nobody listed, and a proxy to addresses that nobody judged.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Guarded(Arc::clone(access))))
            .user_agent(concat!("cartwire/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(50))
            .build()?;
        clients.put(access.allow.clone(), client.clone(), now);
        Ok(client)
    }
}

/// Host and port of an address.
fn host_name(url: &str) -> String {
    reqwest::Url::parse(url).ok().map_or_else(String::new, |url| {
        format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
    })
}

/// Asks once. An answer with a body of more than so many bytes counts as none.
pub(super) async fn once(client: &reqwest::Client, lookup: &Lookup, bytes_max: usize) -> Answer {
    let failed = |error: String| Answer { error: Some(error), ..Answer::default() };
    let Ok(method) = reqwest::Method::from_bytes(lookup.method.as_bytes()) else {
        return failed(format!("`{}` is no HTTP method", lookup.method));
    };
    let mut request = client.request(method, &lookup.url).timeout(Duration::from_millis(lookup.timeout_ms));
    for (name, value) in &lookup.headers {
        request = request.header(name, value);
    }
    if !lookup.body.is_empty() {
        request = request.body(lookup.body.clone());
    }
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failed(chain(&error)),
    };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= bytes_max => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return failed(format!("the answer is larger than {} MiB", bytes_max >> 20)),
            Ok(None) => break,
            Err(error) => return failed(format!("the answer broke off: {}", chain(&error))),
        }
    }
    Answer { status: response.status().as_u16(), headers: texts(response.headers()), body, error: None }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

/// `Retry-After` in seconds.
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    let (_, value) = answer.headers.iter().find(|(name, _)| name == "retry-after")?;
    value.trim().parse::<f64>().ok().filter(|s| (0.0..1e6).contains(s)).map(Duration::from_secs_f64)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
