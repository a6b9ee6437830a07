//! Step `mask`: hides most of private values and leaves enough to recognise them.

use rhai::Dynamic;

use super::fields::{FIELDS, Fields, KEYS, PATTERNS, each_scalar};
use super::{Build, Context, Flow, Step, StepDef, StepError};
use crate::diag::Diag;
use crate::event::Event;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::script::lib::arg::scalar;

const HIDDEN: char = '*';

/// The definition of `mask`.
pub(super) static MASK: StepDef = StepDef {
    def: Def {
        name: "mask",
        room: Room::Step,
        about: "Hides most of private values, and leaves enough to recognise them",
        details: "Texts and numbers become texts with `*` for what is hidden; in a list or a map, each of them does. A value that is no longer than what \
                  would stay visible is hidden wholly.\n\n\
                  - `last` leaves the last `visible` characters: `*****6789`.\n\
                  - `email` leaves the first character and the domain: `j***@example.com`. What is no e-mail address is hidden wholly.\n\
                  - `card` leaves the last `visible` digits, and all that is no digit: `**** **** **** 1111`.\n\
                  - `all` leaves the length only.",
        shape: Shape::Options {
            options: &[
                FIELDS,
                KEYS,
                PATTERNS,
                Opt {
                    name: "style",
                    ty: Type::Word(&["last", "email", "card", "all"]),
                    default: Default::Is("last"),
                    about: "What stays visible.",
                },
                Opt {
                    name: "visible",
                    ty: Type::Int(1, 100),
                    default: Default::Is("4"),
                    about: "How many characters or digits stay visible.",
                },
            ],
            short: Some("fields"),
        },
        example: "- mask:\n    fields: [ traits.phone, \"**.iban\" ]\n    keys: [ mobile ]\n    patterns: [ '\\+\\d{6,15}' ]\n    style: last\n    visible: 3\n",
    },
    build,
};

#[derive(Clone, Copy)]
enum Style {
    Last,
    Email,
    Card,
    All,
}

struct Mask {
    fields: Fields,
    style: Style,
    visible: usize,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let style = match options.text("style") {
        "email" => Style::Email,
        "card" => Style::Card,
        "all" => Style::All,
        _ => Style::Last,
    };
    Ok(Box::new(Mask { fields: Fields::read(options, build)?, style, visible: options.int("visible") as usize }))
}

impl Step for Mask {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        let field = &mut |value: &mut Dynamic| {
            each_scalar(value, &mut |value| {
                if let Ok(text) = value.as_immutable_string_ref() {
                    return Some(self.mask(&text).into());
                }
                if value.is_bool() {
                    return None;
                }
                Some(self.mask(&scalar(value)?).into())
            });
        };
        self.fields.change(&mut event.value, field, &|text| self.mask(text));
        Ok(Flow::Next(event))
    }
}

impl Mask {
    fn mask(&self, text: &str) -> String {
        match self.style {
            Style::Last => hide(text, self.visible, |_| true),
            Style::Card => hide(text, self.visible, |c| c.is_ascii_digit()),
            Style::All => hide(text, 0, |_| true),
            Style::Email => match text.rsplit_once('@') {
                Some((name, domain)) if name.chars().count() > 1 && !domain.is_empty() => {
                    let first: String = name.chars().take(1).collect();
                    format!("{first}***@{domain}")
                }
                Some((_, domain)) if !domain.is_empty() => format!("***@{domain}"),
                _ => hide(text, 0, |_| true),
            },
        }
    }
}

/// Hides the characters that count, but for the last `visible` of them; all of them if there are not more.
fn hide(text: &str, visible: usize, counts: impl Fn(char) -> bool) -> String {
    let count = text.chars().filter(|c| counts(*c)).count();
    let mut hidden = if count > visible { count - visible } else { count };
    let hide = |c: char| {
        if hidden > 0 && counts(c) {
            hidden -= 1;
            HIDDEN
        } else {
            c
        }
    };
    text.chars().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::step::tests::changed;

    #[test]
    fn each_style_leaves_what_it_says() {
        for (options, value, expected) in [
            ("{ fields: v }", json!("123456789"), "*****6789"),
            ("{ fields: v, visible: 2 }", json!("Größe"), "***ße"),
            ("{ fields: v }", json!(123_456_789), "*****6789"),
            ("{ fields: v }", json!("1234"), "****"),
            ("{ fields: v, style: email }", json!("jane@example.com"), "j***@example.com"),
            ("{ fields: v, style: email }", json!("j@example.com"), "***@example.com"),
            ("{ fields: v, style: email }", json!("jane"), "****"),
            ("{ fields: v, style: card }", json!("4111 1111-1111 1111"), "**** ****-**** 1111"),
            ("{ fields: v, style: card }", json!("1111"), "****"),
            ("{ fields: v, style: all }", json!("secret"), "******"),
        ] {
            assert_eq!(
                changed(&format!("- mask: {options}"), &json!({"v": value}))["v"],
                expected,
                "{options} {value}"
            );
        }
    }

    #[test]
    fn lists_patterns_and_what_stays() {
        let event =
            json!({"v": ["123456", null, true, {"x": "abcdef"}], "properties": {"note": "call +4917612345 now"}});
        let masked = changed("- mask: { fields: v, patterns: ['\\+\\d+'] }", &event);
        assert_eq!(masked["v"], json!(["**3456", null, true, {"x": "**cdef"}]));
        assert_eq!(masked["properties"]["note"], "call *******2345 now");
    }
}
