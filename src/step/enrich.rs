//! Step `enrich`: what a service knows, put into the event.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Build, Context, Flow, Hold, Step, StepDef, StepError, paths, template};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::{self, Mask};
use crate::lookup::{Access, Answer, Lookup};
use crate::path::{Path, Template};
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};

/// What stays as it is when a value goes into an address.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Waits before an event that could not be enriched comes again: the first, the longest, how many.
const WAIT_MS: i64 = 30_000;
const WAIT_MS_MAX: i64 = 20 * 60 * 1000;
const TIMES: u32 = 6;

/// The definition of `enrich`.
pub(super) static ENRICH: StepDef = StepDef {
    def: Def {
        name: "enrich",
        room: Room::Step,
        about: "Asks a service by HTTP and puts its answer into the event",
        details: "The answer's JSON, or what stands in it at `take`, is set at `into`. Equal questions are asked once at a time, and \
                  once in the time of `cache`. An event without one of the address's fields goes on as it is, and so does one for \
                  which the service says 404 or has nothing at `take`. The host of the address is the only one that is asked; \
                  name it in full, or list it under `allow`. For more, call `http::get` in a script.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "get",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "The address, with field paths in braces; their values are percent-encoded.",
                },
                Opt { name: "into", ty: Type::Path, default: Default::Required, about: "Where the answer goes." },
                Opt {
                    name: "take",
                    ty: Type::Path,
                    default: Default::Absent,
                    about: "What of the answer: a path in its JSON. All of it if not given.",
                },
                Opt {
                    name: "headers",
                    ty: Type::Map(&Type::Secret),
                    default: Default::Absent,
                    about: "Headers that go along, as `authorization: \"Bearer ${API_TOKEN}\"`.",
                },
                Opt {
                    name: "cache",
                    ty: Type::Duration,
                    default: Default::Is("10m"),
                    about: "How long an answer serves for equal questions; `0s` to ask each time.",
                },
                Opt {
                    name: "timeout",
                    ty: Type::Duration,
                    default: Default::Is("5s"),
                    about: "How long one attempt may take.",
                },
                Opt {
                    name: "failure",
                    ty: Type::Word(&["retry", "pass", "dead_letter"]),
                    default: Default::Is("retry"),
                    about: "What becomes of an event when the service does not answer, or with another status than 2xx and 404: it \
                            waits and asks again (six times, at last a dead letter), goes on as it is, or is a dead letter.",
                },
                Opt {
                    name: "allow",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "Hosts that may be asked, as in a script's `http.allow`; the address's own if not given.",
                },
                Opt {
                    name: "per_second",
                    ty: Type::Int(1, 10_000),
                    default: Default::Is("20"),
                    about: "Requests to one host per second, of all pipelines together; more wait.",
                },
                Opt {
                    name: "concurrent",
                    ty: Type::Int(1, 256),
                    default: Default::Is("8"),
                    about: "Requests to one host at once.",
                },
            ],
            short: None,
        },
        example: "- enrich:\n    get: \"https://api.example.com/customers/{userId}?fields=plan\"\n    into: traits.plan\n    \
                  take: customer.plan\n    headers: { authorization: \"Bearer ${API_TOKEN}\" }\n    cache: 1h\n    timeout: 2s\n    \
                  failure: pass\n    allow: [ api.example.com ]\n    per_second: 10\n    concurrent: 4\n",
    },
    build,
};

struct Enrich {
    url: Template,
    into: Path,
    take: Option<Path>,
    headers: Vec<(String, String)>,
    cache_ms: u64,
    timeout_ms: u64,
    failure: Failing,
    access: Arc<Access>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    Retry,
    Pass,
    DeadLetter,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let url = template::read("get", options, build).map_err(|diag| vec![diag])?;
    let into =
        paths::read_singular(options.text("into"), &options.span("into"), options, build).map_err(|d| vec![d])?;
    let take = match options.opt_text("take") {
        Some(text) => Some(Path::parse(text).map_err(|error| {
            vec![options.error("take", "bad-path", format!("`{text}` is not a path in the answer: {error}"))]
        })?),
        None => None,
    };
    let headers = options
        .entries("headers")
        .iter()
        .filter_map(|(name, _, value, _)| match value {
            OptionValue::Secret(secret) => Some((name.to_ascii_lowercase(), secret.reveal().to_owned())),
            _ => None,
        })
        .collect();
    let mut allow: Vec<String> = options.texts("allow").into_iter().map(str::to_owned).collect();
    if allow.is_empty() {
        allow.push(host(&url, options)?);
    }
    let failure = match options.text("failure") {
        "pass" => Failing::Pass,
        "dead_letter" => Failing::DeadLetter,
        _ => Failing::Retry,
    };
    let access =
        Access { allow, per_second: options.int("per_second") as u32, concurrent: options.int("concurrent") as u32 };
    Ok(Box::new(Enrich {
        url,
        into,
        take,
        headers,
        cache_ms: options.int("cache") as u64,
        timeout_ms: (options.int("timeout") as u64).clamp(1, 60_000),
        failure,
        access: Arc::new(access),
    }))
}

/// The host of the address, where no field decides about it.
fn host(url: &Template, options: &Options) -> Result<String, Vec<Diag>> {
    let fixed = url.fixed_start();
    let rest = fixed.strip_prefix("https://").or_else(|| fixed.strip_prefix("http://"));
    let Some(rest) = rest else {
        let diag = options.error("get", "wrong-value", "the address begins with http:// or https://");
        return Err(vec![diag]);
    };
    match rest.split_once(['/', '?', '#']) {
        Some((host, _)) if !host.is_empty() => Ok(host.to_owned()),
        None if url.paths().next().is_none() && !rest.is_empty() => Ok(rest.to_owned()),
        _ => {
            let diag = options.error("get", "wrong-value", "a field decides which host is asked");
            Err(vec![diag.help("list the hosts that may be asked under `allow`")])
        }
    }
}

impl Step for Enrich {
    fn reads(&self) -> Mask {
        let mut mask = paths::filled(&self.url);
        mask.merge(&paths::ways([&self.into]));
        mask
    }

    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let encode = |value: &str, out: &mut String| out.extend(utf8_percent_encode(value, KEPT));
        let Some(url) = self.url.fill(&event.value, encode) else { return Ok(Flow::Next(event)) };
        self.access.check(&url).map_err(|why| StepError::new("not-allowed", why))?;
        let lookup = Lookup {
            method: "GET".to_owned(),
            url,
            headers: self.headers.clone(),
            body: Vec::new(),
            timeout_ms: self.timeout_ms,
            cache_ms: self.cache_ms,
            access: Arc::clone(&self.access),
        };
        let answer = cx.session.answer(&lookup.key(), || lookup.clone());
        let answer = answer.map_err(|too_many| StepError::new("too-many-lookups", too_many.to_string()))?;
        let Some(answer) = answer else { return Ok(Flow::Need) };
        match self.read(&answer) {
            Ok(Some(value)) => {
                self.into.set(&mut event.value, value).map_err(|error| paths::blocked(&error))?;
                Ok(Flow::Next(event))
            }
            Ok(None) => Ok(Flow::Next(event)),
            Err(why) => self.failed(event, why, cx),
        }
    }
}

impl Enrich {
    /// The value in an answer; `None` if the service knows nothing.
    fn read(&self, answer: &Answer) -> Result<Option<rhai::Dynamic>, String> {
        match answer.status {
            404 => return Ok(None),
            200..300 => {}
            0 => return Err(answer.error.clone().unwrap_or_else(|| "no answer".to_owned())),
            status => return Err(format!("it answered {status}")),
        }
        let value = json::decode_plain(&answer.body, &json::Limits::default())
            .map_err(|error| format!("its answer is no JSON: {error}"))?;
        Ok(match &self.take {
            Some(path) => path.get(&value).filter(|value| !value.is_unit()),
            None => Some(value),
        })
    }

    fn failed(&self, event: Event, why: String, cx: &Context<'_>) -> Result<Flow, StepError> {
        match self.failure {
            Failing::Pass => Ok(Flow::Next(event)),
            Failing::Retry if cx.attempt < TIMES => {
                let wait_ms = (WAIT_MS << cx.attempt).min(WAIT_MS_MAX);
                Ok(Flow::Hold(event, Hold { until_ms: cx.now_ms + wait_ms, wake: Vec::new(), reason: why }))
            }
            Failing::Retry | Failing::DeadLetter => Err(StepError::new("enrich-failed", why)),
        }
    }
}
