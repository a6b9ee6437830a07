//! One thing about an event that its plan does not allow.

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use rhai::{Dynamic, Map};

use crate::path::{Path, Segment};

/// A violation, as Segment describes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// `Required`, `Invalid Type`, `Invalid Value`, `Unplanned Property` or `Unplanned Event`.
    pub(super) kind: &'static str,
    /// The field.
    pub(super) path: Vec<Segment>,
    /// What is wrong, without the value.
    pub(super) description: String,
}

impl Violation {
    /// The kind of a property that is not in the plan.
    pub(super) const UNPLANNED_PROPERTY: &str = "Unplanned Property";

    /// An event that no rule names.
    pub(super) fn unplanned_event() -> Self {
        Self::new("Unplanned Event", vec![Segment::Key("event".to_owned())], "the plan does not have this event")
    }

    /// A property that the rule does not mention.
    pub(super) fn unplanned_property(path: Vec<Segment>) -> Self {
        Self::new(Self::UNPLANNED_PROPERTY, path, "it is not in the plan")
    }

    /// A violation whose description begins with its field.
    pub(super) fn new(kind: &'static str, path: Vec<Segment>, what: &str) -> Self {
        let field = shown(&path);
        let description = if field.is_empty() { what.to_owned() } else { format!("{field}: {what}") };
        Self { kind, path, description }
    }

    /// Those that an error of the schema stands for: several if it is about several properties.
    pub(super) fn of(error: &jsonschema::ValidationError<'_>) -> Vec<Self> {
        let path: Vec<Segment> = error.instance_path().segments().map(segment).collect();
        let below = |name: &str| path.iter().cloned().chain([Segment::Key(name.to_owned())]).collect::<Vec<_>>();
        if let ValidationErrorKind::AnyOf { context } = error.kind()
            && let Some(names) = one_of(context)
        {
            let mut violation =
                Self::new("Required", path.clone(), &format!("one of {} is required", names.join(", ")));
            violation.path = below(names[0]);
            return vec![violation];
        }
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                let path = below(property.as_str().unwrap_or_default());
                vec![Self { kind: "Required", description: format!("{} is required", shown(&path)), path }]
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().map(|name| Self::unplanned_property(below(name))).collect()
            }
            ValidationErrorKind::Type { .. } => vec![Self::new("Invalid Type", path, &error.masked().to_string())],
            _ => vec![Self::new("Invalid Value", path, &error.masked().to_string())],
        }
    }

    /// The field, as a path.
    pub(super) fn field(&self) -> String {
        shown(&self.path)
    }

    /// As it stands in `context.protocols.violations`.
    pub(super) fn to_value(&self) -> Dynamic {
        let mut map = Map::new();
        map.insert("type".into(), self.kind.into());
        map.insert("field".into(), self.field().into());
        map.insert("description".into(), self.description.as_str().into());
        map.into()
    }
}

/// The fields of which none is there, if that is all that is wrong with each alternative.
fn one_of<'a>(alternatives: &'a [Vec<jsonschema::ValidationError<'_>>]) -> Option<Vec<&'a str>> {
    let names = alternatives.iter().map(|errors| match errors.as_slice() {
        [error] => match error.kind() {
            ValidationErrorKind::Required { property } => property.as_str(),
            _ => None,
        },
        _ => None,
    });
    names.collect::<Option<Vec<_>>>().filter(|names| !names.is_empty())
}

/// A path as text; empty for the event itself.
pub(super) fn shown(path: &[Segment]) -> String {
    Path::new(path.to_vec()).map(|path| path.to_string()).unwrap_or_default()
}

fn segment(segment: LocationSegment<'_>) -> Segment {
    match segment {
        LocationSegment::Property(name) => Segment::Key(name.into_owned()),
        LocationSegment::Index(index) => Segment::Index(index as i64),
    }
}
