//! What comes before what it belongs to: it waits for it, or is tied to it later.

use super::*;

#[test]
fn a_webhook_before_its_browser_ties_the_browser() {
    let world = World::new("{ hold: 0s }");
    assert_eq!(world.ids(0, &order(1, "C", Some("U"))), ("cw-derived".into(), "U".into(), false));
    assert_eq!(world.ids(5, &cart_page("B", "C")), ("B".into(), "U".into(), true));
    assert_eq!(world.ids(6, &page("B")), ("B".into(), "U".into(), false));
    // The same cart in another browser does not make that one the user's.
    assert_eq!(world.ids(7, &cart_page("X", "C")), ("X".into(), none(), false));
}

#[test]
fn an_order_waits_for_its_browser_where_there_are_browsers() {
    let world = World::new("{ hold: 20s }");
    assert_eq!(world.ids(0, &order(1, "A", Some("U"))).0, "cw-derived");
    world.sees(10, &page("X"));
    let waits = json!({"until": 32_000, "wake": ["who/cart:C"], "reason": "waits for its browser"});
    assert_eq!(world.gets(12, 14, 0, &order(2, "C", Some("U"))), [waits]);
    // What happened long ago does not, nor does what stands for no visit.
    assert_eq!(world.gets(12, 40, 0, &order(2, "C", Some("U")))[0]["userId"], "U");
    assert_eq!(world.ids(41, &page("X")).0, "X");
    world.session.finish();
    world.sees(50, &cart_page("B", "D"));
    assert_eq!(world.woken(), ["who/told/cart:D", "who/cart:D"]);
    world.sees(51, &cart_page("B", "D"));
    assert!(world.woken().is_empty(), "what is known wakes nobody again");
    // It has waited: with its browser, or without.
    assert_eq!(world.gets(50, 70, 1, &order(3, "D", Some("U")))[1]["anonymousId"], "B");
    assert_eq!(world.gets(50, 70, 1, &order(4, "E", Some("U")))[0]["anonymousId"], "cw-derived");
    // Two hours later nobody has heard of a browser.
    assert_eq!(world.ids(7300, &order(5, "F", Some("U"))).0, "cw-derived");
}

#[test]
fn a_refund_waits_for_its_order_and_stays_with_it() {
    let world = World::new("{ hold: 20s }");
    world.sees(0, &page("X"));
    let waits = json!({"until": 31_000, "wake": ["who/told/order:7"], "reason": "waits for what it belongs to"});
    assert_eq!(world.gets(10, 11, 0, &refund(7)), [waits]);
    world.sees(12, &cart_page("B", "C"));
    world.session.finish();
    assert_eq!(world.ids(13, &order(7, "C", Some("U"))), ("B".into(), "U".into(), true));
    assert!(world.woken().contains(&"who/told/order:7".to_owned()));
    assert_eq!(world.gets(10, 14, 1, &refund(7))[0]["anonymousId"], "B");
    // What is told of waits no more, nor does who names somebody.
    assert_eq!(world.ids(15, &refund(7)), ("B".into(), "U".into(), false));
    let mut paid = refund(8);
    paid["userId"] = "V".into();
    assert_eq!(world.ids(16, &paid), ("cw-other".into(), "V".into(), false));
    // Without a browser it has the id of its order all the same, whichever came first.
    let world = World::new("{ hold: 0s }");
    world.sees(0, &order(7, "C", Some("U")));
    assert_eq!(world.ids(1, &refund(7)), ("cw-derived".into(), "U".into(), false));
    assert_eq!(world.ids(2, &refund(9)), ("cw-other".into(), none(), false));
    assert_eq!(world.ids(3, &order(9, "D", Some("V"))), ("cw-other".into(), "V".into(), false));
}

#[test]
fn what_went_out_before_its_order_was_known_is_tied_to_the_user() {
    let world = World::new("{ hold: 0s }");
    assert_eq!(world.ids(0, &refund(7)), ("cw-other".into(), none(), false));
    let mut bought = cart_page("B", "C");
    bought["properties"] = json!({"order_id": "7"});
    assert_eq!(world.ids(1, &bought).1, none());
    bought["userId"] = "U".into();
    bought["messageId"] = "p".into();
    let ids: Vec<_> =
        world.sees(2, &bought).iter().map(|event| json!([event["messageId"], event["anonymousId"]])).collect();
    assert_eq!(ids, [json!(["p:identify", "B"]), json!(["p:identify-2", "cw-other"]), json!(["p", "B"])]);
    assert_eq!(world.sees(3, &bought).len(), 1);
    assert_eq!(world.ids(4, &refund(7)), ("B".into(), "U".into(), false));
}

#[test]
fn who_was_merged_is_one() {
    let alias = |previous: &str, user: &str| json!({"type": "alias", "previousId": previous, "userId": user});
    let world = World::new("{ hold: 0s, merge: true }");
    world.sees(0, &cart_page("B", "C"));
    let mut known = order(1, "C", Some("111"));
    known["context"] = json!({"traits": {"email": "ada@example.com"}});
    world.sees(1, &known);
    assert_eq!(world.sees(2, &alias("111", "222")), [alias("111", "222")]);
    assert_eq!(world.ids(3, &refund(1)), ("B".into(), "222".into(), false));
    let mut mail = refund(5);
    mail["context"] = json!({"traits": {"email": "ada@example.com"}});
    assert_eq!(world.ids(4, &mail).1, "222");
    assert_eq!(world.ids(5, &page("B")).1, "222");
    let mut related = world.step.related("who", &["222".to_owned()], &world.session).unwrap();
    related.sort();
    let theirs = ["1", "111", "B", "C", "ada@example.com", "alias:111", "anon:B", "cart:C", "email:ada@example.com"];
    assert!(theirs.iter().all(|name| related.contains(&(*name).to_owned())), "{related:?}");
    // One after another, and back again.
    world.sees(6, &alias("222", "333"));
    assert_eq!(world.ids(7, &refund(1)).1, "333");
    world.sees(8, &alias("333", "111"));
    assert_eq!(world.ids(9, &refund(1)).1, "111");
    for nothing in [alias("111", "111"), alias("null", "V"), json!({"type": "alias", "userId": "V"})] {
        world.sees(10, &nothing);
        assert_eq!(world.ids(10, &refund(1)).1, "111");
    }
    // Where anybody can say so, nobody is believed.
    let world = World::new("{ hold: 0s }");
    world.sees(0, &identify("B", "111"));
    world.sees(1, &alias("111", "222"));
    assert_eq!(world.ids(2, &page("B")).1, "111");
}
