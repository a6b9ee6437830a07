//! `http::`: requests to hosts that the step lists. The script ends at the first one whose answer is not there, and is run again
//! from its beginning when it is; scripts are transactional, so nobody sees the difference.

use std::rc::Rc;

use rhai::{Dynamic, Map};

use super::{Fun, Native, arg, put};
use crate::json::{self, Limits, Tape};
use crate::lookup::{Answer, Lookup};
use crate::script::fault::fault;
use crate::script::run::{Ending, Run};

/// How long an attempt may take if nothing is said.
const TIMEOUT_MS: u64 = 5000;
/// The longest that an attempt may take.
const TIMEOUT_MS_MAX: u64 = 60_000;
/// Headers that the client itself sets, or that would let a request pose as another.
const FORBIDDEN: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "proxy-authorization"];
const OPTIONS: [&str; 3] = ["headers", "cache", "timeout"];

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "http::get",
        signature: "http::get(url, options?) -> answer",
        about: "Asks a host that the step's `http.allow` lists. The answer is a map with `status`, `ok` (any 2xx), `headers` \
                (lower-case names), `text` and `body` (parsed if it is JSON). No status is an error; without any answer, `status` is 0 and `error` says why. \
                Options: `headers`, `timeout` (`5s`), `cache` (for how long the answer may serve equal requests). Redirects are \
                not followed. One run of a script, so one event (or one call of `on_batch`), may ask 32 different requests; with more \
                it ends as `script-limit-lookups`, a dead letter. For many at once, ask a service for a list.",
        example: r#"if false { event.properties.plan = http::get("https://api.example.com/users/" + event.userId, #{ cache: "10m" }).body.plan }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "get", move |url: &str| request(&run, "GET", url, &Dynamic::UNIT, Map::new()));
            let run = Rc::clone(&lib.run);
            put(module, "get", move |url: &str, options: Map| request(&run, "GET", url, &Dynamic::UNIT, options));
        },
    },
    Fun {
        name: "http::post",
        signature: "http::post(url, body, options?) -> answer",
        about: "Sends a body: a map or an array as JSON, a text as it is. Answer and options as with `http::get`. Each delivery \
                makes its own request, and equal ones only once; where a pipeline remembers, they are made one after another. With `cache`, a \
                post is taken for a question, as a query in GraphQL is: its answer serves other deliveries too. A delivery that is \
                run again, as after a crash, asks again: post only what may be asked twice.",
        example: r#"if false { log::info(http::post("https://api.example.com/enrich", #{ email: "jane@example.com" }).status) }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "post", move |url: &str, body: Dynamic| request(&run, "POST", url, &body, Map::new()));
            let run = Rc::clone(&lib.run);
            put(module, "post", move |url: &str, body: Dynamic, options: Map| {
                request(&run, "POST", url, &body, options)
            });
        },
    },
    Fun {
        name: "http::request",
        signature: "http::request(method, url, body, options?) -> answer",
        about: "The same with any method; `()` is no body.",
        example: r#"if false { log::info(http::request("PUT", "https://api.example.com/x", #{ a: 1 }, #{ timeout: "2s" }).status) }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "request", move |method: &str, url: &str, body: Dynamic| {
                request(&run, method, url, &body, Map::new())
            });
            let run = Rc::clone(&lib.run);
            put(module, "request", move |method: &str, url: &str, body: Dynamic, options: Map| {
                request(&run, method, url, &body, options)
            });
        },
    },
];

fn request(run: &Rc<Run>, method: &str, url: &str, body: &Dynamic, options: Map) -> Native {
    let lookup = lookup(run, method, url, body, options)?;
    run.charge(100)?;
    match run.session().answer(&lookup.key(), || lookup.clone()) {
        Ok(Some(answer)) => value(run, &answer),
        Ok(None) => Err(run.finish_with(Ending::Need)),
        // Not an answer without a status: scripts ask again later where the network fails, and this would never end otherwise.
        Err(too_many) => {
            Err(run.finish_with(Ending::Limit { code: "script-limit-lookups", message: too_many.to_string() }))
        }
    }
}

fn lookup(run: &Run, method: &str, url: &str, body: &Dynamic, mut options: Map) -> Native<Lookup> {
    let access = run.access();
    access.check(url).map_err(fault)?;
    let method = method.to_ascii_uppercase();
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(fault(format!("`{method}` is no HTTP method")));
    }
    if let Some(unknown) = options.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        return Err(fault(format!("a request has no option `{unknown}`; there are {}", OPTIONS.join(", "))));
    }
    let mut headers = Vec::new();
    if let Some(given) = options.remove("headers") {
        for (name, value) in arg::map(given, "headers")? {
            let name = name.to_ascii_lowercase();
            let Some(value) = arg::text(&value, "a header")? else { continue };
            let named = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte));
            if !named || FORBIDDEN.contains(&name.as_str()) {
                return Err(fault(format!("a request cannot have the header `{name}`")));
            }
            if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 127) {
                return Err(fault(format!("the value of the header `{name}` has control characters")));
            }
            headers.push((name, value.to_string()));
        }
    }
    let duration =
        |value: Option<Dynamic>, default| value.map_or(Ok(default), |value| arg::duration_ms(&value, "a request"));
    let cache_ms = duration(options.remove("cache"), 0)?;
    let timeout_ms = duration(options.remove("timeout"), TIMEOUT_MS)?.clamp(1, TIMEOUT_MS_MAX);
    let body = encode(body, &mut headers)?;
    run.charge_bytes(body.len())?;
    Ok(Lookup { method, url: url.to_owned(), headers, body, timeout_ms, cache_ms, access })
}

/// The body, and the content type that goes with it.
fn encode(body: &Dynamic, headers: &mut Vec<(String, String)>) -> Native<Vec<u8>> {
    if body.is_unit() {
        return Ok(Vec::new());
    }
    if let Some(text) = body.read_lock::<rhai::ImmutableString>() {
        return Ok(text.as_bytes().to_vec());
    }
    let mut out = Vec::new();
    json::encode(body, &Tape::default(), &mut out).map_err(|error| fault(format!("the body: {error}")))?;
    if !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    Ok(out)
}

/// The answer as scripts see it.
fn value(run: &Run, answer: &Answer) -> Native {
    run.charge_bytes(answer.body.len() * 2)?;
    let text = String::from_utf8_lossy(&answer.body);
    let parsed = json::decode_plain(&answer.body, &Limits::default()).ok();
    let mut map = Map::new();
    map.insert("status".into(), Dynamic::from_int(i64::from(answer.status)));
    let headers: Map =
        answer.headers.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    map.insert("headers".into(), headers.into());
    map.insert("body".into(), parsed.unwrap_or_else(|| text.as_ref().into()));
    map.insert("text".into(), text.as_ref().into());
    map.insert("ok".into(), (200..300).contains(&answer.status).into());
    if let Some(error) = &answer.error {
        map.insert("error".into(), error.as_str().into());
    }
    Ok(map.into())
}
