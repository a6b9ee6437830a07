//! The reference as Markdown.

use std::fmt::Write;

use super::example::Example;
use super::{Capability, Chapter, Entry, Lesson};
use crate::config::{keys, room_takes};
use crate::registry::{Def, Default, Opt, Shape, Type};
use crate::script::lib::Fun;

/// Chapters as one Markdown text; with a title if they are the whole book.
pub fn markdown(chapters: &[Chapter]) -> String {
    let mut out = String::new();
    if chapters.len() == super::book().len() && chapters.iter().all(|chapter| !chapter.about.is_empty()) {
        let _ = write!(out, "# Cartwire {}: the reference\n\n", env!("CARGO_PKG_VERSION"));
    }
    for chapter in chapters {
        let _ = write!(out, "## {}\n\n", chapter.title);
        if !chapter.about.is_empty() {
            let _ = write!(out, "{}\n\n", chapter.about);
        }
        for entry in &chapter.entries {
            write_entry(&mut out, entry);
        }
    }
    // One line break at the end, as every text file has.
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn write_entry(out: &mut String, entry: &Entry) {
    match entry {
        Entry::Keys(keys) => {
            let _ = write!(out, "### {}\n\n{}\n\n", keys.name, keys.about);
            options(out, "", keys.options, &Example::none());
        }
        Entry::Part(def) => part(out, def),
        Entry::Namespace(namespace) => {
            let _ = write!(out, "### {}\n\n{}\n\n", entry.name(), namespace.about);
            for fun in namespace.funs {
                function(out, fun);
            }
        }
        Entry::Fun(fun) => function(out, fun),
        Entry::Minute(minute) => {
            let _ = write!(out, "### {}\n\n{}\n\n", minute.title, minute.about);
            for Lesson { name, about, example } in minute.lessons {
                let _ = write!(out, "**{name}.** {about}\n\n```rhai\n{example}\n```\n\n");
            }
        }
        Entry::Capability(capability) => from_segment(out, capability),
    }
}

fn part(out: &mut String, def: &Def) {
    let _ = write!(out, "### {}\n\n{}\n\n", def.name, sentence(def.about));
    if !def.details.is_empty() {
        let _ = write!(out, "{}\n\n", def.details);
    }
    match &def.shape {
        Shape::Value(ty) if !matches!(ty, Type::Raw) => {
            let _ = write!(out, "It takes {}.\n\n", ty.expected());
            if let Some((inner, _)) = ty.inner() {
                options(out, "", inner, &Example::none());
            }
        }
        Shape::Value(_) => {}
        Shape::Options { options: known, short } => {
            if let Some(short) = short {
                let _ = write!(out, "In short, `{}: …` sets `{short}`.\n\n", def.name);
            }
            options(out, "", known, &Example::new(def));
        }
    }
    let beside: Vec<_> =
        keys::COMMON.iter().filter(|key| room_takes(def.room, key.name)).map(|key| format!("`{}`", key.name)).collect();
    let _ = write!(
        out,
        "Beside the {} may stand {}.\n\n```yaml\n{}\n```\n\n",
        def.room.name(),
        beside.join(", "),
        def.example.trim_end()
    );
}

/// A table, then one for each form of its choices.
fn options(out: &mut String, path: &str, known: &'static [Opt], example: &Example) {
    if known.is_empty() {
        return;
    }
    out.push_str("| option | takes | default | example | meaning |\n|---|---|---|---|---|\n");
    for opt in known {
        let default = match opt.default {
            Default::Required => "required".to_owned(),
            Default::Absent => String::new(),
            Default::Is(text) => code(text),
        };
        // The tables below show how the options of a choice or a map are written.
        let has_table = matches!(opt.ty, Type::Choice(_)) || opt.ty.inner().is_some();
        let shown = example.of(opt.name).filter(|_| !has_table);
        let shown = shown.map_or_else(String::new, |text| code(&text));
        let _ = writeln!(
            out,
            "| `{}` | {} | {default} | {shown} | {} |",
            opt.name,
            cell(&opt.ty.expected()),
            cell(opt.about)
        );
    }
    out.push('\n');
    for opt in known {
        if let Some((inner, _)) = opt.ty.inner() {
            let _ = write!(out, "`{path}{}`:\n\n", opt.name);
            options(out, &format!("{path}{}: ", opt.name), inner, &example.below(opt.name));
        }
        let Type::Choice(forms) = opt.ty else { continue };
        for form in forms {
            let inner = format!("{path}{}: {}", opt.name, form.name);
            let _ = write!(out, "`{inner}` – {}\n\n", form.about);
            options(out, &format!("{inner}: "), form.options, &example.inside(opt.name, form));
        }
    }
}

fn function(out: &mut String, fun: &Fun) {
    let _ = write!(out, "#### `{}`\n\n{}\n\n```rhai\n{}\n```\n\n", fun.signature, fun.about, fun.example);
}

fn from_segment(out: &mut String, capability: &Capability) {
    let Capability { name, segment, cartwire, shown, gives, project } = capability;
    let _ = write!(out, "### {name}\n\n**Segment:** {segment}\n\n**Cartwire:** {cartwire}\n\n");
    let _ = write!(out, "```{}\n{}\n```\n\n```yaml\n{gives}\n```\n\n", shown.language(), shown.text());
    if !project.is_empty() {
        let _ = write!(out, "In use in the example `{project}`.\n\n");
    }
}

/// Text in a table: on one line, without the table's own mark.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}
