//! Advice for those who know JavaScript or Python better than Rhai: what they meant is written another way here.

use rhai::{LexError, ParseErrorType};

/// Advice on a text that does not parse.
pub fn advice(error: &ParseErrorType) -> Option<String> {
    match error {
        ParseErrorType::Reserved(word) => symbol(word),
        ParseErrorType::BadInput(LexError::MalformedChar(_)) => Some("texts stand in double quotes: \"…\"".to_owned()),
        ParseErrorType::BadInput(LexError::UnterminatedString) => Some(
            "a text ends with the sign that it began with, in the same line if that is \"; between ` it may have many lines".to_owned(),
        ),
        ParseErrorType::BadInput(LexError::ImproperSymbol(found, _) | LexError::UnexpectedInput(found)) => {
            symbol(found)
        }
        ParseErrorType::UnknownOperator(found) => symbol(found),
        ParseErrorType::MissingToken(token, _) if token == "{" => {
            Some("what follows `if`, `else`, `for` and `while` stands in braces: if a == b { … }".to_owned())
        }
        ParseErrorType::MissingToken(token, _) if token == ";" => {
            Some("the statement before this needs a `;` at its end".to_owned())
        }
        _ => None,
    }
}

/// Advice on an operator that the text begins with: the parser tells no more of it than that it is none.
pub fn operator(text: &str) -> Option<String> {
    ["===", "!==", "->", "=>", "..."].into_iter().find(|known| text.starts_with(known)).and_then(symbol)
}

/// Advice on a name that nothing has.
pub fn name(found: &str) -> Option<&'static str> {
    Some(match found {
        "function" | "def" | "func" => "a function begins with `fn`",
        "Segment" => {
            "leave it out: track(#{ event: \"…\", userId: \"…\" }), and likewise identify, page, group, set_object"
        }
        "Object" => "maps have methods: map.keys(), map.values(); map::merge(a, b) makes one map of two",
        "Array" => "write type_of(value) == \"array\"; an array is written [1, 2]",
        "String" | "Number" => "write text::from(value) and number::parse(text)",
        "delete" => "write event.properties.remove(\"name\")",
        "elif" | "elsif" | "elseif" => "write else if",
        "JSON" => "write json::parse(text) and json::stringify(value)",
        "Math" => "numbers have methods: x.round(), x.floor(), x.ceiling(), x.abs()",
        "Date" => "write time::now() and time::parse(text)",
        "console" => "write log::info(value)",
        "undefined" | "None" | "nil" => "nothing is written ()",
        "True" | "False" => "write true and false",
        _ => return None,
    })
}

/// Advice on a function that nothing has, by what it is called in JavaScript, Python or lodash.
pub fn function(found: &str) -> Option<&'static str> {
    Some(match found {
        "includes" => "write list.contains(x) or text.contains(x); or, as a condition, x in list",
        "toLowerCase" | "lower" | "lowercase" => "write text.to_lower(); or text::lower(text) where there may be none",
        "toUpperCase" | "upper" | "uppercase" => "write text.to_upper(); or text::upper(text) where there may be none",
        "toString" | "str" | "String" => "write value.to_string(); or text::from(value) where there may be none",
        "toFixed" => "write money::round(amount, \"USD\") for money, number.round() for a whole number",
        "parseInt" | "parseFloat" | "Number" | "float" => "write number::parse(text), or money::parse(text) for money",
        "startsWith" | "startswith" => "write text.starts_with(start)",
        "endsWith" | "endswith" => "write text.ends_with(end)",
        "indexOf" => "write index_of, which gives -1 where there is none",
        "forEach" => "write for item in list { … }",
        "replaceAll" => {
            "regex::replace(text, `pattern`, with) gives another text; text.replace(a, b) changes the text itself"
        }
        "substring" | "substr" | "slice" => "write text.sub_string(start, length); or list.extract(start, length)",
        "join" => "write text::join(list, \", \")",
        "hasOwnProperty" | "has_key" => "write \"name\" in map",
        "concat" => "add up: one + other",
        "push_back" | "append_to" => "write list.push(item)",
        "require" => "write import \"lib/name\" as name; modules stand below scripts/",
        "fetch" => "write http::get(url) or http::post(url, body)",
        "isArray" => "write type_of(value) == \"array\"",
        _ => return None,
    })
}

fn symbol(found: &str) -> Option<String> {
    let advice = match found {
        "=" | "===" => "compare with ==",
        "!==" => "compare with !=",
        "and" => "write &&",
        "or" => "write ||",
        "not" => "write !",
        "null" | "nil" => "nothing is written ()",
        "var" => "declare with let",
        "new" => "a map is written #{ name: value }",
        "?" | ":" => "choose with if: let size = if total > 50 { \"big\" } else { \"small\" };",
        "->" | "=>" => "a function without a name is written |x| x + 1",
        "..." => "put maps or lists together with +: event.properties + #{ more: 1 }",
        "_" => "the namespaces list and map have what lodash has: list::group_by(lines, \"sku\")",
        "await" | "async" => "scripts wait for nothing: leave it out",
        _ => return None,
    };
    Some(advice.to_owned())
}
