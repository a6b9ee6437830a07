//! The library that scripts call: one file per namespace, each a table of functions with what the reference says of them.
//!
//! Registering, the generated reference, the checks of calls and the tests of the examples all read the same tables.
//!
//! Absent values: a function that works on one text gives `()` for `()`, so that `hash::sha256(event.traits.email)` stays absent
//! when there is no e-mail. Numbers count as their text.
//!
//! Work: whatever reads texts or whole values charges the run for it, so that a loop of calls on long texts uses up the run's
//! operations and not only its time.

pub mod arg;
pub mod base64;
pub mod cache;
pub mod campaign;
pub mod decimal;
pub mod email;
pub mod emit;
pub mod erase;
pub mod hash;
pub mod hex;
pub mod hmac;
pub mod http;
pub mod ip;
pub mod json;
pub mod jwt;
pub mod list;
pub mod log;
pub mod map;
pub mod money;
pub mod number;
pub mod outcome;
pub mod path;
pub mod phone;
pub mod regex;
pub mod state;
pub mod table;
pub mod text;
pub mod time;
pub mod url;
pub mod user_agent;
pub mod uuid;
pub mod xml;
pub mod zlib;

use std::rc::Rc;

use rhai::{Dynamic, Engine, FuncRegistration, Module, NativeCallContext, RhaiFunc, RhaiNativeFunc, Shared, Variant};

use super::delivery;
use super::run::{Fault, Run};
use table::Tables;

/// What a library function gives.
pub type Native<T = Dynamic> = Result<T, Fault>;

/// What functions may need besides their arguments.
pub struct Lib {
    /// The run that goes on.
    pub run: Rc<Run>,
    /// The tables.
    pub tables: Rc<Tables>,
}

/// One function of the library.
pub struct Fun {
    /// As scripts write it: `money::parse`, `track`, `delivery.header`.
    pub name: &'static str,
    /// Name, arguments (`?` for those that can be left out) and result.
    pub signature: &'static str,
    /// One sentence or two for the reference.
    pub about: &'static str,
    /// Lines of a script that run as a test; each line `a == b` must hold.
    pub example: &'static str,
    /// Registers it.
    pub add: fn(&mut Module, &Lib),
}

/// A namespace of the library; the empty name holds what is called without one.
pub struct Namespace {
    /// The name before `::`.
    pub name: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
    /// Its functions, sorted.
    pub funs: &'static [Fun],
}

/// All namespaces, sorted.
pub static NAMESPACES: &[Namespace] = &[
    Namespace { name: "", about: "Events, endings and values, without a namespace.", funs: emit::FUNS },
    Namespace { name: "base64", about: "Base64, plain and URL-safe.", funs: base64::FUNS },
    Namespace {
        name: "cache",
        about: "Values with a time to live that all scripts of a pipeline share.",
        funs: cache::FUNS,
    },
    Namespace { name: "campaign", about: "Campaign parameters and click ids of an address.", funs: campaign::FUNS },
    Namespace { name: "delivery", about: "The delivery that the event came from.", funs: delivery::FUNS },
    Namespace {
        name: "email",
        about: "E-mail addresses: the one way of writing each, and whether it is one.",
        funs: email::FUNS,
    },
    Namespace { name: "hash", about: "Digests as lower-case hex.", funs: hash::FUNS },
    Namespace { name: "hex", about: "Hexadecimal digits.", funs: hex::FUNS },
    Namespace { name: "hmac", about: "Keyed digests, and a comparison in constant time.", funs: hmac::FUNS },
    Namespace { name: "http", about: "Requests to hosts that the step lists.", funs: http::FUNS },
    Namespace { name: "ip", about: "Addresses of the internet protocol.", funs: ip::FUNS },
    Namespace { name: "json", about: "JSON texts.", funs: json::FUNS },
    Namespace { name: "jwt", about: "JSON Web Tokens.", funs: jwt::FUNS },
    Namespace {
        name: "list",
        about: "Whole arrays: group, index, sort, thin out. `by` is a path into each item, or a function of it.",
        funs: list::FUNS,
    },
    Namespace { name: "log", about: "Lines that are kept with the event's trace.", funs: log::FUNS },
    Namespace { name: "map", about: "Whole maps: merge, choose, clean.", funs: map::FUNS },
    Namespace { name: "money", about: "Exact decimal amounts.", funs: money::FUNS },
    Namespace { name: "number", about: "Numbers, and texts that people wrote them in.", funs: number::FUNS },
    Namespace { name: "outcome", about: "What is to become of an event, for handlers to give.", funs: outcome::FUNS },
    Namespace { name: "path", about: "Values deep inside maps and arrays.", funs: path::FUNS },
    Namespace { name: "phone", about: "Phone numbers.", funs: phone::FUNS },
    Namespace { name: "regex", about: "Regular expressions.", funs: regex::FUNS },
    Namespace { name: "state", about: "What a step remembers from delivery to delivery.", funs: state::FUNS },
    Namespace { name: "table", about: "Look-up tables from files below scripts/.", funs: table::FUNS },
    Namespace { name: "text", about: "Texts that may be absent: trim, case, split, normalise.", funs: text::FUNS },
    Namespace { name: "time", about: "Times as milliseconds since 1970 and as ISO 8601 texts.", funs: time::FUNS },
    Namespace { name: "url", about: "Addresses and query strings.", funs: url::FUNS },
    Namespace { name: "user_agent", about: "What a browser says of itself.", funs: user_agent::FUNS },
    Namespace { name: "uuid", about: "Ids that repeat when the delivery is run again.", funs: uuid::FUNS },
    Namespace { name: "xml", about: "XML documents.", funs: xml::FUNS },
    Namespace { name: "zlib", about: "Compressed data.", funs: zlib::FUNS },
];

impl Fun {
    /// The part before `::`; empty for functions without and for methods.
    pub fn namespace(&self) -> &'static str {
        self.name.split_once("::").map_or("", |(namespace, _)| namespace)
    }

    /// The part after `::` or `.`.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit([':', '.']).next().unwrap_or(self.name)
    }

    /// The numbers of arguments that it can be called with, the receiver of a method counted.
    pub fn arguments(&self) -> std::ops::RangeInclusive<usize> {
        let receiver = usize::from(self.name.contains('.'));
        let Some((_, rest)) = self.signature.split_once('(') else {
            // A property is no function: an empty range.
            #[expect(clippy::reversed_empty_ranges, reason = "matches no number of arguments")]
            return 1..=0;
        };
        let names = rest.split_once(')').map_or(rest, |(inside, _)| inside);
        let names: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let optional = names.iter().filter(|name| name.ends_with('?')).count();
        names.len() - optional + receiver..=names.len() + receiver
    }
}

/// All functions, in the order of the reference.
pub fn functions() -> impl Iterator<Item = &'static Fun> {
    NAMESPACES.iter().flat_map(|namespace| namespace.funs)
}

/// The names that can stand before `::`.
pub fn namespaces() -> Vec<&'static str> {
    NAMESPACES.iter().map(|namespace| namespace.name).filter(|name| !name.is_empty() && *name != "delivery").collect()
}

/// What is wrong with a regular expression, if anything is.
pub fn regex_problem(pattern: &str) -> Option<String> {
    regex::compiled(pattern).err().map(|error| super::fault::message(&error))
}

/// Registers the whole library.
pub fn register(engine: &mut Engine, run: &Rc<Run>, tables: &Rc<Tables>) {
    decimal::register(engine);
    let lib = Lib { run: Rc::clone(run), tables: Rc::clone(tables) };
    for namespace in NAMESPACES {
        let mut module = Module::new();
        for fun in namespace.funs {
            (fun.add)(&mut module, &lib);
        }
        if namespaces().contains(&namespace.name) {
            engine.register_static_module(namespace.name, module.into());
        } else {
            engine.register_global_module(module.into());
        }
    }
}

/// Adds one native function to a namespace.
pub fn put<A: 'static, const N: usize, const X: bool, R, const F: bool, T>(module: &mut Module, name: &str, function: T)
where
    R: Variant + Clone,
    T: RhaiNativeFunc<A, N, X, R, F> + 'static,
{
    let function = located(function.into_rhai_function(true, false));
    FuncRegistration::new(name).set_into_module_raw(module, T::param_types(), function);
}

/// A native function as the interpreter keeps it.
type AnyFunction = dyn Fn(Option<NativeCallContext<'_>>, &mut [&mut Dynamic]) -> Native;

/// The same function, whose errors have the place of the call: the interpreter gives none to errors of functions that are called
/// by a namespace.
fn located(function: RhaiFunc) -> RhaiFunc {
    let wrap = |inner: Shared<AnyFunction>| -> Shared<AnyFunction> {
        Shared::new(move |cx: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
            let place = cx.as_ref().map(NativeCallContext::call_position);
            inner(cx, args).map_err(|mut error| {
                if error.position().is_none()
                    && let Some(place) = place
                {
                    error.set_position(place);
                }
                error
            })
        })
    };
    match function {
        RhaiFunc::Pure { func, is_pure, is_volatile, .. } => {
            RhaiFunc::Pure { func: wrap(func), has_context: true, is_pure, is_volatile }
        }
        RhaiFunc::Method { func, is_pure, is_volatile, .. } => {
            RhaiFunc::Method { func: wrap(func), has_context: true, is_pure, is_volatile }
        }
        other => other,
    }
}

/// Adds a function of one text, charged by the length of the text; absent stays absent.
pub fn put_text(module: &mut Module, lib: &Lib, name: &'static str, apply: impl Fn(&str) -> Native + 'static) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |value: Dynamic| {
        arg::try_text(&value, name, |text| {
            run.charge_bytes(text.len())?;
            apply(text)
        })
    });
}
