//! Step `hash`: replaces private values by digests.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use rhai::Dynamic;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::fields::{FIELDS, Fields, KEYS, PATTERNS, each_scalar};
use super::{Build, Context, Flow, Step, StepDef, StepError};
use crate::diag::Diag;
use crate::event::Event;
use crate::registry::{Def, Default, Opt, Options, Room, Secret, Shape, Type};
use crate::script::lib::arg::scalar;

/// The definition of `hash`.
pub(super) static HASH: StepDef = StepDef {
    def: Def {
        name: "hash",
        room: Room::Step,
        about: "Replaces values by their digests",
        details: "Texts and numbers become the digest of their text; in a list or a map, each of them does. `null`, `true` and `false` stay. The \
                  algorithms and encodings are those of Segment's transformations. For advertising platforms, which want the SHA-256 of an \
                  e-mail address in lower case, write `normalize: lowercase`. A digest without a `key` can be guessed for whatever is \
                  easily listed, as phone numbers are.\n\nA text that looks like a digest of the same algorithm and encoding is left as it is, so that \
                  what a browser hashed already is not hashed twice.",
        shape: Shape::Options {
            options: &[
                FIELDS,
                KEYS,
                PATTERNS,
                Opt {
                    name: "algorithm",
                    ty: Type::Word(&["md5", "sha1", "sha256", "sha512"]),
                    default: Default::Is("sha256"),
                    about: "How the digest is made.",
                },
                Opt {
                    name: "key",
                    ty: Type::Secret,
                    default: Default::Absent,
                    about: "A key: the digest becomes an HMAC, which nobody without the key can make.",
                },
                Opt {
                    name: "encoding",
                    ty: Type::Word(&["hex", "base64", "base64url"]),
                    default: Default::Is("hex"),
                    about: "How the digest is written.",
                },
                Opt {
                    name: "normalize",
                    ty: Type::Word(&["none", "trim", "lowercase"]),
                    default: Default::Is("none"),
                    about: "What is done to the text before: `trim` removes white space around it, `lowercase` makes it lower case as well.",
                },
                Opt {
                    name: "skip_hashed",
                    ty: Type::Bool,
                    default: Default::Is("true"),
                    about: "Whether a text that looks like such a digest is left alone.",
                },
            ],
            short: Some("fields"),
        },
        example: "- hash:\n    fields: [ traits.email, \"**.phone\" ]\n    keys: [ first_name ]\n    patterns: [ '[\\w.+-]+@[\\w-]+\\.[\\w.]+' ]\n    algorithm: sha256\n    \
                  key: ${HASH_KEY}\n    encoding: hex\n    normalize: lowercase\n    skip_hashed: true\n",
    },
    build,
};

#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone, Copy)]
enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

#[derive(Clone, Copy, PartialEq)]
enum Normalize {
    None,
    Trim,
    Lowercase,
}

struct Hash {
    fields: Fields,
    hasher: Hasher,
}

struct Hasher {
    algorithm: Algorithm,
    key: Option<Secret>,
    encoding: Encoding,
    normalize: Normalize,
    skip_hashed: bool,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let hasher = Hasher {
        algorithm: match options.text("algorithm") {
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha512" => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        },
        key: options.secret("key").cloned(),
        encoding: match options.text("encoding") {
            "base64" => Encoding::Base64,
            "base64url" => Encoding::Base64Url,
            _ => Encoding::Hex,
        },
        normalize: match options.text("normalize") {
            "trim" => Normalize::Trim,
            "lowercase" => Normalize::Lowercase,
            _ => Normalize::None,
        },
        skip_hashed: options.bool("skip_hashed"),
    };
    Ok(Box::new(Hash { fields: Fields::read(options, build)?, hasher }))
}

impl Step for Hash {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        let field = &mut |value: &mut Dynamic| {
            each_scalar(value, &mut |value| {
                if let Ok(text) = value.as_immutable_string_ref() {
                    return self.hasher.hash(&text).map(Dynamic::from);
                }
                if value.is_bool() {
                    return None;
                }
                self.hasher.hash(&scalar(value)?).map(Dynamic::from)
            });
        };
        let part = |text: &str| self.hasher.hash(text).unwrap_or_else(|| text.to_owned());
        self.fields.change(&mut event.value, field, &part);
        Ok(Flow::Next(event))
    }
}

impl Hasher {
    /// `None`: the text stays.
    fn hash(&self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        if trimmed.is_empty() || (self.skip_hashed && self.is_hashed(trimmed)) {
            return None;
        }
        let bytes = match self.normalize {
            Normalize::None => self.digest(text),
            Normalize::Trim => self.digest(trimmed),
            Normalize::Lowercase => self.digest(&trimmed.to_lowercase()),
        };
        Some(match self.encoding {
            Encoding::Hex => hex::encode(bytes),
            Encoding::Base64 => STANDARD.encode(bytes),
            Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        })
    }

    fn digest(&self, text: &str) -> Vec<u8> {
        let key = self.key.as_ref().map(Secret::reveal);
        match self.algorithm {
            Algorithm::Md5 => digest::<Md5>(key, text),
            Algorithm::Sha1 => digest::<Sha1>(key, text),
            Algorithm::Sha256 => digest::<Sha256>(key, text),
            Algorithm::Sha512 => digest::<Sha512>(key, text),
        }
    }

    /// Whether a text has the form of what this makes.
    fn is_hashed(&self, text: &str) -> bool {
        let bytes = match self.algorithm {
            Algorithm::Md5 => 16_usize,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        };
        match self.encoding {
            Encoding::Hex => text.len() == bytes * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Encoding::Base64 => text.len() == bytes.div_ceil(3) * 4 && STANDARD.decode(text).is_ok(),
            Encoding::Base64Url => text.len() == (bytes * 4).div_ceil(3) && URL_SAFE_NO_PAD.decode(text).is_ok(),
        }
    }
}

fn digest<D: Digest + EagerHash>(key: Option<&str>, text: &str) -> Vec<u8> {
    // A key of any length is taken, so there is always an HMAC to make.
    match key.and_then(|key| Hmac::<D>::new_from_slice(key.as_bytes()).ok()) {
        Some(mut mac) => {
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        None => D::digest(text).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::step::tests::{build_step, changed};

    const JANE: &str = "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d";

    #[test]
    fn known_digests_come_out() {
        // The values are those of openssl dgst and of RFC 4231, test case 2, with its key Jefe.
        for (options, text, expected) in [
            ("{ fields: v }", "jane@example.com", JANE),
            ("{ fields: v, normalize: lowercase }", "  Jane@Example.COM ", JANE),
            ("{ fields: v, algorithm: md5 }", "jane@example.com", "9e26471d35a78862c17e467d87cddedf"),
            ("{ fields: v, algorithm: sha1 }", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("{ fields: v, encoding: base64 }", "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
            ("{ fields: v, encoding: base64url }", "abc", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"),
        ] {
            assert_eq!(changed(&format!("- hash: {options}"), &json!({"v": text}))["v"], expected, "{options}");
        }
        let keyed = changed("- hash: { fields: v, key: Jefe }", &json!({"v": "what do ya want for nothing?"}));
        assert_eq!(keyed["v"], "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn numbers_lists_and_maps_are_hashed_and_the_rest_stays() {
        let given = json!({"v": ["jane@example.com", {"x": 7}, null, true, "", " "]});
        let hashed = changed("- hash: v", &given);
        let seven = "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451";
        assert_eq!(hashed["v"], json!([JANE, {"x": seven}, null, true, "", " "]));
    }

    #[test]
    fn what_is_hashed_already_stays() {
        for options in ["fields: v", "fields: v, encoding: base64", "fields: v, encoding: base64url, algorithm: sha512"]
        {
            let step = format!("- hash: {{ {options} }}");
            let once = changed(&step, &json!({"v": "jane@example.com"}));
            assert_eq!(changed(&step, &once), once);
            assert_ne!(changed(&format!("- hash: {{ {options}, skip_hashed: false }}"), &once), once);
        }
    }

    #[test]
    fn fields_are_found_by_path_key_and_pattern() {
        let given = json!({"traits": {"email": "jane@example.com", "First-Name": "Jane"}, "properties": {"list": [{"email": "jane@example.com"}], "note": "ask jane@example.com or x"}});
        let step = "- hash: { fields: [ \"**.email\" ], patterns: ['[\\w.]+@[\\w.]+\\w'], keys: [first_name] }";
        let hashed = changed(step, &given);
        assert_eq!(
            (&hashed["traits"]["email"], &hashed["properties"]["list"][0]["email"]),
            (&json!(JANE), &json!(JANE))
        );
        assert_eq!(hashed["properties"]["note"], format!("ask {JANE} or x"));
        assert_ne!(hashed["traits"]["First-Name"], "Jane");
    }

    #[test]
    fn mistakes_are_told() {
        for (options, code) in [
            ("{}", "missing-option"),
            ("{ fields: \"a**b\" }", "bad-path"),
            ("{ fields: \"**\" }", "bad-path"),
            ("{ fields: \"**.*\" }", "bad-path"),
            ("{ fields: \"a.**.b.**.c\" }", "bad-path"),
            ("{ patterns: \"(\" }", "bad-pattern"),
            ("{ fields: a, algorithm: sha3 }", "wrong-value"),
        ] {
            assert_eq!(build_step(&format!("- hash: {options}")).err().unwrap()[0].code, code, "{options}");
        }
    }
}
