//! Step `lookup`: adds what a table knows.

use std::rc::Rc;

use rhai::{Dynamic, Map};

use super::template;
use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::{Diag, did_you_mean};
use crate::event::Event;
use crate::json;
use crate::path::Path;
use crate::path::Template;
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "not in table";

/// The definition of `lookup`.
pub(super) static LOOKUP: StepDef = StepDef {
    def: Def {
        name: "lookup",
        room: Room::Step,
        about: "Adds values from a table",
        details: "The table is a file below scripts/, as `table::get` of scripts reads it: CSV with a header line (the first column is the \
                  key; with two columns the value is the second, with more it is the row as a map), or a JSON or YAML map. It belongs to the \
                  pipeline: saving it reloads the pipeline.\n\nA key that is a number is looked up by its text. What stands in `into` is replaced; \
                  where it is a map and the value is one too, the value's members are put into it.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "table",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "The file, relative to scripts/.",
                },
                Opt {
                    name: "key",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "The field that holds the key, or a text with fields in it, as `{properties.country}-{properties.currency}`.",
                },
                Opt {
                    name: "into",
                    ty: Type::Path,
                    default: Default::Required,
                    about: "The field that takes the value.",
                },
                Opt {
                    name: "each",
                    ty: Type::Path,
                    default: Default::Absent,
                    about: "A list in the event: the look-up is made for each of its elements, and `key` and `into` are fields of the element.",
                },
                Opt {
                    name: "columns",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "Only these members of a row.",
                },
                Opt {
                    name: "default",
                    ty: Type::Any,
                    default: Default::Absent,
                    about: "The value where the table has none.",
                },
                Opt {
                    name: "on_missing",
                    ty: Type::Word(&["keep", "drop", "dead_letter"]),
                    default: Default::Is("keep"),
                    about: "What becomes of an event whose key is missing or not in the table, when there is no `default`. It is dropped as \
                            `not in table`.",
                },
            ],
            short: None,
        },
        example: "- lookup:\n    table: tables/products.csv\n    each: properties.products\n    key: sku\n    into: cost\n    columns: [ cost, supplier ]\n    \
                  default: { cost: 0 }\n    on_missing: keep\n",
    },
    build,
};

#[derive(Clone, Copy)]
enum Missing {
    Keep,
    Drop,
    DeadLetter,
}

struct Lookup {
    name: String,
    table: Rc<Map>,
    key: Template,
    into: Path,
    each: Option<Path>,
    columns: Vec<String>,
    default: Option<Dynamic>,
    on_missing: Missing,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let mut problems = Vec::new();
    let name = options.text("table");
    let table = build.host.tables().find(name).map_err(|message| {
        let known = build.host.tables().names();
        let diag = options.error("table", "table", message);
        match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(near) if near != name => diag.help(format!("did you mean `{near}`?")),
            _ if known.is_empty() => diag.help("tables are .csv, .json and .yaml files below scripts/; there are none"),
            _ => diag,
        }
    });
    // Paths inside of an element are no fields of Segment's: nothing is to be said about their names.
    let mut quiet = Vec::new();
    let inner = options.has("each");
    let mut own = Build {
        host: build.host,
        tree: build.tree,
        settings: Dynamic::UNIT,
        sinks: build.sinks,
        warnings: if inner { &mut quiet } else { build.warnings },
    };
    let key = template::read_or_path("key", options, &mut own);
    let into = paths::read_singular(options.text("into"), &options.span("into"), options, &mut own);
    let each =
        options.opt_text("each").map(|text| paths::read(text, &options.span("each"), options, build)).transpose();
    let columns: Vec<String> = options.texts("columns").into_iter().map(str::to_owned).collect();
    if let Ok(table) = &table {
        problems.extend(unknown_columns(table, options));
    }
    match (table, key, into, each) {
        (Ok(table), Ok(key), Ok(into), Ok(each)) if problems.is_empty() => Ok(Box::new(Lookup {
            name: name.to_owned(),
            table,
            key,
            into,
            each: each.map(|each| elements(&each)),
            columns,
            default: options.node("default").map(|node| json::from_json_value(&node.to_json())),
            on_missing: match options.text("on_missing") {
                "drop" => Missing::Drop,
                "dead_letter" => Missing::DeadLetter,
                _ => Missing::Keep,
            },
        })),
        (table, key, into, each) => {
            problems.extend([table.err(), key.err(), into.err(), each.err()].into_iter().flatten());
            Err(problems)
        }
    }
}

/// `properties.products` stands for its elements, as `properties.products[*]` does.
fn elements(path: &Path) -> Path {
    use crate::path::Segment;
    let mut segments = path.segments().to_vec();
    if segments.last() != Some(&Segment::Any) {
        segments.push(Segment::Any);
    }
    Path::new(segments).unwrap_or_else(|| path.clone())
}

/// Columns that no row has. Without rows, nothing is known.
fn unknown_columns(table: &Map, options: &Options) -> Vec<Diag> {
    let rows: Vec<_> = table.values().filter_map(|row| row.as_map_ref().ok()).collect();
    let mut problems = Vec::new();
    for (value, span) in options.items("columns") {
        let OptionValue::Text(column) = value else { continue };
        if table.is_empty() || rows.iter().any(|row| row.contains_key(column.as_str())) {
            continue;
        }
        let names: Vec<&str> = rows.first().map(|row| row.keys().map(|key| &**key).collect()).unwrap_or_default();
        let help = match did_you_mean(column, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "its values are no rows: leave `columns` out".to_owned(),
            None => format!("there are {}", names.join(", ")),
        };
        let diag = Diag::error("unknown-column", format!("no row of the table has a column `{column}`"));
        problems.push(diag.at(options.file(), span.clone()).help(help));
    }
    problems
}

impl Lookup {
    /// Looks up for the event or for one element. `Ok(false)`: there is no value for it.
    fn fill(&self, root: &mut Dynamic) -> Result<bool, StepError> {
        let key = self.key.fill(root, |value, out| out.push_str(value));
        let found = key.as_ref().and_then(|key| self.table.get(key.as_str()));
        let mut value = match (found, &self.default) {
            (Some(value), _) => Some(self.chosen(value)),
            (None, Some(default)) => Some(default.clone()),
            (None, None) => return Ok(false),
        };
        let put = &mut |place: &mut Dynamic| {
            let Some(value) = value.take() else { return };
            if place.is_map() && value.is_map() {
                let members = value.try_cast::<Map>().unwrap_or_default();
                if let Ok(mut map) = place.as_map_mut() {
                    map.extend(members);
                }
            } else {
                *place = value;
            }
        };
        self.into.update(root, put).map_err(|error| paths::blocked(&error))?;
        Ok(true)
    }

    fn chosen(&self, value: &Dynamic) -> Dynamic {
        match value.as_map_ref() {
            Ok(row) if !self.columns.is_empty() => {
                let pairs = self
                    .columns
                    .iter()
                    .filter_map(|name| Some((name.as_str().into(), row.get(name.as_str())?.clone())));
                Dynamic::from_map(pairs.collect())
            }
            _ => value.clone(),
        }
    }
}

impl Step for Lookup {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        let mut complete = Ok(true);
        match &self.each {
            None => complete = self.fill(&mut event.value),
            Some(each) => each.each_mut(&mut event.value, &mut |element| {
                if let Ok(so_far) = complete {
                    complete = self.fill(element).map(|found| found && so_far);
                }
            }),
        }
        match (complete?, self.on_missing) {
            (true, _) | (false, Missing::Keep) => Ok(Flow::Next(event)),
            (false, Missing::Drop) => Ok(Flow::Drop(REASON.to_owned())),
            (false, Missing::DeadLetter) => {
                Err(StepError::new("not-in-table", format!("the table `{}` does not have the event's key", self.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::step::Flow;
    use crate::step::tests::{apply, build_step, changed};

    #[test]
    fn values_and_rows_go_where_they_are_asked_for() {
        let event = json!({"properties": {"country": "DE", "n": 7, "products": [{"sku": "A-1", "cost": {"old": 1}}, {"sku": "X"}, 5]}});
        for (step, expected) in [
            (
                "{ table: tables/countries.csv, key: properties.country, into: context.country }",
                json!({"context": {"country": "Germany"}}),
            ),
            (
                "{ table: tables/countries.csv, key: \"{properties.country}\", into: properties }",
                json!({"properties": "Germany"}),
            ),
            (
                "{ table: tables/products.csv, key: \"A-{one}\", into: properties, columns: [ cost ] }",
                json!({"properties": {"cost": "4.50", "country": "DE", "n": 7, "products": event["properties"]["products"]}}),
            ),
            ("{ table: tables/products.csv, key: missing, into: x, default: { cost: 0 } }", json!({"x": {"cost": 0}})),
            ("{ table: tables/products.csv, key: missing, into: x }", json!({})),
        ] {
            let mut given = event.clone();
            given["one"] = json!(1);
            let mut wanted = given.clone();
            wanted.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
            assert_eq!(changed(&format!("- lookup: {step}"), &given), wanted, "{step}");
        }
    }

    #[test]
    fn each_element_is_looked_up_by_itself() {
        let event = json!({"properties": {"products": [{"sku": "A-1", "cost": {"old": 1}}, {"sku": "X"}]}});
        let step = "- lookup: { table: tables/products.csv, each: properties.products, key: sku, into: cost, columns: [supplier] }";
        let expected = json!({"properties": {"products": [{"sku": "A-1", "cost": {"old": 1, "supplier": "North"}}, {"sku": "X"}]}});
        assert_eq!(changed(step, &event), expected);
        let step = step.replace("columns: [supplier]", "on_missing: drop");
        assert!(matches!(apply(&step, &event).unwrap(), Flow::Drop(reason) if reason == "not in table"));
        let error = apply(&step.replace("drop", "dead_letter"), &event).unwrap_err();
        assert_eq!(error.code, "not-in-table");
        assert!(!error.reason.contains('X'), "values stay out of reasons: {}", error.reason);
        let strange = json!({"properties": {"products": ["A-1"]}});
        assert_eq!(
            changed(
                "- lookup: { table: tables/products.csv, each: properties.products, key: sku, into: cost }",
                &strange
            ),
            strange
        );
    }

    #[test]
    fn mistakes_have_their_place() {
        for (step, code, marked) in [
            ("{ table: tables/product.csv, key: a, into: b }", "table", "tables/product.csv"),
            ("{ table: tables/products.csv, key: a, into: b, columns: [cots] }", "unknown-column", "cots"),
            ("{ table: tables/countries.csv, key: a, into: b, columns: [cost] }", "unknown-column", "cost"),
            ("{ table: tables/products.csv, key: \"{a\", into: b }", "bad-template", "\"{a\""),
            ("{ table: tables/products.csv, key: a, into: \"b[*]\" }", "bad-path", "\"b[*]\""),
        ] {
            let text = format!("- lookup: {step}");
            let problems = build_step(&text).err().unwrap();
            assert_eq!((problems.len(), problems[0].code), (1, code), "{problems:?}");
            assert_eq!(text[problems[0].span.clone().unwrap()].trim(), marked);
            assert!(code == "bad-template" || problems[0].help.is_some(), "{problems:?}");
        }
    }
}
