//! The part of `JSONPath` that is answered on the value itself: names, positions, slices, `*`, `..`, and filters of comparisons and
//! existence.
//!
//! Matches are handed over one by one, so a filter that only asks whether there is one collects nothing, and an event is never
//! converted for the common queries. Functions are left to the general engine.

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, JpQuery, Literal, Segment, Selector, SingularQuery,
    SingularQuerySegment, Test,
};
use rhai::Dynamic;

use super::Meter;
use super::compare::{equal_within, order};
use crate::json::{ENCODE_DEPTH_MAX, Mask};
use crate::path::{self, Path};

/// A query of the simple part.
#[derive(Debug)]
pub struct Query {
    steps: Vec<Step>,
}

/// A segment.
#[derive(Debug)]
struct Step {
    /// Written with `..`: from the value and everything below it.
    below: bool,
    selects: Vec<Select>,
}

#[derive(Debug)]
enum Select {
    Name(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>, i64),
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
        steps(&query.segments)
    }

    /// What it looks at: the way of names and positions, and everything where a filter begins or at its end.
    pub(super) fn reads(&self) -> Mask {
        // A filter can look at the root, too.
        if self
            .steps
            .iter()
            .flat_map(|step| &step.selects)
            .any(|select| matches!(select, Select::Filter(test) if test.asks_root()))
        {
            return Mask::Whole;
        }
        reads(&self.steps)
    }

    /// Whether anything in the value matches.
    pub(super) fn matches(&self, root: &Dynamic) -> bool {
        exists(&self.steps, root, root, &mut |_| true)
    }

    /// Hands over what matches until `found` or the meter gives false; false if one did.
    pub(super) fn each(&self, root: &Dynamic, meter: Meter<'_>, found: &mut dyn FnMut(&Dynamic) -> bool) -> bool {
        walk(&self.steps, root, root, meter, found)
    }
}

fn reads(steps: &[Step]) -> Mask {
    let Some((first, rest)) = steps.split_first() else { return Mask::Whole };
    if first.below {
        return Mask::Whole;
    }
    let mut mask = Mask::opened();
    for select in &first.selects {
        match select {
            Select::Name(name) => mask.key(name).merge(&reads(rest)),
            Select::Index(_) => mask.items().merge(&reads(rest)),
            Select::Wildcard => mask.merge_any(reads(rest)),
            _ => return Mask::Whole,
        }
    }
    mask
}

fn steps(list: &[Segment]) -> Option<Query> {
    Some(Query { steps: list.iter().map(step).collect::<Option<_>>()? })
}

fn step(segment: &Segment) -> Option<Step> {
    Some(match segment {
        Segment::Selector(one) => Step { below: false, selects: vec![select(one)?] },
        Segment::Selectors(several) => {
            Step { below: false, selects: several.iter().map(select).collect::<Option<_>>()? }
        }
        Segment::Descendant(inner) => Step { below: true, ..step(inner)? },
    })
}

fn select(selector: &Selector) -> Option<Select> {
    Some(match selector {
        Selector::Name(name) => Select::Name(name.clone()),
        Selector::Index(index) => Select::Index(*index),
        Selector::Slice(start, end, step) => Select::Slice(*start, *end, step.unwrap_or(1)),
        Selector::Wildcard => Select::Wildcard,
        Selector::Filter(filter) => Select::Filter(logical(filter)?),
    })
}

fn logical(filter: &Filter) -> Option<Logical> {
    match filter {
        Filter::And(all) => all.iter().map(logical).collect::<Option<_>>().map(Logical::All),
        Filter::Or(any) => any.iter().map(logical).collect::<Option<_>>().map(Logical::Any),
        Filter::Atom(FilterAtom::Filter { expr, not }) => logical(expr).map(|test| negated(test, *not)),
        Filter::Atom(FilterAtom::Test { expr, not }) => {
            let test = match &**expr {
                Test::RelQuery(list) => Logical::Exists { root: false, query: steps(list)? },
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

fn exists(steps: &[Step], value: &Dynamic, root: &Dynamic, meter: Meter<'_>) -> bool {
    let mut any = false;
    walk(steps, value, root, meter, &mut |_| {
        any = true;
        false
    });
    any
}

/// False as soon as the meter or `found` does.
fn walk(
    steps: &[Step],
    value: &Dynamic,
    root: &Dynamic,
    meter: Meter<'_>,
    found: &mut dyn FnMut(&Dynamic) -> bool,
) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return found(value);
    };
    let depth = if step.below { ENCODE_DEPTH_MAX } else { 0 };
    go(step, value, depth, root, meter, &mut |value, meter| walk(rest, value, root, meter, found))
}

/// Where a step leads to from a value, and from everything so many levels below it.
fn go(
    step: &Step,
    value: &Dynamic,
    depth: usize,
    root: &Dynamic,
    meter: Meter<'_>,
    next: &mut dyn FnMut(&Dynamic, Meter<'_>) -> bool,
) -> bool {
    let goes_on = meter(1)
        && step.selects.iter().all(|select| match select {
            Select::Name(name) => {
                value.as_map_ref().map_or(true, |map| map.get(name.as_str()).is_none_or(|member| next(member, meter)))
            }
            Select::Index(index) => value
                .as_array_ref()
                .map_or(true, |items| path::position(*index, items.len()).is_none_or(|at| next(&items[at], meter))),
            Select::Slice(start, end, step) => value
                .as_array_ref()
                .map_or(true, |items| slice(*start, *end, *step, items.len()).all(|at| next(&items[at], meter))),
            Select::Wildcard => all_children(value, |child| meter(1) && next(child, meter)),
            Select::Filter(test) => {
                all_children(value, |child| meter(1) && (!test.holds(child, root, meter) || next(child, meter)))
            }
        });
    goes_on && (depth == 0 || all_children(value, |child| go(step, child, depth - 1, root, meter, next)))
}

fn all_children(value: &Dynamic, mut test: impl FnMut(&Dynamic) -> bool) -> bool {
    if let Ok(items) = value.as_array_ref() {
        return items.iter().all(test);
    }
    value.as_map_ref().map_or(true, |map| map.values().all(&mut test))
}

/// The positions of a slice, by section 2.3.4.2.2 of the RFC.
fn slice(start: Option<i64>, end: Option<i64>, step: i64, len: usize) -> impl Iterator<Item = usize> {
    let len = len as i64;
    let from_front = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (first, last) = if step < 0 {
        let upper = from_front(start.unwrap_or(len - 1)).clamp(-1, len - 1);
        (upper, end.map_or(-1, from_front).clamp(-1, len - 1))
    } else {
        (from_front(start.unwrap_or(0)).clamp(0, len), from_front(end.unwrap_or(len)).clamp(0, len))
    };
    let inside = move |at: &i64| if step < 0 { *at > last } else { step > 0 && *at < last };
    let positions = std::iter::successors(Some(first), move |at| at.checked_add(step));
    positions.take_while(inside).map(|at| at as usize)
}

impl Logical {
    fn asks_root(&self) -> bool {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::asks_root),
            Self::Not(test) => test.asks_root(),
            Self::Exists { root, query } => {
                let inside = |select: &Select| matches!(select, Select::Filter(test) if test.asks_root());
                *root || query.steps.iter().flat_map(|step| &step.selects).any(inside)
            }
            Self::Compare { left, right, .. } => {
                [left, right].into_iter().any(|side| matches!(side, Operand::Place { root: true, .. }))
            }
        }
    }

    fn holds(&self, current: &Dynamic, root: &Dynamic, meter: Meter<'_>) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(current, root, meter)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(current, root, meter)),
            Self::Not(test) => !test.holds(current, root, meter),
            Self::Exists { root: from_root, query } => {
                exists(&query.steps, if *from_root { root } else { current }, root, meter)
            }
            Self::Compare { left, operator, right } => {
                left.with(current, root, |left| right.with(current, root, |right| operator.holds(left, right, meter)))
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
    fn holds(self, left: Option<&Dynamic>, right: Option<&Dynamic>, meter: Meter<'_>) -> bool {
        let mut eq = || match (left, right) {
            (Some(left), Some(right)) => equal_within(left, right, meter),
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
