//! The part of `JSONPath` that is answered on the event itself: names, positions, `*`, and filters of comparisons and existence.
//!
//! A filter only asks whether there is a match, so nothing is collected, and an event is never converted for the common
//! queries. The rest of `JSONPath` (slices, `..`, functions) is left to the general engine.

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, JpQuery, Literal, Segment, Selector, SingularQuery,
    SingularQuerySegment, Test,
};
use rhai::Dynamic;

use super::compare::{equal, order};
use crate::json::Mask;
use crate::path::{self, Path};

/// A query of the simple part.
#[derive(Debug)]
pub(super) struct Query {
    segments: Vec<Vec<Select>>,
}

#[derive(Debug)]
enum Select {
    Name(String),
    Index(i64),
    Wildcard,
    Filter(Logical),
}

/// A logical expression of a filter selector.
#[derive(Debug)]
enum Logical {
    All(Vec<Logical>),
    Any(Vec<Logical>),
    Not(Box<Logical>),
    /// From the root instead of the current value.
    Exists {
        root: bool,
        query: Query,
    },
    Compare {
        left: Operand,
        operator: Operator,
        right: Operand,
    },
}

#[derive(Debug)]
enum Operand {
    Literal(Dynamic),
    /// No path means the root or the current value itself.
    Place {
        root: bool,
        path: Option<Path>,
    },
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Query {
    /// `None` if the query needs the general engine.
    pub(super) fn new(query: &JpQuery) -> Option<Self> {
        segments(&query.segments)
    }

    /// What it looks at: the way of names and positions, and everything where a filter begins or at its end.
    pub(super) fn reads(&self) -> Mask {
        // A filter can look at the root, too.
        if self.segments.iter().flatten().any(|select| matches!(select, Select::Filter(test) if test.asks_root())) {
            return Mask::Whole;
        }
        reads(&self.segments)
    }

    /// Whether anything in the event matches.
    pub(super) fn matches(&self, root: &Dynamic) -> bool {
        exists(&self.segments, root, root)
    }
}

fn reads(segments: &[Vec<Select>]) -> Mask {
    let Some((first, rest)) = segments.split_first() else { return Mask::Whole };
    let mut mask = Mask::opened();
    for select in first {
        match select {
            Select::Name(name) => mask.key(name).merge(&reads(rest)),
            Select::Index(_) => mask.items().merge(&reads(rest)),
            Select::Wildcard => mask.merge_any(reads(rest)),
            Select::Filter(_) => return Mask::Whole,
        }
    }
    mask
}

fn segments(list: &[Segment]) -> Option<Query> {
    let segments = list.iter().map(|segment| match segment {
        Segment::Selector(one) => Some(vec![select(one)?]),
        Segment::Selectors(several) => several.iter().map(select).collect(),
        Segment::Descendant(_) => None,
    });
    Some(Query { segments: segments.collect::<Option<_>>()? })
}

fn select(selector: &Selector) -> Option<Select> {
    match selector {
        Selector::Name(name) => Some(Select::Name(name.clone())),
        Selector::Index(index) => Some(Select::Index(*index)),
        Selector::Wildcard => Some(Select::Wildcard),
        Selector::Filter(filter) => logical(filter).map(Select::Filter),
        Selector::Slice(..) => None,
    }
}

fn logical(filter: &Filter) -> Option<Logical> {
    match filter {
        Filter::And(all) => all.iter().map(logical).collect::<Option<_>>().map(Logical::All),
        Filter::Or(any) => any.iter().map(logical).collect::<Option<_>>().map(Logical::Any),
        Filter::Atom(FilterAtom::Filter { expr, not }) => logical(expr).map(|test| negated(test, *not)),
        Filter::Atom(FilterAtom::Test { expr, not }) => {
            let test = match &**expr {
                Test::RelQuery(list) => Logical::Exists { root: false, query: segments(list)? },
                Test::AbsQuery(query) => Logical::Exists { root: true, query: Query::new(query)? },
                Test::Function(_) => return None,
            };
            Some(negated(test, *not))
        }
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let operator = match **comparison {
                Comparison::Eq(..) => Operator::Eq,
                Comparison::Ne(..) => Operator::Ne,
                Comparison::Lt(..) => Operator::Lt,
                Comparison::Lte(..) => Operator::Le,
                Comparison::Gt(..) => Operator::Gt,
                Comparison::Gte(..) => Operator::Ge,
            };
            let (left, right) = comparison.vals();
            Some(Logical::Compare { left: operand(left)?, operator, right: operand(right)? })
        }
    }
}

fn negated(test: Logical, not: bool) -> Logical {
    if not { Logical::Not(Box::new(test)) } else { test }
}

fn operand(comparable: &Comparable) -> Option<Operand> {
    let (root, list) = match comparable {
        Comparable::Literal(literal) => {
            return Some(Operand::Literal(match literal {
                Literal::Int(value) => Dynamic::from_int(*value),
                Literal::Float(value) => Dynamic::from_float(*value),
                Literal::String(value) => value.as_str().into(),
                Literal::Bool(value) => Dynamic::from_bool(*value),
                Literal::Null => Dynamic::UNIT,
            }));
        }
        Comparable::SingularQuery(SingularQuery::Current(list)) => (false, list),
        Comparable::SingularQuery(SingularQuery::Root(list)) => (true, list),
        Comparable::Function(_) => return None,
    };
    let path = Path::new(
        list.iter()
            .map(|segment| match segment {
                SingularQuerySegment::Name(name) => path::Segment::Key(name.clone()),
                SingularQuerySegment::Index(index) => path::Segment::Index(*index),
            })
            .collect(),
    );
    Some(Operand::Place { root, path })
}

fn exists(segments: &[Vec<Select>], value: &Dynamic, root: &Dynamic) -> bool {
    let Some((first, rest)) = segments.split_first() else {
        return true;
    };
    first.iter().any(|select| match select {
        Select::Name(name) => {
            value.as_map_ref().is_ok_and(|map| map.get(name.as_str()).is_some_and(|member| exists(rest, member, root)))
        }
        Select::Index(index) => value
            .as_array_ref()
            .is_ok_and(|items| path::position(*index, items.len()).is_some_and(|at| exists(rest, &items[at], root))),
        Select::Wildcard => any_child(value, |child| exists(rest, child, root)),
        Select::Filter(test) => any_child(value, |child| test.holds(child, root) && exists(rest, child, root)),
    })
}

fn any_child(value: &Dynamic, test: impl Fn(&Dynamic) -> bool) -> bool {
    if let Ok(items) = value.as_array_ref() {
        return items.iter().any(test);
    }
    value.as_map_ref().is_ok_and(|map| map.values().any(test))
}

impl Logical {
    fn asks_root(&self) -> bool {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::asks_root),
            Self::Not(test) => test.asks_root(),
            Self::Exists { root, query } => {
                let inside = |select: &Select| matches!(select, Select::Filter(test) if test.asks_root());
                *root || query.segments.iter().flatten().any(inside)
            }
            Self::Compare { left, right, .. } => {
                [left, right].into_iter().any(|side| matches!(side, Operand::Place { root: true, .. }))
            }
        }
    }

    fn holds(&self, current: &Dynamic, root: &Dynamic) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(current, root)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(current, root)),
            Self::Not(test) => !test.holds(current, root),
            Self::Exists { root: from_root, query } => {
                exists(&query.segments, if *from_root { root } else { current }, root)
            }
            Self::Compare { left, operator, right } => {
                left.with(current, root, |left| right.with(current, root, |right| operator.holds(left, right)))
            }
        }
    }
}

impl Operand {
    fn with<R>(&self, current: &Dynamic, root: &Dynamic, mut function: impl FnMut(Option<&Dynamic>) -> R) -> R {
        match self {
            Self::Literal(value) => function(Some(value)),
            Self::Place { root: from_root, path } => {
                let start = if *from_root { root } else { current };
                match path {
                    Some(path) => path.with(start, function),
                    None => function(Some(start)),
                }
            }
        }
    }
}

impl Operator {
    /// By the table of RFC 9535, section 2.3.5.2.2: nothing equals nothing, and only numbers and texts have an order.
    fn holds(self, left: Option<&Dynamic>, right: Option<&Dynamic>) -> bool {
        let eq = || match (left, right) {
            (Some(left), Some(right)) => equal(left, right),
            (left, right) => left.is_none() && right.is_none(),
        };
        let ordered = || order(left?, right?);
        match self {
            Self::Eq => eq(),
            Self::Ne => !eq(),
            Self::Lt => ordered().is_some_and(std::cmp::Ordering::is_lt),
            Self::Gt => ordered().is_some_and(std::cmp::Ordering::is_gt),
            Self::Le => ordered().is_some_and(std::cmp::Ordering::is_lt) || eq(),
            Self::Ge => ordered().is_some_and(std::cmp::Ordering::is_gt) || eq(),
        }
    }
}
