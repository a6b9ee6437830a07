//! What the reference finds, and that it leaves nothing out.

use super::*;
use crate::registry::{Shape, Type};
use crate::script::lib::functions;

const ROOMS: [Room; 3] = [Room::Source, Room::Step, Room::Sink];

/// Every option of a table and of the forms in it.
fn all<'a>(options: &'a [Opt], found: &mut Vec<&'a Opt>) {
    for opt in options {
        found.push(opt);
        if let Type::Group(inside) = opt.ty {
            all(inside, found);
        }
        if let Type::Choice(forms) = opt.ty {
            for form in forms {
                all(form.options, found);
            }
        }
    }
}

/// The row of an option: its name, what it takes, and what is said of it.
fn row_of(text: &str, opt: &Opt) -> bool {
    let start = format!("| `{}` | {} | ", opt.name, opt.ty.expected());
    let end = format!(" | {} |", opt.about.split_whitespace().collect::<Vec<_>>().join(" "));
    text.lines().any(|line| line.starts_with(&start) && line.ends_with(&end))
}

#[test]
fn each_part_shows_all_its_options_and_its_example() {
    for def in ROOMS.into_iter().flat_map(defs) {
        let text = markdown(&[Chapter { name: "", title: "", about: "", entries: vec![Entry::Part(def)] }]);
        for shown in [def.about, def.details, def.example.trim_end()] {
            assert!(text.contains(shown), "{}: {shown} in\n{text}", def.name);
        }
        let mut options = Vec::new();
        if let Shape::Options { options: known, .. } = &def.shape {
            all(known, &mut options);
        }
        for opt in options {
            assert!(row_of(&text, opt), "{}: {} in\n{text}", def.name, opt.name);
        }
    }
}

#[test]
fn the_book_holds_every_part_key_and_function() {
    let text = markdown(&book());
    for def in ROOMS.into_iter().flat_map(defs) {
        assert!(text.contains(&format!("### {}\n", def.name)), "{}", def.name);
    }
    for keys in [&PIPELINE, &COMMON, &CASE, &GIVEN] {
        for opt in keys.options {
            assert!(row_of(&text, opt), "{}: {}", keys.name, opt.name);
        }
    }
    for fun in functions() {
        let shown = format!("#### `{}`\n\n{}\n\n```rhai\n{}\n```\n", fun.signature, fun.about, fun.example);
        assert!(text.contains(&shown), "{}", fun.name);
    }
}

#[test]
fn an_option_shows_how_the_example_writes_it() {
    let text = markdown(&find(&["webhook"]).unwrap());
    for part in [
        "| `body_max` | a size, as 32KB, 10MiB or a number of bytes | `8MB` | `1MB` |",
        "| `tolerance` | a duration, as 500ms, 30s, 5m or 7d | `300s` | `5m` |",
        "| `methods` |",
        "`verify: hmac` – ",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let short = markdown(&find(&["file"]).unwrap());
    assert!(short.contains("| required | `data/events.ndjson` |"), "{short}");
}

#[test]
fn names_find_parts_chapters_and_functions() {
    let titles = |name: &str| find(&[name]).unwrap().iter().map(|chapter| chapter.name).collect::<Vec<_>>();
    assert_eq!(titles("segment"), ["sources", "sinks"]);
    assert_eq!(titles("steps"), ["steps"]);
    assert_eq!(titles("money"), ["scripts"]);
    assert_eq!(titles("common"), ["pipelines"]);
    let one = markdown(&find(&["money::parse"]).unwrap());
    assert_eq!(one.matches("####").count(), 1, "{one}");
    let two = markdown(&find(&["set", "console"]).unwrap());
    assert!(two.find("### set").unwrap() < two.find("### console").unwrap(), "{two}");
    let unknown = |name: &str| find(&[name]).unwrap_err();
    assert_eq!(unknown("shopfy"), Unknown { name: "shopfy".into(), near: Some("shopify") });
    assert_eq!(unknown("money::prase").near, Some("money::parse"));
    assert_eq!(unknown("quite-another-thing").near, None);
    assert!(names().into_iter().all(|name| find(&[name]).is_ok()));
}

#[test]
fn json_says_the_same() {
    let value = json(&find(&["webhook", "set", "hash"]).unwrap());
    let webhook = &value["chapters"][0]["entries"][0];
    let Shape::Options { options, .. } = &SOURCES.iter().find(|part| part.def.name == "webhook").unwrap().def.shape
    else {
        panic!("webhook has options");
    };
    assert_eq!(webhook["options"].as_array().unwrap().len(), options.len());
    let verify = &webhook["options"][0];
    assert_eq!((&verify["name"], &verify["required"]), (&"verify".into(), &true.into()));
    let hmac = verify["forms"].as_array().unwrap().iter().find(|form| form["name"] == "hmac").unwrap();
    assert_eq!(hmac["options"][0]["example"], "X-Signature");
    assert_eq!(value["chapters"][1]["entries"][0]["beside"], serde_json::json!(["id", "when", "on_error", "settings"]));
    let functions = value["chapters"][2]["entries"][0]["functions"].as_array().unwrap();
    assert!(functions.iter().all(|fun| fun["signature"].is_string() && fun["example"].is_string()), "{functions:?}");
}
