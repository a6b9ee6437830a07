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
    ["===", "!==", "->", "=>"].into_iter().find(|known| text.starts_with(known)).and_then(symbol)
}

/// Advice on a name that nothing has.
pub fn name(found: &str) -> Option<&'static str> {
    Some(match found {
        "function" | "def" | "func" => "a function begins with `fn`",
        "JSON" => "write json::parse(text) and json::stringify(value)",
        "Math" => "numbers have methods: x.round(), x.floor(), x.ceiling(), x.abs()",
        "Date" => "write time::now() and time::parse(text)",
        "console" => "write log::info(value)",
        "undefined" | "None" | "nil" => "nothing is written ()",
        "True" | "False" => "write true and false",
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
        "await" | "async" => "scripts wait for nothing: leave it out",
        _ => return None,
    };
    Some(advice.to_owned())
}
