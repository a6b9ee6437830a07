//! Which fields of a message depend on which fields of a body: change one, look what changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Event, field of its message, fields of the body.
pub(crate) type Tables = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The leaves of a message by their paths; of a list's items together.
type Leaves = BTreeMap<String, Vec<Value>>;

/// What came of a body, by event.
type Outcome = BTreeMap<String, Leaves>;

/// Adds what one body shows, if its messages have a field that no body before had. Says whether.
pub(crate) fn probe(
    run: &dyn Fn(&Value) -> Vec<Value>,
    body: &Value,
    seen: &mut BTreeSet<(String, String)>,
    tables: &mut Tables,
) -> bool {
    let probing = Probing { run, body, base: outcome(&run(body)) };
    let fields =
        probing.base.iter().flat_map(|(event, leaves)| leaves.keys().map(|leaf| (event.clone(), leaf.clone())));
    let before = seen.len();
    seen.extend(fields);
    if seen.len() == before {
        return false;
    }
    for name in probing.base.keys() {
        tables.entry(name.clone()).or_default();
    }
    probing.below(&mut Vec::new(), body, tables);
    true
}

struct Probing<'a> {
    run: &'a dyn Fn(&Value) -> Vec<Value>,
    body: &'a Value,
    base: Outcome,
}

impl Probing<'_> {
    /// Looks at everything below a place. Where changing all of it changes nothing, nothing in it matters.
    fn below(&self, place: &mut Vec<Step>, value: &Value, tables: &mut Tables) {
        let holds_more = value.is_object() || value.is_array();
        if holds_more && !place.is_empty() && self.with(place, all_changed(value)) == self.base {
            return;
        }
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    place.push(Step::Key(key.clone()));
                    self.below(place, member, tables);
                    place.pop();
                }
            }
            // The first item stands for all.
            Value::Array(items) => {
                if let Some(item) = items.first() {
                    place.push(Step::First);
                    self.below(place, item, tables);
                    place.pop();
                }
            }
            leaf => {
                if let Some(other) = changed(leaf) {
                    self.record(place, &self.with(place, other), tables);
                }
            }
        }
    }

    fn with(&self, place: &[Step], value: Value) -> Outcome {
        let mut body = self.body.clone();
        let mut target = &mut body;
        for step in place {
            target = match step {
                Step::Key(key) => &mut target[key.as_str()],
                Step::First => &mut target[0],
            };
        }
        *target = value;
        outcome(&(self.run)(&body))
    }

    fn record(&self, place: &[Step], outcome: &Outcome, tables: &mut Tables) {
        for (event, leaves) in outcome {
            // An event that is not always there is decided by this field, not made of it.
            let Some(base) = self.base.get(event) else { continue };
            let fields = leaves.keys().chain(base.keys()).collect::<BTreeSet<_>>();
            for field in fields.into_iter().filter(|field| leaves.get(*field) != base.get(*field)) {
                tables.entry(event.clone()).or_default().entry(field.clone()).or_default().insert(shown(place));
            }
        }
    }
}

enum Step {
    Key(String),
    First,
}

fn shown(place: &[Step]) -> String {
    let mut text = String::new();
    for step in place {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::First => text.push_str("[]"),
        }
    }
    // The envelope of a pixel's event.
    text.strip_prefix("event.").map_or(text.clone(), str::to_owned)
}

/// Another value of the same kind; nothing for `null`, whose kind is not known.
fn changed(leaf: &Value) -> Option<Value> {
    Some(match leaf {
        Value::Bool(is) => json!(!is),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => json!(whole + 1),
            None => json!(number.as_f64()? + 1.0),
        },
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) if text.contains('@') => json!("zoe@example.net"),
        Value::String(text) if text.len() > 18 && text.parse::<jiff::Timestamp>().is_ok() => {
            json!("2020-02-02T02:02:02Z")
        }
        Value::String(text) if ["USD", "EUR", "HKD", "CAD", "GBP"].contains(&text.as_str()) => json!("AUD"),
        Value::String(text) => match (text.parse::<f64>(), text.split_once('.')) {
            (Ok(number), Some((_, decimals))) => json!(format!("{:.*}", decimals.len(), number + 1.0)),
            (Ok(_), None) if text.len() < 18 => json!(format!("{text}1")),
            _ => json!(format!("{text}x")),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    })
}

/// The same shape with every leaf changed.
fn all_changed(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(key, member)| (key.clone(), all_changed(member))).collect(),
        Value::Array(items) => items.iter().map(all_changed).collect(),
        leaf => changed(leaf).unwrap_or_else(|| leaf.clone()),
    }
}

fn outcome(messages: &[Value]) -> Outcome {
    let mut found = Outcome::new();
    for message in messages {
        let name = message["event"].as_str().or(message["type"].as_str()).unwrap_or("?").to_owned();
        let leaves = found.entry(name).or_default();
        collect(message, String::new(), leaves);
    }
    found
}

fn collect(value: &Value, path: String, leaves: &mut Leaves) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| !(path.is_empty() && *key == "messageId")) {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(member, inner, leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                collect(item, format!("{path}[]"), leaves);
            }
        }
        leaf => leaves.entry(path).or_default().push(leaf.clone()),
    }
}
