//! What a server between a library and Segment has to put right in a message, and what it must take away.

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::Delivery;
use crate::json::{self, Tape};
use crate::source::{Refused, time};

/// Fields of the request, of Segment's own servers, or of the library's bookkeeping: not the message's.
const STRIPPED: [&str; 8] =
    ["sentAt", "writeKey", "receivedAt", "originalTimestamp", "version", "channel", "projectId", "_metadata"];

/// What a message gets from around it.
#[derive(Debug, Clone)]
pub(super) struct Envelope<'a> {
    delivery: &'a Delivery,
    identity: &'a str,
    of_type: Option<&'static str>,
    from_browser: bool,
    sent_ms: Option<i64>,
    context: Option<Dynamic>,
    integrations: Option<Dynamic>,
}

impl<'a> Envelope<'a> {
    /// Around every message of a delivery.
    pub(super) fn new(delivery: &'a Delivery, identity: &'a str) -> Self {
        Self {
            delivery,
            identity,
            of_type: None,
            from_browser: false,
            sent_ms: None,
            context: None,
            integrations: None,
        }
    }

    /// With the type that the path names.
    pub(super) fn of_type(self, name: &'static str) -> Self {
        Self { of_type: Some(name), ..self }
    }

    /// For messages that a browser sends without a library that says so.
    pub(super) fn by_browser(self) -> Self {
        Self { from_browser: true, ..self }
    }

    /// With what stands beside `batch`.
    pub(super) fn around(self, map: &Map) -> Self {
        let part = |key: &str| map.get(key).filter(|value| value.is_map()).cloned();
        Self { sent_ms: time_of(map, "sentAt"), context: part("context"), integrations: part("integrations"), ..self }
    }

    /// The size of what is copied into each message.
    pub(super) fn merged_bytes(&self, tape: &Tape) -> usize {
        let mut written = Vec::new();
        for part in [&self.context, &self.integrations].into_iter().flatten() {
            if json::encode(part, tape, &mut written).is_err() {
                return usize::MAX;
            }
        }
        written.len()
    }
}

/// Puts one message right, in place.
pub(super) fn repair(item: &mut Map, tape: &Tape, index: usize, envelope: &Envelope<'_>) -> Result<(), Refused> {
    let empty = [
        "userId",
        "anonymousId",
        "previousId",
        "groupId",
        "messageId",
        "context",
        "integrations",
        "properties",
        "traits",
    ];
    item.retain(|key, value| !(value.is_unit() && empty.contains(&key.as_str())));
    if let Some(name) = envelope.of_type.filter(|_| item.get("type").is_none_or(Dynamic::is_unit)) {
        item.insert("type".into(), name.into());
    }
    merge(item, "context", envelope.context.as_ref())?;
    merge(item, "integrations", envelope.integrations.as_ref())?;
    correct_time(item, envelope);
    for key in STRIPPED {
        item.remove(key);
    }
    for key in ["userId", "anonymousId", "previousId", "groupId", "messageId"] {
        stringify(item, key, tape);
    }
    // Ruby's library sends `name: ""` for a page without a name, which Segment would refuse.
    for key in ["name", "category"] {
        if matches!(item.get("type").and_then(text).as_deref(), Some("page" | "screen"))
            && item.get(key).is_some_and(|value| value.is_unit() || text(value).as_deref() == Some(""))
        {
            item.remove(key);
        }
    }
    if item.get("messageId").is_none_or(|id| text(id).is_none_or(|id| id.is_empty())) {
        item.insert("messageId".into(), format!("cw-{}-{index}", envelope.identity).into());
    }
    add_caller(item, envelope);
    Ok(())
}

/// The envelope's members under the message's own, at every depth: the nearer one wins.
fn merge(item: &mut Map, key: &str, outer: Option<&Dynamic>) -> Result<(), Refused> {
    if item.get(key).is_some_and(|own| !own.is_map()) {
        return Err(Refused { code: "bad_request", reason: format!("`{key}` is not an object") });
    }
    let Some(outer) = outer else { return Ok(()) };
    match item.get_mut(key) {
        Some(own) => under(own, outer),
        None => {
            item.insert(key.into(), outer.clone());
        }
    }
    Ok(())
}

fn under(own: &mut Dynamic, outer: &Dynamic) {
    let (Some(mut own), Some(outer)) = (own.write_lock::<Map>(), outer.read_lock::<Map>()) else { return };
    for (key, value) in outer.iter() {
        match own.get_mut(key) {
            Some(have) => under(have, value),
            None => {
                own.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Segment would correct a wrong client clock by the client's time of sending; we send later and with our own clock, so it is
/// corrected here: time of receipt minus what passed between the call and the sending, both by the client's clock.
fn correct_time(item: &mut Map, envelope: &Envelope<'_>) {
    let received_ms = envelope.delivery.received_ms;
    let own =
        ["timestamp", "originalTimestamp"].into_iter().find(|key| item.get(*key).is_some_and(|value| !value.is_unit()));
    let Some(own) = own else {
        item.insert("timestamp".into(), time::iso(received_ms).into());
        return;
    };
    let called_ms = time_of(item, own);
    let sent_ms = envelope.sent_ms.or_else(|| time_of(item, "sentAt"));
    let corrected = called_ms.zip(sent_ms).map(|(called_ms, sent_ms)| received_ms - (sent_ms - called_ms));
    if let Some(corrected) = corrected.filter(|corrected| Some(*corrected) != called_ms) {
        item.insert("timestamp".into(), time::iso(corrected).into());
    } else if let Some(value) = item.get(own).filter(|_| own != "timestamp").cloned() {
        item.insert("timestamp".into(), value);
    }
}

/// A number becomes the text that it was written with: Segment drops ids that are not texts.
fn stringify(item: &mut Map, key: &str, tape: &Tape) {
    let Some(value) = item.get_mut(key).filter(|value| value.is_int() || value.is_float()) else { return };
    let mut written = Vec::new();
    if json::encode(value, tape, &mut written).is_ok() {
        *value = String::from_utf8_lossy(&written).into_owned().into();
    }
}

/// Segment would see our address instead of the browser's. Never for server libraries: their address is not the user's.
fn add_caller(item: &mut Map, envelope: &Envelope<'_>) {
    let context =
        item.get("context").and_then(|context| context.read_lock::<Map>().map(|context| is_browser(&context)));
    let (browser, direct) = context.unwrap_or_default();
    if !(browser || direct || envelope.from_browser) {
        return;
    }
    let delivery = envelope.delivery;
    let context = item.entry("context".into()).or_insert_with(|| Dynamic::from_map(Map::new()));
    let Some(mut context) = context.write_lock::<Map>() else { return };
    for (key, value) in
        [("ip", delivery.peer.as_str()), ("userAgent", delivery.header("user-agent").unwrap_or_default())]
    {
        if !value.is_empty() && context.get(key).is_none_or(Dynamic::is_unit) {
            context.insert(key.into(), value.to_owned().into());
        }
    }
    // It asks the next server to take the address of its caller, and that would be ours.
    context.remove("direct");
}

/// Libraries of browsers that leave the address and the user agent to the server.
const BROWSER_LIBRARIES: [&str; 2] = ["analytics.js", "cartwire.js"];

/// Whether one of them sent it, and whether the message asks for its sender's address.
fn is_browser(context: &Map) -> (bool, bool) {
    let library = context.get("library").and_then(|library| library.read_lock::<Map>()?.get("name").and_then(text));
    let direct = context.get("direct").is_some_and(|direct| direct.as_bool() == Ok(true));
    (library.is_some_and(|name| BROWSER_LIBRARIES.contains(&&*name)), direct)
}

fn time_of(map: &Map, key: &str) -> Option<i64> {
    time::parse_iso_ms(&text(map.get(key)?)?)
}

fn text(value: &Dynamic) -> Option<ImmutableString> {
    Some(value.read_lock::<ImmutableString>()?.clone())
}
