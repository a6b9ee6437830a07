//! `text::`: texts that may be absent: trim, case, split, normalise.

use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Module};

use super::{Fun, Lib, Native, arg, put, put_text};
use crate::script::fault::fault;

pub mod words;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "text::camel",
        signature: "text::camel(text) -> text",
        about: "Words joined as camelCase.",
        example: r#"text::camel("order_completed at") == "orderCompletedAt""#,
        add: |module, lib| one(module, lib, "camel", |text| words::camel(text).into()),
    },
    Fun {
        name: "text::capital",
        signature: "text::capital(text) -> text",
        about: "With a capital first letter; the rest stays.",
        example: r#"text::capital("order completed") == "Order completed""#,
        add: |module, lib| one(module, lib, "capital", |text| words::first_upper(text).into()),
    },
    Fun {
        name: "text::constant",
        signature: "text::constant(text) -> text",
        about: "Words in capitals joined with `_`.",
        example: r#"text::constant("orderCompleted at") == "ORDER_COMPLETED_AT""#,
        add: |module, lib| one(module, lib, "constant", |text| words::joined(text, "_").to_uppercase().into()),
    },
    Fun {
        name: "text::contains",
        signature: "text::contains(text, part) -> bool",
        about: "Whether the part stands in the text; false if the text is absent.",
        example: r#"text::contains("abc", "b") == true
text::contains((), "b") == false"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "contains", move |value: Dynamic, part: &str| -> Native<bool> {
                let Some(text) = arg::text(&value, "contains")? else { return Ok(false) };
                run.charge_bytes(text.len())?;
                Ok(text.contains(part))
            });
        },
    },
    Fun {
        name: "text::email",
        signature: "text::email(text) -> text",
        about: "An e-mail address trimmed and in lower case, as platforms want it before hashing; `()` if it is none.",
        example: r#"text::email(" Jane@Example.COM ") == "jane@example.com"
text::email("unknown") == ()"#,
        add: |module, lib| {
            one(module, lib, "email", |text| {
                let text = text.trim().to_lowercase();
                let is_address = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
                if is_address && !text.contains(char::is_whitespace) { text.into() } else { Dynamic::UNIT }
            });
        },
    },
    Fun {
        name: "text::ends",
        signature: "text::ends(text, end) -> bool",
        about: "Whether the text ends so; false if it is absent.",
        example: r#"text::ends("orders/create", "create") == true"#,
        add: |module, _| test(module, "ends", |text, end| text.ends_with(end)),
    },
    Fun {
        name: "text::from",
        signature: "text::from(value) -> text",
        about: "A number, boolean or text as text, for ids; `()` stays absent.",
        example: r#"text::from(820982911946154508) == "820982911946154508"
text::from(()) == ()"#,
        add: |module, lib| one(module, lib, "from", |text| text.into()),
    },
    Fun {
        name: "text::gid",
        signature: "text::gid(text) -> text",
        about: "The last part of a Shopify global id; other texts and numbers as they are.",
        example: r#"text::gid("gid://shopify/Order/123?key=x") == "123"
text::gid(123) == "123""#,
        add: |module, lib| {
            one(module, lib, "gid", |text| {
                let Some(rest) = text.strip_prefix("gid://") else { return text.into() };
                let path = rest.split(['?', '#']).next().unwrap_or_default();
                path.rsplit('/').next().unwrap_or_default().into()
            });
        },
    },
    Fun {
        name: "text::is_blank",
        signature: "text::is_blank(value) -> bool",
        about: "Whether a value is absent or a text of nothing but white space.",
        example: r#"text::is_blank(" ") == true
text::is_blank(()) == true
text::is_blank(0) == false"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "is_blank", move |value: &mut Dynamic| -> Native<bool> {
                let Some(text) = value.read_lock::<ImmutableString>() else { return Ok(value.is_unit()) };
                run.charge_bytes(text.len())?;
                Ok(text.trim().is_empty())
            });
        },
    },
    Fun {
        name: "text::join",
        signature: "text::join(array, separator) -> text",
        about: "The items of an array as one text; absent ones are left out.",
        example: r#"text::join(["a", (), 2], ", ") == "a, 2""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "join", move |items: &mut Array, separator: &str| -> Native<String> {
                let mut out = String::new();
                let mut first = true;
                for item in items.iter() {
                    let Some(text) = arg::text(item, "join")? else { continue };
                    run.charge(1 + text.len() as u64 / 1024)?;
                    run.allow_bytes(out.len() + separator.len() + text.len())?;
                    if !std::mem::take(&mut first) {
                        out.push_str(separator);
                    }
                    out.push_str(&text);
                }
                Ok(out)
            });
        },
    },
    Fun {
        name: "text::kebab",
        signature: "text::kebab(text) -> text",
        about: "Words in lower case joined with `-`.",
        example: r#"text::kebab("Order Completed") == "order-completed""#,
        add: |module, lib| one(module, lib, "kebab", |text| words::joined(text, "-").into()),
    },
    Fun {
        name: "text::lower",
        signature: "text::lower(text) -> text",
        about: "In lower case.",
        example: r#"text::lower("AbC") == "abc""#,
        add: |module, lib| one(module, lib, "lower", |text| text.to_lowercase().into()),
    },
    Fun {
        name: "text::number",
        signature: "text::number(text) -> number",
        about: "The number that a text stands for; `()` if it is none. For money use `money::parse`.",
        example: r#"text::number(" 198.00 ") == 198.0
text::number("12") == 12
text::number("n/a") == ()"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "number", move |value: Dynamic| -> Native {
                if value.is_int() || value.is_float() || value.is_decimal() {
                    return Ok(value);
                }
                arg::try_text(&value, "number", |text| {
                    run.charge_bytes(text.len())?;
                    let text = text.trim();
                    let float = || text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Dynamic::from_float);
                    Ok(text.parse::<i64>().map_or_else(|_| float().unwrap_or_default(), Dynamic::from_int))
                })
            });
        },
    },
    Fun {
        name: "text::or_empty",
        signature: "text::or_empty(text) -> text",
        about: "The text, or an empty one if it is absent.",
        example: r#"text::or_empty(()) == """#,
        add: |module, _| {
            put(module, "or_empty", |value: Dynamic| -> Native {
                Ok(arg::text(&value, "or_empty")?.unwrap_or_default().into())
            });
        },
    },
    Fun {
        name: "text::pascal",
        signature: "text::pascal(text) -> text",
        about: "Words joined as PascalCase.",
        example: r#"text::pascal("order_completed at") == "OrderCompletedAt""#,
        add: |module, lib| one(module, lib, "pascal", |text| words::pascal(text).into()),
    },
    Fun {
        name: "text::slug",
        signature: "text::slug(text) -> text",
        about: "Letters and digits in lower case, everything between them as one `-`.",
        example: r#"text::slug(" Café: 2 for 1! ") == "café-2-for-1""#,
        add: |module, lib| one(module, lib, "slug", |text| words::slug(text).into()),
    },
    Fun {
        name: "text::snake",
        signature: "text::snake(text) -> text",
        about: "Words in lower case joined with `_`.",
        example: r#"text::snake("Order Completed") == "order_completed"
text::snake("orderID") == "order_id""#,
        add: |module, lib| one(module, lib, "snake", |text| words::joined(text, "_").into()),
    },
    Fun {
        name: "text::split",
        signature: "text::split(text, separator) -> array",
        about: "The trimmed parts of a text that are not empty; an empty array if it is absent.",
        example: r#"text::split("a, b,, c", ",") == ["a", "b", "c"]
text::split((), ",") == []"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "split", move |value: Dynamic, separator: &str| -> Native {
                if separator.is_empty() {
                    return Err(fault("split takes a separator that is not empty"));
                }
                let Some(text) = arg::text(&value, "split")? else { return Ok(Array::new().into()) };
                run.charge_bytes(text.len())?;
                let mut parts = Array::new();
                for part in text.split(separator).map(str::trim).filter(|part| !part.is_empty()) {
                    run.allow_items(parts.len() + 1)?;
                    run.charge(u64::from(parts.len().is_multiple_of(4)))?;
                    parts.push(part.into());
                }
                Ok(parts.into())
            });
        },
    },
    Fun {
        name: "text::starts",
        signature: "text::starts(text, start) -> bool",
        about: "Whether the text starts so; false if it is absent.",
        example: r#"text::starts("orders/create", "orders/") == true"#,
        add: |module, _| test(module, "starts", |text, start| text.starts_with(start)),
    },
    Fun {
        name: "text::title",
        signature: "text::title(text, small?) -> text",
        about: "Words with a capital each, separated by spaces. With `true`, small words (a, and, of, the …) stay small inside; with \
                an array, those words do.",
        example: r#"text::title("orders/partially_fulfilled") == "Orders Partially Fulfilled"
text::title("the_lord of the rings", true) == "The Lord of the Rings"
text::title("tim und struppi", ["und"]) == "Tim und Struppi""#,
        add: |module, lib| {
            one(module, lib, "title", |text| words::title(text, &[]).into());
            let run = Rc::clone(&lib.run);
            put(module, "title", move |value: Dynamic, small: Dynamic| -> Native {
                let small = small_words(small)?;
                let small: Vec<&str> = small.iter().map(ImmutableString::as_str).collect();
                arg::try_text(&value, "title", |text| {
                    // Each word may be compared with each of the small ones.
                    run.charge_bytes(text.len().saturating_mul(1 + small.len()))?;
                    Ok(words::title(text, &small).into())
                })
            });
        },
    },
    Fun {
        name: "text::trim",
        signature: "text::trim(text) -> text",
        about: "Without white space at both ends.",
        example: r#"text::trim(" a ") == "a""#,
        add: |module, lib| one(module, lib, "trim", |text| text.trim().into()),
    },
    Fun {
        name: "text::truncate",
        signature: "text::truncate(text, characters) -> text",
        about: "No more than so many characters.",
        example: r#"text::truncate("abcdef", 3) == "abc""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "truncate", move |value: Dynamic, characters: i64| {
                let most = usize::try_from(characters).unwrap_or(0);
                arg::try_text(&value, "truncate", |text| {
                    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
                    run.charge_bytes(end)?;
                    Ok(text[..end].into())
                })
            });
        },
    },
    Fun {
        name: "text::upper",
        signature: "text::upper(text) -> text",
        about: "In upper case.",
        example: r#"text::upper("usd") == "USD""#,
        add: |module, lib| one(module, lib, "upper", |text| text.to_uppercase().into()),
    },
];

fn one(module: &mut Module, lib: &Lib, name: &'static str, apply: fn(&str) -> Dynamic) {
    put_text(module, lib, name, move |text| Ok(apply(text)));
}

fn small_words(small: Dynamic) -> Native<Vec<ImmutableString>> {
    match small.as_bool() {
        Ok(true) => Ok(words::SMALL.iter().map(|word| (*word).into()).collect()),
        Ok(false) => Ok(Vec::new()),
        Err(_) => arg::array(small, "title")?.iter().map(|word| arg::needed(word, "title")).collect(),
    }
}

fn test(module: &mut Module, name: &'static str, holds: fn(&str, &str) -> bool) {
    put(module, name, move |value: Dynamic, other: &str| -> Native<bool> {
        Ok(arg::text(&value, name)?.is_some_and(|text| holds(&text, other)))
    });
}
