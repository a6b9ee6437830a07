//! Runs that ask for an erasure, and runs of what was erased.

use super::*;
use crate::erasure::{Erasure, Names};
use crate::event::Event;
use crate::lookup::Answers;
use crate::state::{Erased, Memory, Reach, Session, Store, StoreError};
use crate::step::{Context, Flow, Step};

#[test]
fn who_is_erased_is_told_if_the_run_ends_well() {
    let body = r#"{"email":"Jane@Example.com","id":6900000000001}"#;
    let ask = r#"erase(#{ values: [event.properties.id, event.properties.email, event.properties.phone, ""], why: "customers/redact", reference: 9 });"#;
    let step = |rest: &str| format!("  - script:\n      inline: |\n        {ask}\n        {rest}\n");
    for (rest, asked) in
        [("", true), ("drop(\"never an event\")", true), ("throw \"no\"", false), ("reject(\"no\")", false)]
    {
        let outcome = run(&step(rest), body);
        let erased: Vec<_> = outcome.erasures.iter().map(|erasure| erasure.values.join(" ")).collect();
        assert_eq!(erased, vec!["6900000000001 Jane@Example.com"; usize::from(asked)], "{rest}");
    }
    let outcome = run(&step(""), body);
    assert_eq!(
        (&*outcome.erasures[0].why, &*outcome.erasures[0].reference, outcome.erasures[0].all_state),
        ("customers/redact", "9", false)
    );
    assert!(plan(&step("")).remembers, "it must not be run beside others");
    for (wrong, word) in [
        ("erase(#{ why: \"x\" })", "needs `values`"),
        ("erase(#{ values: [(), \" \"] })", "who is meant"),
        ("erase(#{ values: [\"jane@example.com\"], state: \"some\" })", "\"named\" or \"all\""),
        ("erase(#{ value: [\"jane@example.com\"] })", "no option `value`"),
        ("erase(\"jane@example.com\")", "takes a map"),
    ] {
        let outcome = run(&format!("  - script:\n      inline: '{wrong}'\n"), "{}");
        assert!(outcome.dead[0].reason.contains(word), "{:?}", outcome.dead);
        assert_eq!(outcome.erasures, []);
    }
}

#[test]
fn a_command_asks_by_a_delivery() {
    let pipeline = Pipeline::new(&plan("")).unwrap();
    let erasure = Erasure { values: vec!["jane@example.com".to_owned()], all_state: true, ..Erasure::default() };
    let outcome = pipeline.run(&erasure.request("p", 0), 0);
    assert_eq!((outcome.erasures, outcome.dead.len(), outcome.messages.concat().len()), (vec![erasure.clone()], 0, 0));
    let broken = Delivery { body: "{}".into(), ..erasure.request("p", 0) };
    let outcome = pipeline.run(&broken, 0);
    assert_eq!((outcome.erasures.len(), &*outcome.dead[0].code), (0, "state"));
}

/// Knows one thing by another, in its space.
struct Links;

impl Step for Links {
    fn apply(&self, event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        Ok(Flow::Next(event))
    }

    fn related(&self, space: &str, values: &[String], session: &Session) -> Result<Vec<String>, StoreError> {
        let links = session.list(space)?;
        let linked = |value: &String| links.get(value).map(|entry| String::from_utf8_lossy(&entry.value).into_owned());
        Ok(values.iter().filter_map(linked).collect())
    }
}

#[test]
fn every_step_is_asked_once_what_belongs_to_the_person() {
    let plan = plan("  - set: { a: 1 }\n    id: first\n  - set: { a: 1 }\n    id: second\n");
    let mut pipeline = Pipeline::new(&plan).unwrap();
    for part in &mut pipeline.steps {
        part.step = Box::new(Links);
    }
    let session = Session::empty();
    session.begin(0, Answers::default());
    // The browser that the first step knows leads to another person there, and to a cart in the second.
    for (space, from, to) in
        [("first", "jane", "browser-1"), ("first", "browser-1", "mary"), ("second", "browser-1", "cart-1")]
    {
        session.set(space, from, to.as_bytes().to_vec(), None).unwrap();
    }
    let erasure = |values: &[&str]| Erasure {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..Erasure::default()
    };
    let related = pipeline.related(vec![erasure(&["jane"]), erasure(&["bob"])], &session).unwrap();
    assert_eq!(related, [erasure(&["jane", "browser-1", "cart-1"]), erasure(&["bob"])]);
}

#[test]
fn what_was_erased_is_not_run_again() {
    let plan = plan("  - set: { properties.store: north }\n");
    let pipeline = Pipeline::new(&plan).unwrap();
    let memory = Arc::new(Memory::default());
    let names = Names::new(&[]);
    let reach = Reach { names: &names, all: None, before: 0 };
    let mut erased = Erased::default();
    erased.add(7, None);
    memory.erase("p", &reach, &erased).unwrap();
    let session = || Session::new(Arc::clone(&memory) as Arc<dyn Store>, &plan.name);
    let run = |seq: u64| {
        let delivery = Delivery { seq, ..delivery(r#"{"a":1}"#) };
        pipeline.run_in(&delivery, 0, &session(), Answers::default(), &mut NoTrace)
    };
    assert_eq!((texts(&run(7)).len(), &*run(7).dropped[0].reason, &*run(7).dropped[0].part), (0, "erased", "webhook"));
    assert_eq!((texts(&run(8)).len(), run(8).dropped.len()), (1, 0));
    // Of a delivery with several events, those that did not name the person go on.
    erased.add_events(8, vec![0]);
    memory.erase("p", &reach, &erased).unwrap();
    assert_eq!((texts(&run(8)).len(), run(8).dropped.len()), (0, 1));
    erased.add_events(9, vec![1]);
    memory.erase("p", &reach, &erased).unwrap();
    assert_eq!((texts(&run(9)).len(), run(9).dropped.len()), (1, 0));
}
