//! Erasing a person from both stores, and what is remembered of it.

use super::*;

#[test]
fn a_person_is_erased_from_keys_values_waiting_events_and_what_going_back_would_bring() {
    let dir = tempfile::tempdir().unwrap();
    let names = names(&["jane@example.com"]);
    for store in [&Disk::open(&dir.path().join("s")).unwrap() as &dyn Store, &Memory::default()] {
        let mut waiting = held();
        waiting.event = r#"{"userId":"Jane@example.com"}"#.into();
        let later =
            Held { id: "later".into(), origin: Origin { delivery: 30, ..Origin::default() }, ..waiting.clone() };
        let other = Held { id: "other".into(), event: "{}".into(), ..waiting.clone() };
        let hold = |held: &Held| Write {
            key: key(HELD_SPACE, &held.id),
            entry: Some(Entry { value: held.encode(), expires_ms: i64::MAX }),
        };
        let first = vec![
            set("s", "cart/jane@example.com", "1", i64::MAX),
            set("s", "cart/1", r#"{"email":"jane@example.com"}"#, i64::MAX),
            set("s", "cart/2", r#"{"email":"jane@example.com"}"#, 5000),
            set("s", "cart/3", r#"{"email":"mary.jane@example.com"}"#, 5000),
            hold(&waiting),
            hold(&later),
            hold(&other),
        ];
        store.commit("p", &[Change { seq: 1, now_ms: 0, writes: first }], 0).unwrap();
        // What stands there now says nothing of her; what stood there before does.
        store.commit("p", &[Change { seq: 2, now_ms: 0, writes: vec![set("s", "cart/2", "{}", 6000)] }], 0).unwrap();
        store
            .commit("q", &[Change { seq: 3, now_ms: 0, writes: vec![set("s", "jane@example.com", "1", 1)] }], 0)
            .unwrap();
        let reach = Reach { names: &names, all: None, before: 30 };
        let mut erased = Erased::default();
        erased.add(1, None);
        assert_eq!(store.find("p", &reach).unwrap().len(), 3);
        let gone: Vec<String> =
            store.erase("p", &reach, &erased).unwrap().into_iter().map(|(key, _)| key.name).collect();
        assert_eq!(gone, ["cart/1", "cart/jane@example.com", waiting.id.as_str()]);
        assert_eq!(store.erase("p", &reach, &erased).unwrap(), []);
        assert_eq!(Erased::load(store, "p").unwrap(), erased);
        store.rollback("p", 1).unwrap();
        let left = |space: &str| store.list("p", space).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(left("s"), ["cart/2", "cart/3"]);
        assert_eq!(left(HELD_SPACE), ["later", "other"]);
        assert_eq!(store.get("p", &key("s", "cart/2")).unwrap().unwrap().value, b"{}", "its undoing would name her");
        store.rollback("p", 0).unwrap();
        assert_eq!((left("s"), left(HELD_SPACE)), (vec![], vec![]), "it came with the delivery that was taken back");
        assert_eq!(Erased::load(store, "p").unwrap(), erased, "going back does not bring deliveries back");
        assert!(store.get("q", &key("s", "jane@example.com")).unwrap().is_some());
    }
}

#[test]
fn all_that_is_remembered_can_be_erased_but_not_events_that_wait_for_others() {
    let dir = tempfile::tempdir().unwrap();
    for store in [&Disk::open(&dir.path().join("s")).unwrap() as &dyn Store, &Memory::default()] {
        let other = held();
        let writes = vec![
            set("s", "a", "1", i64::MAX),
            set("~cache", "b", "2", 5),
            Write {
                key: key(HELD_SPACE, &other.id),
                entry: Some(Entry { value: other.encode(), expires_ms: i64::MAX }),
            },
        ];
        store.commit("p", &[Change { seq: 1, now_ms: 0, writes }], 0).unwrap();
        let names = names(&["store.myshopify.com"]);
        let reach = Reach { names: &names, all: Some(0), before: 2 };
        assert_eq!(store.erase("p", &reach, &Erased::default()).unwrap().len(), 2);
        assert_eq!(store.list("p", HELD_SPACE).unwrap().len(), 1);
        assert_eq!(store.find("p", &reach).unwrap(), []);
    }
}

#[test]
fn erased_deliveries_are_ranges_that_are_forgotten_with_the_journal() {
    let mut erased = Erased::default();
    assert!(erased.is_empty());
    erased.add(3, None);
    erased.add(7, Some(3));
    erased.add(12, None);
    erased.add_events(20, vec![4, 1]);
    erased.add_events(20, vec![1]);
    erased.add(12, Some(7));
    assert_eq!(erased.len(), 3);
    let whole: Vec<u64> = (0..25).filter(|seq| erased.is_whole(*seq)).collect();
    assert_eq!(whole, [3, 4, 5, 6, 7, 12]);
    assert!(erased.covers(20, 1) && erased.covers(20, 4) && !erased.covers(20, 2) && !erased.is_whole(20));
    assert!(erased.touches(20) && erased.touches(7) && !erased.touches(8));
    let text = serde_json::to_string(&erased).unwrap();
    assert_eq!(serde_json::from_str::<Erased>(&text).unwrap(), erased);
    erased.add(20, None);
    assert!(erased.covers(20, 2));
    erased.forget_before(8);
    assert_eq!((0..25).filter(|seq| erased.touches(*seq)).collect::<Vec<_>>(), [12, 20]);
}

#[test]
fn what_is_asked_to_be_erased_is_taken_back_with_the_writes() {
    let session = Session::empty();
    session.begin(0, Answers::default());
    let erasure = |value: &str| Erasure { values: vec![value.to_owned()], ..Erasure::default() };
    session.erase(erasure("first")).unwrap();
    let mark = session.mark();
    session.erase(erasure("second")).unwrap();
    session.back_to(mark);
    assert_eq!(session.take_erasures(), [erasure("first")]);
    session.erase(erasure("third")).unwrap();
    session.discard();
    assert_eq!(session.take_erasures(), []);
    for _ in 0..100 {
        session.erase(erasure("more")).unwrap();
    }
    assert_eq!(session.erase(erasure("more")), Err(Limit::Erasures));
}
