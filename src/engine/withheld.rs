//! Messages that must not leave any more: their deliveries were erased while they waited for their sink.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::erasure::Names;
use crate::pipeline::Message;
use crate::state::Erased;

/// What the sinks of one pipeline hold back. Cheap to ask while nobody is erased.
#[derive(Default)]
pub(super) struct Withheld {
    inner: ArcSwap<Inner>,
}

#[derive(Default)]
struct Inner {
    erased: Erased,
    /// Who was erased, and the delivery that asked for it: a message can name the person though its delivery did not, as by
    /// the answer to a lookup. Only in memory, and only until all sinks are past that delivery.
    names: Vec<(u64, Arc<Names>)>,
}

impl Withheld {
    /// The deliveries that are erased, as the state says.
    pub(super) fn load(&self, erased: Erased) {
        let names = self.inner.load().names.clone();
        self.inner.store(Arc::new(Inner { erased, names }));
    }

    /// From now on, deliveries before this one are erased that name these persons.
    pub(super) fn add(&self, erased: Erased, before: u64, names: &Arc<Names>) {
        let known = self.inner.load();
        let names = known.names.iter().cloned().chain([(before, Arc::clone(names))]).collect();
        self.inner.store(Arc::new(Inner { erased, names }));
    }

    /// All deliveries up to here have been sent.
    pub(super) fn pass(&self, floor: u64) {
        let known = self.inner.load();
        if known.names.iter().any(|(before, _)| *before <= floor) {
            let names = known.names.iter().filter(|(before, _)| *before > floor).cloned().collect();
            self.inner.store(Arc::new(Inner { erased: known.erased.clone(), names }));
        }
    }

    /// Whether anything is held back.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.inner.load();
        inner.erased.is_empty() && inner.names.is_empty()
    }

    /// Whether a message must not leave.
    pub(super) fn holds(&self, message: &Message) -> bool {
        let inner = self.inner.load();
        let seq = message.origin.delivery;
        inner.erased.covers(seq, message.origin.index)
            || inner.names.iter().any(|(before, names)| seq < *before && names.find(&message.bytes).is_some())
    }
}
