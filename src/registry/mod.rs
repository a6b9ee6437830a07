//! What a part is: its name, its options and an example, as data. The reader of YAML, the reference, the schema, the lints and
//! the example tests all derive from one `Def`.

mod env;
mod options;
mod read;

pub use env::{EnvError, Environment, interpolate};
pub use options::{OptionValue, Options, Secret};
pub use read::{Source, read_options, read_value};

/// Which kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Takes deliveries in and decodes them.
    Source,
    /// Rewrites, drops or multiplies events.
    Step,
    /// Sends messages out.
    Sink,
}

impl Room {
    /// `source`, `step` or `sink`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Step => "step",
            Self::Sink => "sink",
        }
    }
}

/// The definition of a part.
#[derive(Debug)]
pub struct Def {
    /// The key in YAML, as `shopify`.
    pub name: &'static str,
    /// Which list it belongs to.
    pub room: Room,
    /// One sentence, shown in lists.
    pub about: &'static str,
    /// More paragraphs for the reference (Markdown), or empty.
    pub details: &'static str,
    /// What the options are.
    pub shape: Shape,
    /// A list item in YAML as a user would write it; it is loaded by a test.
    pub example: &'static str,
}

/// How a part's options are written.
#[derive(Debug)]
pub enum Shape {
    /// A map of named options. With `short`, a value that is not a map sets that option.
    Options {
        /// The options in the order of the reference.
        options: &'static [Opt],
        /// The option that the short form sets.
        short: Option<&'static str>,
    },
    /// One free value of that type under the part's name (`set`, `rename`, `remove`); read it as the option `value`.
    Value(Type),
}

/// One named option.
#[derive(Debug)]
pub struct Opt {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub ty: Type,
    /// What holds when it is not given.
    pub default: Default,
    /// One sentence or two for the reference.
    pub about: &'static str,
}

/// One of the forms of a [`Type::Choice`].
#[derive(Debug)]
pub struct Form {
    /// The word that names it.
    pub name: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
    /// Its own options; with none, the word alone is the whole value.
    pub options: &'static [Opt],
}

/// What holds when an option is not given.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// It must be given.
    Required,
    /// It is absent.
    Absent,
    /// This, as it would be written in YAML.
    Is(&'static str),
}

/// What an option takes.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Int(i64, i64),
    /// A text; `${NAME}` is replaced from the environment.
    Text,
    /// A text that is never shown again.
    Secret,
    /// An `http` or `https` address.
    Url,
    /// A duration, as `500ms`, `30s`, `5m`, `7d`.
    Duration,
    /// A size, as `32KB`, `10MiB`, or a number of bytes.
    Bytes,
    /// A field path, as `properties.products[0].sku`.
    Path,
    /// A script file below `scripts/`.
    ScriptFile,
    /// Script text: taken as it stands, without replacing `${NAME}`.
    Code,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of such values; a single value counts as a list of one.
    List(&'static Type),
    /// A map from texts to such values.
    Map(&'static Type),
    /// One of several forms, each written `word: options` like a part, or as the word alone where no option is needed.
    Choice(&'static [Form]),
    /// Options of their own, as a map.
    Group(&'static [Opt]),
    /// Any value.
    Any,
    /// A value that the part itself reads, from the node as written (filters, conditions).
    Raw,
}

impl Type {
    /// For messages: `a duration, as 30s`.
    pub fn expected(self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Int(i64::MIN, i64::MAX) => "a whole number".into(),
            Self::Int(min, i64::MAX) => format!("a whole number of at least {min}"),
            Self::Int(min, max) => format!("a whole number from {min} to {max}"),
            Self::Text => "a text".into(),
            Self::Secret => "a secret text, as \"${NAME}\"".into(),
            Self::Url => "an address, as https://example.com".into(),
            Self::Duration => "a duration, as 500ms, 30s, 5m or 7d".into(),
            Self::Bytes => "a size, as 32KB, 10MiB or a number of bytes".into(),
            Self::Path => "a field path, as properties.email".into(),
            Self::ScriptFile => "a script below scripts/, as shop/order.rhai".into(),
            Self::Code => "script text".into(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::List(item) => format!("a list, each item {}", item.expected()),
            Self::Map(Self::Any) => "a map".into(),
            Self::Map(value) => format!("a map, each value {}", value.expected()),
            Self::Choice(forms) => {
                format!("one of {}", forms.iter().map(|form| form.name).collect::<Vec<_>>().join(", "))
            }
            Self::Group(options) => {
                format!("a map with {}", options.iter().map(|opt| opt.name).collect::<Vec<_>>().join(", "))
            }
            Self::Any | Self::Raw => "a value".into(),
        }
    }
}

/// The names of options, for tables of keys.
pub const fn names<const N: usize>(options: &[Opt; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = options[at].name;
        at += 1;
    }
    names
}

/// Parses a duration as it is written in YAML, in milliseconds.
pub fn parse_duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let value = number.parse::<f64>().ok()? * factor;
    (value.is_finite() && (0.0..1e15).contains(&value)).then_some(value.round() as u64)
}

/// Parses a size as it is written in YAML, in bytes. `KB` is 1,000, `KiB` is 1,024.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "" | "B" => 1.0,
        "KB" | "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        _ => return None,
    };
    let value = number.parse::<f64>().ok()? * factor;
    (value.is_finite() && (0.0..1e18).contains(&value)).then_some(value.round() as u64)
}
