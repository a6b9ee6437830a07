//! The mask: which maps and arrays of a document are decoded.

use std::collections::BTreeMap;
use std::fmt;

use super::tape::Span;

/// Which maps and arrays of a document become values. Scalars always do.
///
/// A mask is built by naming what is read: it begins as [`Mask::opened`], each part that is asked for is made, and
/// [`Mask::take_whole`] ends a way. Too much in a mask costs time; too little would show in results.
#[derive(Clone, PartialEq, Eq)]
pub enum Mask {
    /// All of it.
    Whole,
    /// The map or array itself, and some of what is in it.
    Parts(Parts),
}

/// See [`Mask::Parts`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parts {
    keys: BTreeMap<Box<str>, Mask>,
    /// Of every item of an array.
    items: Option<Box<Mask>>,
    /// Whether `items` also holds for every member of a map.
    any: bool,
}

impl Mask {
    /// The map or array itself, with none of the maps and arrays in it.
    pub fn opened() -> Self {
        Self::Parts(Parts::default())
    }

    /// The mask of a member, made if it is not there.
    pub fn key(&mut self, key: &str) -> &mut Self {
        match self {
            Self::Whole => self,
            Self::Parts(parts) => {
                if !parts.keys.contains_key(key) {
                    let member = match &parts.items {
                        Some(items) if parts.any => (**items).clone(),
                        _ => Self::opened(),
                    };
                    parts.keys.insert(key.into(), member);
                }
                parts.keys.entry(key.into()).or_insert_with(Self::opened)
            }
        }
    }

    /// The mask of all items of an array, made if it is not there.
    pub fn items(&mut self) -> &mut Self {
        match self {
            Self::Whole => self,
            Self::Parts(parts) => parts.items.get_or_insert_with(|| Self::opened().into()),
        }
    }

    /// What is wanted of a member, if the map is read at all.
    #[must_use]
    pub fn of_key(&self, key: &str) -> Self {
        match self {
            Self::Whole => Self::Whole,
            Self::Parts(parts) => {
                let member = parts.keys.get(key).or(parts.items.as_deref().filter(|_| parts.any));
                member.cloned().unwrap_or_else(Self::opened)
            }
        }
    }

    /// What is wanted of the items, if the array is read at all.
    #[must_use]
    pub fn of_items(&self) -> Self {
        match self {
            Self::Whole => Self::Whole,
            Self::Parts(parts) => parts.items.as_deref().cloned().unwrap_or_else(Self::opened),
        }
    }

    /// Takes everything from here on.
    pub fn take_whole(&mut self) {
        *self = Self::Whole;
    }

    /// Adds what another mask has.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Whole, _) => {}
            (_, Self::Whole) => *self = Self::Whole,
            (Self::Parts(parts), Self::Parts(others)) => {
                for (key, other) in &others.keys {
                    match parts.keys.get_mut(key) {
                        Some(have) => have.merge(other),
                        None => {
                            parts.keys.insert(key.clone(), other.clone());
                        }
                    }
                }
                if let Some(other) = &others.items {
                    match &mut parts.items {
                        Some(have) => have.merge(other),
                        None => parts.items = Some(other.clone()),
                    }
                }
                parts.any |= others.any;
                if let (Some(items), true) = (&parts.items, parts.any) {
                    parts.keys.values_mut().for_each(|member| member.merge(items));
                }
            }
        }
    }

    /// Adds a mask for every member of a map and every item of an array.
    pub fn merge_any(&mut self, inside: Self) {
        self.merge(&Self::Parts(Parts { items: Some(inside.into()), any: true, ..Parts::default() }));
    }

    /// Whether everything is decoded.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }

    pub(super) fn root(&self) -> Wanted<'_> {
        match self {
            Self::Whole => Wanted::All,
            Self::Parts(parts) => Wanted::This(parts),
        }
    }
}

/// What is wanted of a container, to the reader.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'m> {
    All,
    /// Of the container that is being read.
    Of(&'m Parts),
    /// Of the document.
    This(&'m Parts),
}

impl Wanted<'_> {
    /// What is wanted inside the container under this key, or inside the next item if it is empty; nothing if the container is
    /// not read.
    pub(super) fn inside(self, text: &str, key: Span) -> Option<Self> {
        let mask = match self {
            Self::All => return Some(Self::All),
            Self::This(parts) => return Some(Self::Of(parts)),
            Self::Of(parts) if key.end == 0 => parts.items.as_deref()?,
            Self::Of(parts) => {
                let key = key.inner(text);
                if key.contains('\\') {
                    // Not worth decoding the key.
                    return Some(Self::All);
                }
                match parts.keys.get(key) {
                    Some(member) => member,
                    None if parts.any => parts.items.as_deref()?,
                    None => return None,
                }
            }
        };
        Some(match mask {
            Mask::Whole => Self::All,
            Mask::Parts(parts) => Self::Of(parts),
        })
    }
}

/// As `{a{b, c*}, [{d}]}`: `*` is everything, `[…]` items, `[…]+` items and members.
impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("*"),
            Self::Parts(parts) => parts.fmt(f),
        }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (key, member)) in self.keys.iter().enumerate() {
            f.write_str(if at > 0 { ", " } else { "" })?;
            write!(f, "{key}{member}")?;
        }
        if let Some(items) = &self.items {
            f.write_str(if self.keys.is_empty() { "" } else { ", " })?;
            write!(f, "[{items}]{}", if self.any { "+" } else { "" })?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
