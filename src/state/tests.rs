//! Both stores against each other: what one holds, the other holds, through commits, expiry, rollbacks and reopening.

mod erased;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::erasure::{Erasure, Names};
use crate::event::{Delivery, Origin};
use crate::lookup::{Answers, CHAIN_MAX, Lookup, TooMany};

fn key(space: &str, name: &str) -> Key {
    Key { space: space.to_owned(), name: name.to_owned() }
}

fn set(space: &str, name: &str, value: &str, expires_ms: i64) -> Write {
    Write { key: key(space, name), entry: Some(Entry { value: value.as_bytes().to_vec(), expires_ms }) }
}

fn names(values: &[&str]) -> Names {
    Names::new(&[Erasure { values: values.iter().map(|value| (*value).to_owned()).collect(), ..Erasure::default() }])
}

#[derive(Debug, Clone)]
enum Op {
    Commit(Vec<(u8, Option<u8>, Option<u8>)>, bool),
    Rollback(u8),
    Erase(u8),
    Reopen,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let write = (0..6_u8, proptest::option::of(any::<u8>()), proptest::option::of(0..40_u8));
    let op = prop_oneof![
        5 => (proptest::collection::vec(write, 0..5), any::<bool>()).prop_map(|(writes, raise)| Op::Commit(writes, raise)),
        2 => (0..8_u8).prop_map(Op::Rollback),
        1 => (0..6_u8).prop_map(Op::Erase),
        1 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..20)
}

/// All live values of both spaces; expired ones may or may not have been tidied away.
fn seen(store: &dyn Store, now_ms: i64) -> Vec<(String, Entry)> {
    let mut all = store.list("shop", "a").unwrap();
    all.extend(store.list("shop", "b\0c").unwrap());
    all.retain(|(_, entry)| entry.expires_ms > now_ms);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_disk_holds_what_memory_holds(ops in ops()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.redb");
        let mut disk = Disk::open(&path).unwrap();
        let memory = Memory::default();
        let (mut seq, mut floor) = (0_u64, 0_u64);
        // The state after each delivery, to which a rollback must lead.
        let mut history = vec![Vec::new()];
        for op in ops {
            match op {
                Op::Commit(writes, raise) => {
                    if raise {
                        floor = seq;
                    }
                    seq += 1;
                    let writes = writes
                        .into_iter()
                        .map(|(name, value, ttl)| Write {
                            key: key(if name % 2 == 0 { "a" } else { "b\0c" }, &format!("k\0name-{name}")),
                            entry: value.map(|value| Entry { value: vec![value], expires_ms: ttl.map_or(i64::MAX, |ttl| seq as i64 + i64::from(ttl)) }),
                        })
                        .collect();
                    let change = [Change { seq, now_ms: seq as i64, writes }];
                    disk.commit("shop", &change, floor).unwrap();
                    memory.commit("shop", &change, floor).unwrap();
                    history.truncate(seq as usize);
                    history.push(seen(&memory, seq as i64));
                }
                Op::Rollback(back) => {
                    seq = seq.saturating_sub(u64::from(back)).max(floor);
                    disk.rollback("shop", seq).unwrap();
                    memory.rollback("shop", seq).unwrap();
                    prop_assert_eq!(&seen(&memory, seq as i64), &history[seq as usize]);
                }
                Op::Erase(name) => {
                    let names = names(&[&format!("name-{name}")]);
                    let reach = Reach { names: &names, all: None, before: u64::MAX };
                    // What has expired may or may not have been tidied away.
                    let live = |found: Vec<(Key, Entry)>| -> Vec<_> {
                        found.into_iter().filter(|(_, entry)| entry.expires_ms > seq as i64).collect()
                    };
                    prop_assert_eq!(live(disk.find("shop", &reach).unwrap()), live(memory.find("shop", &reach).unwrap()));
                    let removed = live(disk.erase("shop", &reach, &Erased::default()).unwrap());
                    prop_assert_eq!(&removed, &live(memory.erase("shop", &reach, &Erased::default()).unwrap()));
                    let gone = format!("k\0name-{name}");
                    prop_assert!(removed.iter().all(|(key, _)| key.name == gone));
                    for past in &mut history {
                        past.retain(|(name, _)| *name != gone);
                    }
                }
                Op::Reopen => {
                    drop(disk);
                    disk = Disk::open(&path).unwrap();
                }
            }
            prop_assert_eq!(seen(&disk, seq as i64), seen(&memory, seq as i64));
        }
    }
}

#[test]
fn pipelines_do_not_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    for store in [&Disk::open(&dir.path().join("s")).unwrap() as &dyn Store, &Memory::default()] {
        store.commit("a", &[Change { seq: 1, now_ms: 0, writes: vec![set("x", "k", "1", i64::MAX)] }], 0).unwrap();
        store.commit("ab", &[Change { seq: 2, now_ms: 0, writes: vec![set("x", "k", "2", i64::MAX)] }], 0).unwrap();
        store.rollback("a", 0).unwrap();
        assert_eq!(store.get("a", &key("x", "k")).unwrap(), None);
        assert_eq!(store.get("ab", &key("x", "k")).unwrap().unwrap().value, b"2");
    }
}

#[test]
fn how_far_back_it_goes_is_known_and_never_less_than_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (path, memory) = (dir.path().join("s"), Memory::default());
    let disk = Disk::open(&path).unwrap();
    for (seq, floor, expected) in [(5, 0, 0), (6, 4, 4), (7, 2, 4), (8, 7, 7)] {
        for store in [&disk as &dyn Store, &memory] {
            store.commit("a", &[Change { seq, now_ms: 0, writes: vec![set("x", "k", "1", i64::MAX)] }], floor).unwrap();
            assert_eq!(store.floor("a").unwrap(), expected);
            assert_eq!(store.floor("b").unwrap(), 0);
        }
    }
    drop(disk);
    let disk = Disk::open(&path).unwrap();
    assert_eq!(disk.floor("a").unwrap(), 7);
    for store in [&disk as &dyn Store, &memory] {
        store.forget("a").unwrap();
        assert_eq!(store.floor("a").unwrap(), 0);
    }
}

#[test]
fn a_session_lays_its_writes_over_the_store_and_takes_them_back() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    store.commit("p", &[Change { seq: 1, now_ms: 0, writes: vec![set("s", "k", "old", 1000)] }], 0).unwrap();
    let session = Session::new(Arc::clone(&store), &"p".into());
    let value = || session.get("s", "k").unwrap().map(|entry| String::from_utf8(entry.value).unwrap());
    session.begin(1000, Answers::default());
    assert_eq!(value(), None, "expired");
    session.begin(10, Answers::default());
    assert_eq!(value().as_deref(), Some("old"));
    let mark = session.mark();
    session.set("s", "k", b"new".to_vec(), Some(5)).unwrap();
    assert_eq!(value().as_deref(), Some("new"));
    session.back_to(mark);
    assert_eq!(value().as_deref(), Some("old"));
    session.set("s", "l", b"other".to_vec(), None).unwrap();
    let listed = |name: &str| session.list("s").unwrap().get(name).map(|entry| entry.value.clone());
    assert_eq!((listed("k"), listed("l")), (Some(b"old".to_vec()), Some(b"other".to_vec())));
    session.remove("s", "k").unwrap();
    assert_eq!((value(), listed("k")), (None, None));
    assert!(session.discard().is_empty());
    assert_eq!((listed("k"), listed("l")), (Some(b"old".to_vec()), None));
    assert_eq!(value().as_deref(), Some("old"));
    session.set("s", "k", b"new".to_vec(), Some(5)).unwrap();
    assert_eq!(session.finish().0.len(), 1);
    // The next delivery of the job sees it until its time is over.
    session.begin(14, Answers::default());
    assert_eq!(value().as_deref(), Some("new"));
    session.begin(15, Answers::default());
    assert_eq!(value(), None);
}

#[test]
fn a_claim_is_given_back_by_its_holder_only() {
    let session = Session::empty();
    session.begin(0, Answers::default());
    session.set("s", "k", b"first".to_vec(), None).unwrap();
    session.release(&Claim { key: key("s", "k"), holder: b"second".to_vec(), shared: false }).unwrap();
    assert!(session.get("s", "k").unwrap().is_some());
    session.release(&Claim { key: key("s", "k"), holder: b"first".to_vec(), shared: false }).unwrap();
    assert!(session.get("s", "k").unwrap().is_none());
}

#[test]
fn one_delivery_writes_so_many_bytes_and_no_more() {
    let session = Session::empty();
    session.begin(0, Answers::default());
    let value = || vec![b'x'; 60 << 10];
    let written = (0..1000).take_while(|n| session.set("s", &format!("k{n}"), value(), None).is_ok()).count();
    assert!((200..300).contains(&written), "{written}");
    assert_eq!(session.set("s", "k0", value(), None), Err(Limit::Bytes));
    session.set("s", "small", b"1".to_vec(), None).unwrap();
    // Events that wait are counted by themselves.
    session.set(HELD_SPACE, "h", vec![b'x'; 20 << 20], None).unwrap();
    // What is taken back counts no more, and neither does what deliveries before wrote.
    session.discard();
    session.set("s", "k0", value(), None).unwrap();
    let mark = session.mark();
    for n in 0..1000 {
        session.set("s", "k1", value(), None).unwrap_or_else(|limit| panic!("{n}: {limit}"));
        session.back_to(mark);
    }
    session.begin(0, Answers::default());
    for n in 0..200 {
        session.set("s", &format!("k{n}"), value(), None).unwrap();
    }
}

#[test]
fn a_lookup_is_needed_until_its_answer_is_there() {
    let lookup = Lookup {
        method: "GET".into(),
        url: "https://api.example.com/x?token=secret".into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: 1000,
        cache_ms: 0,
        access: Arc::default(),
    };
    assert_eq!(lookup.shown(), "GET https://api.example.com/x");
    let session = Session::empty();
    session.begin(0, Answers::default());
    assert_eq!(session.answer(&lookup.key(), || lookup.clone()), Ok(None));
    assert_eq!(session.discard(), std::slice::from_ref(&lookup));
    let mut answers = Answers::default();
    answers.put(lookup.key(), Arc::new(crate::lookup::Answer { status: 204, ..Default::default() }));
    session.begin(0, answers);
    assert_eq!(session.answer(&lookup.key(), || lookup.clone()).unwrap().unwrap().status, 204);
    assert!(!session.is_in_need());
    #[allow(clippy::field_reassign_with_default, reason = "the other field is private")]
    let mut exhausted = Answers::default();
    exhausted.exhausted = true;
    session.begin(0, exhausted);
    assert_eq!(session.answer(&lookup.key(), || lookup.clone()), Err(TooMany::OfDelivery));
}

fn held() -> Held {
    Held {
        id: "i/0/wait/1".into(),
        until_ms: 5,
        wake: vec!["w".into(), "x".into()],
        reason: "later".into(),
        part: "wait".into(),
        mark: Some(StepMark { named: true, kind: "script".into(), at: 0, prints: vec!["p".into()] }),
        attempt: 1,
        origin: Origin { delivery: 9, index: 2, fork: 3 },
        identity: "i".into(),
        event: r#"{"type":"track","n":1.50}"#.into(),
        targets: Some(vec!["segment".into()]),
        claims: vec![Claim { key: key("dedupe", "order/1"), holder: b"9 /in 2".to_vec(), shared: true }],
        copies: 2,
        delivery: Delivery {
            seq: 9,
            pipeline: "p".into(),
            source: "s".into(),
            body: vec![0, 159, 255].into(),
            headers: vec![("x-topic".into(), "orders".into())],
            ..Delivery::default()
        },
    }
}

#[test]
fn what_changes_something_waits_for_what_was_asked_before_it() {
    let lookup = |method: &str, number: usize| Lookup {
        method: method.into(),
        url: format!("https://api.example.com/{number}"),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: 1000,
        cache_ms: 0,
        access: Arc::default(),
    };
    let session = Session::empty();
    let ask = |lookup: &Lookup| session.answer(&lookup.key(), || lookup.clone());
    let (get, post) = (lookup("GET", 1), lookup("POST", 2));
    let question = Lookup { cache_ms: 1000, ..lookup("POST", 3) };
    for (in_order, expected) in [(false, vec![&get, &post, &question]), (true, vec![&get, &question])] {
        session.begin(0, Answers::default());
        session.keep_order(in_order);
        for asked in [&get, &post, &question] {
            session.enter();
            assert_eq!(ask(asked), Ok(None));
        }
        assert_eq!(session.discard().iter().collect::<Vec<_>>(), expected);
    }
    // Alone, it is asked.
    session.begin(0, Answers::default());
    assert_eq!(ask(&post), Ok(None));
    assert_eq!(session.discard(), [post]);
    // A step may ask so much for one event, and as much for the next.
    let mut answers = Answers::default();
    (0..CHAIN_MAX).for_each(|number| answers.put(lookup("GET", number).key(), Arc::default()));
    session.begin(0, answers);
    for _ in 0..2 {
        session.enter();
        for number in (0..CHAIN_MAX).chain(0..CHAIN_MAX) {
            assert!(ask(&lookup("GET", number)).unwrap().is_some());
        }
    }
    assert_eq!(ask(&lookup("GET", CHAIN_MAX)), Err(TooMany::OfStep));
    session.enter();
    assert_eq!(ask(&lookup("GET", CHAIN_MAX)), Ok(None));
}

#[test]
fn a_store_that_a_dying_process_began_to_make_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    // What it leaves, up to where the store would be known for one.
    std::fs::write(path.with_extension("new"), vec![0; 4096]).unwrap();
    let store = Disk::open(&path).unwrap();
    assert!(!path.exists(), "it comes to be with the first change");
    store.commit("p", &[Change { seq: 1, now_ms: 0, writes: vec![set("s", "a", "1", i64::MAX)] }], 0).unwrap();
    drop(store);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(Disk::open(&path).unwrap().get("p", &key("s", "a")).unwrap().unwrap().value, b"1");
}

#[test]
fn a_held_event_is_kept_whole() {
    let held = held();
    assert_eq!(Held::decode(&held.id, &held.encode()).unwrap(), held);
    assert!(Held::decode("x", b"{}").is_err());
    // One that was kept before there were claims, marks and numbers of copies is read.
    let mut old: serde_json::Value = serde_json::from_slice(&held.encode()).unwrap();
    for later in ["claims", "mark", "copies"] {
        old.as_object_mut().unwrap().remove(later).unwrap();
    }
    let read = Held::decode(&held.id, old.to_string().as_bytes()).unwrap();
    assert_eq!(read, Held { claims: Vec::new(), mark: None, copies: 0, ..held.clone() });
    let (wake_up, last) = (Held::wake_up("p", &held.id, 7), Held::last_wake_up("p", &held.id, 7));
    assert!(Held::is_wake_up(&wake_up) && !Held::is_last(&wake_up));
    assert!(Held::is_wake_up(&last) && Held::is_last(&last));
}

#[test]
fn a_kept_claim_is_not_given_back_and_still_expires() {
    let dir = tempfile::tempdir().unwrap();
    for store in [&Disk::open(&dir.path().join("s")).unwrap() as &dyn Store, &Memory::default()] {
        let writes = ["a", "b", "c"].map(|name| set("dedupe", name, "1 /in 0", 100)).to_vec();
        store.commit("p", &[Change { seq: 1, now_ms: 0, writes }], 0).unwrap();
        let claim = |name: &str, holder: &str| Claim {
            key: key("dedupe", name),
            holder: holder.as_bytes().to_vec(),
            shared: true,
        };
        store.keep("p", &[claim("a", "1 /in 0"), claim("b", "2 /in 0"), claim("none", "1 /in 0")]).unwrap();
        store.release("p", &["a", "b"].map(|name| claim(name, "1 /in 0"))).unwrap();
        let left: Vec<_> = store.list("p", "dedupe").unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["a", "c"]);
        let kept = store.get("p", &key("dedupe", "a")).unwrap().unwrap();
        assert!(claim("a", "1 /in 0").holds(&kept.value) && kept.expires_ms == 100);
        store.commit("p", &[Change { seq: 2, now_ms: 100, writes: vec![set("x", "y", "z", i64::MAX)] }], 0).unwrap();
        assert_eq!(store.list("p", "dedupe").unwrap(), []);
    }
}
