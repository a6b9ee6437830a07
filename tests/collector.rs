//! cartwire.js and the Shopify pixel in a real browser: they send to the shipped pipelines, through the engine, to a server that validates.
//!
//! Needs Chromium (`chromium`, or the program that `CHROMIUM` names). Without it these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken set-up should stop the test")]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/site.rs"]
mod site;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chromium::{Chromium, USER_AGENT};
use serde_json::{Value, json};
use site::Site;
use support::install::{installed, npm};
use support::{Cartwire, FakeApi, FakeSegment, Project, Stored};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Where the visitor lands: a link of a newsletter that holds the address.
const LANDING: &str = "/shop?utm_source=newsletter&utm_campaign=spring&gclid=TestGclid123&email=ada%40example.com#top";

/// The same as it leaves Cartwire.
const LANDING_TOLD: &str = "/shop?utm_source=newsletter&utm_campaign=spring&gclid=TestGclid123";

/// One browser at a time: each wants both cores of a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A page that has loaded its script and waits to be let go.
struct Visit {
    // Dropped in this order: the browser first.
    browser: Option<Chromium>,
    site: Site,
    cartwire: Cartwire,
    segment: FakeSegment,
    _project: Project,
    _guard: MutexGuard<'static, ()>,
}

impl Visit {
    /// None where the browser is missing. `pages` makes the site's own files of Cartwire's address.
    fn start(
        pipeline: &str,
        landing: &str,
        pages: impl Fn(&Cartwire) -> (BTreeMap<String, String>, Value),
    ) -> Option<Self> {
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !chromium::is_there() {
            return None;
        }
        let segment = FakeSegment::start();
        let envs = [
            ("BROWSER_WRITE_KEY", "in-key"),
            ("SHOPIFY_WEBHOOK_SECRET", "secret"),
            ("SEGMENT_WRITE_KEY", "out-key"),
            ("SEGMENT_URL", &segment.url()),
        ];
        let project = project(pipeline);
        let cartwire = Cartwire::start_with(&project, &[], &envs);
        let (own, run) = pages(&cartwire);
        let mut site = Site::of(own, run);
        let browser = Chromium::open(&site.url(landing), Some(USER_AGENT));
        site.wait_for("ready");
        Some(Self { browser: Some(browser), site, cartwire, segment, _project: project, _guard: guard })
    }

    /// A page with cartwire.js, and `more` of the run as `collector.js` wants it.
    fn collector(more: &Value) -> Option<Self> {
        Self::start("browser", LANDING, |cartwire| {
            let mut run = json!({
                "source": cartwire.url("/cartwire.js"),
                "attributes": { "data-write-key": "in-key" },
                "calls": "visit",
            });
            for (key, value) in more.as_object().unwrap() {
                run[key] = value.clone();
            }
            let page = page("collector.js");
            let own = [("/shop", page.clone()), ("/next", page), ("/collector.js", read("tests/browser/collector.js"))];
            (own.into_iter().map(|(path, text)| (path.to_owned(), text)).collect(), run)
        })
    }

    fn wait_for(&self, events: &[&str]) -> Vec<Stored> {
        let received = self.segment.wait_until(TIMEOUT, &events.join(", "), |stored| {
            events.iter().all(|event| stored.iter().any(|stored| stored.message["event"] == *event))
        });
        let warnings = self.segment.warnings();
        assert!(warnings.is_empty(), "{warnings:?}");
        received
    }

    /// Everything that has come when Cartwire has nothing left to send.
    fn end(&mut self) -> Vec<Stored> {
        self.browser = None;
        self.cartwire.stop();
        self.segment.received()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// A page that runs this script.
fn page(script: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Northway</title><link rel=\"icon\" href=\"data:,\">\
         <script src=\"/run.js\"></script><script src=\"/{script}\"></script></html>"
    )
}

/// A shipped pipeline, with the sink's address set to the fake.
fn project(pipeline: &str) -> Project {
    let yaml = read(&format!("pipelines/{pipeline}.yaml"));
    let pointed = yaml
        .replace("write_key: ${SEGMENT_WRITE_KEY}", "write_key: ${SEGMENT_WRITE_KEY}\n      endpoint: ${SEGMENT_URL}");
    assert_ne!(yaml, pointed, "the pipeline's write key has moved");
    // No webhooks come here.
    let alone = pointed.replace("order_completed_from: webhook", "order_completed_from: pixel");
    let mut project = Project::new().pipeline(pipeline, &alone);
    for folder in ["scripts", "scripts/lib", "scripts/shopify"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "rhai") {
                let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                project = project.file(&inside, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    project
}

/// The only message that is this: a type, or a track of this name.
fn only<'s>(stored: &'s [Stored], what: &str) -> &'s Value {
    let mut found = stored.iter().filter(|stored| stored.message["type"] == what || stored.message["event"] == what);
    let first = found.next().unwrap_or_else(|| panic!("no {what} in {:#?}", events(stored)));
    assert!(found.next().is_none(), "two of {what}: {:#?}", events(stored));
    &first.message
}

fn events(stored: &[Stored]) -> Vec<&Value> {
    stored
        .iter()
        .map(
            |stored| if stored.message["event"].is_null() { &stored.message["type"] } else { &stored.message["event"] },
        )
        .collect()
}

#[test]
fn a_page_with_one_tag_tells_of_itself_and_of_each_call() {
    let attributes = json!({ "data-write-key": "in-key", "data-cart-attribute": "segment_anonymous_id" });
    let Some(mut visit) = Visit::collector(&json!({ "attributes": attributes })) else { return };
    visit.site.go();
    let page = visit.site.wait_for("visited");
    visit.wait_for(&["Visited Again"]);
    let received = visit.end();
    assert_eq!(received.len(), 9, "{:#?}", events(&received));
    assert_eq!(visit.segment.duplicates().len(), 0);

    let early = only(&received, "Called Early");
    let anonymous = &early["anonymousId"];
    assert_eq!(anonymous.as_str().map(str::len), Some(36));
    assert_eq!(early["properties"], json!({ "early": true }));
    for stored in &received {
        check_context(&visit, stored);
        let is_later = stored.message["event"] == "Visited Again";
        let no_anonymous = stored.message["type"] == "alias" || is_later;
        assert!(no_anonymous || stored.message["anonymousId"] == *anonymous, "{}", stored.raw);
    }

    let viewed = only(&received, "Product Viewed");
    let product = json!({ "product_id": "42", "name": "Größe ✓ \"L\"", "price": 19.99, "currency": "EUR" });
    assert_eq!((&viewed["properties"], viewed.get("userId")), (&product, None));
    let identify = only(&received, "identify");
    assert_eq!(identify["userId"], "user-7");
    assert_eq!(identify["traits"], json!({ "email": "ada@example.com", "name": "Ada" }));
    let custom = only(&received, "Custom Thing");
    assert_eq!((&custom["userId"], &custom["integrations"]), (&json!("user-7"), &json!({ "All": false })));
    assert_eq!(
        (&custom["context"]["groupId"], &custom["properties"]["deep"]["list"]),
        (&json!("g"), &json!([1, null, "x"]))
    );
    let group = only(&received, "group");
    assert_eq!((&group["groupId"], &group["traits"]), (&json!("group-7"), &json!({ "plan": "enterprise" })));
    let alias = only(&received, "alias");
    assert_eq!((&alias["userId"], &alias["previousId"]), (&json!("user-8"), &json!("user-7")));
    let again = only(&received, "Visited Again");
    assert!(again.get("userId").is_none() && again["anonymousId"] != *anonymous, "{again}");

    // Each anonymousId was left in the cart once.
    let left = |id: &Value| json!({ "attributes": { "segment_anonymous_id": id } });
    assert_eq!(visit.site.carts(), [left(anonymous), left(&again["anonymousId"])]);

    let pages: Vec<_> = received.iter().filter(|stored| stored.message["type"] == "page").collect();
    assert_eq!(pages.len(), 2);
    for page in &pages {
        let properties = &page.message["properties"];
        assert_eq!(properties["url"], visit.site.url(LANDING_TOLD), "{properties:#}");
        assert_eq!((&properties["path"], &properties["title"]), (&json!("/shop"), &json!("Northway")));
    }
    assert!(pages[0].message.get("name").is_none());
    assert_eq!((&pages[1].message["category"], &pages[1].message["name"]), (&json!("Shop"), &json!("Home")));
    assert_eq!(pages[1].message["properties"]["season"], "spring");

    assert_eq!(page["sent"], json!(["Product Viewed", "Custom Thing"]));
    let known =
        json!({ "id": "user-7", "anonymousId": anonymous, "traits": { "email": " Ada@Example.COM ", "name": "Ada" } });
    assert_eq!(page["known"], known);
    assert_eq!((&page["after"], &page["same"]), (&Value::Null, &json!(true)));
    let cookies = page["cookies"].as_str().unwrap();
    assert!(cookies.contains(&format!("ajs_anonymous_id={}", again["anonymousId"].as_str().unwrap())), "{cookies}");
    assert!(!cookies.contains("ajs_user_id") && !cookies.contains("cartwire_test"), "{cookies}");
}

fn check_context(visit: &Visit, stored: &Stored) {
    let raw = &stored.raw;
    let context = &stored.merged["context"];
    assert_eq!(stored.key, "out-key");
    assert!(stored.message_id.starts_with("cartwire-"), "{raw}");
    assert_eq!(context["ip"], "127.0.0.1", "{raw}");
    assert_eq!(context["userAgent"], USER_AGENT, "{raw}");
    assert_eq!(context["library"], json!({ "name": "cartwire.js", "version": env!("CARGO_PKG_VERSION") }), "{raw}");
    assert_eq!(context["page"]["url"], visit.site.url(LANDING_TOLD), "{raw}");
    let campaign = json!({ "source": "newsletter", "name": "spring", "gclid": "TestGclid123" });
    assert_eq!(context["campaign"], campaign, "{raw}");
    assert_eq!(context["cart_token"], "cart-token-1", "{raw}");
    assert_eq!(context["locale"], "en-US", "{raw}");
    assert!(context["timezone"].is_string() && context["screen"]["width"].is_number(), "{raw}");
    assert_eq!(context["sessionId"].as_str().map(str::len), Some(13), "{raw}");
    assert!(!raw.contains("ada%40example.com"), "{raw}");
    let age_ms =
        stored.received_at.duration_since(stored.message["timestamp"].as_str().unwrap().parse().unwrap()).as_millis();
    assert!((0..10_000).contains(&age_ms), "{age_ms} ms old: {raw}");
}

/// A snippet whose library was taken out: its queue is drained, and who holds on to it goes on calling through it.
#[test]
fn an_existing_snippet_keeps_working() {
    let Some(mut visit) = Visit::collector(&json!({ "snippet": "old", "calls": "none" })) else { return };
    visit.wait_for(&["Called Early", "Called By Snippet", "Called By Snippet Later"]);
    let received = visit.end();
    // The snippet tells of the page, so the collector does not.
    assert_eq!(only(&received, "page")["name"], "Landing");
    assert_eq!(received.len(), 4, "{:#?}", events(&received));
}

/// The template of Segment's current snippet; none where its package is missing.
fn template() -> Option<String> {
    let packages = installed("browser", "browser/package.json", npm)?;
    Some(fs::read_to_string(packages.join("node_modules/@segment/snippet/dist/max.template.js")).unwrap())
}

/// It writes down what the page was with each call that waits.
#[test]
fn the_current_snippet_keeps_working() {
    let Some(template) = template() else { return };
    let run = json!({ "snippet": "current", "template": template, "calls": "none" });
    let Some(mut visit) = Visit::collector(&run) else { return };
    visit.wait_for(&["Called Early", "Called By Snippet", "Called By Snippet Later"]);
    let received = visit.end();
    assert_eq!(received.len(), 9, "{:#?}", events(&received));
    let page = only(&received, "page");
    let url = visit.site.url(LANDING_TOLD);
    let expected = json!({
        "path": "/shop", "referrer": "", "search": LANDING_TOLD.trim_start_matches("/shop"), "title": "Northway", "url": url,
    });
    assert_eq!((&page["properties"], &page["context"]["page"]), (&expected, &expected));
    let called = only(&received, "Called By Snippet");
    assert_eq!((&called["properties"], &called["context"]["page"]), (&json!({ "product_id": "42" }), &expected));
    assert_eq!(called["context"]["campaign"]["name"], "spring");
    assert_eq!(only(&received, "Called Without Properties")["context"]["page"], expected);
    let identify = only(&received, "identify");
    assert_eq!((&identify["userId"], &identify["traits"]), (&json!("user-7"), &json!({})));
    assert_eq!(only(&received, "group")["traits"], json!({ "plan": "enterprise" }));
    assert_eq!(only(&received, "alias")["previousId"], "user-7");
    let screen = only(&received, "screen");
    assert_eq!((&screen["name"], &screen["properties"]), (&json!("Home"), &json!({ "season": "spring" })));
    let later = only(&received, "Called By Snippet Later");
    assert_eq!(
        (&later["context"]["page"]["path"], &later["context"]["page"]["title"]),
        (&json!("/elsewhere"), &json!("Elsewhere"))
    );
    for stored in &received {
        assert!(!stored.raw.contains("__t") && !stored.raw.contains("\"bpc\""), "{}", stored.raw);
    }
}

/// `analytics.load("KEY")` leaves its options undefined.
#[test]
fn a_snippet_that_loads_its_library_keeps_its_queue() {
    let Some(template) = template() else { return };
    let run = json!({ "snippet": "loading", "template": template, "calls": "none" });
    let Some(mut visit) = Visit::collector(&run) else { return };
    visit.wait_for(&["Called Early"]);
    let received = visit.end();
    assert_eq!(events(&received), ["Called Early", "page"]);
}

/// It would put its stubs into the collector, each of which calls itself.
#[test]
fn a_snippet_behind_the_collector_leaves_it_as_it_is() {
    let Some(template) = template() else { return };
    let run = json!({ "snippet": "current", "placed": "after", "template": template, "calls": "none" });
    let Some(mut visit) = Visit::collector(&run) else { return };
    visit.wait_for(&["Called Early", "Called By Snippet Later"]);
    visit.end();
}

/// An event that is barred from destinations stays barred, and options are never traits.
#[test]
fn null_and_undefined_keep_the_place_of_an_argument() {
    let attributes = json!({ "data-write-key": "in-key", "data-page": "off" });
    let Some(mut visit) = Visit::collector(&json!({ "calls": "places", "attributes": attributes })) else { return };
    visit.site.go();
    let page = visit.site.wait_for("visited");
    visit.wait_for(&["Called Early", "Barred", "Barred Null", "Barred Map"]);
    let received = visit.end();
    assert_eq!(received.len(), 14, "{:#?}", events(&received));
    let (free, barred) = (json!({}), json!({ "All": false }));
    for (event, properties) in [("Barred", json!({})), ("Barred Null", json!({})), ("Barred Map", json!({ "a": 1 }))] {
        let message = only(&received, event);
        assert_eq!((&message["integrations"], &message["properties"]), (&barred, &properties), "{event}");
    }
    let of = |kind: &str| -> Vec<&Value> {
        received.iter().map(|stored| &stored.message).filter(|message| message["type"] == kind).collect()
    };
    let traits: Vec<_> = of("identify").iter().map(|message| (&message["integrations"], &message["traits"])).collect();
    let (name, email) = (json!({ "name": "Ada" }), json!({ "name": "Ada", "email": "ada@example.com" }));
    let phone = json!({ "name": "Ada", "email": "ada@example.com", "phone": "1" });
    assert_eq!(traits, [(&free, &name), (&barred, &name), (&barred, &email), (&free, &phone)]);
    let plan = json!({ "plan": "enterprise" });
    let groups: Vec<_> = of("group").iter().map(|message| (&message["integrations"], &message["traits"])).collect();
    assert_eq!(groups, [(&free, &plan), (&barred, &plan)]);
    assert!(of("group").iter().all(|message| message["groupId"] == "group-7"));
    let pages: Vec<_> = of("page").into_iter().chain(of("screen")).collect();
    for (message, (category, name, a)) in
        pages.iter().zip([(Some("Shop"), "Home", None), (None, "Null", Some(1)), (Some("Shop"), "Home", Some(1))])
    {
        assert_eq!(
            (&message["integrations"], message["category"].as_str(), &message["name"]),
            (&barred, category, &json!(name))
        );
        assert_eq!(message["properties"]["a"].as_i64(), a);
    }
    let alias = only(&received, "alias");
    assert_eq!(
        (&alias["userId"], &alias["previousId"], &alias["integrations"]),
        (&json!("8"), &json!("user-7"), &barred)
    );
    assert_eq!(page["group"], json!(["group-7", plan]));
    assert_eq!(page["traits"], phone);
    assert_eq!(page["after"], json!([null, {}]));
}

#[test]
fn another_librarys_queue_is_left_alone_when_told_so() {
    let attributes =
        json!({ "data-write-key": "in-key", "data-analytics": "off", "data-page": "off", "data-cart-cookies": "x, y" });
    let Some(mut visit) = Visit::collector(&json!({ "snippet": "old", "calls": "none", "attributes": attributes }))
    else {
        return;
    };
    visit.wait_for(&["Called Early"]);
    let received = visit.end();
    assert_eq!(events(&received), ["Called Early"]);
    assert!(received[0].message["context"].get("cart_token").is_none());
}

/// Cartwire is gone when the page makes its call, and comes back.
#[test]
fn calls_survive_a_restart_of_cartwire() {
    let Some(mut visit) = Visit::collector(&json!({ "calls": "late" })) else { return };
    visit.wait_for(&["Called Early"]);
    visit.cartwire.kill9();
    visit.site.go();
    visit.site.wait_for("visited");
    visit.cartwire.restart();
    visit.wait_for(&["Called While Down"]);
    let received = visit.end();
    only(&received, "Called While Down");
}

/// It comes back when the visitor is on the next page.
#[test]
fn what_a_page_could_not_send_the_next_one_sends() {
    let Some(mut visit) = Visit::collector(&json!({ "calls": "late", "next": true })) else { return };
    visit.wait_for(&["Called Early"]);
    // The next page needs its script from somewhere: it is in the browser's cache.
    visit.cartwire.kill9();
    visit.site.go();
    visit.site.wait_for("next");
    visit.cartwire.restart();
    let down = visit.wait_for(&["Called While Down"]);
    let path = &only(&down, "Called While Down")["context"]["page"]["path"];
    assert_eq!(path, "/shop");
    visit.end();
}

#[test]
fn a_call_made_while_the_page_is_left_arrives_once() {
    let Some(mut visit) = Visit::collector(&json!({ "calls": "leaving" })) else { return };
    visit.wait_for(&["Called Early"]);
    visit.site.go();
    visit.site.wait_for("next");
    visit.wait_for(&["Link Clicked"]);
    let received = visit.end();
    only(&received, "Link Clicked");
    assert_eq!(visit.segment.duplicates().len(), 0);
}

/// The pixel to paste into a shop, with what Shopify's sandbox gives it.
#[test]
fn the_pixel_posts_what_shopify_tells_it() {
    let scenario = |name: &str| -> Value {
        serde_json::from_str(&read(&format!("tests/fixtures/payloads/shopify/scenario/{name}.json"))).unwrap()
    };
    let mut custom = scenario("01-pixel_page_viewed");
    custom["id"] = "custom-1".into();
    custom["name"] = "wishlist_opened".into();
    custom["type"] = "custom".into();
    custom["customData"] = json!({ "items": 3 });
    let events = json!([
        scenario("04-pixel_product_viewed"),
        scenario("05-pixel_product_added_to_cart"),
        custom,
        scenario("19-pixel_checkout_completed"),
    ]);
    let Some(mut visit) = Visit::start("shopify", "/pixel", |cartwire| {
        let pixel = read("scripts/shopify/pixel.js");
        let address = "https://events.example.com/shopify/shopify_pixel";
        assert!(pixel.contains(address), "the pixel's address has moved");
        let pixel = pixel.replace(address, &cartwire.url("/shopify/shopify_pixel"));
        let html = page("sandbox.js").replace("</html>", "<script src=\"/pixel.js\"></script></html>");
        let own = [("/pixel", html), ("/sandbox.js", read("tests/browser/pixel.js")), ("/pixel.js", pixel)];
        let own = own.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        (own, json!({ "events": events }))
    }) else {
        return;
    };
    visit.site.go();
    visit.wait_for(&["Product Viewed", "Product Added", "wishlist_opened", "Order Completed"]);
    let mut received = visit.end();
    // The step `identity` tells whose the browser is.
    received.retain(|stored| !stored.message_id.ends_with(":identify"));
    assert_eq!(received.len(), 5, "{:#?}", self::events(&received));

    let viewed = only(&received, "Product Viewed");
    assert_eq!(viewed["userId"], "6900000000001", "who is logged in");
    assert_eq!(viewed["context"]["consent"]["categoryPreferences"], json!({ "analytics": true, "marketing": false }));
    assert!(viewed["context"].get("cart_token").is_none(), "the cookie had not been read yet: {viewed:#}");
    let added = only(&received, "Product Added");
    assert_eq!(added["properties"]["cart_id"], "hWN3ExampleCartTokenAAAA0001");
    assert_eq!(added["context"]["consent"]["categoryPreferences"], json!({ "analytics": true, "marketing": true }));
    assert_eq!(only(&received, "wishlist_opened")["properties"], json!({ "items": 3 }));
    // The id under which the webhook tells of the same order.
    let order = only(&received, "Order Completed");
    let shipped = read("tests/fixtures/shopify/scenario-18-orders-create.yaml");
    assert!(shipped.contains(order["messageId"].as_str().unwrap()), "{order:#}");
}

/// What browsers let a page send that is left, they count in bytes: "東" has three.
#[test]
fn the_pixel_posts_large_events_of_any_script() {
    if !chromium::is_there() {
        return;
    }
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let collector = FakeApi::start(|_, _| (200, vec![("access-control-allow-origin", "*".to_owned())], String::new()));
    let large = json!({ "id": "custom-1", "name": "note_left", "type": "custom", "customData": { "note": "東".repeat(25_000) } });
    let pixel = read("scripts/shopify/pixel.js")
        .replace("https://events.example.com/shopify/shopify_pixel", &format!("http://{}/", collector.host()));
    let html = page("sandbox.js").replace("</html>", "<script src=\"/pixel.js\"></script></html>");
    let own = [("/pixel", html), ("/sandbox.js", read("tests/browser/pixel.js")), ("/pixel.js", pixel)];
    let own = own.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    let mut site = Site::of(own, json!({ "events": [large] }));
    let browser = Chromium::open(&site.url("/pixel"), Some(USER_AGENT));
    site.wait_for("ready");
    site.go();
    site.wait_for("visited");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while collector.asked().is_empty() {
        assert!(std::time::Instant::now() < deadline, "the browser has refused to send it");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(collector.asked()[0].body.len() > 65_536);
    drop(browser);
}
