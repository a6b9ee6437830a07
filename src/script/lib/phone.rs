//! `phone::`: phone numbers in the one form that platforms compare: E.164, as `+4930123456`.
//!
//! The table of territories (calling code, how to dial out, the prefix that is left out from abroad, lengths of national numbers) was
//! taken from the metadata of libphonenumber (Apache-2.0). A port of the whole library brings forty crates and the plans of every
//! country; for matching people the form counts, not whether a number is in use, so the lengths are all that is checked.

use rhai::{Dynamic, Module};

use super::{Fun, Lib, put, put_text};

mod territory;

use territory::{Territory, by_code, by_region};

/// Digits of a number in E.164, with its calling code.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Numbers without any prefix are rarely longer.
const BARE_DIGITS: usize = 10;
/// The longest text that is read.
const TEXT_BYTES: usize = 64;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "phone::calling_code",
        signature: "phone::calling_code(country) -> number",
        about: "The calling code of a country, by its ISO 3166 code; `()` if it has none.",
        example: r#"phone::calling_code("DE") == 49
phone::calling_code("us") == 1"#,
        add: |module, lib| {
            put_text(module, lib, "calling_code", |text| {
                let code = by_region(text).and_then(|territory| territory.code.parse().ok());
                Ok(code.map_or(Dynamic::UNIT, Dynamic::from_int))
            });
        },
    },
    Fun {
        name: "phone::e164",
        signature: "phone::e164(text, country?) -> text",
        about: "A number in E.164; `()` if it can be none. Numbers without `+` are read as dialled in the country (ISO 3166 code).",
        example: r#"phone::e164("+49 (0)30 1234567") == "+49301234567"
phone::e164("(555) 234-5678", "US") == "+15552345678"
phone::e164("0044 20 7946 0018", "DE") == "+442079460018"
phone::e164("030 1234567") == ()
phone::e164(()) == ()"#,
        add,
    },
];

fn add(module: &mut Module, lib: &Lib) {
    put_text(module, lib, "e164", |text| Ok(e164(text, "").map_or(Dynamic::UNIT, Into::into)));
    put(module, "e164", |value: Dynamic, country: Dynamic| {
        let country = super::arg::text(&country, "e164")?.unwrap_or_default();
        super::arg::map_text(&value, "e164", |text| e164(text, &country).map_or(Dynamic::UNIT, Dynamic::from))
    });
}

/// The number in E.164, read as dialled in the region unless it begins with `+`.
pub fn e164(text: &str, region: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > TEXT_BYTES {
        return None;
    }
    let text = without_extension(text.strip_prefix("tel:").unwrap_or(text));
    let abroad = text.trim_start().starts_with(['+', '\u{ff0b}']);
    if !text.chars().skip(usize::from(abroad)).all(is_written) {
        return None;
    }
    let digits: String = text.chars().filter_map(|c| char::from_digit(digit(c)?, 10)).collect();
    let home = by_region(region);
    if abroad {
        return international(&digits);
    }
    let home = home?;
    let dialled_out = home.exit.split('|').find_map(|exit| digits.strip_prefix(exit));
    if let Some(number) = dialled_out.and_then(international) {
        return Some(number);
    }
    let own = |number: &str| whole(home.code, &home.national(number)?);
    // People also leave out the `+` alone, which shows where a number is too long to be dialled so at home.
    let bare = || own(digits.strip_prefix(home.code)?);
    let is_dialled = home.trunk.split('|').any(|trunk| digits.starts_with(trunk));
    if !is_dialled && digits.len() > BARE_DIGITS {
        return bare().or_else(|| own(&digits));
    }
    own(&digits).or_else(bare)
}

/// Calling code and national number.
fn international(digits: &str) -> Option<String> {
    let (code, rest) = (1..=3).find_map(|len| {
        let (code, rest) = (digits.get(..len)?, digits.get(len..)?);
        by_code(code).next().map(|_| (code, rest))
    })?;
    let national = by_code(code).find_map(|territory| territory.national(rest))?;
    whole(code, &national)
}

fn whole(code: &str, national: &str) -> Option<String> {
    DIGITS.contains(&(code.len() + national.len())).then(|| format!("+{code}{national}"))
}

impl Territory<'_> {
    /// The national number, without the prefix for calls inside the country.
    fn national(&self, digits: &str) -> Option<String> {
        let stripped =
            self.trunk.split('|').filter(|prefix| !prefix.is_empty()).find_map(|prefix| digits.strip_prefix(prefix));
        let kept = self.is_length(digits.len()).then_some(digits);
        let number = match stripped.map(|number| self.changed(number)) {
            // Where the rest is too short, the digits were the number's own.
            Some(number) if self.is_length(number.len()) || kept.is_none() => number,
            _ => self.changed(digits),
        };
        self.is_length(number.len()).then_some(number)
    }

    /// Two countries write mobile numbers and carriers into the middle of a number.
    fn changed(&self, digits: &str) -> String {
        match self.region {
            // Mobile numbers: 11 15 2345 6789 is 9 11 2345 6789 from abroad. Area codes have two, three or four digits.
            "AR" if digits.len() == 12 => {
                let areas = if digits.starts_with("11") { [2, 3, 4] } else { [3, 4, 2] };
                match areas.into_iter().find(|at| digits[*at..].starts_with("15")) {
                    Some(at) => format!("9{}{}", &digits[..at], &digits[at + 2..]),
                    None => digits.to_owned(),
                }
            }
            // The two digits of a carrier before the area code.
            "BR" if matches!(digits.len(), 12 | 13) => digits[2..].to_owned(),
            _ => digits.to_owned(),
        }
    }
}

fn digit(c: char) -> Option<u32> {
    // Japanese keyboards write wide digits.
    let c = match c {
        '\u{ff10}'..='\u{ff19}' => char::from_u32(u32::from(c) - 0xff10 + 0x30)?,
        other => other,
    };
    c.to_digit(10)
}

fn is_written(c: char) -> bool {
    digit(c).is_some()
        || c.is_whitespace()
        || matches!(c, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}' | '\u{30fc}' | '~')
}

/// `ext. 12`, `x12`, `#12` and `;ext=12` lead on inside a company.
fn without_extension(text: &str) -> &str {
    let end = text.find(['x', 'X', 'e', 'E', '#', ';', ',']).unwrap_or(text.len());
    let rest = text[end..].to_ascii_lowercase();
    let is_extension = ["x", "ext", "extension", "#", ";ext=", ","].iter().any(|word| {
        rest.strip_prefix(word).is_some_and(|rest| {
            let rest = rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ':' | '#'));
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit())
        })
    });
    if is_extension { &text[..end] } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_of_each_territory_as_people_there_write_it() {
        let mut wrong = Vec::new();
        let mut count = 0;
        for line in include_str!("phone/examples.csv").lines() {
            let mut columns = line.split(',');
            let (region, national, expected) =
                (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
            count += 1;
            for (text, region) in [(national, region), (expected, ""), (expected, "AR")] {
                if e164(text, region).as_deref() != Some(expected) {
                    wrong.push(format!("{region} {text}: {:?}, not {expected}", e164(text, region)));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn ways_of_writing() {
        for (text, region, expected) in [
            ("+1 (555) 234-5678 ext. 12", "", Some("+15552345678")),
            ("555.234.5678x9", "US", Some("+15552345678")),
            ("1-555-234-5678", "US", Some("+15552345678")),
            ("011 49 30 1234567", "US", Some("+49301234567")),
            ("4930 1234567", "DE", Some("+49301234567")),
            ("tel:+49-30-1234567", "", Some("+49301234567")),
            ("8 (912) 345-67-89", "RU", Some("+79123456789")),
            ("06 1 234 5678", "HU", Some("+3612345678")),
            ("02 1234 5678", "IT", Some("+390212345678")),
            ("0 21 11 2345 6789", "BR", Some("+551123456789")),
            ("0343 15 5551212", "AR", Some("+5493435551212")),
            ("\u{ff10}\u{ff13}-1234-5678", "JP", Some("+81312345678")),
            ("1-800-FLOWERS", "US", None),
            ("+999 12345678", "", None),
            ("12", "DE", None),
            ("", "DE", None),
            ("+", "DE", None),
        ] {
            assert_eq!(e164(text, region).as_deref(), expected, "{text}");
        }
    }
}
