//! The reference as JSON, for programs.

use serde_json::{Map, Value, json};

use super::example::Example;
use super::{Chapter, Entry};
use crate::config::{keys, room_takes};
use crate::registry::{Default, Opt, Shape, Type};
use crate::script::lib::Fun;

/// Chapters as a list of objects with their entries.
pub fn json(chapters: &[Chapter]) -> Value {
    let chapters: Vec<_> = chapters
        .iter()
        .map(|chapter| {
            let entries: Vec<_> = chapter.entries.iter().map(entry).collect();
            json!({ "name": chapter.name, "title": chapter.title, "about": chapter.about, "entries": entries })
        })
        .collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "chapters": chapters })
}

fn entry(entry: &Entry) -> Value {
    match entry {
        Entry::Keys(keys) => json!({
            "name": keys.name,
            "about": keys.about,
            "options": options(keys.options, &Example::none()),
        }),
        Entry::Part(def) => {
            let beside: Vec<_> =
                keys::COMMON.iter().map(|key| key.name).filter(|key| room_takes(def.room, key)).collect();
            let mut object = json!({
                "name": def.name,
                "room": def.room.name(),
                "about": def.about,
                "details": def.details,
                "beside": beside,
                "example": def.example,
            });
            match &def.shape {
                Shape::Value(ty) => {
                    object["takes"] = ty.expected().into();
                    if let Some((inner, _)) = ty.inner() {
                        object["options"] = options(inner, &Example::none());
                    }
                }
                Shape::Options { options: known, short } => {
                    object["options"] = options(known, &Example::new(def));
                    object["short"] = (*short).into();
                }
            }
            object
        }
        Entry::Namespace(namespace) => json!({
            "name": entry.name(),
            "about": namespace.about,
            "functions": namespace.funs.iter().map(function).collect::<Vec<_>>(),
        }),
        Entry::Fun(fun) => function(fun),
        Entry::Minute(minute) => json!({
            "name": minute.name,
            "title": minute.title,
            // As its neighbours in the chapter have.
            "functions": [],
            "about": minute.about,
            "lessons": minute
                .lessons
                .iter()
                .map(|lesson| json!({ "name": lesson.name, "about": lesson.about, "example": lesson.example }))
                .collect::<Vec<_>>(),
        }),
        Entry::Capability(capability) => json!({
            "name": capability.name,
            "segment": capability.segment,
            "cartwire": capability.cartwire,
            "shown": capability.shown.kind(),
            "example": capability.shown.text(),
            "gives": capability.gives,
            "project": capability.project,
        }),
    }
}

fn options(known: &'static [Opt], example: &Example) -> Value {
    known.iter().map(|opt| option(opt, example)).collect()
}

fn option(opt: &'static Opt, example: &Example) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), opt.name.into());
    object.insert("takes".into(), opt.ty.expected().into());
    object.insert("required".into(), matches!(opt.default, Default::Required).into());
    if let Default::Is(text) = opt.default {
        object.insert("default".into(), text.into());
    }
    if let Some(text) = example.of(opt.name) {
        object.insert("example".into(), text.into());
    }
    object.insert("about".into(), opt.about.into());
    if let Some((inner, _)) = opt.ty.inner() {
        object.insert("options".into(), options(inner, &example.below(opt.name)));
    }
    if let Type::Choice(forms) = opt.ty {
        let forms: Vec<_> = forms
            .iter()
            .map(|form| {
                let inner = example.inside(opt.name, form);
                json!({ "name": form.name, "about": form.about, "options": options(form.options, &inner) })
            })
            .collect();
        object.insert("forms".into(), forms.into());
    }
    object.into()
}

fn function(fun: &Fun) -> Value {
    json!({ "name": fun.name, "signature": fun.signature, "about": fun.about, "example": fun.example })
}
