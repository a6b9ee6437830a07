//! The record of erasures: one line of JSON for each in `erasures.log`, durable, kept for good, naming nobody.

use std::collections::{HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::erase::Tally;

/// The file in the data directory.
const FILE: &str = "erasures.log";
/// Lines that are kept in memory, for those who wait for one.
const RECENT_MAX: usize = 200;

/// The record, open for appending.
pub(super) struct Audit {
    /// `None`: a dry run leaves no record.
    path: Option<PathBuf>,
    inner: Mutex<Inner>,
    lines: watch::Sender<usize>,
}

#[derive(Default)]
struct Inner {
    file: Option<File>,
    known: HashSet<Place>,
    recent: VecDeque<(Place, Value)>,
}

/// Which erasure: its pipeline, the delivery that asked for it, and its place among those of the delivery.
pub(super) type Place = (String, Option<u64>, usize);

/// What is kept of one erasure.
pub(super) struct Line<'a> {
    /// Which one.
    pub(super) place: Place,
    /// When, in milliseconds since 1970.
    pub(super) at_ms: i64,
    /// On what grounds.
    pub(super) why: &'a str,
    /// The number of the request.
    pub(super) reference: &'a str,
    /// What was found.
    pub(super) tally: Tally,
}

impl Audit {
    /// The record in a data directory.
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        let known = list(data_dir)?.iter().filter_map(place).collect();
        let inner = Inner { known, ..Inner::default() };
        Ok(Self { path: Some(path), inner: Mutex::new(inner), lines: watch::Sender::new(0) })
    }

    /// A record that ends with the process.
    pub(super) fn nowhere() -> Self {
        Self { path: None, inner: Mutex::default(), lines: watch::Sender::new(0) }
    }

    /// Adds a line, durably. One that only says again what was found before is left out.
    pub(super) fn append(&self, line: &Line<'_>) -> io::Result<()> {
        let mut inner = self.lock();
        let value = line.json();
        let again = inner.known.contains(&line.place) && line.place.1.is_some();
        if !(again && line.tally.is_empty()) {
            if let Some(path) = &self.path {
                let mut text = value.to_string();
                text.push('\n');
                inner.write(path, &text)?;
            }
            inner.known.insert(line.place.clone());
        }
        if inner.recent.len() >= RECENT_MAX {
            inner.recent.pop_front();
        }
        inner.recent.push_back((line.place.clone(), value));
        drop(inner);
        self.lines.send_modify(|lines| *lines += 1);
        Ok(())
    }

    /// The line of an erasure, once it is carried out.
    pub(super) async fn wait(&self, place: &Place) -> Option<Value> {
        let mut lines = self.lines.subscribe();
        loop {
            if let Some((_, value)) = self.lock().recent.iter().find(|(recent, _)| recent == place) {
                return Some(value.clone());
            }
            lines.changed().await.ok()?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, path: &Path, text: &str) -> io::Result<()> {
        // Whatever fails, the next try begins with a look at the file's end.
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open(path)?,
        };
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }
}

/// Opens the file at its end. Half a line, which a crash left, is closed.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    // IMPORTANT: a power loss must not take the name of the new file away.
    #[cfg(unix)]
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

impl Line<'_> {
    fn json(&self) -> Value {
        let (pipeline, delivery, number) = &self.place;
        let at = jiff::Timestamp::from_millisecond(self.at_ms).map(|at| at.to_string()).unwrap_or_default();
        let Tally { state, held, dead, deliveries } = self.tally;
        let mut line = json!({
            "at": at, "pipeline": pipeline, "delivery": delivery, "why": self.why, "reference": self.reference,
            "state": state, "held": held, "dead": dead, "deliveries": deliveries,
        });
        if *number > 0 {
            line["number"] = (*number).into();
        }
        line
    }
}

fn place(line: &Value) -> Option<Place> {
    let number = line["number"].as_u64().unwrap_or(0) as usize;
    Some((line["pipeline"].as_str()?.to_owned(), line["delivery"].as_u64(), number))
}

/// All lines of a data directory, oldest first. What is no line is left out.
pub fn list(data_dir: &Path) -> io::Result<Vec<Value>> {
    let text = match std::fs::read(data_dir.join(FILE)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(delivery: u64, state: usize) -> Line<'static> {
        let tally = Tally { state, ..Tally::default() };
        Line {
            place: ("shop".to_owned(), Some(delivery), 0),
            at_ms: 1_768_472_430_000,
            why: "customers/redact",
            reference: "request 9",
            tally,
        }
    }

    #[test]
    fn lines_are_kept_and_one_that_says_nothing_new_is_not_added() {
        let dir = tempfile::tempdir().unwrap();
        let audit = Audit::open(dir.path()).unwrap();
        audit.append(&line(7, 3)).unwrap();
        audit.append(&line(7, 0)).unwrap();
        audit.append(&line(8, 0)).unwrap();
        drop(audit);
        // Half a line is no reason to lose the next one.
        let path = dir.path().join(FILE);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"at\":\"2026");
        std::fs::write(&path, text).unwrap();
        let audit = Audit::open(dir.path()).unwrap();
        audit.append(&line(8, 0)).unwrap();
        audit.append(&line(8, 1)).unwrap();
        let found: Vec<_> =
            list(dir.path()).unwrap().iter().map(|line| (line["delivery"].as_u64(), line["state"].as_u64())).collect();
        assert_eq!(found, [(Some(7), Some(3)), (Some(8), Some(0)), (Some(8), Some(1))]);
        assert_eq!(
            list(dir.path()).unwrap()[0],
            json!({ "at": "2026-01-15T10:20:30Z", "pipeline": "shop", "delivery": 7, "why": "customers/redact", "reference": "request 9",
                "state": 3, "held": 0, "dead": 0, "deliveries": 0 })
        );
        assert_eq!(list(&dir.path().join("none")).unwrap(), Vec::<Value>::new());
    }

    #[tokio::test]
    async fn who_waits_for_an_erasure_gets_its_line() {
        let audit = std::sync::Arc::new(Audit::nowhere());
        let waiting = tokio::spawn({
            let audit = std::sync::Arc::clone(&audit);
            async move { audit.wait(&("shop".to_owned(), Some(8), 0)).await }
        });
        audit.append(&line(7, 1)).unwrap();
        audit.append(&line(8, 2)).unwrap();
        assert_eq!(waiting.await.unwrap().unwrap()["state"], 2);
    }
}
