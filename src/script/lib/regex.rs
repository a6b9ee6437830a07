//! `regex::`: regular expressions, without look-around and back references, so that matching is always linear.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use regex::{Captures, Regex, RegexBuilder};
use rhai::{Array, Dynamic, INT, ImmutableString, Map};

use super::{Fun, Lib, Native, arg, put, put_text};
use crate::pattern;
use crate::script::fault::fault;
use crate::script::run::Run;

/// The size of one compiled expression.
const COMPILED_BYTES: usize = 1 << 19;
/// The longest pattern.
const PATTERN_BYTES: usize = 1 << 14;
/// The longest text that is searched.
const TEXT_BYTES: usize = 1 << 18;
/// Compiled expressions that are kept by a thread.
const KEPT: usize = 256;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "regex::captures",
        signature: "regex::captures(text, pattern) -> array or map",
        about: "The groups of the first match: a map when groups are named, else an array that starts with the whole match; `()` \
                if nothing matches.",
        example: r##"regex::captures("order #1001-B", `#(\d+)-(\w)`) == ["#1001-B", "1001", "B"]
regex::captures("2026-01", `(?<year>\d{4})-(?<month>\d\d)`).month == "01"
regex::captures("x", `\d`) == ()"##,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "captures", move |value: Dynamic, pattern: &str| -> Native {
                let regex = pattern_of(&run, pattern)?;
                let text = searched(&run, &regex, &value, "captures")?;
                let found = text.as_ref().and_then(|text| regex.regex.captures(text));
                Ok(found.map_or(Dynamic::UNIT, |found| groups(&regex.regex, &found)))
            });
        },
    },
    Fun {
        name: "regex::captures_all",
        signature: "regex::captures_all(text, pattern) -> array",
        about: "The groups of every match, each as `captures` gives them.",
        example: r#"regex::captures_all("a=1,b=2", `(?<key>\w)=(?<value>\d)`) == [#{ key: "a", value: "1" }, #{ key: "b", value: "2" }]"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "captures_all", move |value: Dynamic, pattern: &str| -> Native {
                let regex = pattern_of(&run, pattern)?;
                let Some(text) = searched(&run, &regex, &value, "captures_all")? else {
                    return Ok(Array::new().into());
                };
                let mut all = Array::new();
                for found in regex.regex.captures_iter(&text) {
                    run.charge(found.len() as u64)?;
                    run.allow_items((all.len() + 1) * found.len())?;
                    all.push(groups(&regex.regex, &found));
                }
                Ok(all.into())
            });
        },
    },
    Fun {
        name: "regex::escape",
        signature: "regex::escape(text) -> text",
        about: "The text as a pattern that matches nothing but it.",
        example: r#"regex::is_match("1.5", "^" + regex::escape("1.5") + "$") == true
regex::escape("a.b") == `a\.b`"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put_text(module, lib, "escape", move |text| {
                run.allow_bytes(text.len().saturating_mul(2))?;
                Ok(regex::escape(text).into())
            });
        },
    },
    Fun {
        name: "regex::find",
        signature: "regex::find(text, pattern) -> text",
        about: "The first match; `()` if nothing matches.",
        example: r#"regex::find("order 1001", `\d+`) == "1001""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "find", move |value: Dynamic, pattern: &str| -> Native {
                let regex = pattern_of(&run, pattern)?;
                let text = searched(&run, &regex, &value, "find")?;
                let found = text.as_ref().and_then(|text| regex.regex.find(text));
                Ok(found.map_or(Dynamic::UNIT, |found| found.as_str().into()))
            });
        },
    },
    Fun {
        name: "regex::find_all",
        signature: "regex::find_all(text, pattern) -> array",
        about: "All matches.",
        example: r#"regex::find_all("a1b22", `\d+`) == ["1", "22"]"#,
        add: |module, lib| find_all(module, lib),
    },
    Fun {
        name: "regex::is_match",
        signature: "regex::is_match(text, pattern) -> bool",
        about: "Whether the pattern matches anywhere; `^` and `$` tie it to the ends. False if the text is absent.",
        example: r#"regex::is_match("test@example.com", `(?i)@EXAMPLE\.com$`) == true
regex::is_match((), "a") == false"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "is_match", move |value: Dynamic, pattern: &str| -> Native<bool> {
                let regex = pattern_of(&run, pattern)?;
                Ok(searched(&run, &regex, &value, "is_match")?.is_some_and(|text| regex.regex.is_match(&text)))
            });
        },
    },
    Fun {
        name: "regex::replace",
        signature: "regex::replace(text, pattern, with) -> text",
        about: "With every match replaced; `$1` and `${name}` stand for groups.",
        example: r#"regex::replace("a-b-c", `(\w)-`, "$1+") == "a+b+c""#,
        add: |module, lib| replace(module, lib, "replace", usize::MAX),
    },
    Fun {
        name: "regex::replace_first",
        signature: "regex::replace_first(text, pattern, with) -> text",
        about: "With the first match replaced.",
        example: r#"regex::replace_first("a-b-c", "-", "+") == "a+b-c""#,
        add: |module, lib| replace(module, lib, "replace_first", 1),
    },
    Fun {
        name: "regex::split",
        signature: "regex::split(text, pattern, parts?) -> array",
        about: "What stands between the matches, in so many parts at most; an empty array if the text is absent.",
        example: r#"regex::split("a1b22c", `\d+`) == ["a", "b", "c"]
regex::split("a, b;c", `[,;]\s*`, 2) == ["a", "b;c"]"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "split", move |value: Dynamic, pattern: &str| split(&run, &value, pattern, usize::MAX));
            let run = Rc::clone(&lib.run);
            put(module, "split", move |value: Dynamic, pattern: &str, parts: INT| {
                split(&run, &value, pattern, usize::try_from(parts).unwrap_or(0).max(1))
            });
        },
    },
];

fn groups(regex: &Regex, found: &Captures<'_>) -> Dynamic {
    let value = |group: Option<regex::Match<'_>>| group.map_or(Dynamic::UNIT, |group| group.as_str().into());
    if regex.capture_names().flatten().next().is_some() {
        let named = regex.capture_names().flatten().map(|name| (name.into(), value(found.name(name))));
        return named.collect::<Map>().into();
    }
    found.iter().map(value).collect::<Array>().into()
}

fn find_all(module: &mut rhai::Module, lib: &Lib) {
    let run = Rc::clone(&lib.run);
    put(module, "find_all", move |value: Dynamic, pattern: &str| -> Native {
        let regex = pattern_of(&run, pattern)?;
        let Some(text) = searched(&run, &regex, &value, "find_all")? else { return Ok(Array::new().into()) };
        let mut all = Array::new();
        for found in regex.regex.find_iter(&text) {
            run.charge(1)?;
            run.allow_items(all.len() + 1)?;
            all.push(found.as_str().into());
        }
        Ok(all.into())
    });
}

fn replace(module: &mut rhai::Module, lib: &Lib, name: &'static str, limit: usize) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |value: Dynamic, pattern: &str, with: &str| -> Native {
        let regex = pattern_of(&run, pattern)?;
        let Some(text) = searched(&run, &regex, &value, name)? else { return Ok(Dynamic::UNIT) };
        let mut out = String::new();
        let mut end = 0;
        for found in regex.regex.captures_iter(&text).take(limit) {
            run.charge(1)?;
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            // One replacement can be as long as the template times the match: look before and after.
            run.allow_bytes(out.len() + with.len())?;
            found.expand(with, &mut out);
            run.allow_bytes(out.len())?;
            end = whole.end();
        }
        out.push_str(&text[end..]);
        run.allow_bytes(out.len())?;
        Ok(out.into())
    });
}

fn split(run: &Run, value: &Dynamic, pattern: &str, limit: usize) -> Native {
    let regex = pattern_of(run, pattern)?;
    let Some(text) = searched(run, &regex, value, "split")? else { return Ok(Array::new().into()) };
    let mut parts = Array::new();
    for part in regex.regex.splitn(&text, limit) {
        run.charge(1)?;
        run.allow_items(parts.len() + 1)?;
        parts.push(part.into());
    }
    Ok(parts.into())
}

/// The text to search, unless it is too long for an operation that cannot be interrupted.
fn searched(run: &Run, pattern: &Pattern, value: &Dynamic, function: &str) -> Native<Option<ImmutableString>> {
    let Some(text) = arg::text(value, function)? else { return Ok(None) };
    if text.len() > pattern.text_bytes {
        let most = pattern.text_bytes;
        let most = if most < 1024 { format!("{most} bytes") } else { format!("{} KiB", most >> 10) };
        return Err(fault(format!("{function} searches texts of up to {most} with this pattern")));
    }
    run.charge_bytes(text.len())?;
    Ok(Some(text))
}

/// A compiled expression.
pub struct Pattern {
    regex: Regex,
    /// Where it looks at a character: what compiling it has taken.
    places: usize,
    /// The longest text that it may search.
    text_bytes: usize,
}

/// The compiled expression. Compiling it anew is charged.
fn pattern_of(run: &Run, text: &str) -> Native<Rc<Pattern>> {
    let (pattern, is_new) = compiled(text)?;
    if is_new {
        run.charge(50 + pattern.places as u64)?;
    }
    Ok(pattern)
}

/// The compiled expression, kept for the next call, and whether it was not there.
pub fn compiled(text: &str) -> Native<(Rc<Pattern>, bool)> {
    thread_local! {
        static CACHE: RefCell<BTreeMap<String, Rc<Pattern>>> = const { RefCell::new(BTreeMap::new()) };
    }
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(text) {
            return Ok((Rc::clone(known), false));
        }
        if text.len() > PATTERN_BYTES {
            return Err(fault(format!("a pattern has up to {} KiB", PATTERN_BYTES >> 10)));
        }
        let built = RegexBuilder::new(text).size_limit(COMPILED_BYTES).dfa_size_limit(COMPILED_BYTES).build();
        let regex = built.map_err(|error| fault(complaint(text, &error)))?;
        let places = pattern::places(text);
        let text_bytes = pattern::text_bytes(places).min(TEXT_BYTES);
        let built = Rc::new(Pattern { regex, places, text_bytes });
        // Patterns made from data would fill the cache; then it starts again.
        if cache.len() >= KEPT {
            cache.clear();
        }
        cache.insert(text.into(), Rc::clone(&built));
        Ok((built, true))
    })
}

/// The last line of the parser's picture is the reason.
fn complaint(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
    format!("`{pattern}` is not a regular expression: {reason}")
}
