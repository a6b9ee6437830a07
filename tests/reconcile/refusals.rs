//! Who may, and what is said when it cannot be: every refusal names what to do, and never a secret.

use std::process::{Command, Output};

use serde_json::json;

use crate::rest::{Platform, TOKEN};
use crate::support::http;
use crate::support::{Cartwire, Project};
use crate::world::{World, both};

fn check(output: &Output, code: i32, expected: &[&str]) {
    let text = both(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for expected in expected {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(!text.contains(TOKEN), "{text}");
}

#[test]
fn a_refused_token_is_told_without_it() {
    for (platform, needs) in [
        (Platform::Shopify, "read_orders"),
        (Platform::Bigcommerce, "may read orders"),
        (Platform::Medusa1, "`api_token` of a user"),
        (Platform::Medusa2, "a secret API key"),
    ] {
        let world = World::start_with(platform, |yaml| yaml.replace("${API_TOKEN}", "wrong"));
        check(&world.reconcile(&[]), 1, &["error[no-access]", "refuses the token of `api` (401)", needs, ".yaml:"]);
        assert_eq!(world.rest.asked().len(), 1, "a refusal is not asked again");
    }
}

#[test]
fn a_shop_that_is_not_there_is_told() {
    let world = World::start_with(Platform::Shopify, |yaml| {
        yaml.replace("token: \"${API_TOKEN}\"", "token: \"${API_TOKEN}\", version: 2019-01")
    });
    check(
        &world.reconcile(&[]),
        1,
        &["error[no-shop]", "/admin/api/2019-01/orders.json answered 404", "check the shop"],
    );
    // Nobody listens at port 1; the port of the fake becomes a fragment.
    let world = World::start_with(Platform::Medusa2, |yaml| {
        yaml.replace("url: \"http://127.0.0.1:", "url: \"http://localhost:1#")
    });
    check(&world.reconcile(&[]), 1, &["error[no-answer]", "does not answer"]);
}

/// Another page than the API's, as behind a wrong address.
#[test]
fn an_answer_that_is_no_list_is_told() {
    let world = World::start(Platform::Medusa1);
    world.rest.fault(0, 200, &[], 1);
    check(&world.reconcile(&[]), 1, &["error[not-understood]", "is not a list of orders", "under `api`"]);
}

#[test]
fn who_gives_no_api_is_told_what_to_add() {
    let bare = |yaml: String| {
        let lines: Vec<_> = yaml.lines().filter(|line| !line.trim_start().starts_with("api: {")).collect();
        lines.join("\n") + "\n"
    };
    for (platform, hint) in [
        (
            Platform::Shopify,
            "add to its options: api: { shop: example-store.myshopify.com, token: \"${SHOPIFY_ADMIN_TOKEN}\" }",
        ),
        (Platform::Bigcommerce, "api: { store: abc123xyz, token: \"${BIGCOMMERCE_ACCESS_TOKEN}\" }"),
        (Platform::Medusa2, "api: { url: https://medusa.example.com, version: 2, token: \"${MEDUSA_ADMIN_TOKEN}\" }"),
    ] {
        let world = World::start_with(platform, bare);
        check(&world.reconcile(&[]), 1, &["error[no-api]", "--> pipelines/", hint]);
        if platform == Platform::Shopify {
            check(&world.reconcile(&["--source", "shopfy"]), 1, &["has no source `shopfy`", "did you mean `shopify`?"]);
            check(&world.reconcile(&["--source", "shopify_pixel"]), 1, &["no source of `shopify` can list orders"]);
        }
    }
}

#[test]
fn times_must_make_a_window() {
    let world = World::start(Platform::Shopify);
    check(&world.run(&["--since", "yesterday"]), 2, &["a duration back from now (2d, 12h)"]);
    check(&world.run(&["--since", "2026-01-02", "--until", "2026-01-01"]), 2, &["--since is not before --until"]);
    check(&world.run(&["--since", "5m"]), 2, &["ten minutes ago"]);
    check(&world.run(&[]), 2, &["--since"]);
    // Younger than ten minutes: its webhook may be on its way.
    world.order(1, 30);
    world.order(2, 900);
    let output = world.run(&["--since", "1d", "--backfill", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["shops"][0]["listed"], 1, "{report:#}");
}

fn cartwire(project: &Project, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
    command.args(["reconcile"]).args(args).current_dir(project.dir()).env_remove("CARTWIRE_DATA_DIR");
    command.env("NO_COLOR", "1").output().unwrap()
}

#[test]
fn a_data_directory_that_is_not_there_is_not_made() {
    let pipeline = "sources:\n  - shopify: { secrets: s, api: { shop: a, token: t } }\nsinks: [ console ]\n";
    let project = Project::new().pipeline("shop", pipeline);
    check(
        &cartwire(&project, &["shop", "--since", "1d"]),
        1,
        &["error[no-journal]", "nothing has run there", "--data-dir"],
    );
    assert!(!project.path(".cartwire").exists());
    check(&cartwire(&project, &["shp", "--since", "1d"]), 1, &["there is no pipeline `shp`", "did you mean `shop`?"]);
    check(&cartwire(&project, &["shop", "nowhere", "--since", "1d"]), 1, &["there is no pipeline"]);
    let unset = pipeline.replace("token: t", "token: \"${NO_SUCH_TOKEN}\"");
    project.write("pipelines/shop.yaml", &unset);
    check(&cartwire(&project, &["shop", "--since", "1d"]), 1, &["NO_SUCH_TOKEN", "pipelines/shop.yaml:2:"]);
}

/// Reaching the admin address is not enough to have orders told: a page in a browser can do that much.
#[test]
fn only_who_can_read_the_data_directory_gives_orders() {
    let world = World::start(Platform::Shopify);
    let body =
        json!({"pipeline": "shopify", "source": "shopify", "shop": "example-store.myshopify.com", "how": "deliver",
        "orders": [{"id": "1", "created_ms": 0, "text": {"id": 1}}]})
        .to_string();
    let control = std::fs::read_to_string(world.cartwire.data_dir().join("control.json")).unwrap();
    let control: serde_json::Value = serde_json::from_str(&control).unwrap();
    let right = format!("Bearer {}", control["token"].as_str().unwrap());
    let post = |path: &str, authorization: &str, body: &str| {
        let headers = [("authorization", authorization), ("content-type", "text/plain")];
        http::post(&world.cartwire.admin_url(path), &headers, body.as_bytes()).unwrap()
    };
    for wrong in ["", "Bearer ", "Bearer x", &right[..right.len() - 1]] {
        assert_eq!(post("/reconcile/orders", wrong, &body).status, 401, "{wrong:?}");
    }
    assert_eq!(world.cartwire.admin("/reconcile/orders").status, 405);
    assert_eq!(post("/reconcile/other", &right, &body).status, 404);
    assert_eq!(post("/reconcile/orders", &right, "{}").status, 400);
    let unknown =
        post("/reconcile/orders", &right, &body.replace("\"pipeline\":\"shopify\"", "\"pipeline\":\"other\""));
    assert_eq!((unknown.status, unknown.text().contains("no pipeline `other`")), (404, true));
    let unknown = post("/reconcile/orders", &right, &body.replace("example-store", "another"));
    assert_eq!((unknown.status, unknown.text().contains("no `api` for another")), (409, true));
    assert_eq!(world.settled()["deliveries"], 0);
    assert!(!world.cartwire.stderr().contains(control["token"].as_str().unwrap()));
    assert!(!world.cartwire.stderr().contains(TOKEN));
}

/// What is told to a dry run is printed and gone.
#[test]
fn a_dry_run_takes_no_orders() {
    let pipeline =
        "sources:\n  - shopify: { secrets: s, api: { shop: a, token: t } }\nsinks:\n  - segment: { write_key: k }\n";
    let project = Project::new().pipeline("shop", pipeline);
    let dry = Cartwire::start_with(&project, &["--dry-run"], &[]);
    let data = dry.data_dir().join("dry-run");
    let output = cartwire(&project, &["shop", "--since", "1d", "--data-dir", data.to_str().unwrap()]);
    check(&output, 1, &["it is a dry run, which sends nothing"]);
}

/// The running process has an older version of the pipeline, whose edit it refused.
#[test]
fn an_edit_that_was_refused_is_told() {
    let world = World::start_with(Platform::Shopify, |yaml| {
        yaml.lines().filter(|line| !line.trim_start().starts_with("api: {")).collect::<Vec<_>>().join("\n") + "\n"
    });
    let edited = std::fs::read_to_string(world.project.path("pipelines/shopify.yaml")).unwrap().replace(
        "secrets: [\"${SHOPIFY_WEBHOOK_SECRET}\"]",
        "secrets: [\"${SHOPIFY_WEBHOOK_SECRET}\"]\n      api: { shop: example-store, token: \"${ONLY_HERE}\" }",
    );
    world.project.write("pipelines/shopify.yaml", &edited);
    world.cartwire.wait_for_log("refusal", |line| line.contains("the edit was refused"));
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire"))
        .args(["reconcile", "shopify"])
        .arg(world.project.dir())
        .args(["--since", "1d", "--data-dir"])
        .arg(world.cartwire.data_dir())
        .env_remove("CARTWIRE_ADMIN")
        .envs([("SHOPIFY_WEBHOOK_SECRET", "s"), ("SEGMENT_WRITE_KEY", "k"), ("ONLY_HERE", "t"), ("NO_COLOR", "1")])
        .output()
        .unwrap();
    check(&output, 1, &["the source `shopify` of `shopify` has no `api`", "its log tells why"]);
}
