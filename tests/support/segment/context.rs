//! The checks on `context` and `integrations`, after the envelope's were merged under the message's.

use serde_json::{Map, Value};

use super::validate::{Finding, present};

/// Judges `context` and `integrations` of a message.
pub fn check(kind: &str, message: &Map<String, Value>, found: &mut Vec<Finding>) {
    let context = present(message, "context");
    match context {
        None => {}
        Some(Value::Object(context)) => {
            consent(context.get("consent"), found);
            device(context.get("device"), found);
            external_ids(present(context, "externalIds"), found);
        }
        Some(other) => found.push(Finding::drop("bad_request", format!("context {other} is not an object"))),
    }
    let about_consent =
        kind == "track" && message.get("event").is_some_and(|e| e == "Segment Consent Preference Updated");
    if about_consent && context.and_then(|c| c.get("consent")).is_none() {
        found.push(Finding::drop("consent_categorypreferences_should_exist", "the event is about context.consent"));
    }
    integrations(present(message, "integrations"), found);
}

/// The envelope's `context` or `integrations` with the message's own entries over it.
pub fn merge(message: &mut Map<String, Value>, envelope: &Map<String, Value>) {
    for field in ["context", "integrations"] {
        let Some(Value::Object(base)) = envelope.get(field) else {
            continue;
        };
        let own = message.entry(field).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(own) = own {
            for (key, value) in base {
                own.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

fn consent(consent: Option<&Value>, found: &mut Vec<Finding>) {
    let Some(consent) = consent else { return };
    match consent.get("categoryPreferences") {
        None => {
            found.push(Finding::drop("consent_categorypreferences_should_exist", format!("context.consent {consent}")));
        }
        Some(Value::Object(categories)) => {
            for (category, value) in categories.iter().filter(|(_, value)| !value.is_boolean()) {
                let detail = format!("category {category} is {value}");
                found.push(Finding::drop("consent_categorypreferences_fields_should_be_bool", detail));
            }
        }
        Some(other) => {
            found.push(Finding::drop("consent_categorypreferences_fields_should_be_object", format!("{other}")));
        }
    }
    if let Some(version) = consent.get("version").filter(|version| !version.is_number()) {
        found.push(Finding::drop("consent_version_should_be_number", format!("context.consent.version {version}")));
    }
}

fn device(device: Option<&Value>, found: &mut Vec<Finding>) {
    if let Some(id) =
        device.and_then(|device| device.get("advertisingId")).filter(|id| !id.is_string() && !id.is_null())
    {
        found
            .push(Finding::drop("device_advertisingid_should_be_string", format!("context.device.advertisingId {id}")));
    }
}

fn external_ids(ids: Option<&Value>, found: &mut Vec<Finding>) {
    let Some(ids) = ids else { return };
    let good = |id: &Value| {
        let text = |key: &str| id.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let all = ["id", "type", "collection", "encoding"].iter().all(|key| text(key).is_some());
        all && text("type").is_some_and(|kind| kind.to_lowercase() == kind)
    };
    if !ids.as_array().is_some_and(|ids| ids.iter().all(good)) {
        found.push(Finding::warn(
            "external_ids",
            format!("each needs id, type (lower case), collection and encoding: {ids}"),
        ));
    }
}

fn integrations(integrations: Option<&Value>, found: &mut Vec<Finding>) {
    let Some(integrations) = integrations else {
        return;
    };
    let Some(map) = integrations.as_object() else {
        found.push(Finding::drop("bad_request", format!("integrations {integrations} is not an object")));
        return;
    };
    for (name, value) in map {
        if !value.is_boolean() && !value.is_object() {
            found.push(Finding::drop(
                "bad_request",
                format!("integrations.{name} {value} is neither a boolean nor an object"),
            ));
        }
        if name != "All" && name.eq_ignore_ascii_case("all") {
            found.push(Finding::warn(
                "integrations_all_case",
                format!("integrations.{name} means a destination of that name: write All"),
            ));
        }
    }
}
