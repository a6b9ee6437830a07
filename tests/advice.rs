//! What the scripts advise for a field of one's own is done here as it says, and the field is in the messages; and what the
//! pipelines' comments say of settings is what the scripts take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The shipped folders that a platform needs, on a disk of their own.
fn copy_of(pipeline: &str) -> tempfile::TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let file = format!("pipelines/{pipeline}.yaml");
    copy(&root.join(&file), &dir.path().join(&file));
    copy(&root.join("scripts"), &dir.path().join("scripts"));
    for folder in [format!("tests/fixtures/{pipeline}"), format!("tests/fixtures/payloads/{pipeline}")] {
        copy(&root.join(&folder), &dir.path().join(&folder));
    }
    dir
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn cartwire(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(dir).output().unwrap()
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a script's first lines put between backticks and that is code for a map or a function: `weight: this.grams`.
fn advice(text: &str) -> Vec<String> {
    let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
    let comment = comment.iter().map(|line| line.trim_start_matches(['/', ' '])).collect::<Vec<_>>().join(" ");
    let quoted = comment.split('`').skip(1).step_by(2);
    quoted.filter(|code| code.contains(": this.") || code.contains(" = this.")).map(str::to_owned).collect()
}

/// Writes a line behind each line that begins like this; there must be one.
fn add_behind(dir: &Path, file: &str, anchor: &str, code: &str) {
    let path = dir.join("scripts").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(line.to_owned());
        if line.trim_start().starts_with(anchor) {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = if code.ends_with([',', ';']) { "" } else { "," };
            lines.push(format!("{indent}{code}{end}"));
        }
    }
    assert!(lines.len() > text.lines().count(), "{file} has no line `{anchor}`");
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// After an edit: no problem, and the field is in what the cases expect once they are blessed.
fn sends(dir: &Path, pipeline: &str, field: &str) {
    let checked = both(&cartwire(&["check"], dir));
    assert!(checked.contains(": 0 errors"), "{checked}");
    cartwire(&["test", "--bless"], dir);
    let has = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split_once("\nexpect:").is_some_and(|(_, expected)| expected.contains(&format!(" {field}: ")))
    };
    let found = fs::read_dir(dir.join("tests/fixtures").join(pipeline))
        .unwrap()
        .filter(|entry| has(entry.as_ref().unwrap().path()));
    assert!(found.count() > 0, "no message of {pipeline} has `{field}`");
}

fn head(file: &str) -> Vec<String> {
    advice(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(file)).unwrap())
}

#[test]
fn a_field_is_added_as_the_scripts_say() {
    for (pipeline, file, anchor, field) in [
        ("shopify", "lib/products.rhai", "sku: this.sku,", "weight"),
        ("shopify", "shopify/traits.rhai", "shopify_customer_id: this.id_of()", "note"),
        ("bigcommerce", "bigcommerce/products.rhai", "sku: this.sku,", "weight"),
        ("bigcommerce", "bigcommerce/traits.rhai", "firstName: this.first_name,", "notes"),
        ("medusa", "medusa/traits.rhai", "medusa_customer_id: this.id,", "has_account"),
    ] {
        let advice = head(file);
        assert_eq!(advice.len(), 1, "{file}: {advice:?}");
        let dir = copy_of(pipeline);
        add_behind(dir.path(), file, anchor, &advice[0]);
        sends(dir.path(), pipeline, field);
    }
}

#[test]
fn a_field_of_a_line_of_medusa_is_read_and_sent() {
    let advice = head("medusa/products.rhai");
    let [read, send] = &advice[..] else { panic!("{advice:?}") };
    let dir = copy_of("medusa");
    for file in ["medusa/v1.rhai", "medusa/v2.rhai"] {
        add_behind(dir.path(), file, "has_product: ", read);
    }
    add_behind(dir.path(), "medusa/products.rhai", "product.coupon = this.coupon;", send);
    sends(dir.path(), "medusa", "weight");
}

#[test]
fn one_mistake_in_a_shared_module_is_one_error() {
    let dir = copy_of("shopify");
    add_behind(dir.path(), "lib/products.rhai", "sku: this.sku,", "weight: line.grams");
    let checked = both(&cartwire(&["check"], dir.path()));
    assert!(checked.contains(": 1 error, "), "{checked}");
    assert!(checked.contains("scripts/lib/products.rhai:") && checked.contains("`this`"), "{checked}");
    assert!(!checked.contains("unused-import") && !checked.contains("unknown-function"), "{checked}");
}

/// The words of `CHOICES` in a script: the setting and what it may be.
fn choices(file: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(file)).unwrap();
    let table = text.split_once("const CHOICES = #{").unwrap().1.split_once("};").unwrap().0;
    let row = |line: &str| {
        let (name, words) = line.trim().split_once(": [")?;
        let words = words.trim_end_matches("],").split(", ").map(|word| word.trim_matches('"').to_owned());
        Some((name.to_owned(), words.collect()))
    };
    table.lines().filter_map(row).collect()
}

#[test]
fn what_a_setting_may_be_stands_above_it() {
    for (pipeline, script) in [
        ("shopify", "shopify/webhook.rhai"),
        ("shopify", "segment_deletion.rhai"),
        ("bigcommerce", "bigcommerce/webhook.rhai"),
        ("medusa", "medusa/event.rhai"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("pipelines/{pipeline}.yaml"));
        let text = fs::read_to_string(path).unwrap();
        let found = choices(script);
        assert!(!found.is_empty(), "{script}");
        for (name, words) in found {
            let lines: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| line.trim_start().starts_with(&format!("{name}: "))).unwrap();
            let above = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with('#'));
            let said = above.copied().chain([lines[at]]).collect::<Vec<_>>().join(" ");
            for word in words {
                assert!(said.contains(&word), "{pipeline}: {name} may be {word}, of which its comment says nothing");
            }
        }
    }
}
