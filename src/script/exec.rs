//! A compiled script and a compiled condition, and how they run.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use rhai::{AST, Array, Caches, Dynamic, EvalAltResult, ImmutableString, Map, Scope};

use super::answer::{self, Answer, Refusal};
use super::check::{Facts, Told};
use super::delivery::DeliveryView;
use super::entry::{Handler, Handlers, Kind, Role};
use super::fault::{cut, failure};
use super::host::Host;
use super::limits::Budget;
use super::mask;
use super::outcome::{Failure, Input, LogLine, Ran, RanBatch, ScriptError};
use super::place::{Places, Unit};
use super::run::Ending;
use crate::event::{Delivery, Origin};
use crate::json::{Mask, Tape};

/// Makes a value that scripts can read and not change, and that is handed to a run without a copy: for `settings`.
pub fn constant(value: Dynamic) -> Dynamic {
    value.flatten().into_read_only().into_shared()
}

/// What both kinds share: the tree of the script and what it mentions.
struct Code {
    host: Rc<Host>,
    ast: AST,
    /// The same with all functions under the names that they have in the text.
    written: AST,
    source: ImmutableString,
    places: Places,
    number: u32,
    budget: Budget,
    needs_event: bool,
    needs_delivery: bool,
    needs_settings: bool,
    /// Reused from run to run, so that its buffers are.
    scope: RefCell<Scope<'static>>,
}

/// What a run left, before it is read.
struct Left {
    /// What it gave, or its error.
    given: Result<Dynamic, Box<EvalAltResult>>,
    /// The event, or the array of events, as the run left it.
    event: Dynamic,
    /// The source text of what the script took from `delivery.json()`.
    tape: Option<Rc<Tape>>,
}

impl Code {
    /// `body` is what the script does outside functions.
    fn new(host: &Rc<Host>, (ast, written): (AST, AST), body: &Facts, unit: &Unit<'_>) -> Self {
        Self {
            host: Rc::clone(host),
            source: unit.file.into(),
            ast,
            written,
            places: unit.places(),
            number: host.next_script(),
            budget: host.run().limits().budget(),
            needs_event: body.mentions("event"),
            needs_delivery: body.mentions("delivery"),
            needs_settings: body.mentions("settings"),
            scope: RefCell::new(Scope::new()),
        }
    }

    /// Runs the statements outside functions, and then those of a handler, with the event moved into the scope and out again.
    fn evaluate(&self, handler: Option<&Handler>, input: Input<'_>) -> Left {
        let Input { mut event, delivery, identity, origin, settings, now_ms } = input;
        let run = self.host.run();
        let mut scope = self.scope.borrow_mut();
        if self.needs_settings {
            scope.push_constant_dynamic("settings", settings.clone());
        }
        let takes = |handler: &Handler| handler.params.iter().any(|(_, role)| *role == Role::Delivery);
        let shared = (self.needs_delivery || handler.is_some_and(takes)).then(|| run.share_delivery(delivery));
        let view = || {
            shared
                .as_ref()
                .map_or(Dynamic::UNIT, |shared| Dynamic::from(DeliveryView::new(Rc::clone(shared), identity)))
        };
        if self.needs_delivery {
            scope.push_constant_dynamic("delivery", view());
        }
        let lends_event = handler.is_none() || self.needs_event;
        if lends_event {
            scope.push_dynamic("event", std::mem::take(&mut event));
        }
        run.grant(self.budget);
        run.begin(now_ms, identity, origin, self.number);
        let engine = self.host.engine();
        let mut global = engine.new_global_runtime_state();
        global.source = Some(self.source.clone());
        global.lib.push(self.ast.shared_lib().clone());
        let mut caches = Caches::new();
        #[expect(deprecated, reason = "nothing else runs statements twice with the same imports and constants")]
        let mut evaluate =
            |scope: &mut Scope<'_>, statements| engine.eval_statements_raw(&mut global, &mut caches, scope, statements);
        let mut result = evaluate(&mut scope, self.ast.statements());
        if lends_event {
            event = scope.get_mut("event").map(take_out).unwrap_or_default();
        }
        let mut captured = shared_variables(&scope);
        if let (Some(handler), Ok(_)) = (handler, &result) {
            let first = scope.len();
            for (name, role) in &handler.params {
                match role {
                    Role::Event | Role::Events => scope.push_dynamic(name.clone(), std::mem::take(&mut event)),
                    Role::Delivery => scope.push_constant_dynamic(name.clone(), view()),
                    Role::Settings => scope.push_constant_dynamic(name.clone(), settings.clone()),
                };
            }
            result = evaluate(&mut scope, &handler.body).map(Dynamic::flatten);
            captured.extend(shared_variables(&scope));
            if let Some((name, Role::Event | Role::Events)) = handler.params.first() {
                // Variables of the handler may have the same name.
                scope.rewind(first + 1);
                event = scope.get_mut(name).map(take_out).unwrap_or_default();
            }
        }
        scope.rewind(0);
        for variable in &mut captured {
            drop(take_out(variable));
        }
        Left { given: result, event, tape: shared.and_then(|shared| shared.tape()) }
    }

    /// What a run gave, unless it ended early.
    fn finished(
        &self,
        handler: Option<&Handler>,
        given: Result<Dynamic, Box<EvalAltResult>>,
        ending: Option<Ending>,
        logs: &[LogLine],
    ) -> Result<Dynamic, Failure> {
        match (given, ending) {
            (Ok(given), None) => Ok(given),
            (given, ending) => {
                let root = handler.map(|handler| handler.name.as_str());
                Err(self.failed(failure(given.err().as_deref(), ending, root, &self.places, logs.to_vec())))
            }
        }
    }

    /// The failure that an answer stands for. What it gave that means nothing is the script's fault.
    fn refused(&self, handler: &Handler, refusal: Refusal, logs: Vec<LogLine>) -> Failure {
        let place = self.places.name("", handler.position);
        self.failed(match refusal {
            Refusal::Drop(reason) => Failure::Drop { reason: cut(reason), logs },
            Refusal::Reject { code, reason } => Failure::Reject { code, reason: cut(reason), place, logs },
            Refusal::Retry(reason) => Failure::Retry { reason: cut(reason), after_ms: None, place, logs },
            Refusal::Meaningless(problem) => Failure::Error(ScriptError {
                code: "script-error",
                message: format!("`{}` {problem}", handler.name),
                place,
                stack: Vec::new(),
                logs,
            }),
        })
    }

    fn failed(&self, failure: Failure) -> Failure {
        self.host.note_failure(&failure);
        self.host.run().discreet(failure)
    }
}

/// The variables that closures have captured. One that holds such a closure holds itself, and would never be given back: so they
/// are emptied when the run is over.
fn shared_variables(scope: &Scope<'_>) -> Vec<Dynamic> {
    let shared = scope.iter_raw().filter(|(_, is_constant, value)| !is_constant && value.is_shared());
    shared.map(|(_, _, value)| value.clone()).collect()
}

/// Moves a value out of a variable, without a copy where a closure has captured it.
fn take_out(variable: &mut Dynamic) -> Dynamic {
    let mut value = std::mem::take(variable);
    if !value.is_shared() {
        return value;
    }
    let inner = value.write_lock::<Dynamic>().map(|mut inner| std::mem::take(&mut *inner));
    inner.unwrap_or_else(|| value.flatten())
}

/// A compiled script.
pub struct Script {
    code: Code,
    handlers: Handlers,
    asked_settings: Vec<Asked>,
    told: Told,
}

/// A setting that a script reads and writes no default for.
pub struct Asked {
    /// Its name.
    pub name: String,
    /// The bytes of the script's file where it is read.
    pub span: Range<usize>,
    /// The script does not reckon with its absence.
    pub must_be_there: bool,
}

impl Script {
    pub(super) fn new(
        host: &Rc<Host>,
        trees: (AST, AST),
        (handlers, asked_settings, told): (Handlers, Vec<Asked>, Told),
        body: &Facts,
        unit: &Unit<'_>,
    ) -> Self {
        Self { code: Code::new(host, trees, body, unit), handlers, asked_settings, told }
    }

    /// What the script tells of its settings.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// The settings that the script reads and writes no default for.
    pub fn asked_settings(&self) -> &[Asked] {
        &self.asked_settings
    }

    /// What a run may use up, instead of what holds for all scripts.
    pub fn limit(&mut self, budget: Budget) {
        self.code.budget = budget;
    }

    /// The script's handlers; empty if it has a body only.
    pub fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// The handler that would be called for an event; none if the body is run, or nothing.
    fn handler(&self, event: &Dynamic) -> Option<&Handler> {
        if self.handlers.is_empty() {
            return None;
        }
        self.handlers.get(Kind::Request).or_else(|| {
            let map = event.read_lock::<Map>()?;
            let kind = map.get("type")?.read_lock::<ImmutableString>()?;
            self.handlers.for_type(&kind)
        })
    }

    /// Whether there is something to run for an event: a body, or a handler of its type.
    pub fn handles(&self, event: &Dynamic) -> bool {
        self.handlers.is_empty() || self.handler(event).is_some()
    }

    /// What the script reads of its event.
    pub fn reads(&self) -> Mask {
        mask::reads(&self.code.host, &self.code.written)
    }

    /// Whether it may ask to be run again later.
    pub fn may_retry(&self) -> bool {
        self.code.host.may_retry()
    }

    /// Runs the script over one event. All or nothing: a run that fails emits nothing.
    pub fn run(&self, input: Input<'_>) -> Result<Ran, Failure> {
        let handler = self.handler(&input.event);
        let Left { given, event, tape } = self.code.evaluate(handler, input);
        let (ending, mut emitted, logs) = self.code.host.run().end();
        let given = self.code.finished(handler, given, ending, &logs)?;
        let Some(handler) = handler else {
            return Ok(Ran { event: (!event.is_unit()).then_some(event), emitted, logs, tape });
        };
        let is_request = handler.kind == Kind::Request;
        match if is_request { answer::added(given) } else { answer::of(given, event) } {
            Ok(Answer::Event(event)) => Ok(Ran { event: Some(event), emitted, logs, tape }),
            Ok(Answer::Events(mut events)) => {
                self.bounded(handler, events.len() + emitted.len(), &logs)?;
                // What a request gives stands behind what it emitted on the way; other events go before what they brought along.
                let emitted = if is_request {
                    emitted.append(&mut events);
                    emitted
                } else {
                    events.append(&mut emitted);
                    events
                };
                Ok(Ran { event: None, emitted, logs, tape })
            }
            Err(refusal) => Err(self.code.refused(handler, refusal, logs)),
        }
    }

    /// What a handler gives counts as emitted.
    fn bounded(&self, handler: &Handler, events: usize, logs: &[LogLine]) -> Result<(), Failure> {
        let max = self.code.host.run().limits().emitted;
        if events <= max {
            return Ok(());
        }
        Err(self.code.failed(Failure::Error(ScriptError {
            code: "script-limit-emitted",
            message: format!("`{}` gave more than {max} events", handler.name),
            place: self.code.places.name("", handler.position),
            stack: Vec::new(),
            logs: logs.to_vec(),
        })))
    }

    /// Runs `on_batch` over the events of a delivery; `input` holds them as an array.
    pub fn run_batch(&self, input: Input<'_>) -> Result<RanBatch, Failure> {
        let Some(handler) = self.handlers.get(Kind::Batch) else {
            return Ok(RanBatch { answers: Vec::new(), emitted: Vec::new(), logs: Vec::new(), tape: None });
        };
        let count = input.event.read_lock::<Array>().map_or(0, |events| events.len());
        let Left { given, event, tape } = self.code.evaluate(Some(handler), input);
        let (ending, emitted, logs) = self.code.host.run().end();
        let given = self.code.finished(Some(handler), given, ending, &logs)?;
        match answer::of_batch(given, event, count) {
            Ok(answers) => {
                let refused = |refusal| self.code.refused(handler, refusal, logs.clone());
                let bounded = |answer| match answer {
                    Answer::Events(events) => {
                        self.bounded(handler, events.len(), &logs)?;
                        Ok(Answer::Events(events))
                    }
                    one @ Answer::Event(_) => Ok(one),
                };
                let answers = answers.into_iter().map(|answer| answer.map_err(refused).and_then(bounded)).collect();
                Ok(RanBatch { answers, emitted, logs, tape })
            }
            Err(refusal) => Err(self.code.refused(handler, refusal, logs)),
        }
    }
}

/// A compiled condition.
pub struct Expression {
    code: Code,
}

impl Expression {
    pub(super) fn new(host: &Rc<Host>, ast: AST, found: &Facts, unit: &Unit<'_>) -> Self {
        Self { code: Code::new(host, (ast.clone(), ast), found, unit) }
    }

    /// What the condition reads of the event.
    pub fn reads(&self) -> Mask {
        mask::reads(&self.code.host, &self.code.written)
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
        let input = Input { event: lent, delivery, identity: "", origin: Origin::default(), settings, now_ms };
        let after = self.code.evaluate(None, input);
        *event = after.event;
        let (ending, _, logs) = self.code.host.run().end();
        self.code.finished(None, after.given, ending, &logs)?.as_bool().map_err(|kind| {
            let message = format!("the condition gives {kind} where it must give true or false");
            let place = Some(self.code.places.start());
            self.code.failed(Failure::Error(ScriptError {
                code: "script-error",
                message,
                place,
                stack: Vec::new(),
                logs,
            }))
        })
    }
}
