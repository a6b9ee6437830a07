//! What a run asks of the outside: a request as a value, and its answer as a value.
//!
//! A step that needs an answer it does not have names the [`Lookup`] and ends; whoever runs the pipeline performs it and runs
//! the delivery again with the answer at hand. So nothing that runs events ever waits, and a fixture answers from a list.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// A request whose answer a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Upper-case method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Headers that go along: lower-case name, value. May hold secrets; never shown.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How long one attempt may take.
    pub timeout_ms: u64,
    /// How long the answer may serve others who ask the same; 0: not at all.
    pub cache_ms: u64,
    /// What the part that asks may reach, and how fast.
    pub access: Arc<Access>,
}

/// What a part may reach over the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Hosts as they are listed: `api.example.com`, `*.example.com`, `host:port`, an address, or a network `10.0.0.0/8`.
    pub allow: Vec<String>,
    /// Requests per second to one host; 0: as many as come.
    pub per_second: u32,
    /// Requests under way to one host at once.
    pub concurrent: u32,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The status; 0 when there was no answer.
    pub status: u16,
    /// Headers: lower-case name, value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// What tells one lookup from another.
pub type LookupKey = [u8; 32];

impl Lookup {
    /// Equal for two lookups that ask the same. Covers headers, since an answer may depend on who asks, and what the asker may
    /// reach, since an answer from an address that one part lists is not for another that does not.
    pub fn key(&self) -> LookupKey {
        let mut hasher = Sha256::new();
        let mut put = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        put(self.method.as_bytes());
        put(self.url.as_bytes());
        put(&self.headers.len().to_le_bytes());
        for (name, value) in &self.headers {
            put(name.as_bytes());
            put(value.as_bytes());
        }
        put(&self.body);
        for entry in &self.access.allow {
            put(entry.as_bytes());
        }
        hasher.finalize().into()
    }

    /// Whether the method promises that asking changes nothing, so that a failed request may be made again.
    pub fn is_repeatable(&self) -> bool {
        matches!(&*self.method, "GET" | "HEAD" | "OPTIONS")
    }

    /// Whether it is only asked, so that others who ask the same may have the answer, and that it may be asked before its time. Of a
    /// post the asker says so by letting the answer be kept: two equal posts may be meant to be two.
    pub fn is_question(&self) -> bool {
        self.cache_ms > 0 || self.is_repeatable()
    }

    /// Method and address without the query, which may hold a secret: for logs.
    pub fn shown(&self) -> String {
        let address = self.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {address}", self.method)
    }
}

/// The answers that a run has at hand.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    known: BTreeMap<LookupKey, Arc<Answer>>,
    /// No further lookups: the run has asked for too many.
    pub exhausted: bool,
}

/// Different lookups that one run of a step may need: for one event, or for all that it takes at once.
pub const CHAIN_MAX: usize = 32;

/// How often a delivery is run to learn what it needs. More than its longest chain, because what changes something is asked for one
/// event after another.
pub const ROUNDS_MAX: usize = 4096;

/// Why a lookup is not made. No failure of the network: asking again later would end in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// The step has asked for [`CHAIN_MAX`] others.
    OfStep,
    /// The delivery was run [`ROUNDS_MAX`] times.
    OfDelivery,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfStep => write!(f, "it needs more than {CHAIN_MAX} different requests for one event"),
            Self::OfDelivery => write!(f, "the delivery needs more than {ROUNDS_MAX} requests one after another"),
        }
    }
}

impl Answers {
    /// The answer, if it is there.
    pub fn get(&self, key: &LookupKey) -> Option<&Arc<Answer>> {
        self.known.get(key)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Puts an answer in.
    pub fn put(&mut self, key: LookupKey, answer: Arc<Answer>) {
        self.known.insert(key, answer);
    }
}

impl Access {
    /// Whether an address may be asked; the error is a sentence. Which machine a name leads to is judged when it is asked.
    pub fn check(&self, url: &str) -> Result<(), String> {
        self.entry(url).map(|_| ())
    }

    /// The entry of the list by which an address may be asked.
    pub fn entry(&self, url: &str) -> Result<&str, String> {
        let parsed = url::Url::parse(url).map_err(|error| format!("`{url}` is no address: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("only http and https are asked, not {}", parsed.scheme()));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("an address must not hold a user name or password: use a header".to_owned());
        }
        let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let port = parsed.port_or_known_default().unwrap_or_default();
        let entry = self.allow.iter().find(|entry| covers(entry, &host, port));
        entry.map(String::as_str).ok_or_else(|| {
            format!("the host `{host}` is not listed: add it to the step's `http: {{ allow: [ {host} ] }}`")
        })
    }

    /// Whether a name may lead to a private address because the list says so in figures: as an address or as a network.
    ///
    /// An entry with a port allows that port only. Which one is asked is not known here, so all entries for the name must have it.
    pub fn allows_private(&self, address: IpAddr, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let ports: Vec<_> =
            self.allow.iter().map(|entry| entry_host(entry)).filter(|(host, _)| covers_host(host, &name)).collect();
        self.allow.iter().map(|entry| entry_host(entry)).any(|(host, port)| {
            let listed = host.trim_matches(['[', ']']);
            let is_listed =
                in_network(address, listed) || listed.parse::<IpAddr>().is_ok_and(|listed| listed == address);
            is_listed && (port.is_none() || ports.iter().all(|(_, asked)| *asked == port))
        })
    }
}

/// What is wrong with an entry of the list: one that is not a host in this form would never match.
pub fn entry_problem(entry: &str) -> Option<String> {
    if entry.contains("://") {
        let host = url::Url::parse(entry).ok().and_then(|url| url.host_str().map(str::to_owned));
        return Some(match host {
            Some(host) => format!("it is an address; write the host alone: {host}"),
            None => "it is an address; write the host alone".to_owned(),
        });
    }
    let (host, port) = entry_host(entry);
    if let Some((base, bits)) = host.split_once('/') {
        let Ok(base) = base.parse::<IpAddr>() else { return Some("it has a path; write the host alone".to_owned()) };
        let width = if base.is_ipv4() { 32 } else { 128 };
        return match bits.parse::<u32>() {
            Ok(bits) if bits <= width => None,
            _ => Some(format!("a network has a width of 0 to {width} bits")),
        };
    }
    if port == Some(0) {
        return Some("0 is no port".to_owned());
    }
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.is_empty() || name.contains('*') {
        return Some("it names no host; `*.` stands before a name only, for all names below it".to_owned());
    }
    match url::Host::parse(name) {
        Ok(url::Host::Domain(_)) if name.contains("..") || name.starts_with('.') => {
            Some("a part of the name is empty".to_owned())
        }
        Ok(url::Host::Domain(ascii)) if ascii.eq_ignore_ascii_case(name) => None,
        Ok(url::Host::Domain(ascii)) => Some(format!("it is asked as {ascii}: write that")),
        Ok(_) if host != name => {
            Some("`*.` stands before names, not before addresses: write a network, as 10.0.0.0/8".to_owned())
        }
        Ok(url::Host::Ipv6(_)) => None,
        Ok(address) if address.to_string() == name => None,
        Ok(address) => Some(format!("it is asked as {address}: write that")),
        Err(_) => match entry.rsplit_once(':') {
            Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(format!("{port} is no port"))
            }
            _ => Some("it is no host".to_owned()),
        },
    }
}

/// Whether an entry of the list covers a host.
fn covers(entry: &str, host: &str, port: u16) -> bool {
    let (name, listed_port) = entry_host(entry);
    if listed_port.is_some_and(|listed| listed != port) {
        return false;
    }
    covers_host(name, host)
}

/// The same without the port. A wildcard stands for names, never for figures.
fn covers_host(name: &str, host: &str) -> bool {
    let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
    let address = host.parse::<IpAddr>();
    match name.strip_prefix("*.") {
        Some(suffix) => {
            address.is_err() && host.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        None => name == host || address.is_ok_and(|address| in_network(address, &name)),
    }
}

/// The host of an entry and its port, if it names one.
fn entry_host(entry: &str) -> (&str, Option<u16>) {
    // `::1` is an address, not a host with a port.
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
        Some((host, Ok(port))) => (host, Some(port)),
        _ => (entry, None),
    }
}

fn in_network(address: IpAddr, network: &str) -> bool {
    let Some((base, bits)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let shared =
        |one: u128, other: u128, width: u32| bits <= width && (bits == 0 || (one ^ other) >> (width - bits) == 0);
    match (address, base) {
        (IpAddr::V4(one), IpAddr::V4(other)) => shared(u32::from(one).into(), u32::from(other).into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => shared(one.into(), other.into(), 128),
        _ => false,
    }
}

/// Whether an address leads to the public network, and not to this machine, its neighbours or something special.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || v4.is_unspecified()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // Global unicast, without documentation (2001:db8::/32) and the ways to write an IPv4 address in it (6to4, Teredo).
            first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0xdb8 || second == 0)) && first != 0x2002
        }
    }
}

#[cfg(test)]
mod tests;
