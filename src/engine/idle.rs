//! A map whose values go when nobody has used them for a while: its keys come from events and edits, and must not make it grow.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// How long an unused value stays. Longer than the longest request with all its attempts and the pause after it.
const IDLE: Duration = Duration::from_secs(600);
/// With so many values, those that nobody uses at the moment go at once.
const VALUES_MAX: usize = 4096;

/// The map.
pub(super) struct Idle<K, V> {
    values: HashMap<K, (Instant, V)>,
    swept: Instant,
    /// Whether a value is used at the moment. Such a one always stays.
    in_use: fn(&V) -> bool,
}

impl<K: Eq + Hash, V: Clone> Idle<K, V> {
    pub(super) fn new(in_use: fn(&V) -> bool) -> Self {
        Self { values: HashMap::new(), swept: Instant::now(), in_use }
    }

    /// A value, which counts as used now.
    pub(super) fn get(&mut self, key: &K, now: Instant) -> Option<V> {
        let (used, value) = self.values.get_mut(key)?;
        *used = now;
        Some(value.clone())
    }

    /// Puts a value in, and lets unused ones go.
    pub(super) fn put(&mut self, key: K, value: V, now: Instant) {
        let full = self.values.len() >= VALUES_MAX;
        if full || now.duration_since(self.swept) >= IDLE / 10 {
            self.swept = now;
            let in_use = self.in_use;
            self.values.retain(|_, (used, value)| in_use(value) || (!full && now.duration_since(*used) < IDLE));
        }
        self.values.insert(key, (now, value));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn map() -> Idle<usize, Arc<usize>> {
        Idle::new(|value| Arc::strong_count(value) > 1)
    }

    #[test]
    fn what_nobody_uses_goes_after_a_while() {
        let (mut map, start) = (map(), Instant::now());
        let held = Arc::new(0);
        map.put(0, Arc::clone(&held), start);
        map.put(1, Arc::new(1), start);
        map.put(2, Arc::new(2), start);
        let later = start + IDLE / 2;
        assert_eq!(map.get(&1, later).as_deref(), Some(&1));
        map.put(3, Arc::new(3), start + IDLE);
        assert_eq!(map.len(), 3);
        let there = |map: &mut Idle<usize, Arc<usize>>| [0, 1, 2, 3].map(|key| map.get(&key, later).is_some());
        assert_eq!(there(&mut map), [true, true, false, true]);
    }

    #[test]
    fn however_fast_keys_come_there_are_not_too_many() {
        let (mut map, now) = (map(), Instant::now());
        let held = Arc::new(0);
        map.put(0, Arc::clone(&held), now);
        for key in 1..3 * VALUES_MAX {
            map.put(key, Arc::new(key), now);
            assert!(map.len() <= VALUES_MAX);
        }
        assert!(Arc::ptr_eq(&map.get(&0, now).unwrap(), &held), "what is in use stays");
    }
}
