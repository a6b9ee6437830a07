//! From a YAML node and a `Def` to [`Options`], noting every problem on the way.

use super::{
    Def, Default, Environment, Form, Opt, OptionValue, Options, Secret, Shape, Type, interpolate, parse_bytes,
    parse_duration_ms,
};
use crate::diag::{Diag, Span, did_you_mean};
use crate::yaml::{Entry, Node, Value};

/// What reading needs besides the node.
pub struct Source<'a> {
    /// The file's path, for messages.
    pub file: &'a str,
    /// Variables and secret files.
    pub env: &'a dyn Environment,
}

/// Reads the options of one part. `None` when a problem makes the options unusable; problems are in `problems` either way.
pub fn read_options(
    def: &Def,
    node: &Node,
    part_span: &Span,
    source: &Source<'_>,
    problems: &mut Vec<Diag>,
) -> Option<Options> {
    let before = problems.iter().filter(|diag| diag.is_error()).count();
    let mut reader = Reader { source, problems, part: def.name };
    let mut options =
        Options { file: source.file.to_owned(), span: part_span.clone(), values: std::collections::BTreeMap::new() };
    match &def.shape {
        Shape::Value(ty) => {
            if let Some(value) = reader.read(def.name, ty, node) {
                options.values.insert("value", (value, node.span.clone()));
            }
        }
        Shape::Options { options: known, short } => {
            reader.options(known, *short, node, part_span, &mut options);
        }
    }
    let after = problems.iter().filter(|diag| diag.is_error()).count();
    (after == before).then_some(options)
}

/// Reads one value of a type that stands outside a part's options, as `settings`.
pub fn read_value(
    name: &'static str,
    ty: Type,
    node: &Node,
    source: &Source<'_>,
    problems: &mut Vec<Diag>,
) -> Option<OptionValue> {
    Reader { source, problems, part: name }.read(name, &ty, node)
}

struct Reader<'a> {
    source: &'a Source<'a>,
    problems: &'a mut Vec<Diag>,
    part: &'static str,
}

impl Reader<'_> {
    fn options(
        &mut self,
        known: &'static [Opt],
        short: Option<&'static str>,
        node: &Node,
        part_span: &Span,
        options: &mut Options,
    ) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    self.entry(known, entry, options);
                }
            }
            Value::Null => {}
            _ => {
                if let Some(opt) = short.and_then(|name| known.iter().find(|opt| opt.name == name)) {
                    if let Some(value) = self.read(opt.name, &opt.ty, node) {
                        options.values.insert(opt.name, (value, node.span.clone()));
                    }
                } else {
                    let names: Vec<_> = known.iter().map(|opt| opt.name).collect();
                    self.problem(
                        "wrong-type",
                        format!("`{}` takes a map of options, not {}", self.part, node.kind()),
                        &node.span,
                    )
                    .help = Some(format!("the options are {}", names.join(", ")));
                    return;
                }
            }
        }
        for opt in known {
            if options.values.contains_key(opt.name) {
                continue;
            }
            match opt.default {
                Default::Absent => {}
                Default::Required => {
                    // An option that was given wrongly has its own message already.
                    if node.get(opt.name).is_none() {
                        self.problem(
                            "missing-option",
                            format!("`{}` needs `{}`: {}", self.part, opt.name, opt.ty.expected()),
                            part_span,
                        )
                        .help = Some(opt.about.to_owned());
                    }
                }
                Default::Is(text) => {
                    let (default, _) = crate::yaml::parse("", text);
                    if let Some(value) = default.and_then(|default| self.read(opt.name, &opt.ty, &default)) {
                        options.values.insert(opt.name, (value, part_span.clone()));
                    }
                }
            }
        }
    }

    fn entry(&mut self, known: &'static [Opt], entry: &Entry, options: &mut Options) {
        let Some(opt) = known.iter().find(|opt| opt.name == entry.key) else {
            let names: Vec<_> = known.iter().map(|opt| opt.name).collect();
            let help = match did_you_mean(&entry.key, names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if names.is_empty() => format!("`{}` has no options", self.part),
                None => format!("the options are {}", names.join(", ")),
            };
            self.problem("unknown-key", format!("`{}` has no option `{}`", self.part, entry.key), &entry.key_span)
                .help = Some(help);
            return;
        };
        if matches!(entry.value.value, Value::Null) && !matches!(opt.ty, Type::Any | Type::Raw) {
            self.problem("wrong-type", format!("`{}` has no value", opt.name), &entry.key_span).help =
                Some(format!("it takes {}", opt.ty.expected()));
            return;
        }
        if let Some(value) = self.read(opt.name, &opt.ty, &entry.value) {
            options.values.insert(opt.name, (value, entry.value.span.clone()));
        }
    }

    fn read(&mut self, name: &str, ty: &Type, node: &Node) -> Option<OptionValue> {
        match ty {
            Type::Raw => return Some(OptionValue::Node(node.clone())),
            Type::Code if node.as_text().is_some() => return Some(OptionValue::Node(node.clone())),
            Type::Any => return self.filled(node).map(OptionValue::Node),
            Type::Choice(forms) => return self.choice(name, forms, node),
            Type::Group(known) if node.as_map().is_some() => return self.group("", known, node, &node.span),
            Type::List(item) => {
                let single = std::slice::from_ref(node);
                let nodes = node.as_list().unwrap_or(single);
                let read: Vec<_> = nodes.iter().map(|node| (self.read(name, item, node), node.span.clone())).collect();
                return read
                    .into_iter()
                    .map(|(value, span)| value.map(|value| (value, span)))
                    .collect::<Option<Vec<_>>>()
                    .map(OptionValue::List);
            }
            Type::Map(value) => {
                if let Some(entries) = node.as_map() {
                    let read: Vec<_> =
                        entries.iter().map(|entry| (entry, self.read(name, value, &entry.value))).collect();
                    return read
                        .into_iter()
                        .map(|(entry, value)| {
                            value.map(|value| {
                                (entry.key.clone(), entry.key_span.clone(), value, entry.value.span.clone())
                            })
                        })
                        .collect::<Option<Vec<_>>>()
                        .map(OptionValue::Map);
                }
            }
            _ => {
                if let Some(result) = self.scalar(name, ty, node) {
                    return result;
                }
            }
        }
        self.problem("wrong-type", format!("`{name}` takes {}, not {}", ty.expected(), node.kind()), &node.span);
        None
    }

    /// A word, or a map with one key, like a part in a list.
    fn choice(&mut self, name: &str, forms: &'static [Form], node: &Node) -> Option<OptionValue> {
        let nothing = Node { value: Value::Null, span: node.span.clone() };
        let (word, span, inner) = match &node.value {
            Value::Text(text) => (&text.text, &node.span, &nothing),
            Value::Map(entries) if entries.len() == 1 => (&entries[0].key, &entries[0].key_span, &entries[0].value),
            _ => {
                let expected = Type::Choice(forms).expected();
                self.problem("wrong-type", format!("`{name}` takes {expected}, not {}", node.kind()), &node.span)
                    .help = Some("write one of them, and its options below it".to_owned());
                return None;
            }
        };
        let Some(form) = forms.iter().find(|form| form.name == word) else {
            let names = || forms.iter().map(|form| form.name);
            let help = match did_you_mean(word, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            self.problem("wrong-value", format!("`{name}` has no form `{word}`"), span).help = Some(help);
            return None;
        };
        let outer = std::mem::replace(&mut self.part, form.name);
        let read = self.group(form.name, form.options, inner, span);
        self.part = outer;
        read
    }

    /// Options below an option.
    fn group(&mut self, form: &'static str, known: &'static [Opt], node: &Node, span: &Span) -> Option<OptionValue> {
        let mut options = Options {
            file: self.source.file.to_owned(),
            span: span.clone(),
            values: std::collections::BTreeMap::new(),
        };
        let before = self.problems.len();
        self.options(known, None, node, span, &mut options);
        (self.problems.len() == before).then(|| OptionValue::Form(form, Box::new(options)))
    }

    /// `None`: it is of the wrong type. `Some(None)`: the problem has been noted.
    #[allow(clippy::option_option, reason = "three outcomes, of which one has its message already")]
    fn scalar(&mut self, name: &str, ty: &Type, node: &Node) -> Option<Option<OptionValue>> {
        if let (Type::Bool, Value::Bool(value)) = (ty, &node.value) {
            return Some(Some(OptionValue::Bool(*value)));
        }
        let text = match &node.value {
            Value::Text(text) => match self.fill(&text.text, &node.span) {
                Some(text) => text,
                None => return Some(None),
            },
            Value::Number(text) if !matches!(ty, Type::Secret | Type::Path | Type::ScriptFile | Type::Url) => {
                text.clone()
            }
            _ => return None,
        };
        let from_env = node.as_text().is_some_and(|written| written != text);
        let value = match ty {
            Type::Text | Type::Path | Type::ScriptFile => Some(OptionValue::Text(text.clone())),
            Type::Secret => {
                if text.is_empty() {
                    self.problem("empty-secret", format!("`{name}` is empty"), &node.span).help =
                        Some("an empty secret would let anybody in; set the variable or remove the option".to_owned());
                    return Some(None);
                }
                Some(OptionValue::Secret(Secret::new(text.clone())))
            }
            Type::Url => url_like(&text).then(|| OptionValue::Text(text.trim_end_matches('/').to_owned())),
            Type::Bool => text.parse().ok().map(OptionValue::Bool),
            Type::Int(min, max) => text.parse().ok().filter(|value| (min..=max).contains(&value)).map(OptionValue::Int),
            Type::Duration => parse_duration_ms(&text).map(|value| OptionValue::Int(value as i64)),
            Type::Bytes => parse_bytes(&text).map(|value| OptionValue::Int(value as i64)),
            Type::Word(words) => {
                if !words.contains(&text.as_str()) {
                    let help = did_you_mean(&text, words.iter().copied()).map(|word| format!("did you mean `{word}`?"));
                    let shown = if from_env { "this value".to_owned() } else { format!("`{text}`") };
                    self.problem("wrong-value", format!("{shown} is not {}", ty.expected()), &node.span).help = help;
                    return Some(None);
                }
                Some(OptionValue::Text(text.clone()))
            }
            Type::Code | Type::List(_) | Type::Map(_) | Type::Choice(_) | Type::Group(_) | Type::Any | Type::Raw => {
                return None;
            }
        };
        if value.is_none() {
            // A value from the environment may be a secret: it is not repeated.
            let shown = if from_env { "this value".to_owned() } else { format!("`{text}`") };
            self.problem("wrong-value", format!("`{name}` takes {}; {shown} is none", ty.expected()), &node.span);
        }
        Some(value)
    }

    /// A copy of a free value with all its texts filled in.
    fn filled(&mut self, node: &Node) -> Option<Node> {
        let value = match &node.value {
            Value::Text(text) => {
                Value::Text(crate::yaml::Text { text: self.fill(&text.text, &node.span)?, block: text.block })
            }
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.filled(item)).collect();
                Value::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| self.filled(&entry.value).map(|value| Entry { value, ..entry.clone() }))
                    .collect();
                Value::Map(entries.into_iter().collect::<Option<_>>()?)
            }
            other => other.clone(),
        };
        Some(Node { value, span: node.span.clone() })
    }

    fn fill(&mut self, text: &str, span: &Span) -> Option<String> {
        match interpolate(text, self.source.env) {
            Ok(text) => Some(text),
            Err(error) => {
                let help = match &error {
                    super::EnvError::Missing(name) => {
                        format!(
                            "set it (export {name}=…), give a default (${{{name}:-…}}), or try `cartwire run --dry-run`"
                        )
                    }
                    super::EnvError::File(..) => "check the path and who may read it".to_owned(),
                    super::EnvError::Syntax(_) => "write $${ for a literal ${".to_owned(),
                };
                let code =
                    if matches!(error, super::EnvError::Syntax(_)) { "bad-reference" } else { "missing-variable" };
                self.problem(code, error.to_string(), span).help = Some(help);
                None
            }
        }
    }

    fn problem(&mut self, code: &'static str, message: impl Into<String>, span: &Span) -> &mut Diag {
        self.problems.push(Diag::error(code, message).at(self.source.file, span.clone()));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

fn url_like(text: &str) -> bool {
    text.strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace))
}
