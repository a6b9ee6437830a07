//! `on_request`: the request is handled once, however many events the source makes of it.

use super::held::{HELD, SENT, Shop, ends};
use super::*;

#[test]
fn a_request_is_decoded_by_a_script_whatever_its_body_is() {
    let script = "  - script:
      inline: |
        fn on_request(delivery, settings) {
          for line in delivery.text.split(\"\\n\") { track(#{ event: line, userId: \"u\" }); }
        }
  - filter: event.event != \"b\"
";
    let text = format!(
        "sources:\n  - webhook: {{ verify: none }}\nsteps:\n{script}sinks:\n  - http: {{ url: http://127.0.0.1:9/ }}\n"
    );
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", &text));
    let plan = Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default()).plan.unwrap();
    let lines = Delivery { headers: vec![("content-type".into(), "text/plain".into())], ..delivery("a\nb\nc") };
    let outcome = Pipeline::new(&plan).unwrap().run(&lines, 0);
    let origins: Vec<_> = outcome.messages[0].iter().map(|message| message.origin.to_string()).collect();
    assert_eq!((origins, outcome.ends()), (vec!["0.1".to_owned(), "0.3".to_owned()], 3));
}

/// A script that sends each item of a request, and fails, waits or drops it as the first one says.
const REQUEST: &str = "  - script:
      inline: |
        fn on_request(delivery, settings) {
          let items = delivery.json();
          switch items[0].act {
            \"drop\" => drop(\"unwanted\"),
            \"throw\" => throw \"no\",
            \"wait\" => if cache::get(\"seen\") == () { cache::set(\"seen\", 1); retry(\"later\", \"3s\") },
          }
          if items[0].act == \"none\" { return; }
          for item in items { track(#{ event: \"Item\", userId: \"u\", properties: item }); }
          state::add(\"requests\", 1);
        }
";

fn told(outcome: &Outcome) -> (Vec<String>, Vec<&str>) {
    let sent = outcome.messages.iter().flatten().map(|message| message.origin.to_string()).collect();
    (sent, outcome.dropped.iter().map(|dropped| dropped.reason.as_str()).collect())
}

#[test]
fn a_request_of_several_events_is_handled_once() {
    let steps = format!("{REQUEST}  - set: {{ properties.after: true }}\n");
    let outcome = run_split(&steps, r#"[{"n":1.00},{"n":2},{"n":3}]"#);
    let taken = "taken up by on_request";
    assert_eq!(told(&outcome), (["0.1", "0.2", "0.3"].map(str::to_owned).to_vec(), vec![taken, taken]));
    assert!(texts(&outcome)[0].contains(r#""n":1.00"#) && texts(&outcome)[2].contains(r#""after":true"#));
    assert_eq!(outcome.ends(), 5);
    assert_eq!(outcome.writes.len(), 1);
    // The same ids as one event would have given, and what a step before has dropped stays so.
    let one = run_split(&steps, r#"[{"n":1}]"#);
    assert_eq!(told(&one), (vec!["0.1".to_owned()], Vec::new()));
    let filtered = run_split(&format!("  - filter: event.properties.n != 1\n{steps}"), r#"[{"n":1},{"n":2},{"n":3}]"#);
    assert_eq!(told(&filtered).0, ["1.1", "1.2", "1.3"]);
    assert_eq!(told(&filtered).1.len(), 2);
}

#[test]
fn what_ends_a_request_ends_all_of_its_events() {
    let counts = |outcome: &Outcome| (outcome.messages[0].len(), outcome.dropped.len(), outcome.dead.len());
    let dropped = run_split(REQUEST, r#"[{"act":"drop"},{}]"#);
    assert_eq!(told(&dropped), (Vec::new(), vec!["unwanted", "unwanted"]));
    let body = r#"[{"act":"throw"},{},{}]"#;
    assert_eq!(counts(&run_split(REQUEST, body)), (0, 0, 3));
    assert_eq!(counts(&run_split(&format!("{REQUEST}    on_error: pass\n"), body)), (3, 0, 0));
    assert_eq!(counts(&run_split(&format!("{REQUEST}    on_error: drop\n"), body)), (0, 3, 0));
    let none = run_split(REQUEST, r#"[{"act":"none"},{}]"#);
    assert_eq!(told(&none).1, ["nothing emitted", "taken up by on_request"]);
    let other = run_split(&format!("{REQUEST}    when: event.properties.act == \"x\"\n"), r#"[{},{"act":"x"},{}]"#);
    assert_eq!(told(&other).0, ["0", "1.1", "1.2", "1.3", "2"]);
}

#[test]
fn a_request_that_waits_comes_again_once() {
    let mut shop = Shop::split(REQUEST);
    let waits = shop.post(r#"[{"act":"wait"},{"n":2},{"n":3}]"#);
    assert_eq!(ends(&waits), [0, 2, 0, 1]);
    assert_eq!(ends(&shop.wake()), [3, 0, 0, 0]);
}

#[test]
fn what_a_handler_gives_is_bounded_like_what_it_emits() {
    let giving = |handler: &str, count: usize| {
        let script =
            format!("  - script:\n      inline: |\n        {}\n", handler.replace("COUNT", &count.to_string()));
        let outcome = run_split(&script, r#"[{"n":1},{"n":2}]"#);
        let codes: Vec<_> = outcome.dead.iter().map(|dead| (dead.code.clone(), dead.place.clone())).collect();
        (outcome.messages[0].len(), codes)
    };
    let dead = ("script-limit-emitted".to_owned(), Some("pipelines/p.yaml:6:12".to_owned()));
    for (handler, fine, too_many) in [
        ("fn on_track(event) { let all = []; for i in 0..COUNT { all.push(event); } all }", (2000, 0), (0, 2)),
        (
            "fn on_track(event) { track(#{}); let all = []; for i in 1..COUNT { all.push(event); } all }",
            (2000, 0),
            (0, 2),
        ),
        (
            "fn on_request(delivery) { let all = []; for i in 0..COUNT { all.push(#{ type: \"track\" }); } all }",
            (1000, 0),
            (0, 2),
        ),
        (
            "fn on_batch(events) { let all = []; for i in 0..COUNT { all.push(events[0]); } [(), all] }",
            (1001, 0),
            (1, 1),
        ),
    ] {
        assert_eq!(giving(handler, 1000), (fine.0, vec![dead.clone(); fine.1]), "{handler}");
        assert_eq!(giving(handler, 1001), (too_many.0, vec![dead.clone(); too_many.1]), "{handler}");
    }
}

#[test]
fn what_a_batch_remembers_counts_once_and_again_for_each_that_it_asks_to_retry() {
    let script = "  - script:
      inline: |
        fn on_batch(events) {
          let runs = state::add(\"runs\", 1);
          events.map(|e| if e.properties.n == 2 && runs == 1 { outcome::retry(\"busy\") } else { e + #{ runs: runs } })
        }
";
    let mut shop = Shop::split(script);
    assert_eq!(ends(&shop.post(r#"[{"n":1},{"n":2}]"#)), [1, 0, 0, 1]);
    let woken = shop.wake();
    assert!(texts(&woken)[0].contains(r#""runs":2"#), "{:?}", texts(&woken));
}

#[test]
fn deliveries_of_one_sender_id_wait_beside_each_other() {
    let wait = "  - script: { inline: 'let key = `${event.properties.n}`; if cache::get(key) == () { cache::set(key, 1); retry(\"once\", \"3s\"); }' }\n";
    let text = format!(
        "sources:\n  - webhook: {{ verify: none, id_header: X-Id }}\nsteps:\n{wait}sinks:\n  - http: {{ url: http://127.0.0.1:9/ }}\n"
    );
    let mut shop = Shop::of(&text);
    let post = |shop: &mut Shop, body: &str| {
        let mut delivery = delivery(body);
        delivery.headers.push(("x-id".into(), "same".into()));
        shop.run(delivery)
    };
    for body in [r#"{"n":1}"#, r#"{"n":2}"#] {
        assert_eq!(ends(&post(&mut shop, body)), HELD);
    }
    let mut sent = Vec::new();
    for _ in 0..2 {
        let woken = shop.wake();
        assert_eq!(ends(&woken), SENT);
        sent.extend(texts(&woken));
    }
    assert!(sent[0].contains(r#""n":1"#) && sent[1].contains(r#""n":2"#), "{sent:?}");
}
