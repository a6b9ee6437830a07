//! Secret files: their content is no part of the project folder, so it is looked at now and then. Whoever rotates a mounted secret
//! needs no signal and no edit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::keeper::SharedEnvironment;
use crate::pipeline::{Plan, digest};

/// How often secret files are looked at.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// What secret files held when they were looked at last.
#[derive(Debug, Default)]
pub(super) struct SecretFiles {
    last: BTreeMap<String, [u8; 32]>,
}

impl SecretFiles {
    /// Whether a file holds something else than before, or than the running version has read. Says so once for each change, also
    /// when the new content cannot be used. A file that is gone is no change: it is being replaced.
    pub(super) async fn changed(&mut self, plans: Vec<Arc<Plan>>, env: SharedEnvironment) -> bool {
        if plans.iter().all(|plan| plan.secret_files.is_empty()) {
            return false;
        }
        let look = move || {
            let files = plans.iter().flat_map(|plan| &plan.secret_files);
            let now = |(path, read): (&String, &[u8; 32])| Some((path.clone(), *read, digest(&env.file(path).ok()?)));
            files.filter_map(now).collect::<Vec<_>>()
        };
        let mut changed = false;
        for (path, read, now) in tokio::task::spawn_blocking(look).await.unwrap_or_default() {
            changed |= self.last.insert(path, now).unwrap_or(read) != now;
        }
        changed
    }
}
