//! What is known of a value before the script runs.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::places::Place;

/// Texts that are told apart; more are any text.
const TEXTS_MAX: usize = 16;

/// What a value can be: a part of the event, a known text or number, something else.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value {
    /// The places of the event that it may be a copy of, or lent from.
    pub(super) places: BTreeSet<Place>,
    pub(super) scalar: Scalar,
    /// Whether it may be a function.
    pub(super) callable: bool,
}

/// What a value can be that is no part of the event.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scalar {
    /// Nothing: no such value has been met.
    #[default]
    None,
    /// One of these texts.
    Texts(BTreeSet<Rc<str>>),
    /// A whole number.
    Int,
    /// Anything, and that without any of the event in it.
    Any,
}

impl Value {
    pub(super) fn any() -> Self {
        Self { scalar: Scalar::Any, ..Self::default() }
    }

    pub(super) fn int() -> Self {
        Self { scalar: Scalar::Int, ..Self::default() }
    }

    pub(super) fn text(text: &str) -> Self {
        Self { scalar: Scalar::Texts(BTreeSet::from([text.into()])), ..Self::default() }
    }

    pub(super) fn function() -> Self {
        Self { callable: true, ..Self::any() }
    }

    /// A part of the event, which may be any scalar just as well.
    pub(super) fn at(places: impl IntoIterator<Item = Place>) -> Self {
        Self { places: places.into_iter().collect(), ..Self::any() }
    }

    /// Adds what another value can be. Tells whether anything is new.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let before = (self.places.len(), self.callable);
        self.places.extend(&other.places);
        self.callable |= other.callable;
        self.scalar.join(&other.scalar) || before != (self.places.len(), self.callable)
    }

    /// The texts that it is one of, if that is known.
    pub(super) fn texts(&self) -> Option<&BTreeSet<Rc<str>>> {
        match &self.scalar {
            Scalar::Texts(texts) if self.places.is_empty() => Some(texts),
            _ => None,
        }
    }

    /// Both texts one after the other, if they are known.
    pub(super) fn concat(&self, other: &Self) -> Self {
        let (Some(one), Some(other)) = (self.texts(), other.texts()) else { return Self::any() };
        if one.len() * other.len() > TEXTS_MAX {
            return Self::any();
        }
        let both = |first: &Rc<str>| other.iter().map(|second| format!("{first}{second}").into()).collect::<Vec<_>>();
        Self { scalar: Scalar::Texts(one.iter().flat_map(both).collect()), ..Self::default() }
    }
}

impl Scalar {
    fn join(&mut self, other: &Self) -> bool {
        let joined = match (&*self, other) {
            (_, Self::None) => return false,
            (Self::None, other) => other.clone(),
            (Self::Texts(one), Self::Texts(other)) => {
                let both: BTreeSet<_> = one.union(other).cloned().collect();
                if both.len() > TEXTS_MAX { Self::Any } else { Self::Texts(both) }
            }
            (Self::Int, Self::Int) => Self::Int,
            _ => Self::Any,
        };
        let new = joined != *self;
        *self = joined;
        new
    }
}
