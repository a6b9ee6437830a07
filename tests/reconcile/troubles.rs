//! Long lists, quotas, and APIs that fail: nothing is lost, nothing is told twice.

use std::time::{Duration, Instant};

use crate::rest::{Platform, TOKEN};
use crate::world::{World, both, ids};

#[test]
fn pages_are_followed_at_the_pace_of_shopify() {
    let world = World::start(Platform::Shopify);
    for number in 1..=7 {
        world.order(number, 100 - i64::try_from(number).unwrap());
    }
    world.rest.pages_of(3);
    world.rest.fault(1, 429, &[("Retry-After", "0.4")], 2);
    let begun = Instant::now();
    let found = world.reconciled(&["--backfill"]);
    assert!(begun.elapsed() >= Duration::from_millis(800), "it waited as long as it was asked to");
    assert_eq!((&found["listed"], &found["synthesised"]), (&7.into(), &7.into()), "{found:#}");
    assert_eq!(world.rest.given(), ["0/3", "1/3", "2/1"]);
    assert_eq!(world.rest.asked().len(), 5);
    world.completed(7);
}

/// 254 orders are two pages, and two more requests find the quota used up.
#[test]
fn pages_are_followed_at_the_pace_of_bigcommerce() {
    let world = World::start(Platform::Bigcommerce);
    world.deliver(&world.order(1, 0));
    world.completed(1);
    let asked = world.rest.asked().len();
    for number in 2..=254 {
        world.order(number, 3600);
    }
    world.rest.fault(1, 429, &[], 2);
    let begun = Instant::now();
    let found = world.reconciled(&[]);
    assert!(begun.elapsed() >= Duration::from_millis(300), "it waited until there were calls again");
    assert_eq!((&found["listed"], &found["older_than_journal"]), (&254.into(), &253.into()), "{found:#}");
    assert_eq!(world.rest.given(), ["0/250", "1/4"]);
    // Four pages, and one look at the order that the journal knows but for its payment.
    assert_eq!(world.rest.asked().len() - asked, 5);
}

#[test]
fn pages_of_medusa_may_be_smaller_than_asked_for() {
    for platform in [Platform::Medusa1, Platform::Medusa2] {
        let world = World::start(platform);
        for number in 1..=5 {
            world.order(number, 60);
        }
        world.order(6, 3 * 86_400);
        // It also tells orders of other times: they are left alone.
        world.rest.deaf();
        world.rest.pages_of(2);
        // One is deleted while the list is read.
        world.rest.change(|orders| orders[3]["gone"] = true.into());
        let found = world.reconciled(&["--backfill"]);
        assert_eq!((&found["listed"], &found["synthesised"]), (&5.into(), &4.into()), "{found:#}");
        assert_eq!(found["left_out"][0]["reason"], "order order_4 is gone");
        assert_eq!(world.rest.given(), ["0/2", "1/2", "2/2"]);
        assert_eq!(ids(&world.completed(4)), ["order_1", "order_2", "order_3", "order_5"]);
    }
}

#[test]
fn a_page_that_fails_in_the_middle_loses_nothing() {
    let world = World::start(Platform::Shopify);
    for number in 1..=6 {
        world.order(number, 60 + i64::try_from(number).unwrap());
    }
    world.rest.pages_of(2);
    world.rest.fault(1, 502, &[], 5);
    let failed = world.reconcile(&["--backfill"]);
    let text = both(&failed);
    assert_eq!(failed.status.code(), Some(1), "{text}");
    for expected in [
        "synthesised       2",
        "error[no-answer]: example-store.myshopify.com answered 502 to GET http://",
        "pipelines/shopify.yaml:",
        "run the same command again",
        "the running Cartwire sends them",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(!text.contains(TOKEN) && !text.contains("page_info"), "{text}");
    world.completed(2);

    let found = world.reconciled(&["--backfill"]);
    assert_eq!((&found["known"], &found["synthesised"]), (&2.into(), &4.into()), "{found:#}");
    world.completed(6);
    assert!(world.segment.duplicates().is_empty());
}

#[test]
fn a_failure_is_told_in_json_too() {
    let world = World::start(Platform::Medusa2);
    world.order(1, 60);
    world.rest.fault(0, 500, &[], 99);
    let failed = world.reconcile(&["--backfill", "--json"]);
    assert_eq!(failed.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert!(report["error"].as_str().unwrap().contains("answered 500"), "{report:#}");
    assert_eq!(report["shops"][0]["synthesised"], 0);
}

#[test]
fn a_limit_leaves_the_rest_for_the_next_time() {
    let world = World::start(Platform::Medusa1);
    for number in 1..=5 {
        world.order(number, 60);
    }
    for expected in [2, 2, 1, 0] {
        let output = world.reconcile(&["--backfill", "--limit", "2"]);
        let text = both(&output);
        assert!(output.status.success(), "{text}");
        assert!(text.contains(&format!("synthesised {expected:>7}")), "{text}");
    }
    world.completed(5);
}
