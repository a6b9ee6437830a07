//! `log::`: lines that are kept with the event's trace.

use std::rc::Rc;

use rhai::{Dynamic, Module};

use super::{Fun, Lib, put};
use crate::script::bounded;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "log::error",
        signature: "log::error(value)",
        about: "Logs that something is wrong; the event goes on.",
        example: r#"log::error("no currency")"#,
        add: |module, lib| add(module, lib, "error"),
    },
    Fun {
        name: "log::info",
        signature: "log::info(value)",
        about: "Logs a line. `print(value)` does the same, and `debug(value)` for whoever looks closely.",
        example: r"log::info(#{ order: 1 })",
        add: |module, lib| add(module, lib, "info"),
    },
    Fun {
        name: "log::warn",
        signature: "log::warn(value)",
        about: "Logs that something is odd.",
        example: r#"log::warn("no e-mail")"#,
        add: |module, lib| add(module, lib, "warn"),
    },
];

fn add(module: &mut Module, lib: &Lib, level: &'static str) {
    let run = Rc::clone(&lib.run);
    put(module, level, move |value: &mut Dynamic| {
        let text = bounded::display(&run, value, run.log_bytes_left())?;
        run.log(level, &text);
        Ok::<_, crate::script::run::Fault>(())
    });
}
