//! The keys of a fixture file, as data: for the loader and the reference.

use crate::registry::{Default, Opt, Type};

/// The top level of a fixture.
pub const CASE: [Opt; 11] = [
    Opt { name: "description", ty: Type::Text, default: Default::Absent, about: "What the case shows, in your words." },
    Opt {
        name: "sample",
        ty: Type::Bool,
        default: Default::Is("false"),
        about: "Whether its deliveries are those that `send`, `run --samples` and `new` use. Where no case of a pipeline says so, \
            all are.",
    },
    Opt {
        name: "given",
        ty: Type::Raw,
        default: Default::Required,
        about: "The delivery that comes in, or a list of them, in order.",
    },
    Opt {
        name: "http",
        ty: Type::Raw,
        default: Default::Absent,
        about: "The answers to `http::` calls and `enrich` steps, in order. The last one for an address serves all further calls; \
            a call without an answer fails the case.",
    },
    Opt {
        name: "now",
        ty: Type::Text,
        default: Default::Is("2026-01-15T10:20:30Z"),
        about: "What the clock says during the case.",
    },
    Opt {
        name: "env",
        ty: Type::Map(&Type::Text),
        default: Default::Absent,
        about: "Values for the pipeline's variables; those that are not given have placeholders.",
    },
    Opt {
        name: "expect",
        ty: Type::Raw,
        default: Default::Absent,
        about: "The messages that must come out, in order: a list for each sink alike, or a map from sinks to lists, of which a sink \
            that is not named gets nothing. A case without it fails until `test --bless` has written it.",
    },
    Opt {
        name: "dropped",
        ty: Type::List(&Type::Text),
        default: Default::Absent,
        about: "The reasons for which events must be dropped, or parts of them, in order, one entry for each.",
    },
    Opt {
        name: "dead",
        ty: Type::List(&Type::Text),
        default: Default::Absent,
        about: "The dead letters that must come out, in order, one entry for each: their codes, or parts of their reasons.",
    },
    Opt {
        name: "erased",
        ty: Type::List(&Type::Text),
        default: Default::Absent,
        about: "Who must be erased (`erase`): all values that stand for them, in any order; `[]` for nobody.",
    },
    Opt {
        name: "exact",
        ty: Type::Bool,
        default: Default::Is("false"),
        about: "Whether the messages may have no keys beyond the expected ones.",
    },
];

/// One delivery under `given`.
pub const GIVEN: [Opt; 12] = [
    Opt {
        name: "source",
        ty: Type::Text,
        default: Default::Absent,
        about: "The source that it goes to, by id or kind; the pipeline's first one without it.",
    },
    Opt {
        name: "after",
        ty: Type::Duration,
        default: Default::Absent,
        about: "The time that passes before it comes in. Events that wait (`retry`, `throttle`) go on when it is their turn, at \
            the latest after the last delivery.",
    },
    Opt { name: "method", ty: Type::Text, default: Default::Is("POST"), about: "The request's method." },
    Opt { name: "path", ty: Type::Text, default: Default::Absent, about: "What follows the source's own path." },
    Opt { name: "query", ty: Type::Text, default: Default::Absent, about: "The query, without `?`." },
    Opt { name: "headers", ty: Type::Map(&Type::Text), default: Default::Absent, about: "The request's headers." },
    Opt {
        name: "headers_file",
        ty: Type::Text,
        default: Default::Absent,
        about: "A file beside the fixture that holds headers, as a JSON object of texts.",
    },
    Opt { name: "body", ty: Type::Text, default: Default::Absent, about: "The body, as it stands." },
    Opt {
        name: "body_file",
        ty: Type::Text,
        default: Default::Absent,
        about: "A file beside the fixture that is the body.",
    },
    Opt { name: "json", ty: Type::Any, default: Default::Absent, about: "The body as YAML, which is sent as JSON." },
    Opt {
        name: "sign",
        ty: Type::Bool,
        default: Default::Is("true"),
        about: "Whether the request is signed as its sender would.",
    },
    Opt {
        name: "status",
        ty: Type::Int(100, 599),
        default: Default::Absent,
        about: "The status that the source must answer with.",
    },
];

/// Keys of an answer that name the request; each has one of them.
pub const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One answer under `http`.
pub const HTTP: [Opt; 12] = [
    Opt { name: "get", ty: Type::Text, default: Default::Absent, about: "The whole address of a GET request." },
    Opt { name: "post", ty: Type::Text, default: Default::Absent, about: "The whole address of a POST request." },
    Opt { name: "put", ty: Type::Text, default: Default::Absent, about: "The whole address of a PUT request." },
    Opt { name: "patch", ty: Type::Text, default: Default::Absent, about: "The whole address of a PATCH request." },
    Opt { name: "delete", ty: Type::Text, default: Default::Absent, about: "The whole address of a DELETE request." },
    Opt {
        name: "sends",
        ty: Type::Any,
        default: Default::Absent,
        about: "What the request's JSON body must hold for this answer to be its.",
    },
    Opt { name: "status", ty: Type::Int(100, 599), default: Default::Is("200"), about: "The answer's status." },
    Opt { name: "headers", ty: Type::Map(&Type::Text), default: Default::Absent, about: "The answer's headers." },
    Opt { name: "body", ty: Type::Text, default: Default::Absent, about: "The answer's body, as it stands." },
    Opt {
        name: "body_file",
        ty: Type::Text,
        default: Default::Absent,
        about: "A file beside the fixture that is the body.",
    },
    Opt { name: "json", ty: Type::Any, default: Default::Absent, about: "The body as YAML, which is sent as JSON." },
    Opt {
        name: "error",
        ty: Type::Text,
        default: Default::Absent,
        about: "Why there is no answer, for a network that fails.",
    },
];
