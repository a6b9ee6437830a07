//! Setting and removing what a path names.

use std::fmt;

use rhai::{Array, Dynamic, Map};

use super::{Path, Segment, display, kind, position};

/// Why a value cannot be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetError {
    /// The part of the path up to what is in the way.
    pub place: String,
    /// What is in the way, as `a text`.
    pub found: String,
    /// What is needed, as `a map`.
    pub needed: &'static str,
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.place, self.found, self.needed)
    }
}

impl Path {
    /// Sets the value at the path. Maps and lists that are missing (or `null`) on the way are made; a list grows by one element at
    /// most. With `*`, every match is set, and nothing is made below a missing one.
    pub fn set(&self, root: &mut Dynamic, value: Dynamic) -> Result<(), SetError> {
        let mut value = Some(value);
        let singular = self.is_singular();
        self.update(root, &mut |place| {
            // One place gets the value itself, so that moving a large one copies nothing.
            if let Some(value) = if singular { value.take() } else { value.clone() } {
                *place = value;
            }
        })
    }

    /// Calls a function with the place that [`Path::set`] would set, which holds `()` if it was missing.
    pub fn update(&self, root: &mut Dynamic, function: &mut dyn FnMut(&mut Dynamic)) -> Result<(), SetError> {
        self.update_at(0, root, function)
    }

    /// Calls a function with every value that the path names, and makes nothing that is not there.
    pub fn each_mut(&self, root: &mut Dynamic, function: &mut dyn FnMut(&mut Dynamic)) {
        each_mut(&self.segments, root, function);
    }

    /// Removes what the path names and returns it (with `*`, the last of them).
    pub fn remove(&self, root: &mut Dynamic) -> Option<Dynamic> {
        remove(&self.segments, root)
    }

    fn update_at(
        &self,
        depth: usize,
        place: &mut Dynamic,
        function: &mut dyn FnMut(&mut Dynamic),
    ) -> Result<(), SetError> {
        let Some(segment) = self.segments.get(depth) else {
            function(place);
            return Ok(());
        };
        match segment {
            Segment::Key(key) => {
                if place.is_unit() {
                    *place = Dynamic::from_map(Map::new());
                }
                let found = kind(place);
                let Ok(mut map) = place.as_map_mut() else {
                    return Err(self.blocked(depth, found, "a map"));
                };
                if let Some(member) = map.get_mut(key.as_str()) {
                    return self.update_at(depth + 1, member, function);
                }
                let mut member = Dynamic::UNIT;
                self.update_at(depth + 1, &mut member, function)?;
                map.insert(key.as_str().into(), member);
            }
            Segment::Index(index) => {
                if place.is_unit() {
                    *place = Dynamic::from_array(Array::new());
                }
                let found = kind(place);
                let Ok(mut items) = place.as_array_mut() else {
                    return Err(self.blocked(depth, found, "a list"));
                };
                let length = items.len();
                if let Some(at) = position(*index, length) {
                    return self.update_at(depth + 1, &mut items[at], function);
                }
                if usize::try_from(*index) != Ok(length) {
                    drop(items);
                    return Err(self.blocked(depth, &format!("a list of {length}"), "long enough"));
                }
                let mut item = Dynamic::UNIT;
                self.update_at(depth + 1, &mut item, function)?;
                items.push(item);
            }
            Segment::Any => {
                if let Ok(mut map) = place.as_map_mut() {
                    return map.values_mut().try_for_each(|member| self.update_at(depth + 1, member, function));
                }
                if let Ok(mut items) = place.as_array_mut() {
                    return items.iter_mut().try_for_each(|item| self.update_at(depth + 1, item, function));
                }
            }
        }
        Ok(())
    }

    fn blocked(&self, depth: usize, found: &str, needed: &'static str) -> SetError {
        let mut place = String::new();
        // Writing to a string cannot fail.
        let _ = display(&self.segments[..depth], &mut place);
        if place.is_empty() {
            place.push_str("the event");
        }
        SetError { place, found: found.to_owned(), needed }
    }
}

fn each_mut(segments: &[Segment], value: &mut Dynamic, function: &mut dyn FnMut(&mut Dynamic)) {
    let Some((first, rest)) = segments.split_first() else {
        function(value);
        return;
    };
    match first {
        Segment::Key(key) => {
            if let Ok(mut map) = value.as_map_mut()
                && let Some(member) = map.get_mut(key.as_str())
            {
                each_mut(rest, member, function);
            }
        }
        Segment::Index(index) => {
            if let Ok(mut items) = value.as_array_mut()
                && let Some(at) = position(*index, items.len())
            {
                each_mut(rest, &mut items[at], function);
            }
        }
        Segment::Any => {
            if let Ok(mut map) = value.as_map_mut() {
                map.values_mut().for_each(|member| each_mut(rest, member, function));
                return;
            }
            if let Ok(mut items) = value.as_array_mut() {
                items.iter_mut().for_each(|item| each_mut(rest, item, function));
            }
        }
    }
}

fn remove(segments: &[Segment], value: &mut Dynamic) -> Option<Dynamic> {
    let (first, rest) = segments.split_first()?;
    match first {
        Segment::Key(key) => {
            let mut map = value.as_map_mut().ok()?;
            if rest.is_empty() { map.remove(key.as_str()) } else { remove(rest, map.get_mut(key.as_str())?) }
        }
        Segment::Index(index) => {
            let mut items = value.as_array_mut().ok()?;
            let at = position(*index, items.len())?;
            if rest.is_empty() { Some(items.remove(at)) } else { remove(rest, &mut items[at]) }
        }
        Segment::Any => {
            if let Ok(mut map) = value.as_map_mut() {
                if rest.is_empty() {
                    return std::mem::take(&mut *map).into_values().next_back();
                }
                return map.values_mut().filter_map(|member| remove(rest, member)).last();
            }
            let mut items = value.as_array_mut().ok()?;
            if rest.is_empty() {
                return std::mem::take(&mut *items).pop();
            }
            items.iter_mut().filter_map(|item| remove(rest, item)).last()
        }
    }
}
