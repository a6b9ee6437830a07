//! The reference as Markdown.

use std::fmt::Write;

use super::example::Example;
use super::{Chapter, Entry};
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
        // The tables of the forms show how the options of a choice are written.
        let shown = example.of(opt.name).filter(|_| !matches!(opt.ty, Type::Choice(_) | Type::Group(_)));
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
        if let Type::Group(inside) = opt.ty {
            let inner = format!("{path}{}", opt.name);
            let _ = write!(out, "`{inner}` – {}\n\n", opt.about);
            options(out, &format!("{inner}: "), inside, &example.below(opt.name));
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
