//! Message level: for each code a message that earns it and its neighbour that does not.

use serde_json::{Value, json};

use crate::{drops, track, warns, without};

fn typed(kind: &str, fields: &Value) -> Value {
    let mut message = without(track(fields), &["event"]);
    message["type"] = json!(kind);
    message
}

fn context(context: &Value) -> Value {
    track(&json!({ "context": context }))
}

#[test]
fn types_and_ids() {
    let anonymous = without(track(&json!({ "anonymousId": "a-1", "userId": null })), &[]);
    drops([
        ("bad_request", track(&json!({ "type": "delete" })), track(&json!({}))),
        ("bad_request", json!("text"), track(&json!({}))),
        ("bad_request", without(track(&json!({})), &["type"]), track(&json!({}))),
        ("no_user_anon_id", without(track(&json!({})), &["userId"]), anonymous.clone()),
        ("no_user_anon_id", track(&json!({ "userId": null })), anonymous),
        ("id_not_string", track(&json!({ "userId": 7 })), track(&json!({ "userId": "7" }))),
        ("id_not_string", track(&json!({ "userId": "" })), track(&json!({ "userId": "u" }))),
        ("id_not_string", track(&json!({ "anonymousId": true })), track(&json!({ "anonymousId": null }))),
        (
            "bad_request",
            track(&json!({ "messageId": "m".repeat(101) })),
            track(&json!({ "messageId": "m".repeat(100) })),
        ),
        ("bad_request", track(&json!({ "messageId": "" })), track(&json!({}))),
        ("bad_request", track(&json!({ "messageId": 1 })), track(&json!({}))),
    ]);
    warns([
        ("id_blocked", track(&json!({ "userId": "0000-00" })), track(&json!({ "userId": "0000-01" }))),
        ("id_blocked", track(&json!({ "anonymousId": "null" })), track(&json!({ "anonymousId": "none" }))),
        ("id_long", track(&json!({ "userId": "u".repeat(501) })), track(&json!({ "userId": "u".repeat(500) }))),
        ("id_email", track(&json!({ "userId": "a@example.com" })), track(&json!({ "anonymousId": "a@example.com" }))),
        ("message_id_missing", without(track(&json!({})), &["messageId"]), track(&json!({}))),
        ("message_id_weak", track(&json!({ "messageId": "7" })), track(&json!({}))),
        ("message_id_weak", track(&json!({ "messageId": "0".repeat(32) })), track(&json!({}))),
        ("server_field", track(&json!({ "receivedAt": "2026-01-01T00:00:00Z" })), track(&json!({ "sentAt": null }))),
    ]);
}

#[test]
fn the_six_calls() {
    drops([
        ("event_not_defined", without(track(&json!({})), &["event"]), track(&json!({}))),
        ("event_not_defined", track(&json!({ "event": null })), track(&json!({}))),
        ("event_not_string", track(&json!({ "event": "" })), track(&json!({ "event": " " }))),
        ("event_not_string", track(&json!({ "event": 1 })), track(&json!({ "event": "1" }))),
        ("properties_not_object", track(&json!({ "properties": [] })), track(&json!({ "properties": {} }))),
        (
            "properties_not_object",
            typed("page", &json!({ "properties": "x" })),
            typed("page", &json!({ "properties": null })),
        ),
        ("properties_not_object", typed("screen", &json!({ "properties": 1 })), typed("screen", &json!({}))),
        ("traits_not_object", typed("identify", &json!({ "traits": [] })), typed("identify", &json!({ "traits": {} }))),
        (
            "traits_not_object",
            typed("group", &json!({ "groupId": "g", "traits": 1 })),
            typed("group", &json!({ "groupId": "g" })),
        ),
        ("name_not_string", typed("page", &json!({ "name": "" })), typed("page", &json!({ "name": "Home" }))),
        ("name_not_string", typed("screen", &json!({ "name": 1 })), typed("screen", &json!({ "name": null }))),
        (
            "category_not_string",
            typed("page", &json!({ "category": "" })),
            typed("page", &json!({ "category": "Docs" })),
        ),
        ("id_required", typed("group", &json!({})), typed("group", &json!({ "groupId": "g" }))),
        ("id_required", typed("group", &json!({ "groupId": 1 })), typed("group", &json!({ "groupId": "1" }))),
        ("id_required", typed("alias", &json!({})), typed("alias", &json!({ "previousId": "old" }))),
        (
            "id_required",
            typed("alias", &json!({ "previousId": "old", "userId": null, "anonymousId": "a" })),
            typed("alias", &json!({ "previousId": "old", "anonymousId": "a" })),
        ),
    ]);
    let traits = |n: usize| (0..n).map(|i| (format!("t{i}"), json!(i))).collect::<serde_json::Map<_, _>>();
    warns([(
        "many_traits",
        typed("identify", &json!({ "traits": traits(300) })),
        typed("identify", &json!({ "traits": traits(299) })),
    )]);
}

#[test]
fn context_and_integrations() {
    let updated = "Segment Consent Preference Updated";
    let consent = |categories: &Value| context(&json!({ "consent": { "categoryPreferences": categories } }));
    let good = consent(&json!({ "Ads": false }));
    drops([
        ("bad_request", context(&json!("x")), context(&json!({}))),
        ("consent_categorypreferences_should_exist", context(&json!({ "consent": {} })), good.clone()),
        ("consent_categorypreferences_should_exist", track(&json!({ "event": updated })), {
            track(&json!({ "event": updated, "context": { "consent": { "categoryPreferences": {} } } }))
        }),
        ("consent_categorypreferences_fields_should_be_object", consent(&json!([])), good.clone()),
        ("consent_categorypreferences_fields_should_be_bool", consent(&json!({ "Ads": "no" })), good),
        (
            "consent_version_should_be_number",
            context(&json!({ "consent": { "categoryPreferences": {}, "version": "2" } })),
            context(&json!({ "consent": { "categoryPreferences": {}, "version": 2 } })),
        ),
        (
            "device_advertisingid_should_be_string",
            context(&json!({ "device": { "advertisingId": 1 } })),
            context(&json!({ "device": { "advertisingId": "1" } })),
        ),
        ("bad_request", track(&json!({ "integrations": [] })), track(&json!({ "integrations": { "All": false } }))),
        ("bad_request", track(&json!({ "integrations": { "X": 1 } })), track(&json!({ "integrations": { "X": {} } }))),
    ]);
    let external = |kind: &str| json!([{ "id": "1", "type": kind, "collection": "users", "encoding": "none" }]);
    warns([
        (
            "external_ids",
            context(&json!({ "externalIds": external("Shop_ID") })),
            context(&json!({ "externalIds": external("shop_id") })),
        ),
        (
            "external_ids",
            context(&json!({ "externalIds": [{ "id": "1", "type": "x" }] })),
            context(&json!({ "externalIds": [] })),
        ),
        (
            "integrations_all_case",
            track(&json!({ "integrations": { "all": true } })),
            track(&json!({ "integrations": { "All": true } })),
        ),
    ]);
}
