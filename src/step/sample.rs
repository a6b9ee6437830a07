//! Step `sample`: lets a part of the events through, always the same ones.

use rhai::Dynamic;
use sha2::{Digest, Sha256};

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::path::Path;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::script::lib::arg::scalar;

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "sampled out";

/// The definition of `sample`.
pub(super) static SAMPLE: StepDef = StepDef {
    def: Def {
        name: "sample",
        room: Room::Step,
        about: "Lets a part of the events through, chosen by their content, never by chance",
        details: "The others are dropped as `sampled out`. With `by`, events with the same value there go the same way, in every pipeline and \
                  for ever: `by: userId` keeps all events of some users. Without it, or where an event has no text or number there, the \
                  event's own identity decides, so that processing a delivery again gives the same.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "rate",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "How much goes through: a number from 0 to 1, or per cent, as `10%`.",
                },
                Opt {
                    name: "by",
                    ty: Type::Path,
                    default: Default::Absent,
                    about: "A field; events that are equal in it go the same way.",
                },
            ],
            short: Some("rate"),
        },
        example: "- sample: { rate: 10%, by: userId }\n",
    },
    build,
};

struct Sample {
    /// Hashes below this pass; beyond 64 bits, so that a rate of 1 is all of them.
    below: u128,
    by: Option<Path>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let by = options.opt_text("by").map(|text| paths::read_singular(text, &options.span("by"), options, build));
    match (rate(options.text("rate")), by.transpose()) {
        (Some(rate), Ok(by)) => Ok(Box::new(Sample { below: (rate * 2_f64.powi(64)) as u128, by })),
        (rate, by) => {
            let wrong = || {
                let text = options.text("rate");
                let diag = options.error("rate", "wrong-value", format!("`{text}` is not a rate"));
                diag.help("write a number from 0 to 1, or per cent, as 10%")
            };
            Err(rate.is_none().then(wrong).into_iter().chain(by.err()).collect())
        }
    }
}

fn rate(text: &str) -> Option<f64> {
    let rate = match text.trim().strip_suffix('%') {
        Some(number) => number.trim().parse::<f64>().ok()? / 100.0,
        None => text.trim().parse().ok()?,
    };
    (0.0..=1.0).contains(&rate).then_some(rate)
}

impl Step for Sample {
    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let by_value = self.by.as_ref().and_then(|by| by.with(&event.value, |value| value.and_then(hash_of)));
        let hash = by_value.unwrap_or_else(|| {
            let place = [u64::from(event.origin.index), event.origin.fork].map(u64::to_le_bytes);
            hash(&[cx.identity.as_bytes(), &place[0], &place[1]])
        });
        if u128::from(hash) < self.below { Ok(Flow::Next(event)) } else { Ok(Flow::Drop(REASON.to_owned())) }
    }
}

/// By the value's text, so that 7 and "7" are the same user.
fn hash_of(value: &Dynamic) -> Option<u64> {
    if let Ok(text) = value.as_immutable_string_ref() {
        return Some(hash(&[text.as_bytes()]));
    }
    scalar(value).map(|text| hash(&[text.as_bytes()]))
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::step::tests::{apply_to, build_step};
    use crate::step::{Flow, Step};

    fn step(options: &str) -> Box<dyn Step> {
        build_step(&format!("- sample: {options}")).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn passes(step: &dyn Step, user: &Value) -> bool {
        match apply_to(step, &json!({"type": "track", "userId": user})).unwrap() {
            Flow::Next(_) => true,
            Flow::Drop(reason) => {
                assert_eq!(reason, "sampled out");
                false
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_rate_is_kept_and_the_same_users_stay() {
        for (rate, expected) in
            [("0", 0..=0), ("0.25", 420..=580), ("25 %", 420..=580), ("1", 2000..=2000), ("100%", 2000..=2000)]
        {
            let chosen = || {
                let step = step(&format!("{{ rate: {rate}, by: userId }}"));
                (0..2000).filter(|user| passes(&*step, &json!(format!("user-{user}")))).collect::<Vec<_>>()
            };
            assert!(expected.contains(&chosen().len()), "{rate}: {}", chosen().len());
            assert_eq!(chosen(), chosen());
        }
    }

    #[test]
    fn a_number_and_its_text_are_one_user_and_more_rate_keeps_who_was_there() {
        let [tenth, fifth, half] = ["0.1", "0.2", "0.5"].map(|rate| step(&format!("{{ rate: {rate}, by: userId }}")));
        for user in 0..200 {
            assert_eq!(passes(&*half, &json!(user)), passes(&*half, &json!(user.to_string())));
            assert!(!passes(&*tenth, &json!(user)) || passes(&*fifth, &json!(user)));
        }
    }

    #[test]
    fn without_a_value_the_identity_decides() {
        let anonymous = passes(&*step("{ rate: 0.5, by: userId }"), &json!(null));
        assert_eq!(anonymous, passes(&*step("50%"), &json!("somebody")));
    }

    #[test]
    fn wrong_rates_are_refused() {
        for rate in ["1.5", "-1", "150%", "often", "NaN", "\"\""] {
            let problems = build_step(&format!("- sample: {{ rate: {rate} }}")).err().unwrap();
            assert!(problems[0].message.contains("is not a rate"), "{problems:?}");
        }
        assert!(build_step("- sample: { rate: 1, by: \"a[*]\" }").is_err());
    }
}
