//! What pipeline files say, and what is said of bad ones.

use super::*;
use crate::diag::Diag;
use crate::registry::Environment;

struct Env;

impl Environment for Env {
    fn var(&self, name: &str) -> Option<String> {
        (name == "KEY").then(|| "k-1234".to_owned())
    }
    fn file(&self, _: &str) -> Result<String, String> {
        Err("no files here".to_owned())
    }
}

fn problems(text: &str) -> Vec<Diag> {
    let tree = Tree::new().with("pipelines/shop.yaml", text);
    read(&tree, "pipelines/shop.yaml", "shop", &Env).1
}

const GOOD: &str = "sources:
  - webhook: { verify: none }
steps:
  - set: { properties.store: north }
  - set: { properties.shop: a }
    when: event.type == \"track\"
    on_error: drop
sinks:
  - segment: { write_key: \"${KEY}\" }
";

#[test]
fn a_good_file_has_parts_with_ids() {
    let tree = Tree::new().with("pipelines/shop.yaml", GOOD);
    let (spec, problems) = read(&tree, "pipelines/shop.yaml", "shop", &Env);
    assert!(problems.is_empty(), "{problems:?}");
    let spec = spec.unwrap();
    let ids: Vec<_> = spec.sources.iter().chain(&spec.steps).chain(&spec.sinks).map(|part| part.id.as_str()).collect();
    assert_eq!(ids, ["webhook", "set", "set-2", "segment"]);
    assert_eq!(spec.steps[1].on_error, OnError::Drop);
    assert_eq!(spec.sinks[0].options.secret("write_key").unwrap().reveal(), "k-1234");
}

#[test]
fn every_problem_of_a_file_is_found_at_once() {
    let text = "sorces: []
sources:
  - shopfy: {}
  - webhook: { verify: none, pth: /x }
steps:
  - console: {}
  - set: { a: 1 }
    wen: true
  - set: { a: 1 }
    remove: [ b ]
sinks:
  - segment: { write_key: \"${MISSING}\" }
";
    let found = problems(text);
    let codes: Vec<_> = found.iter().map(|diag| diag.code).collect();
    for code in ["unknown-key", "unknown-kind", "two-parts", "missing-variable"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    assert_eq!(codes.iter().filter(|code| **code == "unknown-key").count(), 3);
    let help: Vec<_> = found.iter().filter_map(|diag| diag.help.as_deref()).collect();
    for help_text in
        ["did you mean `sources`?", "did you mean `shopify`?", "did you mean `path`?", "did you mean `when`?"]
    {
        assert!(help.contains(&help_text), "{help_text} in {help:?}");
    }
    assert!(help.iter().any(|help| help.contains("that is a sink")));
    assert!(found.iter().any(|diag| diag.message.contains("MISSING")));
    assert!(found.iter().all(|diag| diag.span.is_some()), "every problem has a place");
}

#[test]
fn secrets_do_not_show_up_in_messages() {
    let found = problems(
        "sources:\n  - webhook: { verify: none }\nsinks:\n  - segment: { write_key: x, region: \"${KEY}\" }\n",
    );
    assert!(!found.is_empty());
    for diag in found {
        assert!(!format!("{diag:?}").contains("k-1234"), "{diag:?}");
    }
}

#[test]
fn what_is_not_a_pipeline_is_told() {
    assert_eq!(problems("")[0].code, "empty-pipeline");
    assert_eq!(problems("[]")[0].code, "wrong-type");
    assert_eq!(problems("sources:\n  - webhook: { verify: none }\n")[0].code, "missing-option");
    let tree = Tree::new().with("pipelines/My Shop.yaml", GOOD);
    let (_, found) = read(&tree, "pipelines/My Shop.yaml", "My Shop", &Env);
    assert_eq!(found[0].code, "pipeline-name");
}

#[test]
fn ids_are_unique() {
    let text = GOOD.replace("  - set: { properties.shop: a }\n", "  - set: { properties.shop: a }\n    id: set\n");
    assert_eq!(problems(&text)[0].code, "duplicate-id");
}

#[test]
fn only_plain_yaml_files_of_the_folder_are_pipelines() {
    let tree = Tree::new()
        .with("pipelines/a.yaml", "")
        .with("pipelines/b.yml", "")
        .with("pipelines/inner/c.yaml", "")
        .with("scripts/d.yaml", "");
    let names: Vec<_> = pipeline_files(&tree).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["a", "b"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z:{}\\[\\]\"'|>&*!%#\\- \n$0-9]{0,200}") {
        let tree = Tree::new().with("pipelines/shop.yaml", &text);
        let (_, found) = read(&tree, "pipelines/shop.yaml", "shop", &Env);
        for diag in found {
            diag.render(Some(&text), false);
        }
    }
}
