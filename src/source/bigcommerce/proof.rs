//! How a callback proves its sender: a signature, or the headers that its hook was created with.

use crate::diag::Diag;
use crate::registry::{OptionValue, Options, Secret};
use crate::source::verify::{Denied, Key, StandardWebhooks, is_one_of};
use crate::source::{Request, Sample};

/// What is asked of a callback.
#[derive(Debug)]
pub(super) struct Proof {
    signature: Option<StandardWebhooks>,
    headers: Vec<(String, Vec<Secret>)>,
    /// Whether both are asked for where both are known.
    all: bool,
}

impl Proof {
    /// From the options `secrets`, `key`, `tolerance`, `headers` and `require`.
    pub(super) fn build(options: &Options, problems: &mut Vec<Diag>) -> Self {
        if !options.has("secrets") && !options.has("headers") {
            let problem = options.error(
                "secrets",
                "no-secrets",
                "with neither `secrets` nor `headers`, no callback could ever be accepted",
            );
            problems.push(
                problem.help("give the client secret of the API account, or the headers that the hooks were made with"),
            );
        }
        let signature = options.has("secrets").then(|| signature(options, problems));
        let headers = headers(options, problems);
        let all = options.text("require") == "all";
        if all && (signature.is_none() || headers.is_empty()) {
            let problem =
                options.error("require", "contradiction", "`require: all` needs both `secrets` and `headers`");
            problems.push(problem.help("remove `require`, or give what is missing"));
        }
        Self { signature, headers, all }
    }

    /// Whether the request proves its sender.
    pub(super) fn verify(&self, request: &Request<'_>) -> Result<(), Denied> {
        let signed =
            self.signature.as_ref().map(|signature| signature.verify(request.headers, request.wire, request.now_ms));
        let named = (!self.headers.is_empty()).then(|| self.named(request));
        match (signed, named) {
            (None, None) => Err(Denied::Missing),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(signed), Some(named)) if self.all => signed.and(named),
            // Headers make up for a signature that is not there, never for a wrong one.
            (Some(Err(Denied::Missing)), Some(named)) => named,
            (Some(signed), Some(_)) => signed,
        }
    }

    /// Every header of your own has to be there with one of its secrets.
    fn named(&self, request: &Request<'_>) -> Result<(), Denied> {
        let mut result = Ok(());
        // No early exit: the time taken does not tell which of them is wrong.
        for (name, secrets) in &self.headers {
            result = match request.header(name) {
                None => result.and(Err(Denied::Missing)),
                Some(given) if is_one_of(secrets, given) => result,
                Some(_) => result.and(Err(Denied::Wrong)),
            };
        }
        result
    }

    /// Makes a sample pass.
    pub(super) fn sign(&self, sample: &mut Sample, now_ms: i64) {
        if let Some(signature) = &self.signature {
            signature.dress(sample, now_ms);
        }
        for (name, secrets) in &self.headers {
            if let Some(secret) = secrets.first().filter(|_| !sample.has_header(name)) {
                sample.set_header(name, secret.reveal());
            }
        }
    }
}

fn signature(options: &Options, problems: &mut Vec<Diag>) -> StandardWebhooks {
    let key = if options.text("key") == "base64" { Key::Base64 } else { Key::Raw };
    let secrets = options.secrets("secrets");
    if secrets.is_empty() {
        problems.push(options.error(
            "secrets",
            "no-secrets",
            "`secrets` is empty, so no signature could ever be right",
        ));
    }
    let mut keys = Vec::new();
    for (secret, (_, span)) in secrets.into_iter().zip(options.items("secrets")) {
        match key.bytes(secret.reveal()) {
            Some(bytes) => keys.push(bytes),
            None => problems.push(
                Diag::error("bad-secret", "this secret is not base64")
                    .at(options.file(), span.clone())
                    .help("remove `key: base64`: BigCommerce signs with the client secret as it stands"),
            ),
        }
    }
    StandardWebhooks { keys, tolerance_ms: options.int("tolerance") }
}

fn headers(options: &Options, problems: &mut Vec<Diag>) -> Vec<(String, Vec<Secret>)> {
    let mut found = Vec::new();
    for (name, name_span, value, _) in options.entries("headers") {
        let OptionValue::List(items) = value else { continue };
        let secrets: Vec<_> = items
            .iter()
            .filter_map(|(item, _)| match item {
                OptionValue::Secret(secret) => Some(secret.clone()),
                _ => None,
            })
            .collect();
        let problem = match http::HeaderName::try_from(name) {
            Err(_) => Diag::error("wrong-value", format!("`{name}` is not a header name")),
            Ok(_) if secrets.is_empty() => {
                Diag::error("no-secrets", format!("`{name}` has no secret, so no callback could ever be accepted"))
            }
            Ok(name) => {
                found.push((name.as_str().to_owned(), secrets));
                continue;
            }
        };
        problems.push(problem.at(options.file(), name_span.clone()));
    }
    if options.has("headers") && options.entries("headers").is_empty() {
        problems.push(options.error("headers", "no-secrets", "`headers` is empty, so it would let anybody in"));
    }
    found
}
