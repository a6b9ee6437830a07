//! Cartwire: declarative pipelines that turn shop webhooks and browser events into Segment messages.
//!
//! This chapter is the map. A pipeline file chains sources, steps and sinks; a delivery (one accepted request, as it came) goes
//! through it like this:
//!
//! ```text
//!  request ─ verify ─ journal + fsync ─ 2xx          (engine::intake, journal)
//!                        │
//!                     decode ─ steps ─ encode         (pipeline, on a worker thread)
//!                        │       └ needs an answer: engine::outside, then again from the start
//!                     batch ─ send ─ judge ─ cursor   (engine::deliver)
//! ```
//!
//! # Where things are
//!
//! | layer | module | what it is | may use |
//! |---|---|---|---|
//! | 0 | [`diag`] | the one user-facing error, with a caret | – |
//! | 0 | [`json`] | the codec: text ⇄ script values, untouched text stays as it came | – |
//! | 0 | [`jsonpath`] | `JSONPath` on script values | `json`, `path`, `pattern` |
//! | 0 | [`path`] | field paths, as `properties.products[0].sku` | – |
//! | 0 | [`pattern`] | how much work a regular expression is | – |
//! | 0 | [`tree`] | the project's texts as one immutable value | – |
//! | 0 | [`event`] | delivery, event, origin | `json` |
//! | 0 | [`erasure`] | who is to be erased, and whether a text names them | `event` |
//! | 0 | [`lookup`] | a request to the outside, and its answer, as values | – |
//! | 0 | [`yaml`] | YAML with a place for every value | `diag` |
//! | 1 | [`registry`] | what a part is: options as data, environment references | layer 0 |
//! | 1 | [`state`] | what pipelines remember, and what a run asks for | layer 0 |
//! | 1 | [`script`] | Rhai: engine, limits, modules, library | layer 0, `state`, `registry` |
//! | 1 | [`journal`] | the delivery log, cursors, dead letters | layer 0 |
//! | 2 | [`source`] [`step`] [`sink`] | the parts: one file each and one line in a sorted list | 0–1 |
//! | 3 | [`config`] | pipeline text → spec, every problem with its place | 0–2 |
//! | 3 | [`pipeline`] | spec → plan → compiled pipeline; run, trace | 0–2, `config` |
//! | 4 | [`check`] | fixtures: load, run, compare, bless | 0–3 |
//! | 4 | [`engine`] | the only asynchronous part: intake, workers, delivery, reload | 0–3, `check` |
//! | 4 | [`reference`] | what can be written: Markdown and JSON Schema, all derived | 0–3, `check` |
//! | 5 | [`cli`] | one file per sub-command | all below |
//!
//! `tests/tidy.rs` holds this table to its word.
//!
//! # Invariants
//!
//! Each has its test; most say what is absent.
//!
//! - A 2xx is sent only after the fsync that covers the delivery (`tests/crash.rs`).
//! - Nothing below [`engine`] awaits, reads the wall clock or touches a socket (`tests/tidy.rs`). Two windows are left open on
//!   purpose: [`journal`] works on files with the time as an argument, and [`script`] looks at a monotonic clock to end scripts
//!   that take too long, which never changes a result, only whether there is one.
//! - A pipeline is a value: reload replaces it, never edits it. Each event is the product of exactly one version (`tests/reload.rs`).
//! - Building a part opens nothing and spawns nothing.
//! - Every event ends in exactly one of sent, dropped(reason), dead(reason), held; the ledger balances (`engine::ledger`).
//! - The state after a delivery is a function of the deliveries up to it and the answers they got: running them again, after a
//!   crash or because a sink changed, begins with going back ([`state`], `tests/state.rs`).
//! - Who asks that a person be erased, and is answered, is heard, whenever the process dies; and what was erased does not come back
//!   when deliveries are run again ([`erasure`], `tests/erasure.rs`).
//! - Nothing waits on a worker: who needs the outside ends, and the delivery is run again with the answer (`tests/state.rs`). Only
//!   where a script was stopped for its memory, the next run of its pipeline there waits a moment until that is given back.
//! - Only `Source::verify` sees unauthenticated bytes.
//! - Everything is bounded: body, queue, script, batch, retries in flight, events that wait (`engine::holds`).
//! - User text never panics us; what does anyway becomes a dead letter (`engine::worker`).
//! - The same delivery and revision give the same message ids, so a second send is deduplicated by Segment.
//!
//! # Decisions worth knowing
//!
//! - **Two values per version.** [`pipeline::Plan`] is shared between threads; [`pipeline::Pipeline`] is the plan compiled for one
//!   thread. Scripts are compiled per worker without atomic reference counts: no counter is ever touched by two cores.
//! - **Values remember their source text.** [`json`] marks decoded values with the number of their node in the source; the
//!   mark travels with the value through scripts, and the writer emits the source text of whatever still equals it. What a script takes
//!   from `delivery.json()` has marks of its own (negative ones): the request and an event of it are two documents, of which the
//!   second may be decoded in parts.
//! - **A revision is the pipeline's YAML, scripts and tables, not its fixtures.** A fixture changes what is tested, not what
//!   runs; an edited fixture must not replace a running version.
//! - **A script's calls of its own functions are renamed.** The interpreter remembers for a run what a name stands for, whichever
//!   file calls it; so each file calls its own by names that nobody else has (`script::own`), and what could still be taken for
//!   something else is an error (`script::check::homonyms`).
//! - **What nobody reads is not decoded.** The plan knows what its parts look at ([`json::Mask`]), scripts included, whose text is
//!   analysed; the rest stays source text. Whatever fails under a mask is run again on everything, so the analysis can cost
//!   time and never a message.
//! - **A copy's message id says which copy it is, not by which way it came.** The way is another when a sender delivers again and a step
//!   before has nothing to add any more; an event takes along how often it was copied ([`step::Copies`]), also where it waits.
//! - **A request is one thing to `on_request`**, however many events its source makes of it: the first stands for it.
//! - **A lookup runs the whole delivery again**, not the step that asked: runs are repeatable and have no effect before they are
//!   complete, so this is the same to everybody, collects what all events of a delivery need at once, and keeps no half-run events.
//!   Where a pipeline remembers, only questions are asked by runs on a state that is not complete, never what changes something.
//! - **A held event is a value in the state, and what wakes it is a journaled delivery.** So held events share the rules of the
//!   state (durable, exactly once, taken back with the deliveries that held them), and need no queue of their own.
//! - **An erasure is part of a run, and what it erases is not.** A script asks for it like for a write, and a run that fails erases
//!   nothing; but what is erased is no write that could be taken back. Deliveries behind it in a job are run when it is done.
//! - **The journal is not rewritten for an erasure.** It is what a 2xx stands for; its retention bounds it. Deliveries that named the
//!   person are listed in the state, and a run, and a sink that is behind, leaves them out.
//! - **Identity is a step, not a service.** Its links are state like any other, so they survive what state survives, are taken back
//!   with the deliveries that told them, and are erased with a person. An `anonymousId` that a script derived says so by its
//!   beginning (`cw-`): only such a one gives way to a browser's.
//! - **Pipelines that remember run one delivery after another.** Where the order decides what is remembered, two workers at once
//!   would make it chance; pipelines without state keep all workers.
//! - **A reconciled order is a delivery like any other.** The source says purely how orders are listed and retold
//!   ([`source::orders`]); what is missing is journaled as the platform would have sent it, so it has the same scripts, the same
//!   message ids and the same end. What the journal cannot tell, the pipeline does: it runs the order without effect first.
//! - **Who can only reach the admin address cannot make deliveries.** That takes a token out of the data directory
//!   (`engine::control`): whoever may read that may as well write the journal.
//! - **File sources do not pass the journal.** The file is the durable copy; each line always gives the same ids.
//! - **Wrong credentials halt a sink instead of making dead letters.** A 401 or a redirect is no message's fault: everything
//!   stays in the journal until the configuration is corrected.

pub mod check;
pub mod cli;
pub mod config;
pub mod diag;
pub mod engine;
pub mod erasure;
pub mod event;
pub mod journal;
pub mod json;
pub mod jsonpath;
pub mod lookup;
pub mod path;
pub mod pattern;
pub mod pipeline;
pub mod reference;
pub mod registry;
pub mod script;
pub mod sink;
pub mod source;
pub mod state;
pub mod step;
pub mod tree;
pub mod yaml;
