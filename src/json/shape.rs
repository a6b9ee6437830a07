//! Shapes: what is known of objects with the same keys, so that the next one is built without comparing keys.
//!
//! Building a map, not scanning text, is most of the cost of decoding. But events repeat: the objects of one source have
//! a few dozen sets of keys. A shape keeps a map with those keys and no values; the reader clones that and puts the
//! values in. Which shape an object has is told by a hash of its keys and then checked key by key, so a shape can only
//! save time, never change a result.

use std::cell::Cell;

use rhai::{Dynamic, Map};

use super::tape::Span;

/// Larger objects are rare, and tend to have data as keys.
const MEMBERS_MAX: usize = 128;

/// A power of two, ample for the objects of a few sources; with the limit above it bounds the memory.
const SLOTS: usize = 128;

thread_local! {
    /// Shapes outlive a document, as the next one is likely to have the same. Rhai values stay on their thread, and so
    /// does this.
    static KNOWN: Cell<Option<Shapes>> = const { Cell::new(None) };
}

/// A value that has been read, before its container is complete.
#[derive(Debug)]
pub(super) struct Part {
    /// The text of its key with the quotes; empty in an array.
    pub(super) key: Span,
    pub(super) value: Dynamic,
}

/// The known shapes, by hash.
#[derive(Debug)]
pub(super) struct Shapes {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    hash: u64,
    /// None until a hash has been seen twice in a row, so that objects with data as keys cost little.
    shape: Option<Shape>,
}

/// A set of keys in the order of the text, none twice and none with escapes.
#[derive(Debug)]
pub(super) struct Shape {
    /// The keys one after another, and where each ends.
    keys: String,
    ends: Vec<usize>,
    /// The keys with no values.
    template: Map,
    /// For each entry of the template, its place in the text.
    places: Vec<u32>,
}

impl Shapes {
    /// The shapes that this thread knows, to be given back with [`Shapes::give_back`].
    pub(super) fn take() -> Self {
        KNOWN.take().unwrap_or_else(|| Self { slots: (0..SLOTS).map(|_| Slot::default()).collect() })
    }

    pub(super) fn give_back(self) {
        KNOWN.set(Some(self));
    }

    /// The shape of an object with these members, if it is known.
    #[inline]
    pub(super) fn find(&self, hash: u64, text: &str, members: &[Part]) -> Option<&Shape> {
        let slot = &self.slots[hash as usize % SLOTS];
        slot.shape.as_ref().filter(|shape| slot.hash == hash && shape.has_keys(text, members))
    }

    /// Takes note of an object that had no known shape; `map` is what became of it.
    pub(super) fn learn(&mut self, hash: u64, text: &str, members: &[Part], map: &Map) {
        if members.len() > MEMBERS_MAX || map.len() != members.len() {
            return;
        }
        let slot = &mut self.slots[hash as usize % SLOTS];
        let shape = (slot.hash == hash).then(|| Shape::new(text, members, map));
        *slot = Slot { hash, shape };
    }
}

impl Shape {
    fn new(text: &str, members: &[Part], map: &Map) -> Self {
        let mut keys = String::new();
        let mut ends = Vec::with_capacity(members.len());
        let mut places = Map::new();
        for (place, member) in members.iter().enumerate() {
            let key = member.key.inner(text);
            keys.push_str(key);
            ends.push(keys.len());
            places.insert(key.into(), Dynamic::from_int(place as i64));
        }
        Self {
            keys,
            ends,
            template: map.keys().map(|key| (key.clone(), Dynamic::UNIT)).collect(),
            places: places.values().map(|place| place.as_int().unwrap_or_default() as u32).collect(),
        }
    }

    fn has_keys(&self, text: &str, members: &[Part]) -> bool {
        let mut start = 0;
        members.len() == self.ends.len()
            && members.iter().zip(&self.ends).all(|(member, &end)| {
                let key = &self.keys.as_bytes()[start..end];
                start = end;
                member.key.inner(text).as_bytes() == key
            })
    }

    /// The tags of an object's members, in the order of the keys.
    pub(super) fn sorted<'m>(&'m self, members: &'m [Part]) -> impl Iterator<Item = u32> + 'm {
        self.places.iter().map(|&place| members[place as usize].value.tag() as u32)
    }

    /// The map of an object of this shape; its values are taken out of `members`.
    pub(super) fn build(&self, members: &mut [Part]) -> Map {
        let mut map = self.template.clone();
        for (value, &place) in map.values_mut().zip(&self.places) {
            *value = std::mem::take(&mut members[place as usize].value);
        }
        map
    }
}

/// The hash of an object's keys so far and the next one. It need not be strong: what it finds is checked.
#[inline]
pub(super) fn hash(so_far: u64, bytes: &[u8], key: Span) -> u64 {
    let start = key.start as usize + 1;
    let len = key.end as usize - 1 - start;
    let mut eight = [0; 8];
    if let Some(chunk) = bytes.get(start..start + 8) {
        eight.copy_from_slice(chunk);
    }
    let mask = if len < 8 { (1 << (len * 8)) - 1 } else { u64::MAX };
    let word = (u64::from_le_bytes(eight) & mask) ^ (len as u64) << 56;
    let mixed = (so_far.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    mixed ^ mixed >> 32
}
