//! The options of `webhook`, and how it is built from them.

use super::Webhook;
use super::proof::{Proof, header_name};
use super::template::Template;
use crate::diag::Diag;
use crate::registry::{Def, Default, Form, Opt, Options, Room, Shape, Type};
use crate::source::verify::{Algorithm, Encoding, Key};
use crate::source::{Place, Source, SourceDef, listen};

const SECRETS: Opt = Opt {
    name: "secrets",
    ty: Type::List(&Type::Secret),
    default: Default::Required,
    about: "The secrets, of which any may match, so that they can be rotated.",
};

const VERIFY: &[Form] = &[
    Form { name: "none", about: "No proof: anybody who knows the address may deliver.", options: &[] },
    Form {
        name: "header",
        about: "A header holds a secret.",
        options: &[
            Opt { name: "name", ty: Type::Text, default: Default::Required, about: "The header." },
            SECRETS,
            Opt {
                name: "prefix",
                ty: Type::Text,
                default: Default::Is("''"),
                about: "What stands before the secret, as `Bearer `.",
            },
        ],
    },
    Form {
        name: "hmac",
        about: "A header holds a keyed hash (HMAC) of the raw body.",
        options: &[
            Opt { name: "header", ty: Type::Text, default: Default::Required, about: "The header with the signature." },
            SECRETS,
            Opt {
                name: "algorithm",
                ty: Type::Word(Algorithm::WORDS),
                default: Default::Is("sha256"),
                about: "The hash.",
            },
            Opt {
                name: "encoding",
                ty: Type::Word(Encoding::WORDS),
                default: Default::Is("hex"),
                about: "How it is written.",
            },
            Opt {
                name: "prefix",
                ty: Type::Text,
                default: Default::Is("''"),
                about: "What stands before it, as `sha256=`.",
            },
            Opt {
                name: "signature_key",
                ty: Type::Text,
                default: Default::Absent,
                about: "Where the header is a list, as Stripe's `t=1700000000,v1=5257…`: the key of the signature, there `v1`. Of several, \
                        any may match.",
            },
            Opt {
                name: "timestamp_key",
                ty: Type::Text,
                default: Default::Absent,
                about: "The key of the time in that list, as `t`.",
            },
            Opt {
                name: "timestamp_header",
                ty: Type::Text,
                default: Default::Absent,
                about: "The header with the time that the sender signs: seconds or milliseconds since 1970, or ISO 8601.",
            },
            Opt {
                name: "tolerance",
                ty: Type::Duration,
                default: Default::Is("300s"),
                about: "How far that time may be off, both ways; `0s` for any.",
            },
            Opt {
                name: "signed",
                ty: Type::Text,
                default: Default::Absent,
                about: "What is hashed. Without it `{body}`, or where there is a time `{timestamp}.{body}`.",
            },
        ],
    },
    Form {
        name: "standard_webhooks",
        about: "The scheme of standardwebhooks.com: `webhook-id`, `webhook-timestamp`, `webhook-signature`.",
        options: &[
            SECRETS,
            Opt {
                name: "key",
                ty: Type::Word(Key::WORDS),
                default: Default::Is("base64"),
                about: "Whether the secret is base64 (after an optional `whsec_`), or the key's own text, as BigCommerce has it.",
            },
            Opt {
                name: "tolerance",
                ty: Type::Duration,
                default: Default::Is("300s"),
                about: "How far the timestamp may be off, both ways; `0s` for any.",
            },
        ],
    },
];

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// How `webhook` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "webhook",
        room: Room::Source,
        about: "Receives any JSON, form or text, with the proof that its sender can give.",
        details: "A delivery becomes a `track` event: `event` is the name, `timestamp` the time of receipt, `properties` the content.\n\n\
            - A JSON object is the properties as it stands.\n\
            - A JSON array is `{ \"items\": [ … ] }`, or with `split: true` one event for each item.\n\
            - Any other JSON value is `{ \"value\": … }`.\n\
            - A form is a map of texts; a repeated key is a list.\n\
            - Any other text is `{ \"text\": … }`. Without a body, the query is taken as a form.\n\n\
            JSON is recognised under any content type; under a JSON content type a body that is none becomes a dead letter.\n\n\
            `verify` has no default: write `verify: none` to let anybody in. A wrong or missing proof is answered with 401. With \
            Standard Webhooks, or with `id_header`, a delivery that is sent again gives the same message ids.\n\n\
            `event` may hold `{headers.name}`, `{query.name}` and `{body.field}`; if one of them is not there, the event is named \
            `Webhook Received`.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "verify",
                    ty: Type::Choice(VERIFY),
                    default: Default::Required,
                    about: "How the sender proves who it is; `verify: none` lets anybody in.",
                },
                listen::PATH,
                Opt {
                    name: "methods",
                    ty: Type::List(&Type::Word(METHODS)),
                    default: Default::Is("[POST, PUT, PATCH]"),
                    about: "The methods that are taken.",
                },
                Opt {
                    name: "event",
                    ty: Type::Text,
                    default: Default::Is("Webhook Received"),
                    about: "The name of the events.",
                },
                Opt {
                    name: "keep_headers",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "Headers that scripts need; `content-type`, `user-agent` and those that other options name are kept anyway.",
                },
                Opt {
                    name: "id_header",
                    ty: Type::Text,
                    default: Default::Absent,
                    about: "The header with the sender's id of the delivery, which stays the same when it is sent again.",
                },
                Opt {
                    name: "split",
                    ty: Type::Bool,
                    default: Default::Is("false"),
                    about: "Whether a JSON array is one event for each item.",
                },
                Opt {
                    name: "status",
                    ty: Type::Word(&["200", "202", "204"]),
                    default: Default::Is("200"),
                    about: "The status of the answer, once the delivery is durable.",
                },
                Opt {
                    name: "cors",
                    ty: Type::Bool,
                    default: Default::Is("false"),
                    about: "Whether browsers may deliver from pages of other origins.",
                },
                Opt { name: "body_max", ty: Type::Bytes, default: Default::Is("8MB"), about: "The largest body." },
            ],
            short: None,
        },
        example: "- webhook:\n    verify:\n      hmac:\n        header: X-Signature\n        secrets: [ \"${WEBHOOK_SECRET}\" ]\n        \
            algorithm: sha256\n        encoding: hex\n        prefix: sha256=\n        timestamp_header: X-Timestamp\n        \
            tolerance: 5m\n        signed: \"{timestamp}.{body}\"\n    path: /orders\n    methods: [ POST ]\n    \
            event: \"Order {body.status}\"\n    keep_headers: [ x-topic ]\n    id_header: X-Delivery-Id\n    split: true\n    \
            status: 202\n    cors: false\n    body_max: 1MB\n",
    },
    build,
};

fn build(options: &Options, place: &Place<'_>) -> Result<Box<dyn Source>, Vec<Diag>> {
    let mut problems = Vec::new();
    let input = listen::input(options, place, false).map_err(|found| problems.extend(found)).ok();
    let proof = Proof::build(options, &mut problems);
    let event = Template::parse(options.text("event"))
        .map_err(|message| problems.push(options.error("event", "wrong-value", message)))
        .ok();
    let id_headers = match options.opt_text("id_header") {
        Some(_) => header_name(options, "id_header", &mut problems).into_iter().collect(),
        None => proof.as_ref().map(Proof::id_headers).unwrap_or_default(),
    };
    let mut methods: Vec<_> = options.texts("methods").into_iter().map(str::to_owned).collect();
    methods.dedup();
    if methods.is_empty() {
        problems.push(options.error(
            "methods",
            "wrong-value",
            "`methods` is empty, so no delivery could ever be accepted",
        ));
    }
    let mut keep_headers = vec!["content-type".to_owned(), "user-agent".to_owned()];
    let named = id_headers.iter().map(|name| ("id_header", name.as_str()));
    for (option, name) in named.chain(event.iter().flat_map(Template::headers).map(|name| ("event", name))) {
        if is_secret(name, proof.as_ref()) {
            problems.push(options.error(option, "secret-header", format!("the header `{name}` holds a secret")));
        }
        keep_headers.push(name.to_owned());
    }
    keep_headers.extend(listen::kept_headers(options, |name| is_secret(name, proof.as_ref()), &mut problems));
    keep_headers.sort();
    keep_headers.dedup();
    match (input, proof, event) {
        (Some(input), Some(proof), Some(event)) if problems.is_empty() => Ok(Box::new(Webhook {
            input,
            methods,
            proof,
            event,
            keep_headers,
            id_headers,
            split: options.bool("split"),
            status: options.text("status").parse().unwrap_or(200),
            cors: options.bool("cors"),
            body_bytes_max: listen::bytes(options, "body_max"),
        })),
        _ => Err(problems),
    }
}

fn is_secret(name: &str, proof: Option<&Proof>) -> bool {
    listen::is_credential(name) || proof.and_then(Proof::secret_header) == Some(name)
}
