//! Keeping what some paths name and removing everything else, in place.

use std::collections::BTreeMap;

use rhai::Dynamic;

use super::{Path, Segment, position};

/// A set of paths as a tree, so that an event is walked once whatever their number.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Everything from here on stays.
    whole: bool,
    below: BTreeMap<Segment, Kept>,
}

impl Kept {
    /// The set of these paths.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut root = Self::default();
        for path in paths {
            let end =
                path.segments().iter().fold(&mut root, |kept, segment| kept.below.entry(segment.clone()).or_default());
            end.whole = true;
        }
        root
    }

    /// Removes from a value what no path names. Maps and lists on the way to a path stay, even if nothing is left in them; other
    /// values on the way go, for no path names them.
    pub fn prune(&self, value: &mut Dynamic) {
        prune(&[self], value);
    }
}

/// Whether the value itself stays. More than one node can apply to it: that of its key and that of `*`.
fn prune(kept: &[&Kept], value: &mut Dynamic) -> bool {
    if kept.is_empty() {
        return false;
    }
    if kept.iter().any(|kept| kept.whole) {
        return true;
    }
    let any: Vec<&Kept> = kept.iter().filter_map(|kept| kept.below.get(&Segment::Any)).collect();
    if let Ok(mut map) = value.as_map_mut() {
        map.retain(|key, member| {
            let mut named = any.clone();
            named.extend(kept.iter().filter_map(|kept| kept.below.get(&Segment::Key(key.to_string()))));
            prune(&named, member)
        });
        return true;
    }
    let Ok(mut items) = value.as_array_mut() else {
        return false;
    };
    let length = items.len();
    let mut at = 0;
    items.retain_mut(|item| {
        let mut named = any.clone();
        for (segment, below) in kept.iter().flat_map(|kept| &kept.below) {
            if matches!(segment, Segment::Index(index) if position(*index, length) == Some(at)) {
                named.push(below);
            }
        }
        at += 1;
        prune(&named, item)
    });
    true
}
