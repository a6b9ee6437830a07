//! The shipped project with the API and Segment on loopback, and the recorded callbacks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cartwire::check::{self, Expect};
use cartwire::tree::Tree;
use serde_json::{Value, json};

use crate::api::Api;
use crate::support::{Cartwire, FakeSegment, Project};

/// Where callbacks go.
pub(crate) const CALLBACKS: &str = "/bigcommerce/bigcommerce";
/// Where the storefront posts.
pub(crate) const STOREFRONT: &str = "/bigcommerce/bigcommerce_storefront";
/// The cart that became the order 250.
pub(crate) const CART: &str = "d30016e2-23c0-4a90-884f-2e92ac135476";

const HEADER: &str = "example-collector-key";

pub(crate) struct Shop {
    pub(crate) cartwire: Cartwire,
    pub(crate) segment: FakeSegment,
    pub(crate) api: Api,
    _project: Project,
}

impl Shop {
    /// The shipped pipeline with some of its settings changed, as `("cache", "30s")`.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let (segment, api) = (FakeSegment::start(), Api::start());
        let project = project(&api.host(), settings);
        let environment = [
            ("BIGCOMMERCE_CLIENT_SECRET", "example-bc-client-secret-0123456789abcdef0123456789abcdef"),
            ("BIGCOMMERCE_STORE_HASH", "abc123xyz"),
            ("BIGCOMMERCE_ACCESS_TOKEN", "test-token"),
            ("SEGMENT_WRITE_KEY", "test-write-key"),
            ("SEGMENT_URL", &segment.url()),
        ];
        let cartwire = Cartwire::start_with(&project, &[], &environment);
        Self { cartwire, segment, api, _project: project }
    }

    /// Posts a callback that proves itself by the header of its hook.
    pub(crate) fn callback(&self, scope: &str, data: &Value) {
        self.callback_at(scope, data, 1_777_903_384);
    }

    pub(crate) fn callback_at(&self, scope: &str, data: &Value, created_at: i64) {
        let hash = format!("{scope}/{data}");
        let body = json!({
            "producer": "stores/abc123xyz", "store_id": "1025646", "scope": scope, "data": data, "created_at": created_at, "hash": hash
        });
        let reply = self.cartwire.post(CALLBACKS, &[("x-collector-key", HEADER)], body.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{scope}");
    }

    /// Waits until everything that came in has its end.
    pub(crate) fn settle(&self) {
        self.wait("an end of everything", |books| {
            let count = |name: &str| books[name].as_u64().unwrap();
            count("processed") >= count("deliveries") && count("pending") == 0 && count("held") == 0
        });
    }

    /// Waits for what the pipeline's books say.
    pub(crate) fn wait(&self, what: &str, found: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let books = self.cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone();
            if found(&books) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {books}\n{}", self.cartwire.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped project, asking the fakes, and impatient. Recorded signatures are old.
fn project(api: &str, settings: &[(&str, &str)]) -> Project {
    let mut project = Project::new();
    for folder in ["scripts", "scripts/lib", "scripts/bigcommerce"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                project = project.file(&inside, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut yaml = fs::read_to_string(root().join("pipelines/bigcommerce.yaml")).unwrap();
    let secrets = "secrets: [\"${BIGCOMMERCE_CLIENT_SECRET}\"]";
    let changes = [
        (secrets.to_owned(), format!("{secrets}\n      headers: {{ x-collector-key: {HEADER} }}\n      tolerance: 0s")),
        ("allow: [api.bigcommerce.com], per_second: 5".to_owned(), format!("allow: [\"{api}\"], per_second: 1000")),
        ("times: 8, wait: 15s".to_owned(), "times: 8, wait: 50ms".to_owned()),
        ("https://api.bigcommerce.com".to_owned(), format!("http://{api}")),
        ("cache: 2s".to_owned(), "cache: 0s".to_owned()),
        (
            "write_key: ${SEGMENT_WRITE_KEY}".to_owned(),
            "write_key: ${SEGMENT_WRITE_KEY}\n      endpoint: ${SEGMENT_URL}".to_owned(),
        ),
    ];
    for (from, to) in changes {
        assert_eq!(yaml.matches(&from).count(), 1, "{from}");
        yaml = yaml.replace(&from, &to);
    }
    for (key, value) in settings {
        let line = yaml.lines().find(|line| line.starts_with(&format!("      {key}:"))).unwrap().to_owned();
        yaml = yaml.replace(&line, &format!("      {key}: {value}"));
    }
    project.pipeline("bigcommerce", &yaml)
}

/// The recorded callbacks in the order in which they came: headers as they were sent, body.
pub(crate) fn recorded() -> Vec<(String, BTreeMap<String, String>, Vec<u8>)> {
    let dir = root().join("tests/fixtures/payloads/bigcommerce/scenario");
    let mut names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
        .iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".headers.json")?.to_owned();
            let headers = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            Some((name.clone(), headers, fs::read(dir.join(format!("{name}.json"))).unwrap()))
        })
        .collect()
}

/// The messages that a fixture expects.
pub(crate) fn expected(name: &str) -> Vec<Value> {
    let (cases, problems) = check::load(root(), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    match cases.into_iter().find(|case| case.pipeline == "bigcommerce" && case.name == name).unwrap().expect {
        Some(Expect::Messages(messages)) => messages,
        Some(Expect::BySink(_)) | None => Vec::new(),
    }
}

/// Whether `got` is `want`, and nothing more. Numbers are compared by value: `7.50` is written in a fixture as `7.5`.
pub(crate) fn same(want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            want.len() == got.len() && want.iter().all(|(key, want)| got.get(key).is_some_and(|got| same(want, got)))
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| same(want, got))
        }
        (Value::Number(want), Value::Number(got)) => want.as_f64() == got.as_f64(),
        _ => want == got,
    }
}
