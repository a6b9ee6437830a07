//! `cartwire schema`: it accepts what Cartwire accepts, and refuses typical mistakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "schema/checker.rs"]
mod checker;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use cartwire::cli::Placeholders;
use cartwire::pipeline::Plan;
use cartwire::reference::defs;
use cartwire::registry::{Def, Default, Opt, Room, Shape, Type};
use cartwire::script::Limits;
use cartwire::tree::Tree;
use checker::Checker;
use serde_json::{Value, json};

const ROOMS: [Room; 3] = [Room::Source, Room::Step, Room::Sink];

fn cartwire(args: &[&str], dir: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn checker() -> Checker {
    Checker::new(serde_json::from_slice(&cartwire(&["schema"], Path::new("."))).unwrap())
}

fn value_of(yaml: &str) -> Value {
    let (node, problems) = cartwire::yaml::parse("p.yaml", yaml);
    assert!(problems.is_empty(), "{problems:?}\n{yaml}");
    node.unwrap().to_json()
}

#[track_caller]
fn conforms(checker: &Checker, yaml: &str) {
    if let Err(error) = checker.check(&value_of(yaml)) {
        panic!("{error}\n{yaml}");
    }
}

/// The errors of Cartwire's own reader.
fn errors(yaml: &str) -> Vec<String> {
    let tree = Tree::new()
        .with("pipelines/p.yaml", yaml)
        .with("scripts/shop/order.rhai", "event.a = 1;")
        .with("scripts/tables/products.csv", "sku,cost,supplier\nA-1,4.50,North\n")
        .with("scripts/plans/shop.yaml", "rules: []\n");
    let loaded = Plan::load(&Arc::new(tree), "pipelines/p.yaml", "p", &Placeholders::isolated(), &Limits::default());
    loaded.problems.iter().filter(|diag| diag.is_error()).map(ToString::to_string).collect()
}

#[test]
fn shipped_pipelines_conform() {
    let checker = checker();
    let mut seen = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            conforms(&checker, &fs::read_to_string(path).unwrap());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn new_projects_and_the_readme_conform() {
    let checker = checker();
    for kind in ["shopify", "browser", "segment_webhook", "webhook", "rewrite"] {
        let dir = tempfile::tempdir().unwrap();
        cartwire(&["new", "shop", "--source", kind], dir.path());
        conforms(&checker, &fs::read_to_string(dir.path().join(format!("shop/pipelines/{kind}.yaml"))).unwrap());
    }
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let pipeline = readme.split("```yaml\n").find(|block| block.starts_with("description:")).unwrap();
    conforms(&checker, pipeline.split("```").next().unwrap());
}

/// A pipeline with an item in one of its rooms, and as little else as possible.
fn pipeline(room: Room, item: &Value) -> Value {
    let mut pipeline = json!({ "sources": [{ "file": "x" }], "sinks": ["console"] });
    pipeline[format!("{}s", room.name())] = json!([item]);
    pipeline
}

fn example(def: &Def) -> Value {
    value_of(def.example)[0].clone()
}

#[test]
fn examples_conform_and_their_misspellings_do_not() {
    let checker = checker();
    for room in ROOMS {
        for def in defs(room) {
            let item = example(def);
            if let Err(error) = checker.check(&pipeline(room, &item)) {
                panic!("{}: {error}", def.name);
            }
            let refused = |item: &Value, why: &str| {
                assert!(checker.check(&pipeline(room, item)).is_err(), "{}: {why}: {item}", def.name);
            };
            let mut beside = item.clone();
            beside["whne"] = "true".into();
            refused(&beside, "an unknown key beside the kind");
            let mut renamed = item.clone();
            let options = renamed.as_object_mut().unwrap().remove(def.name).unwrap();
            renamed[format!("{}x", def.name)] = options;
            refused(&renamed, "an unknown kind");
            let Shape::Options { options, .. } = &def.shape else { continue };
            if item[def.name].is_object() {
                let mut unknown = item.clone();
                unknown[def.name]["no_such_option"] = 1.into();
                refused(&unknown, "an unknown option");
                each_option(&item, def.name, options, &refused);
            }
        }
    }
}

/// Leaves out what is required, and gives each option something that it does not take.
fn each_option(item: &Value, part: &str, options: &[Opt], refused: &dyn Fn(&Value, &str)) {
    for opt in options {
        if matches!(opt.default, Default::Required) {
            let mut without = item.clone();
            without[part].as_object_mut().unwrap().remove(opt.name);
            refused(&without, opt.name);
        }
        if let Some(wrong) = wrong_value(&opt.ty) {
            let mut with = item.clone();
            with[part][opt.name] = wrong;
            refused(&with, opt.name);
        }
    }
}

/// A value that the type does not take, if there is any.
fn wrong_value(ty: &Type) -> Option<Value> {
    match ty {
        Type::Bool => Some("perhaps".into()),
        Type::Int(_, max) if *max < i64::MAX => Some((max + 1).into()),
        Type::Int(..) => Some("many".into()),
        Type::Text | Type::Path | Type::ScriptFile | Type::Code => Some(json!(["a"])),
        Type::Secret => Some("".into()),
        Type::Url => Some("ftp://example.com".into()),
        Type::Duration => Some("30 parsecs".into()),
        Type::Bytes => Some("big".into()),
        Type::Word(_) | Type::Choice(_) => Some("no-such-word".into()),
        Type::List(item) => wrong_value(item).map(|wrong| json!([wrong])),
        Type::Map(_) => Some("no map".into()),
        Type::Options(..) => Some(json!({ "no_such_option": 1 })),
        Type::Condition => Some(json!({ "no_such_form": 1 })),
        Type::Any | Type::Raw => None,
    }
}

const SINKS: &str = "sinks: [console]\n";
const SOURCES: &str = "sources: { file: x }\n";

#[test]
fn what_the_reader_takes_in_other_forms_conforms() {
    let checker = checker();
    for yaml in [
        "sources:\n  file: x\nsinks:\n  console:\n".to_owned(),
        format!("{SOURCES}{SINKS}steps:\n"),
        format!("description:\nsources:\n  - shopify: \"${{SECRET}}\"\n{SINKS}"),
        format!("sources:\n  - webhook: {{ verify: none, status: 202 }}\n{SINKS}"),
        format!(
            "sources:\n  - webhook: {{ verify: {{ none: }}, methods: POST, split: \"${{SPLIT:-true}}\" }}\n{SINKS}"
        ),
        format!("sources:\n  - webhook: {{ verify: none, body_max: 1000000 }}\n{SINKS}"),
        format!("{SOURCES}{SINKS}steps:\n  - filter: true\n  - remove: context.ip\n"),
        format!(
            "{SOURCES}{SINKS}steps:\n  - script: shop/order.rhai\n    when: event.type == \"track\"\n    on_error: pass\n    id: a.b\n"
        ),
        format!("{SOURCES}{SINKS}steps:\n  - filter: {{ not: {{ field: event, is: null }}, reason: empty }}\n"),
        format!("{SOURCES}sinks:\n  - console: ndjson\n    when: event.type == \"track\"\n    id: out\n"),
        format!("{SOURCES}sinks:\n  - segment: {{ write_key: \"${{KEY}}\", gzip: \"${{GZIP:-true}}\" }}\n"),
    ] {
        assert_eq!(errors(&yaml), Vec::<String>::new(), "{yaml}");
        conforms(&checker, &yaml);
    }
}

#[test]
fn what_the_reader_refuses_does_not_conform() {
    let checker = checker();
    for yaml in [
        "sources: [{ file: x }]\n".to_owned(),
        SINKS.to_owned(),
        format!("sources: []\n{SINKS}"),
        format!("{SOURCES}{SINKS}stps: []\n"),
        format!("{SOURCES}{SINKS}description: [a]\n"),
        format!("sources: console\n{SINKS}"),
        format!("sources: [shopify]\n{SINKS}"),
        format!("sources:\n  - file: x\n    when: true\n{SINKS}"),
        format!("sources:\n  - webhook: {{ verify: hmac }}\n{SINKS}"),
        format!(
            "sources:\n  - webhook: {{ verify: {{ hmac: {{ header: X, secrets: s, algoritm: sha1 }} }} }}\n{SINKS}"
        ),
        format!("sources:\n  - webhook: {{ verify: {{ none: , header: {{ name: X, secrets: s }} }} }}\n{SINKS}"),
        format!("sources:\n  - segment: {{ write_keys: k, body_max: large }}\n{SINKS}"),
        format!("{SOURCES}{SINKS}steps:\n  - sett: {{ a: 1 }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - segment: {{ write_key: k }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - set: {{ a: 1 }}\n    remove: [b]\n"),
        format!("{SOURCES}{SINKS}steps:\n  - set: [a]\n"),
        format!("{SOURCES}{SINKS}steps:\n  - rename: {{ a: [b] }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - set: {{ a: 1 }}\n    on_error: ignore\n"),
        format!("{SOURCES}{SINKS}steps:\n  - set: {{ a: 1 }}\n    id: \"a b\"\n"),
        format!("{SOURCES}{SINKS}steps:\n  - set: {{ a: 1 }}\n    settings: [a]\n"),
        format!("{SOURCES}{SINKS}steps:\n  - filter: {{ field: event }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - filter: {{ field: event, reason: none }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - filter: {{ field: event, in: Order }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - filter: {{ any: [{{ field: event, iz: a }}] }}\n"),
        format!("{SOURCES}{SINKS}steps:\n  - filter: {{ pth: $.a }}\n"),
        format!("{SOURCES}sinks:\n  - console: {{ format: xml }}\n"),
        format!("{SOURCES}sinks:\n  - console: ndjson\n    on_error: drop\n"),
        format!("{SOURCES}sinks:\n  - segment: {{ write_key: }}\n"),
        format!("{SOURCES}sinks:\n  - segment: {{ write_key: k, linger: 30 }}\n"),
    ] {
        assert_ne!(errors(&yaml), Vec::<String>::new(), "{yaml}");
        assert!(checker.check(&value_of(&yaml)).is_err(), "conforms:\n{yaml}");
    }
}

#[test]
fn an_editor_finds_words_and_descriptions_in_it() {
    let schema: Value = serde_json::from_slice(&cartwire(&["schema"], Path::new("."))).unwrap();
    let kinds = schema["$defs"]["sink"]["oneOf"].as_array().unwrap();
    let segment = kinds.iter().find(|kind| kind["title"] == "segment").unwrap();
    let options = &segment["properties"]["segment"]["anyOf"]
        .as_array()
        .map_or(&segment["properties"]["segment"], |forms| &forms[0])["properties"];
    assert!(options["region"]["description"].is_string(), "{options:#}");
    assert_eq!(options["region"]["default"], "us");
    assert_eq!(options["region"]["anyOf"][0]["enum"], json!(["us", "eu"]));
}
