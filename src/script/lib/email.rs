//! `email::`: e-mail addresses: the one way of writing each, and whether it is one.

use std::rc::Rc;

use rhai::{Dynamic, Map};

use super::{Fun, Native, arg, put, put_text};

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "email::domain",
        signature: "email::domain(text) -> text",
        about: "The domain of an e-mail address in lower case; `()` if it is no address.",
        example: r#"email::domain("Jane@Example.com") == "example.com"
email::domain("jane") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "domain", |text| {
                let address = normalised(text, false, false);
                let domain = address.as_deref().and_then(|text| text.rsplit_once('@')).map(|(_, domain)| domain.into());
                Ok(domain.unwrap_or_default())
            });
        },
    },
    Fun {
        name: "email::is_valid",
        signature: "email::is_valid(text) -> bool",
        about: "Whether a text has the form of an e-mail address that mail reaches over the internet; white space around it does not count.",
        example: r#"email::is_valid("jane.o'hara+shop@mail.example.com") == true
email::is_valid("jane@localhost") == false
email::is_valid("jane..doe@example.com") == false
email::is_valid(()) == false"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "is_valid", move |value: Dynamic| -> Native<bool> {
                let Some(text) = arg::text(&value, "is_valid")? else { return Ok(false) };
                run.charge_bytes(text.len())?;
                Ok(normalised(&text, false, false).is_some())
            });
        },
    },
    Fun {
        name: "email::normalize",
        signature: "email::normalize(text, options?) -> text",
        about: "An address trimmed and in lower case, as platforms want it before hashing; `()` if it is none. Options: `plus` (true leaves \
                out what follows a `+` before the `@`), `gmail` (true does so for Gmail, leaves out the dots there, which Gmail ignores, \
                and writes googlemail.com as gmail.com).",
        example: r#"email::normalize(" Jane@Example.COM ") == "jane@example.com"
email::normalize("Jane.Doe+shop@googlemail.com", #{ gmail: true }) == "janedoe@gmail.com"
email::normalize("jane+shop@example.com", #{ plus: true }) == "jane@example.com"
email::normalize("unknown") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "normalize", |text| {
                Ok(normalised(text, false, false).map_or(Dynamic::UNIT, Into::into))
            });
            let run = Rc::clone(&lib.run);
            put(module, "normalize", move |value: Dynamic, options: Map| -> Native {
                arg::known_options(&options, &["gmail", "plus"], "normalize")?;
                let (gmail, plus) =
                    (arg::flag(&options, "gmail", "normalize")?, arg::flag(&options, "plus", "normalize")?);
                arg::try_text(&value, "normalize", |text| {
                    run.charge_bytes(text.len())?;
                    Ok(normalised(text, gmail, plus).map_or(Dynamic::UNIT, Into::into))
                })
            });
        },
    },
];

/// The longest parts by RFC 5321, and of a label by RFC 1035.
const LOCAL_BYTES: usize = 64;
const DOMAIN_BYTES: usize = 253;
const LABEL_BYTES: usize = 63;

/// The address in lower case, if it is one.
pub fn normalised(text: &str, gmail: bool, plus: bool) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.rsplit_once('@')?;
    if !is_local(local) || !is_domain(domain) {
        return None;
    }
    let at_gmail = gmail && matches!(domain, "gmail.com" | "googlemail.com");
    let mut local = local.to_owned();
    if plus || at_gmail {
        let end = local.find('+').filter(|end| *end > 0).unwrap_or(local.len());
        local.truncate(end);
    }
    if at_gmail {
        local.retain(|c| c != '.');
    }
    Some(format!("{local}@{}", if at_gmail { "gmail.com" } else { domain }))
}

fn is_local(local: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    (1..=LOCAL_BYTES).contains(&local.len())
        && local.chars().all(is_part)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.len() <= DOMAIN_BYTES
        && domain.contains('.')
        && domain.split('.').all(is_label)
        && !last.chars().all(|c| c.is_ascii_digit())
}
