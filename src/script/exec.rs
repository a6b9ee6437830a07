//! A compiled script and a compiled condition, and how they run.

use std::cell::RefCell;
use std::rc::Rc;

use rhai::{AST, Dynamic, EvalAltResult, Scope};

use super::check::Facts;
use super::delivery::DeliveryView;
use super::fault::failure;
use super::host::Host;
use super::mask;
use super::outcome::{Failure, Input, Ran, ScriptError};
use super::place::{Places, Unit};
use crate::event::{Delivery, Origin};
use crate::json::Mask;

/// Makes a value that scripts can read and not change, and that is handed to a run without a copy: for `settings`.
pub fn constant(value: Dynamic) -> Dynamic {
    value.flatten().into_read_only().into_shared()
}

/// What both kinds share: the tree of the script and what it mentions.
struct Code {
    host: Rc<Host>,
    ast: AST,
    places: Places,
    number: u32,
    needs_delivery: bool,
    needs_settings: bool,
    /// Reused from run to run, so that its buffers are.
    scope: RefCell<Scope<'static>>,
}

impl Code {
    fn new(host: &Rc<Host>, ast: AST, found: &Facts, unit: &Unit<'_>) -> Self {
        Self {
            host: Rc::clone(host),
            ast,
            places: unit.places(),
            number: host.next_script(),
            needs_delivery: found.mentions("delivery"),
            needs_settings: found.mentions("settings"),
            scope: RefCell::new(Scope::new()),
        }
    }

    /// Runs with the event moved into the scope and out again.
    fn evaluate(&self, input: Input<'_>) -> (Result<Dynamic, Box<EvalAltResult>>, Dynamic) {
        let Input { event, delivery, identity, origin, settings, now_ms } = input;
        let run = self.host.run();
        let mut scope = self.scope.borrow_mut();
        if self.needs_settings {
            scope.push_constant_dynamic("settings", settings.clone());
        }
        if self.needs_delivery {
            let view = DeliveryView::new(run.share_delivery(delivery), identity);
            scope.push_constant_dynamic("delivery", Dynamic::from(view));
        }
        scope.push_dynamic("event", event);
        run.begin(now_ms, identity, origin, self.number);
        let result = self.host.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        let event = scope.remove::<Dynamic>("event").unwrap_or_default().flatten();
        scope.rewind(0);
        (result, event)
    }

    fn failed(&self, failure: Failure) -> Failure {
        self.host.note_failure(&failure);
        failure
    }
}

/// A compiled script.
pub struct Script {
    code: Code,
}

impl Script {
    pub(super) fn new(host: &Rc<Host>, ast: AST, found: &Facts, unit: &Unit<'_>) -> Self {
        Self { code: Code::new(host, ast, found, unit) }
    }

    /// What the script reads of its event.
    pub fn reads(&self) -> Mask {
        mask::reads(&self.code.host, &self.code.ast)
    }

    /// Whether it may ask to be run again later.
    pub fn may_retry(&self) -> bool {
        self.code.host.may_retry()
    }

    /// Runs the script over one event. All or nothing: a run that fails emits nothing.
    pub fn run(&self, input: Input<'_>) -> Result<Ran, Failure> {
        let (result, event) = self.code.evaluate(input);
        let (ending, emitted, logs) = self.code.host.run().end();
        match (result, ending) {
            (Ok(_), None) => Ok(Ran { event: (!event.is_unit()).then_some(event), emitted, logs }),
            (result, ending) => {
                Err(self.code.failed(failure(result.err().as_deref(), ending, &self.code.places, logs)))
            }
        }
    }
}

/// A compiled condition.
pub struct Expression {
    code: Code,
}

impl Expression {
    pub(super) fn new(host: &Rc<Host>, ast: AST, found: &Facts, unit: &Unit<'_>) -> Self {
        Self { code: Code::new(host, ast, found, unit) }
    }

    /// What the condition reads of the event.
    pub fn reads(&self) -> Mask {
        mask::reads(&self.code.host, &self.code.ast)
    }

    /// Whether the condition holds. The event is lent to the run and is back afterwards, also after a failure.
    pub fn test(
        &self,
        event: &mut Dynamic,
        delivery: &Delivery,
        settings: &Dynamic,
        now_ms: i64,
    ) -> Result<bool, Failure> {
        let lent = std::mem::take(event);
        let (result, back) = self.code.evaluate(Input {
            event: lent,
            delivery,
            identity: "",
            origin: Origin::default(),
            settings,
            now_ms,
        });
        *event = back;
        let (ending, _, logs) = self.code.host.run().end();
        let places = &self.code.places;
        match (result, ending) {
            (Ok(value), None) => value.as_bool().map_err(|kind| {
                let message = format!("the condition gives {kind} where it must give true or false");
                let place = Some(places.start());
                self.code.failed(Failure::Error(ScriptError {
                    code: "script-error",
                    message,
                    place,
                    stack: Vec::new(),
                    logs,
                }))
            }),
            (result, ending) => Err(self.code.failed(failure(result.err().as_deref(), ending, places, logs))),
        }
    }
}
