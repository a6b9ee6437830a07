//! `outcome::`: what is to become of an event, as a value that a handler gives.

use rhai::Module;

use super::{Fun, put};

/// What is to become of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pass,
    /// It ends on purpose.
    Drop(String),
    /// It becomes a dead letter.
    Reject {
        /// The kind.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// It cannot be handled now.
    Retry(String),
}

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "outcome::drop",
        signature: "outcome::drop(why?) -> outcome",
        about: "The event ends here on purpose, counted under this reason. A handler gives it: `return outcome::drop(\"a test order\")`.",
        example: r#"type_of(outcome::drop("a test order")) == "outcome""#,
        add: |module, _| {
            module.set_custom_type::<Verdict>("outcome");
            put(module, "drop", || Verdict::Drop("dropped by the script".into()));
            put(module, "drop", |why: &str| Verdict::Drop(why.into()));
        },
    },
    Fun {
        name: "outcome::pass",
        signature: "outcome::pass() -> outcome",
        about: "The event goes on as the handler left it.",
        example: "[1, 2].map(|n| outcome::pass()).len() == 2",
        add: |module, _| put(module, "pass", || Verdict::Pass),
    },
    Fun {
        name: "outcome::reject",
        signature: "outcome::reject(kind_or_why, why?) -> outcome",
        about: "The event becomes a dead letter. Kinds are EventNotSupported, InvalidEventPayload and ValidationError.",
        example: r#"type_of(outcome::reject("ValidationError", "no order id")) == "outcome""#,
        add: add_reject,
    },
    Fun {
        name: "outcome::retry",
        signature: "outcome::retry(why) -> outcome",
        about: "The event cannot be handled now: it is tried again later.",
        example: r#"type_of(outcome::retry("the shop does not answer")) == "outcome""#,
        add: |module, _| put(module, "retry", |why: &str| Verdict::Retry(why.into())),
    },
];

fn add_reject(module: &mut Module, _: &super::Lib) {
    put(module, "reject", |why: &str| Verdict::Reject { code: "rejected", reason: why.into() });
    put(module, "reject", |kind: &str, why: &str| {
        let (code, reason) = rejection(kind, why);
        Verdict::Reject { code, reason }
    });
}

/// The kinds of rejections, as Segment names them.
pub const KINDS: [&str; 3] = ["EventNotSupported", "InvalidEventPayload", "ValidationError"];

/// The code and the reason of a rejection of a kind.
pub fn rejection(kind: &str, why: &str) -> (&'static str, String) {
    match kind.replace(['-', '_'], "").to_lowercase().as_str() {
        "eventnotsupported" => ("event-not-supported", why.into()),
        "invalideventpayload" => ("invalid-event-payload", why.into()),
        "validationerror" => ("validation-error", why.into()),
        _ => ("rejected", format!("{kind}: {why}")),
    }
}
