//! Browsers that go from hand to hand: whoever is there is told of, and nobody else.

use super::*;

#[test]
fn a_browser_has_one_user_at_a_time() {
    let world = World::new("{ hold: 0s }");
    world.sees(0, &cart_page("B", "C"));
    world.sees(1, &order(1, "C", Some("U")));
    world.sees(2, &identify("B", "V"));
    assert_eq!(world.ids(3, &page("B")).1, "V");
    // What the shop tells later of the first one's order does not bring the first one back.
    assert_eq!(world.ids(4, &order(1, "C", Some("U"))), ("B".into(), "U".into(), false));
    assert_eq!(world.ids(5, &refund(1)), ("B".into(), "U".into(), false));
    assert_eq!(world.ids(6, &page("B")).1, "V");
    // Nor does what happened before.
    world.gets(1, 7, 0, &identify("B", "U"));
    assert_eq!(world.ids(8, &page("B")).1, "V");
    // A new order does, and both have been told of.
    assert_eq!(world.ids(9, &order(2, "D", Some("U"))), ("cw-derived".into(), "U".into(), false));
    world.sees(10, &cart_page("B", "D"));
    assert_eq!(world.ids(11, &identify("B", "U")), ("B".into(), "U".into(), false));
    assert_eq!(world.ids(12, &page("B")).1, "U");
}

#[test]
fn who_signs_in_again_is_there_again_whatever_the_cart_says() {
    let login = |user: &str| {
        let mut login = identify("B", user);
        login["context"] = json!({"page": {"url": "https://shop.example.com/"}, "cart_token": "C"});
        login
    };
    let world = World::new("{}");
    for (second, event) in [login("U"), signed_out("B"), login("U")].iter().enumerate() {
        world.sees(second as i64, event);
    }
    assert_eq!(world.ids(5, &page("B")).1, "U");
    world.sees(6, &identify("B", "V"));
    world.sees(7, &login("U"));
    assert_eq!(world.ids(8, &page("B")).1, "U");
}

#[test]
fn who_was_logged_in_at_the_shop_and_is_no_more_has_left() {
    let seen = |signed_in: bool, user: Option<&str>| {
        let mut event = cart_page("B", "C");
        event["context"]["signed_in"] = signed_in.into();
        if let Some(user) = user {
            event["userId"] = user.into();
        }
        event
    };
    let world = World::new("{ hold: 0s }");
    world.sees(0, &seen(true, Some("U")));
    assert_eq!(world.ids(1, &page("B")).1, "U");
    assert_eq!(world.ids(2, &seen(false, None)), ("B".into(), none(), false));
    assert_eq!(world.ids(3, &page("B")).1, none());
    // A guest was never logged in, and is known by the order all the same.
    let world = World::new("{ hold: 0s }");
    world.sees(0, &seen(false, None));
    world.sees(1, &order(1, "C", Some("U")));
    assert_eq!(world.ids(2, &seen(false, None)).1, "U");
}

#[test]
fn who_has_signed_out_is_forgotten() {
    let world = World::new("{}");
    world.sees(0, &cart_page("B", "C"));
    world.sees(1, &order(1, "C", Some("U")));
    assert_eq!(world.ids(2, &signed_out("B")).1, "U");
    assert_eq!(world.ids(3, &page("B")), ("B".into(), none(), false));
    // The cart stays behind in the browser, with or without a new id.
    assert_eq!(world.ids(4, &cart_page("B", "C")), ("B".into(), none(), false));
    assert_eq!(world.ids(5, &cart_page("B2", "C")), ("B2".into(), none(), false));
    world.gets(1, 6, 0, &identify("B", "U"));
    assert_eq!(world.ids(7, &page("B")).1, none());
    assert_eq!(world.ids(8, &identify("B", "V")).1, "V");
    assert_eq!(world.ids(9, &page("B")).1, "V");
    // Even if that is the first that is heard of a browser.
    world.sees(21, &signed_out("X"));
    world.gets(20, 22, 0, &identify("X", "U"));
    assert_eq!(world.ids(23, &page("X")).1, none());
}

#[test]
fn a_device_of_many_tells_of_nobody() {
    let world = World::new("{ users_max: 2 }");
    for (second, user) in [(0, "U"), (2, "V")] {
        world.sees(second, &identify("B", user));
        assert_eq!(world.ids(second + 1, &page("B")).1, user);
    }
    let track = json!({"type": "track", "event": "Till Opened", "anonymousId": "B", "userId": "W"});
    assert_eq!(world.ids(4, &track), ("B".into(), "W".into(), false));
    assert_eq!(world.ids(5, &page("B")).1, none());
}

#[test]
fn a_guests_order_stays_the_guests() {
    let world = World::new("{ hold: 0s }");
    world.sees(0, &identify("B", "ada"));
    let mut guest = order(142, "C", None);
    guest["anonymousId"] = "B".into();
    guest["context"] = json!({"traits": {"email": "bob@example.com"}});
    assert_eq!(world.ids(1, &guest), ("B".into(), none(), false));
    assert_eq!(world.ids(2, &refund(142)), ("B".into(), none(), false));
    assert_eq!(world.ids(3, &page("B")).1, "ada");
}
