//! `erase`: a person is to be erased from what the pipeline keeps.

use rhai::{Dynamic, ImmutableString};

use super::{Native, arg};
use crate::erasure::Erasure;
use crate::script::fault::fault;
use crate::script::run::Run;

/// The function's name, by which its use is noticed.
pub const NAME: &str = "erase";
const OPTIONS: &[&str] = &["values", "why", "reference", "state"];

/// Asks for an erasure, which is carried out once the delivery is committed.
pub(super) fn ask(run: &Run, request: Dynamic) -> Native<()> {
    let options = arg::map(request, NAME)?;
    arg::known_options(&options, OPTIONS, NAME)?;
    let text = |name: &str| -> Native<String> {
        let value = arg::option(&options, name).map(|value| arg::text(&value, NAME)).transpose()?.flatten();
        Ok(value.unwrap_or_default().to_string())
    };
    let values = match arg::option(&options, "values") {
        Some(values) => arg::array(values, "`values` of erase")?,
        None => return Err(fault("erase needs `values`: what stands for the person, as id, e-mail and phone number")),
    };
    // What a body has not is left out: a customer without a phone number is still one.
    let values: Vec<Option<ImmutableString>> =
        values.iter().map(|value| arg::text(value, NAME)).collect::<Native<_>>()?;
    let all_state = match text("state")?.as_str() {
        "" | "named" => false,
        "all" => true,
        other => return Err(fault(format!("`state` of erase is \"named\" or \"all\", not \"{other}\""))),
    };
    let erasure = Erasure {
        values: values.into_iter().flatten().map(|value| value.to_string()).collect(),
        why: text("why")?,
        reference: text("reference")?,
        all_state,
    };
    let erasure = erasure.checked().map_err(|unfit| fault(unfit.to_string()))?;
    run.session().erase(erasure).map_err(|limit| fault(limit.to_string()))
}
