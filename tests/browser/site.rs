//! A web server of another origin than Cartwire: it serves the page and the library, and hears what the page tells.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a page waits for its test, and a test for its page.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The server; its threads end with the test program.
#[derive(Debug)]
pub(crate) struct Site {
    address: SocketAddr,
    told: Receiver<(String, Value)>,
    files: Arc<Files>,
    /// All requests of the page to Cartwire that were told of, in order.
    pub(crate) requests: Vec<Value>,
}

#[derive(Debug)]
struct Files {
    /// The folder with the library's scripts.
    umd: PathBuf,
    /// Pages and scripts by their path, in front of all others.
    own: BTreeMap<String, String>,
    run: Value,
    /// What was posted to a Shopify theme's `/cart/update.js`.
    carts: Mutex<Vec<Value>>,
    go: (Mutex<bool>, Condvar),
    tell: Sender<(String, Value)>,
}

impl Site {
    /// Serves the page for one run, described as `page.js` wants it.
    #[allow(dead_code, reason = "each test uses its part")]
    pub(crate) fn start(umd: PathBuf, run: Value) -> Self {
        Self::serving(umd, BTreeMap::new(), run)
    }

    /// Serves a test's own pages, for one run that they find in `run.js`.
    #[allow(dead_code, reason = "each test uses its part")]
    pub(crate) fn of(own: BTreeMap<String, String>, run: Value) -> Self {
        Self::serving(PathBuf::new(), own, run)
    }

    fn serving(umd: PathBuf, own: BTreeMap<String, String>, run: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        let files =
            Arc::new(Files { umd, own, run, carts: Mutex::default(), go: <(Mutex<bool>, Condvar)>::default(), tell });
        let serving = Arc::clone(&files);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let files = Arc::clone(&serving);
                // A browser opens connections that it may never use: each has its own thread and limit.
                std::thread::spawn(move || drop(serve(&stream, &files)));
            }
        });
        Self { address, told, files, requests: Vec::new() }
    }

    /// An address below the site.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets the page make its calls.
    pub(crate) fn go(&self) {
        *self.files.go.0.lock().unwrap() = true;
        self.files.go.1.notify_all();
    }

    /// What the page has left in its cart.
    #[allow(dead_code, reason = "each test uses its part")]
    pub(crate) fn carts(&self) -> Vec<Value> {
        self.files.carts.lock().unwrap().clone()
    }

    /// Waits until the page tells this.
    pub(crate) fn wait_for(&mut self, what: &str) -> Value {
        self.wait_until(what, |told, value, _| if told == what { Some(value.clone()) } else { None })
    }

    /// Waits until a condition on the requests of the page to Cartwire holds.
    #[allow(dead_code, reason = "each test uses its part")]
    pub(crate) fn wait_for_requests(&mut self, what: &str, found: impl Fn(&[Value]) -> bool) {
        if !found(&self.requests) {
            self.wait_until(what, |_, _, requests| found(requests).then_some(()));
        }
    }

    fn wait_until<T>(&mut self, what: &str, found: impl Fn(&str, &Value, &[Value]) -> Option<T>) -> T {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok((told, value)) = self.told.recv_timeout(left) else {
                panic!("the page has not told {what}; its requests: {:#?}", self.requests)
            };
            assert_ne!(told, "error", "an error in the page: {value}");
            if told == "request" {
                self.requests.push(value.clone());
            }
            if let Some(found) = found(&told, &value, &self.requests) {
                return found;
            }
        }
    }
}

fn serve(mut stream: &TcpStream, files: &Files) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = target.split('?').next().unwrap_or_default();
    let (kind, content) = answer(path, &body, files);
    let status = if content.is_some() { "200 OK" } else { "404 Not Found" };
    let content = content.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&content)
}

fn answer(path: &str, body: &[u8], files: &Files) -> (&'static str, Option<Vec<u8>>) {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    if let Some(what) = path.strip_prefix("/tell/") {
        let value = serde_json::from_slice(body).unwrap_or(Value::Null);
        // The test may be over.
        let _ = files.tell.send((what.to_owned(), value));
        return ("text/plain", Some(Vec::new()));
    }
    if path == "/cart/update.js" {
        files.carts.lock().unwrap().push(serde_json::from_slice(body).unwrap_or(Value::Null));
        return ("application/json", Some(b"{}".to_vec()));
    }
    if let Some(name) = path.strip_prefix("/umd/") {
        return (SCRIPT, std::fs::read(files.umd.join(name)).ok());
    }
    if let Some(text) = files.own.get(path) {
        let kind = if text.starts_with("<!doctype") { "text/html" } else { SCRIPT };
        return (kind, Some(text.clone().into_bytes()));
    }
    match path {
        "/" | "/shop" => ("text/html", Some(include_bytes!("page.html").to_vec())),
        "/page.js" => (SCRIPT, Some(include_bytes!("page.js").to_vec())),
        "/run.js" => (SCRIPT, Some(format!("const run = {}", files.run).into_bytes())),
        "/left" => ("text/html", Some(b"<!doctype html><title>Left</title>".to_vec())),
        "/go" => {
            let waiting = files.go.0.lock().unwrap();
            let gone = files.go.1.wait_timeout_while(waiting, TIMEOUT, |go| !*go).unwrap();
            ("text/plain", gone.0.then(Vec::new))
        }
        _ => ("text/plain", None),
    }
}
