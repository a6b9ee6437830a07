//! The places of an event that a script may look at.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::json::Mask;

/// Levels that are told apart; what is deeper is taken whole, so that a function which goes down by itself ends.
const DEPTH_MAX: usize = 12;

/// The number of a place; 0 is the event.
pub(super) type Place = usize;

/// One step into a map or an array.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(Rc<str>),
    /// Any item: lists are read as a whole or by loops.
    Items,
}

/// All places that were met, as a tree.
#[derive(Debug)]
pub(super) struct Places {
    nodes: Vec<Node>,
    changed: bool,
}

#[derive(Debug, Default)]
struct Node {
    inside: BTreeMap<Step, Place>,
    depth: usize,
    opened: bool,
    whole: bool,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node { opened: true, ..Node::default() }], changed: false }
    }

    /// Whether anything was added since the last time.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The map or array itself is looked at.
    pub(super) fn open(&mut self, place: Place) {
        self.changed |= !std::mem::replace(&mut self.nodes[place].opened, true);
    }

    /// All of it is looked at.
    pub(super) fn take_whole(&mut self, place: Place) {
        self.changed |= !std::mem::replace(&mut self.nodes[place].whole, true);
    }

    /// A place inside another, which is thereby opened. None where everything is taken anyway.
    pub(super) fn inside(&mut self, place: Place, step: &Step) -> Option<Place> {
        self.open(place);
        let node = &self.nodes[place];
        if node.whole {
            return None;
        }
        if let Some(inside) = node.inside.get(step) {
            return Some(*inside);
        }
        let depth = node.depth + 1;
        if depth > DEPTH_MAX {
            self.take_whole(place);
            return None;
        }
        let new = self.nodes.len();
        self.nodes.push(Node { depth, ..Node::default() });
        self.nodes[place].inside.insert(step.clone(), new);
        self.changed = true;
        Some(new)
    }

    /// What is to be decoded.
    pub(super) fn mask(&self) -> Mask {
        self.mask_at(0)
    }

    fn mask_at(&self, place: Place) -> Mask {
        let node = &self.nodes[place];
        if node.whole {
            return Mask::Whole;
        }
        let mut mask = Mask::opened();
        for (step, &inside) in &node.inside {
            if self.nodes[inside].opened || self.nodes[inside].whole {
                let below = self.mask_at(inside);
                match step {
                    Step::Key(key) => *mask.key(key) = below,
                    Step::Items => *mask.items() = below,
                }
            }
        }
        mask
    }
}
