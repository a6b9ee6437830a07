//! `scripts/bigcommerce/storefront.js` in a real browser: a storefront with a data layer of its own, the shipped pipeline behind.
//!
//! Needs Chromium (`chromium`, or the program that `CHROMIUM` names). Without it this test says so and passes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chromium::{self, Chromium};
use crate::shop::{CART, STOREFRONT, Shop};
use crate::support::{FakeApi, Stored, http};

const TIMEOUT: Duration = Duration::from_secs(60);
const SCRIPT: &str = include_str!("../../scripts/bigcommerce/storefront.js");
const ENDPOINT: &str = "https://events.example.com/bigcommerce/bigcommerce_storefront";

/// A page as BigCommerce's: the data layer comes first, its events after the page has loaded.
const PAGE: &str = r#"<!doctype html><title>Cart</title>
<script>
const heard = {};
const listener = (group, name) => (callback) => { heard[group + "." + name] = callback; };
window.bodlEvents = {
  consent: { loaded: listener("consent", "loaded"), updated: listener("consent", "updated") },
  banner: { viewed: listener("banner", "viewed") },
  product: { searchPerformed: listener("product", "searchPerformed"), pageViewed: listener("product", "pageViewed") },
  cart: { addItem: listener("cart", "addItem"), viewed: listener("cart", "viewed") },
  checkout: { checkoutBegin: listener("checkout", "checkoutBegin") },
};
</script>
<script src="/storefront.js"></script>
<script>
const line = { product_id: "77", product_name: "Trail Mug", purchase_price: 18, quantity: 1, currency: "USD" };
window.addEventListener("load", () => {
  heard["consent.loaded"]({ event_id: "b-1", advertising: false, analytics: true, functional: true });
  heard["product.searchPerformed"]({ search_keyword: "mug" });
  heard["product.pageViewed"]({ event_id: "b-2", currency: "USD", product_value: 18, line_items: [line] });
  heard["cart.addItem"]({ event_id: "b-3", currency: "USD", product_value: 18, line_items: [line] });
  heard["checkout.checkoutBegin"]({ event_id: "b-4", currency: "USD", cart_value: 18, coupon_codes: [], line_items: [line] });
  setTimeout(() => {
    heard["consent.updated"]({ event_id: "b-5", advertising: false, analytics: false, functional: true });
    heard["cart.viewed"]({ event_id: "b-6", currency: "USD", cart_value: 18, line_items: [line] });
  }, 3000);
});
</script>"#;

#[test]
fn a_shopper_is_followed_to_the_order() {
    if !chromium::is_there() {
        return;
    }
    let mut shop = Shop::start(&[("carts_from", "storefront")]);
    // In between, a proxy that is busy at first: what could not be sent is sent again.
    let target = shop.cartwire.url(STOREFRONT);
    let collector = FakeApi::start(move |asked, before| {
        if before == 0 {
            return (503, Vec::new(), String::new());
        }
        let headers: Vec<_> = asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let kept: Vec<_> =
            headers.into_iter().filter(|(name, _)| ["origin", "user-agent", "content-type"].contains(name)).collect();
        let reply = http::post(&target, &kept, &asked.body).unwrap();
        let origin = reply.header("access-control-allow-origin").unwrap_or_default().to_owned();
        (reply.status, vec![("access-control-allow-origin", origin)], String::new())
    });
    let script = SCRIPT.replace(ENDPOINT, &format!("http://{}/", collector.host()));
    assert_ne!(script, SCRIPT, "the endpoint has moved");
    let storefront = FakeApi::start(move |asked, _| {
        let typed = |kind: &str, body: String| (200, vec![("content-type", kind.to_owned())], body);
        match asked.line.split(['?', ' ']).nth(1).unwrap_or_default() {
            "/api/storefront/carts" => {
                typed("application/json", json!([{ "id": CART, "customerId": 0, "email": "" }]).to_string())
            }
            "/storefront.js" => typed("text/javascript", script.clone()),
            "/cart" => typed("text/html", PAGE.to_owned()),
            _ => (404, Vec::new(), String::new()),
        }
    });
    let browser = Chromium::open(&format!("http://{}/cart?utm_source=news", storefront.host()), None);
    let received = shop
        .segment
        .wait_until(TIMEOUT, "the refusal", |stored| find(stored, "Segment Consent Preference Updated").is_some());
    let page = find(&received, "page").expect("a page view");
    let anonymous_id = page["anonymousId"].clone();
    assert_eq!(anonymous_id.as_str().map(str::len), Some(36));
    assert_eq!(page["context"]["campaign"], json!({ "source": "news" }));
    assert_eq!(page["properties"]["title"], "Cart");
    for event in ["Products Searched", "Product Viewed", "Product Added", "Checkout Started"] {
        let message = find(&received, event).unwrap_or_else(|| panic!("no {event}"));
        assert_eq!(message["anonymousId"], anonymous_id, "{event}");
        assert_eq!(message["context"]["consent"]["categoryPreferences"]["analytics"], true, "{event}");
    }
    assert_eq!(find(&received, "Product Added").unwrap()["properties"]["cart_id"], CART);
    let posts = collector.asked();
    assert!(posts.iter().all(|post| post.line.starts_with("POST ")), "no leave is asked first: {posts:?}");
    assert!(posts.iter().all(|post| post.header("content-type").is_some_and(|kind| kind.starts_with("text/plain"))));

    // The order that the cart becomes is this browser's.
    shop.callback("store/order/created", &json!({ "type": "order", "id": 250 }));
    let received = shop.segment.wait_until(TIMEOUT, "the order", |stored| find(stored, "Order Completed").is_some());
    assert_eq!(find(&received, "Order Completed").unwrap()["anonymousId"], anonymous_id);
    assert!(find(&received, "Cart Viewed").is_none(), "nothing is told after a refusal");
    drop(browser);
    shop.cartwire.stop();
}

fn find(stored: &[Stored], name: &str) -> Option<Value> {
    stored.iter().map(|one| &one.message).find(|message| message["event"] == name || message["type"] == name).cloned()
}

/// A page that only loads the script, tells of a long search, and goes on to the next one when that has been sent.
fn walk(next: &str) -> String {
    let then = if next.is_empty() { String::new() } else { format!("location.href = '{next}'") };
    format!(
        r#"<!doctype html><title>Walk</title><script>
window.bodlEvents = {{ product: {{ searchPerformed: (callback) => {{ window.search = callback; }} }} }};
</script><script src="/storefront.js"></script><script>
search({{ search_keyword: "\u6771".repeat(25000) }});
const waiting = setInterval(() => {{
  const queue = localStorage.getItem("cartwire_queue");
  if (queue === "[]") {{ clearInterval(waiting); {then} }}
}}, 50);
</script>"#
    )
}

/// The shopper logs in, buys, and logs out in the same tab. Each page also tells more than browsers let a page send that goes
/// away, in fewer characters than that.
#[test]
fn who_has_logged_out_is_not_told_of() {
    if !chromium::is_there() {
        return;
    }
    let collector = FakeApi::start(|_, _| (200, vec![("access-control-allow-origin", "*".to_owned())], String::new()));
    let script = SCRIPT.replace(ENDPOINT, &format!("http://{}/", collector.host()));
    let storefront = FakeApi::start(move |asked, _| {
        let typed = |kind: &str, body: String| (200, vec![("content-type", kind.to_owned())], body);
        let page = asked.header("referer").unwrap_or_default().to_owned();
        match asked.line.split(['?', ' ']).nth(1).unwrap_or_default() {
            "/api/storefront/carts" if page.ends_with("/cart") => {
                let cart = json!([{ "id": CART, "customerId": 32, "email": "ada@example.com" }]);
                typed("application/json", cart.to_string())
            }
            "/api/storefront/carts" => typed("application/json", "[]".to_owned()),
            "/storefront.js" => typed("text/javascript", script.clone()),
            "/cart" => typed("text/html", walk("/checkout/order-confirmation/250")),
            "/checkout/order-confirmation/250" => typed("text/html", walk("/left")),
            "/left" => typed("text/html", walk("")),
            _ => (404, Vec::new(), String::new()),
        }
    });
    let browser = Chromium::open(&format!("http://{}/cart", storefront.host()), None);
    let deadline = std::time::Instant::now() + TIMEOUT;
    let told = loop {
        let posts = collector.asked();
        let batches = posts.iter().map(|post| serde_json::from_slice::<Vec<Value>>(&post.body).unwrap());
        let told: Vec<_> = batches.flatten().collect();
        if told.len() >= 6 {
            break told;
        }
        assert!(std::time::Instant::now() < deadline, "only {} messages have come", told.len());
        std::thread::sleep(Duration::from_millis(50));
    };
    let known = json!({ "id": CART, "customerId": 32, "email": "ada@example.com" });
    for (path, cart) in
        [("/cart", &known), ("/checkout/order-confirmation/250", &known), ("/left", &json!({ "id": CART }))]
    {
        let of_page: Vec<_> = told.iter().filter(|message| message["page"]["path"] == path).collect();
        assert_eq!(of_page.len(), 2, "{path}");
        for message in of_page {
            assert_eq!(message["cart"], *cart, "{path}: {}", message["event"]);
        }
    }
    drop(browser);
}
