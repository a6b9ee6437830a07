//! The step `script`: a Rhai script rewrites, drops or multiplies the event.

use std::rc::Rc;
use std::sync::Arc;

use rhai::Dynamic;

use super::{Build, Context, Flow, Hold, Step, StepDef, StepError, script_failure, settings};
use crate::diag::{Diag, did_you_mean};
use crate::event::Event;
use crate::json::Mask;
use crate::lookup::Access;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::script::{Failure, Input, Run, Script, Unit, constant};

/// The step's definition.
pub(super) static SCRIPT: StepDef = StepDef {
    def: Def {
        name: "script",
        room: Room::Step,
        about: "Rewrites the event with a Rhai script",
        details: "The script sees `event`, `delivery` and `settings`. What it leaves in `event` goes on, followed by what it added with \
                  `track`, `identify` and their like; `event = ();` leaves only those, `drop(\"why\")` leaves nothing. A script that \
                  fails emits nothing.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "file",
                    ty: Type::ScriptFile,
                    default: Default::Absent,
                    about: "The script, relative to scripts/. This or `inline`.",
                },
                Opt {
                    name: "inline",
                    ty: Type::Code,
                    default: Default::Absent,
                    about: "The script itself. This or `file`.",
                },
                Opt {
                    name: "http",
                    ty: Type::Group(HTTP),
                    default: Default::Absent,
                    about: "What the script's `http::` functions may reach.",
                },
                Opt {
                    name: "retry",
                    ty: Type::Group(RETRY),
                    default: Default::Is("{}"),
                    about: "How often, and after how long, an event comes again that the script asks to `retry`.",
                },
            ],
            short: Some("file"),
        },
        example: "- script:\n    inline: event.properties.checked = true;\n    \
                  http: { allow: [ api.example.com ], per_second: 20, concurrent: 8 }\n    \
                  retry: { times: 6, wait: 30s }\n",
    },
    build,
};

/// What `http::` may reach.
const HTTP: &[Opt] = &[
    Opt {
        name: "allow",
        ty: Type::List(&Type::Text),
        default: Default::Required,
        about: "Hosts: `api.example.com`, `*.example.com`, `host:port`. A name that leads to a private address is refused, unless \
                the address or its network (`10.0.0.0/8`) is listed too.",
    },
    Opt {
        name: "per_second",
        ty: Type::Int(1, 10_000),
        default: Default::Is("20"),
        about: "Requests to one host per second, of all scripts together; more wait.",
    },
    Opt {
        name: "concurrent",
        ty: Type::Int(1, 256),
        default: Default::Is("8"),
        about: "Requests to one host at once.",
    },
];

/// When a retried event comes again.
const RETRY: &[Opt] = &[
    Opt {
        name: "times",
        ty: Type::Int(0, 100),
        default: Default::Is("6"),
        about: "How often it comes again before it is a dead letter.",
    },
    Opt {
        name: "wait",
        ty: Type::Duration,
        default: Default::Is("30s"),
        about: "How long it waits the first time. The wait doubles from time to time, up to 20 minutes, unless the script says \
                how long.",
    },
];

/// The longest wait that comes of doubling.
const WAIT_MS_MAX: u64 = 20 * 60 * 1000;

/// The `http` options as a value; without them nothing may be reached.
pub(super) fn access(options: &Options) -> Arc<Access> {
    let Some(http) = options.group("http") else { return Arc::default() };
    Arc::new(Access {
        allow: http.texts("allow").into_iter().map(str::to_owned).collect(),
        per_second: http.int("per_second") as u32,
        concurrent: http.int("concurrent") as u32,
    })
}

fn build(options: &Options, cx: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let script = match (options.opt_text("file"), options.node("inline")) {
        (Some(name), None) => {
            let file = format!("scripts/{name}");
            let Some(text) = cx.tree.get(&file) else {
                let mut diag = options.error("file", "script-missing", format!("no script `{file}`"));
                diag.help = Some(nearest_script(name, cx));
                return Err(vec![diag]);
            };
            cx.host.script(&Unit { file: &file, text, node: None, file_text: text }, cx.warnings)?
        }
        (None, Some(node)) => {
            let file = options.file();
            let text = node.as_text().unwrap_or_default();
            let file_text = cx.tree.get(file).map_or("", |text| text);
            cx.host.script(&Unit { file, text, node: Some(node), file_text }, cx.warnings)?
        }
        (Some(_), Some(_)) => {
            return Err(vec![options.error("inline", "script-twice", "`file` and `inline` exclude each other")]);
        }
        (None, None) => {
            let diag = Diag::error("script-missing", "a script needs `file` or `inline`");
            return Err(vec![diag.at(options.file(), options.part_span())]);
        }
    };
    settings::check(options, cx);
    let retry = options.group("retry");
    Ok(Box::new(ScriptStep {
        script,
        settings: constant(cx.settings.clone()),
        run: Rc::clone(cx.host.run()),
        access: access(options),
        retries: retry.map_or(0, |retry| retry.int("times") as u32),
        wait_ms: retry.map_or(0, |retry| retry.int("wait") as u64),
    }))
}

/// What to write instead of the name of a script that is not there.
fn nearest_script(name: &str, cx: &Build<'_>) -> String {
    let names: Vec<&str> = cx
        .tree
        .below("scripts")
        .filter_map(|(path, _)| path.strip_prefix("scripts/"))
        .filter(|path| path.rsplit_once('.').is_some_and(|(_, end)| end == "rhai"))
        .collect();
    let bare = name.trim_start_matches("./").trim_start_matches("scripts/").trim_end_matches(".rhai");
    let file_name = |path: &str| path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rhai").to_owned();
    let same = names.iter().copied().find(|path| path.trim_end_matches(".rhai") == bare);
    let near = same
        .or_else(|| did_you_mean(&format!("{bare}.rhai"), names.iter().copied()))
        .or_else(|| names.iter().copied().find(|path| file_name(path) == file_name(bare)));
    match near {
        Some(near) => format!("did you mean `{near}`? Names of scripts begin below scripts/"),
        None if names.is_empty() => "scripts are the .rhai files below scripts/; there are none".to_owned(),
        None => format!("there are {}", names.join(", ")),
    }
}

struct ScriptStep {
    script: Script,
    settings: Dynamic,
    run: Rc<Run>,
    access: Arc<Access>,
    retries: u32,
    wait_ms: u64,
}

impl ScriptStep {
    /// The event waits, as it came to the step, until it is its turn again; or it has had its turns.
    fn retry(&self, event: Event, failure: Failure, cx: &Context<'_>) -> Result<Flow, StepError> {
        let Failure::Retry { reason, after_ms, place, logs } = failure else { return Err(script_failure(failure)) };
        if cx.attempt >= self.retries {
            let times = cx.attempt + 1;
            let reason = format!("{reason} (given up after {times} run{})", if times == 1 { "" } else { "s" });
            return Err(StepError { place, logs, ..StepError::new("retries-exhausted", reason) });
        }
        let doubled = self.wait_ms.saturating_mul(1 << cx.attempt.min(20)).min(WAIT_MS_MAX.max(self.wait_ms));
        let wait_ms = i64::try_from(after_ms.unwrap_or(doubled)).unwrap_or(i64::MAX);
        Ok(Flow::Hold(event, Hold { until_ms: cx.now_ms.saturating_add(wait_ms), wake: None, reason }))
    }
}

impl Step for ScriptStep {
    fn reads(&self) -> Mask {
        self.script.reads()
    }

    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        // Few scripts ask to be run again: only for those is the event kept as it came.
        let spare = self.script.may_retry().then(|| event.clone());
        let Event { value, tape, origin } = event;
        self.run.allow(&self.access);
        let input = Input {
            event: value,
            delivery: cx.delivery,
            identity: cx.identity,
            origin,
            settings: &self.settings,
            now_ms: cx.now_ms,
        };
        match self.script.run(input) {
            Ok(ran) => {
                cx.logs.extend(ran.logs);
                if ran.emitted.is_empty()
                    && let Some(value) = ran.event
                {
                    return Ok(Flow::Next(Event { value, tape, origin }));
                }
                let values = ran.event.into_iter().chain(ran.emitted);
                Ok(Flow::Fork(values.map(|value| Event { value, tape: tape.clone(), origin }).collect()))
            }
            Err(failure) => {
                cx.logs.extend_from_slice(failure.logs());
                match failure {
                    Failure::Drop { reason, .. } => Ok(Flow::Drop(reason)),
                    Failure::Need => Ok(Flow::Need),
                    other => match spare {
                        Some(event) => self.retry(event, other, cx),
                        None => Err(script_failure(other)),
                    },
                }
            }
        }
    }
}
