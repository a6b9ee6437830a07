//! `table::`: look-up tables from files below `scripts/`: CSV, JSON or YAML, parsed once per host.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, Map, Module};

use super::{Fun, Lib, Native, arg, put};
use crate::json;
use crate::script::fault::fault;
use crate::script::modules::FOLDER;
use crate::tree::Tree;
use crate::yaml;

pub mod csv;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "table::get",
        signature: "table::get(file, key, default?) -> value",
        about: "The value of a key in a table; the default, or `()`, if it is not there. The file is CSV with a header line (the \
                first column is the key; with two columns the value is the second, with more it is the row as a map), or a JSON or \
                YAML map. Its name is relative to scripts/.",
        example: r#"table::get("tables/countries.csv", "DE") == "Germany"
table::get("tables/countries.csv", "XX", "unknown") == "unknown"
table::get("tables/shops.csv", "eu").currency == "EUR""#,
        add: |module, lib| {
            add(module, lib, std::option::Option::unwrap_or_default);
            let tables = Rc::clone(&lib.tables);
            put(module, "get", move |file: &str, key: Dynamic, default: Dynamic| -> Native {
                Ok(tables.look_up(file, &key)?.unwrap_or(default))
            });
        },
    },
    Fun {
        name: "table::has",
        signature: "table::has(file, key) -> bool",
        about: "Whether a table has the key.",
        example: r#"table::has("tables/countries.csv", "DE") == true"#,
        add: |module, lib| {
            let tables = Rc::clone(&lib.tables);
            put(module, "has", move |file: &str, key: Dynamic| -> Native<bool> {
                Ok(tables.look_up(file, &key)?.is_some())
            });
        },
    },
];

fn add(module: &mut Module, lib: &Lib, or: fn(Option<Dynamic>) -> Dynamic) {
    let tables = Rc::clone(&lib.tables);
    put(module, "get", move |file: &str, key: Dynamic| -> Native { tables.look_up(file, &key).map(or) });
}

/// The tables of one host.
pub struct Tables {
    tree: Arc<Tree>,
    loaded: RefCell<BTreeMap<String, Rc<Map>>>,
    all: Cell<bool>,
}

impl Tables {
    /// No table is parsed before it is asked for.
    pub fn new(tree: &Arc<Tree>) -> Self {
        Self { tree: Arc::clone(tree), loaded: RefCell::default(), all: Cell::new(false) }
    }

    /// A table by its name below `scripts/`; the error is a sentence.
    pub fn find(&self, name: &str) -> Result<Rc<Map>, String> {
        if let Some(known) = self.loaded.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        let text =
            self.tree.get(&format!("{FOLDER}/{name}")).ok_or_else(|| format!("no table `{name}` below {FOLDER}/"))?;
        let table = match name.rsplit('.').next() {
            Some("csv") => csv::parse(text).map_err(|why| format!("the table `{name}` cannot be read: {why}"))?,
            Some("json") => {
                let value = json::decode_plain(text.as_bytes(), &json::Limits::default());
                to_map(name, value.map_err(|error| format!("the table `{name}` cannot be read: {error}"))?)?
            }
            Some("yaml" | "yml") => {
                let (node, problems) = yaml::parse(name, text);
                if let Some(problem) = problems.first() {
                    return Err(format!("the table `{name}` cannot be read: {}", problem.message));
                }
                to_map(name, node.map_or(Dynamic::UNIT, |node| json::from_json_value(&node.to_json())))?
            }
            _ => return Err(format!("`{name}` is no table: they end in .csv, .json or .yaml")),
        };
        let table = Rc::new(table);
        self.loaded.borrow_mut().insert(name.into(), Rc::clone(&table));
        Ok(table)
    }

    fn look_up(&self, file: &str, key: &Dynamic) -> Native<Option<Dynamic>> {
        let table = self.find(file).map_err(fault)?;
        let Some(key) = arg::text(key, "the key of a table")? else { return Ok(None) };
        Ok(table.get(key.as_str()).cloned())
    }

    /// The names of all files that can be tables.
    pub fn names(&self) -> Vec<String> {
        let prefix = format!("{FOLDER}/");
        let files = self.tree.below(FOLDER).filter_map(|(path, _)| path.strip_prefix(&prefix));
        let is_table = |name: &&str| [".csv", ".json", ".yaml", ".yml"].iter().any(|end| name.ends_with(end));
        files.filter(is_table).map(Into::into).collect()
    }

    /// From now on every table counts as used.
    pub fn use_all(&self) {
        self.all.set(true);
    }

    /// The paths of the tables that were used.
    pub fn files(&self) -> Vec<String> {
        let names = if self.all.get() { self.names() } else { self.loaded.borrow().keys().cloned().collect() };
        names.into_iter().map(|name| format!("{FOLDER}/{name}")).collect()
    }
}

fn to_map(name: &str, value: Dynamic) -> Result<Map, String> {
    value.try_cast::<Map>().ok_or_else(|| format!("the table `{name}` is not a map from keys to values"))
}
