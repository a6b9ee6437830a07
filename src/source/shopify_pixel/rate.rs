//! How many events one address may send: nobody proves anything here, so an address is all there is to bound.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const MINUTE_MS: i64 = 60_000;

/// Addresses that are remembered at once. With more, the oldest half is forgotten, which errs on the side of the visitor.
const ADDRESSES_MAX: usize = 20_000;

/// A limit per address and minute. It holds no more than when each address may send next, and changes no event.
#[derive(Debug)]
pub(super) struct Rate {
    /// Milliseconds that one event uses up.
    cost_ms: i64,
    /// When an address would have used up all that it has sent, in milliseconds since 1970.
    used_until_ms: Mutex<HashMap<String, i64>>,
}

impl Rate {
    /// So many events in a minute, in whatever bursts.
    pub(super) fn per_minute(events: i64) -> Self {
        Self { cost_ms: (MINUTE_MS / events.max(1)).max(1), used_until_ms: Mutex::default() }
    }

    /// Counts an event. `Some` if it is one too many: how many seconds its sender should wait.
    pub(super) fn wait_s(&self, peer: &str, now_ms: i64) -> Option<i64> {
        let mut used = self.used_until_ms.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= ADDRESSES_MAX && !used.contains_key(peer) {
            forget(&mut used, now_ms);
        }
        let until_ms = used.entry(peer.to_owned()).or_insert(now_ms);
        let next_ms = now_ms.max(*until_ms) + self.cost_ms;
        let over_ms = next_ms - now_ms - MINUTE_MS;
        if over_ms > 0 {
            return Some(over_ms.div_euclid(1000) + 1);
        }
        *until_ms = next_ms;
        None
    }
}

fn forget(used: &mut HashMap<String, i64>, now_ms: i64) {
    used.retain(|_, until_ms| *until_ms > now_ms);
    if used.len() >= ADDRESSES_MAX {
        let mut times: Vec<_> = used.values().copied().collect();
        times.sort_unstable();
        let middle_ms = times[times.len() / 2];
        used.retain(|_, until_ms| *until_ms > middle_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_so_many_and_no_more() {
        let rate = Rate::per_minute(60);
        let taken = (0..100).filter(|_| rate.wait_s("a", 5_000).is_none()).count();
        assert_eq!(taken, 60);
        assert_eq!(rate.wait_s("a", 5_000), Some(2));
        assert_eq!(rate.wait_s("b", 5_000), None, "another address");
        assert_eq!(rate.wait_s("a", 6_000), None, "a second later there is room for one");
        assert_eq!(rate.wait_s("a", 6_000), Some(2));
        let later = (0..100).filter(|_| rate.wait_s("a", 600_000).is_none()).count();
        assert_eq!(later, 60);
    }

    #[test]
    fn the_memory_is_bounded() {
        let rate = Rate::per_minute(10);
        for address in 0..ADDRESSES_MAX * 2 {
            assert_eq!(rate.wait_s(&address.to_string(), 0), None);
        }
        let kept = rate.used_until_ms.lock().unwrap().len();
        assert!((1..=ADDRESSES_MAX).contains(&kept), "{kept}");
    }
}
