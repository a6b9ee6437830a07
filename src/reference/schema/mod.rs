//! The JSON Schemas (draft 2020-12) of a pipeline file and of a fixture, for editors.
//!
//! It accepts what the reader accepts and refuses the mistakes that a shape can show. What needs more than the shape (a script
//! that does not compile, two options that exclude each other) is left to `cartwire check`.

mod condition;
mod fixture;
mod value;

pub use fixture::fixture_schema;

use serde_json::{Map, Value, json};

use super::defs;
use crate::config::{keys, room_takes};
use crate::registry::{Def, Default, Opt, Room, Shape, Type};

/// The schema of a pipeline.
pub fn schema() -> Value {
    let room = |room: Room| (room.name().to_owned(), room_schema(room));
    let mut definitions: Map<String, Value> = [Room::Source, Room::Step, Room::Sink].into_iter().map(room).collect();
    definitions.insert("condition".to_owned(), condition::schema());
    let properties: Map<_, _> = keys::PIPELINE.iter().map(|key| (key.name.to_owned(), top_level(key))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Cartwire pipeline",
        "$comment": made_by(),
        "type": "object",
        "properties": properties,
        "required": required(&keys::PIPELINE),
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn made_by() -> String {
    format!("Made by `cartwire schema` of Cartwire {}", env!("CARGO_PKG_VERSION"))
}

fn top_level(key: &'static Opt) -> Value {
    let Some(room) =
        [Room::Source, Room::Step, Room::Sink].into_iter().find(|room| key.name == format!("{}s", room.name()))
    else {
        return json!({ "description": key.about, "type": ["string", "null"] });
    };
    let item = json!({ "$ref": format!("#/$defs/{}", room.name()) });
    // One part may stand without the list's dash, as a map; `steps:` may be empty.
    let single = json!({ "allOf": [{ "type": "object" }, item] });
    if matches!(key.default, Default::Required) {
        let list = json!({ "type": "array", "minItems": 1, "items": item });
        json!({ "description": key.about, "anyOf": [list, single] })
    } else {
        json!({ "description": key.about, "anyOf": [{ "type": "array", "items": item }, single, { "type": "null" }] })
    }
}

/// One of the kinds of a room.
fn room_schema(room: Room) -> Value {
    let mut kinds: Vec<_> = defs(room).into_iter().map(part).collect();
    let bare: Vec<_> = defs(room).into_iter().filter(|def| stands_alone(def)).map(|def| def.name).collect();
    if !bare.is_empty() {
        kinds.push(json!({ "description": format!("A {} with its defaults.", room.name()), "enum": bare }));
    }
    json!({ "oneOf": kinds })
}

fn part(def: &'static Def) -> Value {
    let mut properties = Map::new();
    let mut options = match &def.shape {
        Shape::Value(Type::Raw) => condition::reference(def.name),
        Shape::Value(ty) => value::schema(ty),
        Shape::Options { options, short } => options_schema(options, *short),
    };
    if let Some(object) = options.as_object_mut() {
        object.insert("description".to_owned(), def.about.into());
    }
    properties.insert(def.name.to_owned(), options);
    for key in keys::COMMON.iter().filter(|key| room_takes(def.room, key.name)) {
        properties.insert(key.name.to_owned(), described(key, value::literal(&key.ty)));
    }
    json!({
        "title": def.name,
        "description": def.about,
        "type": "object",
        "properties": properties,
        "required": [def.name],
        "additionalProperties": false,
    })
}

/// A map of options, their short form, or nothing where nothing is required.
fn options_schema(options: &'static [Opt], short: Option<&'static str>) -> Value {
    let map = map_schema(options);
    let mut forms = vec![map];
    if let Some(opt) = short.and_then(|name| options.iter().find(|opt| opt.name == name)) {
        forms.push(described(opt, value::schema(&opt.ty)));
    }
    if required(options).is_empty() {
        forms.push(json!({ "type": "null" }));
    }
    if forms.len() == 1 { forms.remove(0) } else { json!({ "anyOf": forms }) }
}

fn map_schema(options: &'static [Opt]) -> Value {
    let properties: Map<_, _> =
        options.iter().map(|opt| (opt.name.to_owned(), described(opt, value::schema(&opt.ty)))).collect();
    json!({ "type": "object", "properties": properties, "required": required(options), "additionalProperties": false })
}

fn required(options: &[Opt]) -> Vec<&'static str> {
    options.iter().filter(|opt| matches!(opt.default, Default::Required)).map(|opt| opt.name).collect()
}

fn stands_alone(def: &Def) -> bool {
    match &def.shape {
        Shape::Value(_) => false,
        Shape::Options { options, .. } => required(options).is_empty(),
    }
}

/// A schema with what the reference says of the option.
fn described(opt: &Opt, mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), opt.about.into());
        if let Default::Is(text) = opt.default
            && let Some(node) = crate::yaml::parse("", text).0
        {
            object.insert("default".to_owned(), node.to_json());
        }
    }
    schema
}
