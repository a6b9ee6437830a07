//! Every function of the library, called with whatever comes: it answers or fails, and never panics.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rhai::{Array, FnPtr, Map};
use rust_decimal::Decimal;

use super::*;
use crate::script::lib::{Fun, functions};

/// Texts that some function understands, to be taken apart.
const SEEDS: &[&str] = &[
    "",
    " ",
    "a",
    "-1",
    "54.90",
    "1.234,50 €",
    "79228162514264337593543950335",
    "1e400",
    "USD",
    "half_even",
    "desc",
    ".",
    ",",
    "2026-01-15T10:20:30.5+05:30",
    "2026-02-30",
    "Thu, 15 Jan 2026 10:20:30 +0000",
    "+262142-12-31",
    "%Y-%m-%d %H:%M:%S %Z %s %j %U",
    "%",
    "%255Y%-",
    "Europe/Berlin",
    "months",
    "day",
    "week",
    "https://jane:s3cret@shop.example.com:8443/a/../b?utm_source=x&gclid=1&a=%zz&b=+#top",
    "mailto:jane@example.com",
    "/a?b=c&b=d",
    "a=1&b",
    "jane.doe+shop@googlemail.com",
    "@",
    "+49 (0)30 1234567 ext. 5",
    "0343 15 5551212",
    "AR",
    "DE",
    "203.0.113.77:80",
    "[2001:db8::1]:443",
    "::ffff:10.0.0.1",
    "10.0.0.0/8",
    "2001:db8::/129",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A) AppleWebKit/537.36 Chrome/125.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)",
    "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln",
    "-----BEGIN PUBLIC KEY-----\nMA0=\n-----END PUBLIC KEY-----",
    "HS512",
    "<a b='c'>d<e/>&amp;</a>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
    "H4sIAAAAAAAC/8tIzcnJBwCGphA2BQAAAA==",
    "eJzLSM3JyQcABiwCFQ==",
    "aGVsbG8=",
    "6869",
    "{\"a\":[1,{\"b\":null}]}",
    "[[[[",
    "$.a[?@.b > 1]",
    "$..a[-1:0:-2]",
    "$[?length(@.a) == 1 && search(@.b, 'x')]",
    "$[9007199254740991]",
    "a.b[0].c[-1]",
    "items[999999]",
    "(?<year>\\d{4})-(\\d\\d)",
    "(a|b)*c$1${name}",
    "order_completed HTTPRequest İstanbul ǅ ß",
    "gid://shopify/Order/1?x",
    "dns",
    "tables/countries.csv",
    "ValidationError",
];

fn text() -> impl Strategy<Value = String> {
    let seed = || proptest::sample::select(SEEDS);
    prop_oneof![
        3 => seed().prop_map(ToOwned::to_owned),
        2 => "\\PC{0,24}",
        1 => any::<String>(),
        // Two halves, with something between them.
        2 => (seed(), any::<prop::sample::Index>(), "\\PC{0,2}", seed(), any::<prop::sample::Index>()).prop_map(
            |(one, end, between, two, start)| {
                let part = |text: &str, at: prop::sample::Index| at.index(text.chars().count() + 1);
                let head: String = one.chars().take(part(one, end)).collect();
                let tail: String = two.chars().skip(part(two, start)).collect();
                format!("{head}{between}{tail}")
            }
        ),
    ]
}

fn argument() -> impl Strategy<Value = Dynamic> {
    let leaf = prop_oneof![
        1 => Just(Dynamic::UNIT),
        1 => any::<bool>().prop_map(Dynamic::from_bool),
        1 => any::<i64>().prop_map(Dynamic::from_int),
        2 => (-3_i64..100).prop_map(Dynamic::from_int),
        1 => any::<f64>().prop_map(Dynamic::from_float),
        1 => prop::sample::select(&[0.0, -0.0, 0.1, 1e15, 1e300, f64::NAN, f64::INFINITY, f64::MIN][..]).prop_map(Dynamic::from_float),
        1 => (any::<[u32; 3]>(), any::<bool>(), 0..=28_u32).prop_map(|([low, mid, high], negative, scale)| {
            Dynamic::from_decimal(Decimal::from_parts(low, mid, high, negative, scale))
        }),
        1 => any::<char>().prop_map(Dynamic::from_char),
        1 => any::<Vec<u8>>().prop_map(Dynamic::from_blob),
        1 => Just(Dynamic::from(FnPtr::new("to_string").unwrap())),
        8 => text().prop_map(Dynamic::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| items.into_iter().collect::<Array>().into()),
            prop::collection::vec((prop_oneof![2 => "[a-c]", 1 => text()], inner), 0..5).prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>().into()
            }),
        ]
    })
}

/// The call of a function with so many arguments; variables, so that it may change them.
fn call(fun: &Fun, count: usize) -> String {
    let names: Vec<_> = (0..count).map(|at| format!("a{at}")).collect();
    let lets = names.iter().map(|name| format!("let {name} = event.{name}; ")).collect::<Vec<_>>().concat();
    if fun.name.contains('.') {
        return format!("{lets}{}({})", fun.name, names[..count - 1].join(", "));
    }
    format!("{lets}{}({})", fun.name, names.join(", "))
}

fn given(fun: &Fun) -> Vec<String> {
    let counts = fun.arguments();
    if counts.is_empty() { vec![fun.name.to_owned()] } else { counts.map(|count| call(fun, count)).collect() }
}

#[test]
fn no_function_panics() {
    on_worker_stack(|| {
        let tree = Tree::new().with("scripts/tables/countries.csv", "code,name\nDE,Germany\n");
        let host = Host::new(
            &Arc::new(tree),
            // Time and memory are of the process, which runs other tests too.
            Limits { time_ms: 60_000, memory_bytes: u64::MAX, operations: 20_000, ..Limits::default() },
        );
        let texts: Vec<String> = functions().flat_map(given).collect();
        let scripts: Vec<Script> = texts
            .iter()
            .map(|text| compile(&host, text).unwrap_or_else(|problems| panic!("{text}: {problems:?}")))
            .collect();
        let settings = crate::script::constant(value("{}"));
        let arguments = prop::collection::vec(argument(), 4);
        let mut runner = TestRunner::new(Config { cases: 1500, ..Config::default() });
        let outcome = runner.run(&(0..scripts.len(), arguments), |(at, arguments)| {
            let named = arguments.into_iter().enumerate().map(|(at, value)| (format!("a{at}").into(), value));
            let input = Input {
                event: named.collect::<Map>().into(),
                delivery: &delivery(),
                identity: "example-1",
                origin: Origin::default(),
                settings: &settings,
                now_ms: NOW_MS,
            };
            let ran = scripts[at].run(input);
            // Whatever comes can be shown.
            let _ = format!("{ran:?}");
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}\n{}", texts.join("\n"));
        }
    });
}

#[test]
fn what_is_absent_stays_absent() {
    let mut checked = 0;
    for fun in functions().filter(|fun| fun.signature.contains("(text) -> ")) {
        let empty = match fun.signature.rsplit("-> ").next().unwrap() {
            "bool" => "false",
            "array" => "[]",
            _ if fun.short_name() == "or_empty" => "\"\"",
            _ => "()",
        };
        checked += 1;
        let text = format!("if {}(()) != {empty} {{ throw \"not {empty}\" }}", fun.name);
        assert!(eval(&text, "{}").is_ok(), "{text}");
    }
    assert!(checked > 40, "{checked}");
}

#[test]
fn long_texts_use_up_operations() {
    let limits = Limits { time_ms: 60_000, memory_bytes: u64::MAX, operations: 5000, ..Limits::default() };
    let host = Host::new(&Arc::new(Tree::new()), limits);
    for fun in functions().filter(|fun| fun.signature.contains("(text) -> ") && fun.name.contains("::")) {
        let looks_at_little =
            ["uuid::is_valid", "phone::calling_code", "ip::", "user_agent::", "text::from", "text::or_empty"];
        if looks_at_little.iter().any(|name| fun.name.starts_with(name)) {
            continue;
        }
        let text = format!("let s = \"\"; s.pad(200000, 'a'); loop {{ try {{ {}(s); }} catch {{ }} }}", fun.name);
        let script = compile(&host, &text).unwrap();
        let Err(Failure::Error(error)) = run(&script, "{}") else { panic!("{text}") };
        assert_eq!(error.code, "script-limit-operations", "{text}");
    }
}

#[test]
fn work_on_large_values_uses_up_operations() {
    let limits = Limits { time_ms: 60_000, memory_bytes: u64::MAX, operations: 20_000, ..Limits::default() };
    let host = Host::new(&Arc::new(Tree::new()), limits);
    let large = "let s = \"\"; s.pad(200000, 'a'); let a = []; a.pad(5000, 1); let k = []; k.pad(5000, \"x\"); \
        let m = #{}; path::set(m, \"x[900]\", 1); let j = json::stringify(a);";
    for call in [
        "text::contains(s, \"b\")",
        "text::number(s)",
        "text::split(s, \"b\")",
        "text::truncate(s, 100000)",
        "text::is_blank(s)",
        "text::join(a, \",\")",
        "hmac::equal(s, s)",
        "uuid::v5(\"dns\", s)",
        "map::pick(m, k)",
        "map::omit(m, k)",
        "path::set(m, `x[${m.x.len() + 900}]`, 1)",
        "json::stringify(a)",
        "json::parse(j)",
        "parse_json(j)",
        "a.to_string()",
        "`${a}`",
        "m.to_json()",
        "s.to_debug()",
        "s.split(\"b\")",
        "s.to_chars()",
        "s.replace(\"b\", \"c\")",
        "s.pad(200001, 'a')",
        "[].pad(5000, a)",
        "[].pad(5000, [1, 1])",
        "blob(200000)",
        "blob(10000).to_array()",
        "a.sort()",
        "a == a + []",
        "a.contains(2)",
        "list::unique(a)",
    ] {
        let text = format!("{large} loop {{ try {{ {call}; }} catch {{ }} }}");
        let script = compile(&host, &text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let started = Instant::now();
        let Err(Failure::Error(error)) = run(&script, "{}") else { panic!("{text}") };
        let took = started.elapsed();
        assert!(error.code == "script-limit-operations" || error.code == "script-limit-size", "{call}: {error:?}");
        assert!(took < Duration::from_secs(20), "{call} {took:?}");
    }
}

#[test]
fn the_text_of_a_delivery_is_made_once() {
    let shared = super::super::delivery::Shared::new(delivery());
    assert!(std::ptr::eq(shared.text().as_str(), shared.text().as_str()));
}
