//! The options of `segment_webhook`, and how it is built from them.

use super::{SIGNATURE, SegmentWebhook};
use crate::diag::Diag;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::source::{Place, Source, SourceDef, listen};

/// How `segment_webhook` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "segment_webhook",
        room: Room::Source,
        about: "Receives the events of a Segment source through Segment's Webhook destination, to rewrite them and send them on.",
        details: "Takes the place of a source function behind a Webhook destination. Both Webhooks (Actions), with the data mapped to the \
            whole event (`$.`) as it is by default, and Webhooks (Classic) may deliver, by POST, PUT or PATCH: one event as an object, or a \
            batch as an array.\n\n\
            An event keeps `messageId`, `timestamp`, `context` and all else that its sender gave; what Segment's servers added goes: \
            `receivedAt`, `sentAt`, `originalTimestamp`, `channel`, `version`, `projectId`, `_metadata`, `writeKey`. An object without \
            `type` becomes a dead letter. Events of the type `delete` come through as they are; no sink for Segment takes them, so \
            handle them in a script or leave them out with `filter: event.type != \"delete\"`.\n\n\
            `secrets` are the destination's shared secret. Segment hashes the whole body of an object, but of a batch only the first \
            event: who sees one signed request could send other events behind its first one. If that matters, turn batching off at \
            Segment and write `batches: false`.\n\n\
            Answers: 200 when the delivery is durable; 401 for a missing or wrong signature and 400 for an empty body or a refused batch, \
            which Segment discards; 503 while the journal cannot take it, which Segment sends again for four hours; 405 for other \
            methods. An event that is sent again has the same ids.\n\n\
            Never let the pipeline send into the Segment source that the Webhook destination is attached to: each event would come \
            round again. The step `loop_guard` drops such events.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "secrets",
                    ty: Type::List(&Type::Secret),
                    default: Default::Absent,
                    about: "The shared secret of the destination. Any of a list may match, so that secrets can be rotated.",
                },
                Opt {
                    name: "verify",
                    ty: Type::Word(&["signature", "none"]),
                    default: Default::Is("signature"),
                    about: "Whether the signature must be right; `none` lets anybody in who knows the address.",
                },
                listen::PATH,
                Opt {
                    name: "keep_headers",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "Headers that scripts need, as those set at the destination; `content-type` and `user-agent` are kept anyway.",
                },
                Opt {
                    name: "batches",
                    ty: Type::Bool,
                    default: Default::Is("true"),
                    about: "Whether arrays are taken, of which Segment signs only the first event.",
                },
                Opt { name: "body_max", ty: Type::Bytes, default: Default::Is("16MB"), about: "The largest body." },
            ],
            short: Some("secrets"),
        },
        example: "- segment_webhook:\n    secrets: [ \"${SEGMENT_WEBHOOK_SECRET}\" ]\n    verify: signature\n    path: /from-segment\n    \
            keep_headers: [ x-workspace ]\n    batches: true\n    body_max: 8MB\n",
    },
    build,
};

fn build(options: &Options, place: &Place<'_>) -> Result<Box<dyn Source>, Vec<Diag>> {
    let mut problems = Vec::new();
    let secrets: Vec<_> = options.secrets("secrets").into_iter().cloned().collect();
    match (options.text("verify"), secrets.is_empty()) {
        ("none", false) => problems.push(
            options
                .error("verify", "contradiction", "`secrets` are given, yet `verify: none` lets anybody in")
                .help("remove one of them"),
        ),
        ("signature", true) => problems.push(
            options
                .error("secrets", "no-secrets", "without `secrets`, no delivery could ever be accepted")
                .help("give the shared secret of the destination, or write `verify: none` to let anybody in"),
        ),
        _ => {}
    }
    let input = listen::input(options, place, false).map_err(|found| problems.extend(found)).ok();
    let mut keep_headers = listen::kept_headers(options, |name| name == SIGNATURE, &mut problems);
    keep_headers.extend(["content-type".to_owned(), "user-agent".to_owned()]);
    keep_headers.sort();
    keep_headers.dedup();
    match input {
        Some(input) if problems.is_empty() => Ok(Box::new(SegmentWebhook {
            input,
            secrets,
            keep_headers,
            batches: options.bool("batches"),
            body_bytes_max: listen::bytes(options, "body_max"),
        })),
        _ => Err(problems),
    }
}
