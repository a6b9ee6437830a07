//! Events that wait: what they take along, and where they go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::NoEnv;
use crate::event::Delivery;
use crate::lookup::Answers;
use crate::pipeline::{NoTrace, Outcome, Pipeline, Plan};
use crate::script::Limits;
use crate::state::{Change, End, HELD_SPACE, Held, Key, Memory, Session, Store, Then};
use crate::tree::Tree;

/// A pipeline that remembers, and may be edited while events wait.
pub(super) struct Shop {
    pub(super) pipeline: Pipeline,
    store: Arc<Memory>,
    seq: u64,
    now_ms: i64,
    /// Events that wait, by id, with their time.
    waiting: BTreeMap<String, i64>,
}

pub(super) fn load(steps: &str, sinks: &str) -> Pipeline {
    load_file(&format!("sources:\n  - webhook: {{ verify: none }}\nsteps:\n{steps}sinks:\n{sinks}"))
}

fn load_file(text: &str) -> Pipeline {
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", text));
    let loaded = Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default());
    let plan = loaded.plan.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    Pipeline::new(&plan).unwrap()
}

pub(super) const SINK: &str = "  - http: { url: http://127.0.0.1:9/ }\n";

impl Shop {
    pub(super) fn new(steps: &str) -> Self {
        Self::with_sinks(steps, SINK)
    }

    pub(super) fn with_sinks(steps: &str, sinks: &str) -> Self {
        Self::with(load(steps, sinks))
    }

    /// One that makes an event of each item of a body.
    pub(super) fn split(steps: &str) -> Self {
        Self::of(&format!("sources:\n  - webhook: {{ verify: none, split: true }}\nsteps:\n{steps}sinks:\n{SINK}"))
    }

    /// One of a whole pipeline file.
    pub(super) fn of(text: &str) -> Self {
        Self::with(load_file(text))
    }

    fn with(pipeline: Pipeline) -> Self {
        Self { pipeline, store: Arc::default(), seq: 0, now_ms: 1000, waiting: BTreeMap::new() }
    }

    pub(super) fn edit(&mut self, steps: &str) {
        self.pipeline = load(steps, SINK);
    }

    pub(super) fn run(&mut self, delivery: Delivery) -> Outcome {
        self.seq += 1;
        let delivery = Delivery { seq: self.seq, received_ms: self.now_ms, ..delivery };
        let session = Session::new(Arc::clone(&self.store) as Arc<dyn Store>, &"p".into());
        let outcome = self.pipeline.run_in(&delivery, self.now_ms, &session, Answers::default(), &mut NoTrace);
        let change = Change { seq: self.seq, now_ms: self.now_ms, writes: outcome.writes.clone() };
        self.store.commit("p", &[change], 0).unwrap();
        if let Some((id, _)) = &outcome.woken {
            self.waiting.remove(id);
        }
        self.waiting.extend(outcome.held.iter().map(|held| (held.id.clone(), held.until_ms)));
        outcome
    }

    pub(super) fn post(&mut self, body: &str) -> Outcome {
        self.run(super::delivery(body))
    }

    /// Wakes the event that waits.
    pub(super) fn wake(&mut self) -> Outcome {
        let (id, until_ms) = self.waiting.first_key_value().unwrap();
        let (id, until_ms) = (id.clone(), *until_ms);
        self.now_ms = self.now_ms.max(until_ms);
        self.run(Held::wake_up("p", &id, self.now_ms))
    }

    /// Changes the event that waits as it is kept.
    pub(super) fn tamper(&mut self, change: impl Fn(&mut Held)) {
        let id = self.waiting.first_key_value().unwrap().0;
        let key = Key { space: HELD_SPACE.to_owned(), name: id.clone() };
        let mut entry = self.store.get("p", &key).unwrap().unwrap();
        let mut held = Held::decode(id, &entry.value).unwrap();
        change(&mut held);
        entry.value = held.encode();
        let write = crate::state::Write { key, entry: Some(entry) };
        self.store.commit("p", &[Change { seq: self.seq, now_ms: self.now_ms, writes: vec![write] }], 0).unwrap();
    }
}

/// How often it was sent, dropped, dead and held.
pub(super) fn ends(outcome: &Outcome) -> [usize; 4] {
    [outcome.messages.iter().map(Vec::len).sum(), outcome.dropped.len(), outcome.dead.len(), outcome.held.len()]
}

pub(super) const SENT: [usize; 4] = [1, 0, 0, 0];
const DROPPED: [usize; 4] = [0, 1, 0, 0];
pub(super) const DEAD: [usize; 4] = [0, 0, 1, 0];
pub(super) const HELD: [usize; 4] = [0, 0, 0, 1];

pub(super) const DEDUPE: &str = "  - dedupe: { key: \"{properties.id}\", window: 30d }\n";
pub(super) const RETRIED: &str = "  - script:\n      inline: if \"bad\" in event.properties { retry(\"later\", \"3s\"); }\n      retry: { times: 1 }\n";

#[test]
fn an_event_that_waits_keeps_its_key_and_gives_it_back_when_it_dies() {
    let mut shop = Shop::new(&format!("{DEDUPE}{RETRIED}"));
    assert_eq!(ends(&shop.post(r#"{"id":1,"bad":true}"#)), HELD);
    assert_eq!(ends(&shop.post(r#"{"id":1,"bad":true}"#)), DROPPED, "the first one still waits");
    let dead = shop.wake();
    assert_eq!((ends(&dead), dead.dead[0].code.as_str()), (DEAD, "retries-exhausted"));
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), SENT, "nothing of that key has arrived");
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), DROPPED);
}

#[test]
fn an_event_that_waited_gives_its_key_back_when_its_sink_refuses_it() {
    let mut shop = Shop::new(&format!("{DEDUPE}  - throttle: {{ limit: 1, over: hold }}\n"));
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), SENT);
    assert_eq!(ends(&shop.post(r#"{"id":2}"#)), HELD);
    let sent = shop.wake();
    assert_eq!(ends(&sent), SENT);
    let message = &sent.messages[0][0];
    assert_eq!(message.stakes.iter().map(|stake| stake.claim.key.name.as_str()).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn an_event_that_cannot_go_on_gives_its_key_back() {
    let steps = format!("{DEDUPE}{RETRIED}");
    let mut shop = Shop::new(&steps);
    shop.post(r#"{"id":1,"bad":true}"#);
    shop.tamper(|held| held.event = "{".to_owned());
    assert_eq!(shop.wake().dead[0].code, "bad-json");
    assert_eq!(ends(&shop.post(r#"{"id":1,"bad":true}"#)), HELD);
    shop.edit(DEDUPE);
    assert_eq!(shop.wake().dead[0].code, "no-step");
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), SENT);
}

/// What became of a key, by how the messages end that depend on it.
fn thens(outcome: &Outcome, end: End) -> Vec<Then> {
    outcome.messages.iter().flatten().flat_map(|message| &message.stakes).map(|stake| stake.ended(end)).collect()
}

pub(super) const TWO_SINKS: &str =
    "  - http: { url: http://127.0.0.1:9/ }\n    id: good\n  - http: { url: http://127.0.0.1:9/ }\n    id: audit\n";

#[test]
fn the_messages_of_one_event_share_what_it_has_taken() {
    let mut shop = Shop::with_sinks(DEDUPE, TWO_SINKS);
    let outcome = shop.post(r#"{"id":1}"#);
    let stakes: Vec<_> = outcome.messages.iter().map(|messages| Arc::clone(&messages[0].stakes[0])).collect();
    assert_eq!(stakes[0].ended(End::Refused), Then::Nothing, "the other sink may take it");
    assert_eq!(stakes[1].ended(End::Arrived), Then::Nothing);
    assert_eq!(thens(&shop.post(r#"{"id":2}"#), End::Refused), [Then::Nothing, Then::Release]);
}

const FORK: &str = "  - script:
      inline: 'track(#{ event: \"Second\", userId: \"u\", properties: #{ second: true } });'
";

#[test]
fn a_key_stays_taken_when_a_part_of_its_event_goes_on() {
    let dying = "  - script: { inline: 'if \"second\" in event.properties { reject(\"no\"); }' }\n";
    let mut shop = Shop::new(&format!("{DEDUPE}{FORK}{dying}"));
    let outcome = shop.post(r#"{"id":1}"#);
    assert_eq!(ends(&outcome), [1, 0, 1, 0]);
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), DROPPED, "the first part is on its way");
    // If that is refused too, nothing of it has arrived.
    assert_eq!(thens(&outcome, End::Refused), [Then::Release]);
}

#[test]
fn a_key_is_given_back_at_once_for_the_next_event_of_the_delivery() {
    let dying = "  - script: { inline: 'if \"bad\" in event.properties { reject(\"no\"); }' }\n";
    let steps = format!("{DEDUPE}{dying}");
    let mut shop = Shop::split(&steps);
    assert_eq!(ends(&shop.post(r#"[{"id":1,"bad":true},{"id":1},{"id":1}]"#)), [1, 1, 1, 0]);
}

#[test]
fn a_part_that_waits_gives_the_key_back_unless_another_has_arrived() {
    let retried = RETRIED.replace("\"bad\"", "\"second\"");
    for (end, then, after) in [(End::Arrived, Then::Keep, DROPPED), (End::Refused, Then::Nothing, [1, 0, 0, 1])] {
        let mut shop = Shop::new(&format!("{DEDUPE}{FORK}{retried}"));
        let first = shop.post(r#"{"id":1}"#);
        assert_eq!(ends(&first), [1, 0, 0, 1]);
        assert_eq!(thens(&first, end), [then]);
        if then == Then::Keep {
            shop.store.keep("p", &[first.messages[0][0].stakes[0].claim.clone()]).unwrap();
        }
        assert_eq!(ends(&shop.wake()), DEAD);
        assert_eq!(ends(&shop.post(r#"{"id":1}"#)), after, "{end:?}");
    }
}

#[test]
fn what_is_woken_for_the_last_time_does_not_wait_again() {
    let mut shop = Shop::new(&format!("{DEDUPE}{}", RETRIED.replace("times: 1", "times: 9")));
    shop.post(r#"{"id":1,"bad":true}"#);
    assert_eq!(ends(&shop.wake()), HELD);
    let id = shop.waiting.first_key_value().unwrap().0.clone();
    let outcome = shop.run(Held::last_wake_up("p", &id, shop.now_ms));
    assert_eq!((ends(&outcome), outcome.dead[0].code.as_str()), (DEAD, "pipeline-removed"));
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), SENT, "its key is free");
}
