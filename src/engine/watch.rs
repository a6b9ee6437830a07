//! Noticing that files changed: events of the directories as mere hints, and a look every two seconds for what events miss.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// A burst of events counts as one change when nothing has followed for this long.
const QUIET: Duration = Duration::from_millis(25);
/// A change that never gets quiet is looked at after this long all the same.
const QUIET_MAX: Duration = Duration::from_millis(100);
/// Network folders, bind mounts and replaced roots send no events: look at them from time to time.
const RESCAN: Duration = Duration::from_secs(2);

const FOLDERS: [&str; 2] = ["pipelines", "scripts"];

/// Watches a project's folders.
pub(super) struct Watch {
    dir: PathBuf,
    pokes: mpsc::UnboundedReceiver<()>,
    sender: mpsc::UnboundedSender<()>,
    /// `None` where the system gives no events (limits, exotic file systems): then only the look remains.
    watcher: Option<RecommendedWatcher>,
    roots: Vec<Option<Stamp>>,
    seen: u64,
}

/// What tells one state of a folder or file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Watch {
    pub(super) fn new(dir: &Path) -> Self {
        let (sender, pokes) = mpsc::unbounded_channel();
        let mut watch =
            Self { dir: dir.to_owned(), pokes, sender, watcher: None, roots: vec![None; FOLDERS.len()], seen: 0 };
        watch.arm();
        watch.seen = fingerprint(&watch.dir);
        watch
    }

    /// Watches in a task of its own, so that no hint is lost while its owner does something else. One message waits at most:
    /// it says that something changed, not what.
    pub(super) fn start(mut self) -> mpsc::Receiver<()> {
        let (sender, changes) = mpsc::channel(1);
        tokio::spawn(async move {
            while !sender.is_closed() {
                self.changed().await;
                let _ = sender.try_send(());
            }
        });
        changes
    }

    /// Resolves when something may have changed and the change seems complete.
    async fn changed(&mut self) {
        loop {
            let poked = tokio::time::timeout(RESCAN, self.pokes.recv()).await.is_ok();
            let latest = Instant::now() + QUIET_MAX;
            while poked
                && Instant::now() < latest
                && timeout_at(latest.min(Instant::now() + QUIET), self.pokes.recv()).await.is_ok()
            {}
            self.arm();
            let now = self.look().await;
            if std::mem::replace(&mut self.seen, now) != now || poked {
                return;
            }
        }
    }

    async fn look(&self) -> u64 {
        let dir = self.dir.clone();
        tokio::task::spawn_blocking(move || fingerprint(&dir)).await.unwrap_or_default()
    }

    /// Sets the watches again where a folder is another one than before: created, replaced, or a link that points elsewhere.
    fn arm(&mut self) {
        let roots: Vec<_> = FOLDERS.iter().map(|folder| root(&self.dir.join(folder))).collect();
        if roots == self.roots && self.watcher.is_some() {
            return;
        }
        let sender = self.sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file makes events too: counting those would never end.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            let _ = sender.send(());
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "the system cannot watch files; changes are looked for every two seconds");
                return;
            }
        };
        // The project folder itself tells when `pipelines` or `scripts` appear.
        let _ = watcher.watch(&self.dir, RecursiveMode::NonRecursive);
        for folder in FOLDERS {
            let path = self.dir.join(folder);
            if path.is_dir()
                && let Err(error) = watcher.watch(&path, RecursiveMode::Recursive)
            {
                tracing::warn!(folder, %error, "cannot watch; changes are looked for every two seconds");
            }
        }
        self.watcher = Some(watcher);
        self.roots = roots;
    }
}

fn root(path: &Path) -> Option<Stamp> {
    let real = path.canonicalize().ok()?;
    let meta = real.metadata().ok()?;
    Some(Stamp { inode: inode(&meta), bytes: 0, changed: None })
}

/// A hash over the stamps of all files below the watched folders, links followed.
fn fingerprint(dir: &Path) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    let mut waiting: Vec<(PathBuf, u32)> = FOLDERS.iter().map(|folder| (dir.join(folder), 0)).collect();
    while let Some((path, depth)) = waiting.pop() {
        let Ok(meta) = path.metadata() else { continue };
        if meta.is_dir() && depth < 16 {
            let Ok(entries) = path.read_dir() else { continue };
            let mut entries: Vec<_> = entries.flatten().map(|entry| (entry.path(), depth + 1)).collect();
            entries.sort();
            waiting.extend(entries);
        } else {
            path.hash(&mut hasher);
            Stamp { inode: inode(&meta), bytes: meta.len(), changed: meta.modified().ok() }.hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(unix)]
fn inode(meta: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    meta.ino()
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}
