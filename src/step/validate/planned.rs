//! Which properties a schema mentions, to find those that it does not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::path::Segment;

/// Events are no deeper than what can be sent.
const DEPTH_MAX: usize = 64;

/// What a schema says of one value: its members and elements, as far as it mentions any.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// `None`: it says nothing, so anything is planned.
    members: Option<BTreeMap<String, Planned>>,
    items: Option<Box<Planned>>,
}

impl Planned {
    /// From a schema.
    pub(super) fn new(schema: &Value) -> Self {
        Self::below(schema, DEPTH_MAX)
    }

    fn below(schema: &Value, depth_left: usize) -> Self {
        let Some(left) = depth_left.checked_sub(1) else { return Self::default() };
        let members = schema.get("properties").and_then(Value::as_object).filter(|members| !members.is_empty());
        Self {
            members: members.map(|members| {
                members.iter().map(|(name, schema)| (name.clone(), Self::below(schema, left))).collect()
            }),
            items: schema
                .get("items")
                .filter(|items| items.is_object())
                .map(|items| Box::new(Self::below(items, left))),
        }
    }

    /// A member, if the schema mentions it.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        self.members.as_ref()?.get(name)
    }

    /// Adds the paths of what is there and not mentioned.
    pub(super) fn find(&self, value: &Value, path: &mut Vec<Segment>, found: &mut Vec<Vec<Segment>>) {
        if let (Some(known), Value::Object(members)) = (&self.members, value) {
            for (name, member) in members {
                path.push(Segment::Key(name.clone()));
                match known.get(name) {
                    Some(planned) => planned.find(member, path, found),
                    None => found.push(path.clone()),
                }
                path.pop();
            }
        }
        if let (Some(planned), Value::Array(items)) = (&self.items, value) {
            for (index, item) in items.iter().enumerate() {
                path.push(Segment::Index(index as i64));
                planned.find(item, path, found);
                path.pop();
            }
        }
    }
}
