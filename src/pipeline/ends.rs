//! How events ended that have taken keys for themselves, and what that means for the keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Outcome;
use crate::event::Origin;
use crate::state::{Claim, Stake};
use crate::step::Context;

/// The ends of one delivery's events so far, by the index of the event that the source decoded. Costs nothing while no event
/// has taken anything.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// Events that stay at a step which takes all of them at once.
    staying: BTreeMap<u32, usize>,
    ended: BTreeMap<u32, Vec<(Origin, End)>>,
    /// What those were made of whose origin does not tell it.
    made_of: BTreeMap<Origin, Origin>,
}

/// How an event ended.
#[derive(Debug, Clone, Copy)]
enum End {
    Died,
    Waits,
    /// As a message: the sink, and the position among its messages.
    Left(usize, usize),
}

impl Ends {
    pub(super) fn stays(&mut self, index: u32) {
        *self.staying.entry(index).or_default() += 1;
    }

    /// One that stayed has come to its end.
    pub(super) fn goes_on(&mut self, index: u32) {
        if let Some(staying) = self.staying.get_mut(&index) {
            *staying = staying.saturating_sub(1);
        }
    }

    /// A step made one event of another.
    pub(super) fn made(&mut self, event: Origin, of: Origin) {
        if event.parent().is_none() {
            self.made_of.insert(event, of);
        }
    }

    /// Whether an event is that one, or steps made it of that one.
    fn is_of(&self, event: Origin, ancestor: Origin) -> bool {
        let parent = |event: &Origin| event.parent().or_else(|| self.made_of.get(event).copied());
        std::iter::successors(Some(event), parent).any(|event| event == ancestor)
    }

    pub(super) fn died(&mut self, cx: &Context<'_>, origin: Origin) {
        self.note(cx, origin, End::Died);
    }

    pub(super) fn waits(&mut self, cx: &Context<'_>, origin: Origin) {
        self.note(cx, origin, End::Waits);
    }

    pub(super) fn leaves(&mut self, cx: &Context<'_>, origin: Origin, (sink, at): (usize, usize)) {
        self.note(cx, origin, End::Left(sink, at));
    }

    fn note(&mut self, cx: &Context<'_>, origin: Origin, end: End) {
        if !cx.claims.is_empty() {
            self.ended.entry(origin.index).or_default().push((origin, end));
        }
    }

    /// What an event that waits takes along: what it, or one that it was made of, has taken.
    pub(super) fn taken_along(&self, cx: &Context<'_>, origin: Origin) -> Vec<Claim> {
        let own = cx.claims.iter().filter(|(owner, _)| self.is_of(origin, *owner));
        // One that was made of another has siblings, which end in their own ways.
        own.map(|(owner, claim)| Claim { shared: claim.shared || *owner != origin, ..claim.clone() }).collect()
    }

    /// Ends the claims of an event when all that came of it has ended: what only died gives its keys back at once, so that the
    /// next event of the delivery may take them; what became messages leaves that to their ends.
    pub(super) fn settle(&mut self, index: u32, cx: &mut Context<'_>, outcome: &mut Outcome) {
        if cx.claims.is_empty() || self.staying.get(&index).is_some_and(|staying| *staying > 0) {
            return;
        }
        let ended = self.ended.remove(&index).unwrap_or_default();
        let (own, others) = std::mem::take(&mut cx.claims).into_iter().partition(|(owner, _)| owner.index == index);
        cx.claims = others;
        let own: Vec<(Origin, Claim)> = own;
        for (owner, claim) in own {
            let of_it = || ended.iter().filter(|(origin, _)| self.is_of(*origin, owner)).map(|(_, end)| *end);
            let died = of_it().any(|end| matches!(end, End::Died));
            let waiting = of_it().filter(|end| matches!(end, End::Waits)).count();
            let left: Vec<(usize, usize)> = of_it()
                .filter_map(|end| match end {
                    End::Left(sink, at) => Some((sink, at)),
                    End::Died | End::Waits => None,
                })
                .collect();
            if !left.is_empty() {
                let stake = Arc::new(Stake::new(claim, left.len(), waiting, died));
                for (sink, at) in left {
                    outcome.messages[sink][at].stakes.push(Arc::clone(&stake));
                }
            } else if died && waiting == 0 {
                // A store that fails here fails the commit too, and then the delivery is run again.
                let _ = cx.session.release(&claim);
            }
        }
    }
}
