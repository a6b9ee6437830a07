//! The step `script`: a Rhai script rewrites, drops or multiplies the event.

mod limits;
mod run;

use std::rc::Rc;
use std::sync::Arc;

use super::{Build, Step, StepDef, settings};
use crate::diag::{Diag, did_you_mean};
use crate::lookup::{Access, entry_problem};
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};
use crate::script::{Script, Unit, constant};
use limits::LIMITS;
use run::{Missing, ScriptStep};

const DETAILS: &str = "The script sees `event`, `delivery` and `settings`. What it leaves in `event` goes on, followed by what it \
    added with `track`, `identify` and their like; `event = ();` leaves only those, `drop(\"why\")` leaves nothing. A script that \
    fails emits nothing.\n\n\
    Instead of a body a script can have **handlers**, functions that are called by their name:\n\n\
    - `fn on_track(event, settings, delivery)`, and likewise `on_identify`, `on_page`, `on_screen`, `on_group`, `on_alias`, \
      `on_delete` and `on_set` (object records), is called for the events of its type. What it makes of `event` goes on, given back or \
      not. It can also give another map with a `type`, an array of such maps that go on in its place, or an `outcome::…`. An event \
      whose type has no handler passes; see `missing`.\n\
    - `fn on_request(delivery, settings)` decodes a request (`delivery.json()`, `delivery.form()`, `delivery.text`). It is called once, \
      also where the source makes several events of the request and they reach the step together. They are used up: what the handler \
      emits or gives goes on in place of the first, and the others end as `taken up by on_request`. If it fails, all of them do.\n\
    - `fn on_batch(events, settings, delivery)` is called once for all events of a delivery that reach the step, instead of the handlers \
      by type. It gives an array with an answer for each event, in their order: a map, an array of maps, an `outcome::…`, or `()` for \
      the event as it stands in `events`. If it gives nothing, all go on as they stand in `events`. What it emits leaves with the last \
      event that goes on. What it remembers counts when the run ends well, also where it answers `outcome::retry` for some events: each \
      of these comes again alone, and what that run remembers counts too. What must count once for an event belongs into a handler \
      by type.\n\n\
    An event becomes 1,000 others at most; a handler that gives and emits more makes a dead letter. The last parameters can be left \
    out. A value counts as given after `return`, or at the end without `;`. Statements outside \
    functions run before the handler: imports, and constants, which functions see as `global::NAME`.\n\n\
    A script that lays `settings` over a map of defaults, `let cx = #{ money: \"shop\" }; cx += settings;`, tells their names by it, \
    and a constant `CHOICES`, `const CHOICES = #{ money: [\"shop\", \"presentment\"] };`, what they may be: other names are warnings, \
    other values errors.";

/// The step's definition.
pub(super) static SCRIPT: StepDef = StepDef {
    def: Def {
        name: "script",
        room: Room::Step,
        about: "Rewrites the event with a Rhai script",
        details: DETAILS,
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
                    ty: Type::Options(HTTP, None),
                    default: Default::Absent,
                    about: "What the script's `http::` functions may reach.",
                },
                Opt {
                    name: "retry",
                    ty: Type::Options(RETRY, None),
                    default: Default::Is("{}"),
                    about: "How often, and after how long, an event comes again that the script asks to `retry`.",
                },
                Opt {
                    name: "limits",
                    ty: Type::Options(LIMITS, None),
                    default: Default::Absent,
                    about: "What one run of the script may use up; more makes a dead letter, whatever the script catches.",
                },
                Opt {
                    name: "missing",
                    ty: Type::Word(&["pass", "drop", "reject"]),
                    default: Default::Is("pass"),
                    about: "With handlers, what becomes of an event whose type has none.",
                },
            ],
            short: Some("file"),
        },
        example: "- script:\n    inline: event.properties.checked = true;\n- script:\n    inline: |\n      fn on_identify(event, settings) {\n        \
            event.traits.source = settings.source;\n      }\n    missing: drop\n    http: { allow: [ api.example.com ], per_second: 20, concurrent: 8 }\n    \
            retry: { times: 6, wait: 30s }\n    limits: { time: 1s, operations: 2000000, memory: 256MiB }\n  settings: { source: shop }\n",
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
        about: "Requests to one host per second, of all pipelines together; more wait.",
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

/// The `http` options as a value; without them nothing may be reached.
fn access(options: &Options) -> Result<Arc<Access>, Vec<Diag>> {
    let Some(http) = options.inner("http") else { return Ok(Arc::default()) };
    let wrong = |(value, span): &(OptionValue, crate::diag::Span)| {
        let OptionValue::Text(entry) = value else { return None };
        let problem = entry_problem(entry)?;
        let diag = Diag::error("wrong-value", format!("`{entry}` is no host that can be asked")).help(problem);
        Some(diag.at(options.file(), span.clone()))
    };
    let problems: Vec<_> = http.items("allow").iter().filter_map(wrong).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Access {
        allow: http.texts("allow").into_iter().map(str::to_owned).collect(),
        per_second: http.int("per_second") as u32,
        concurrent: http.int("concurrent") as u32,
    }))
}

fn build(options: &Options, cx: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let scripts_file;
    let unit = match (options.opt_text("file"), options.node("inline")) {
        (Some(name), None) => {
            scripts_file = format!("scripts/{name}");
            let Some(text) = cx.tree.get(&scripts_file) else {
                let mut diag = options.error("file", "script-missing", format!("no script `{scripts_file}`"));
                diag.help = Some(nearest_script(name, cx));
                return Err(vec![diag]);
            };
            Unit { file: &scripts_file, text, node: None, file_text: text }
        }
        (None, Some(node)) => {
            let file = options.file();
            let file_text = cx.tree.get(file).map_or("", |text| text);
            Unit { file, text: node.as_text().unwrap_or_default(), node: Some(node), file_text }
        }
        (Some(_), Some(_)) => {
            return Err(vec![options.error("inline", "script-twice", "`file` and `inline` exclude each other")]);
        }
        (None, None) => {
            let diag = Diag::error("script-missing", "a script needs `file` or `inline`");
            return Err(vec![diag.at(options.file(), options.part_span())]);
        }
    };
    let budget = limits::budget(options)?;
    let access = access(options)?;
    let mut script = cx.host.script(&unit, cx.warnings)?;
    if let Some(budget) = budget {
        script.limit(budget);
    }
    settings::check(options, &script, unit.file, cx);
    cx.warnings.extend(not_allowed(&script, &access, unit.file));
    let missing = match options.text("missing") {
        "drop" => Missing::Drop,
        "reject" => Missing::Reject,
        _ => Missing::Pass,
    };
    if missing != Missing::Pass && script.handlers().by_type().next().is_none() {
        let diag =
            options.error("missing", "no-handlers", "`missing` says nothing of a script without handlers by type");
        return Err(vec![diag.help("write fn on_track(event, settings) { … } in the script, or remove `missing`")]);
    }
    let retry = options.inner("retry");
    Ok(Box::new(ScriptStep {
        script,
        settings: constant(cx.settings.clone()),
        missing,
        run: Rc::clone(cx.host.run()),
        access,
        retries: retry.map_or(0, |retry| retry.int("times") as u32),
        wait_ms: retry.map_or(0, |retry| retry.int("wait") as u64),
    }))
}

/// Warns of addresses that the script asks and that `http` does not allow: each such call would fail.
fn not_allowed(script: &Script, access: &Access, file: &str) -> Vec<Diag> {
    let problem = |(text, is_whole, span): &(String, bool, crate::diag::Span)| {
        let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme));
        // Of an address whose end is worked out, the host is known if it ends here.
        let is_told = match scheme {
            Some(scheme) => *is_whole || text[scheme.len()..].contains(['/', '?', '#']),
            None => *is_whole || text.starts_with('/'),
        };
        let problem = is_told.then(|| access.check(text).err())??;
        Some(Diag::warning("http-host", problem).at(file, span.clone()))
    };
    script.told().addresses.iter().filter_map(problem).collect()
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

#[cfg(test)]
mod tests;
