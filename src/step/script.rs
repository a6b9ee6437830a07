//! The step `script`: a Rhai script rewrites, drops or multiplies the event.

use rhai::Dynamic;

use super::{Build, Context, Flow, Step, StepDef, StepError, script_failure, settings};
use crate::diag::{Diag, did_you_mean};
use crate::event::Event;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::script::{Failure, Input, Script, Unit, constant};

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
            ],
            short: Some("file"),
        },
        example: "- script:\n    inline: event.properties.checked = true;\n",
    },
    build,
};

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
    Ok(Box::new(ScriptStep { script, settings: constant(cx.settings.clone()) }))
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
}

impl Step for ScriptStep {
    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let Event { value, tape, origin, targets } = event;
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
                    return Ok(Flow::Next(Event { value, tape, origin, targets }));
                }
                let values = ran.event.into_iter().chain(ran.emitted);
                let made = |value| Event { value, tape: tape.clone(), origin, targets: targets.clone() };
                Ok(Flow::Fork(values.map(made).collect()))
            }
            Err(mut failure) => {
                cx.logs.extend(failure.take_logs());
                match failure {
                    Failure::Drop { reason, .. } => Ok(Flow::Drop(reason)),
                    other => Err(script_failure(other)),
                }
            }
        }
    }
}
