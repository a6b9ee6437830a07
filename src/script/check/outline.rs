//! The functions of a script as they stand in its text: the interpreter's tree keeps no place of their names, and forgets
//! whether a `;` ends a function's last statement.

use rhai::{Engine, Position, Token};

/// A function of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub position: Position,
    /// Its parameters: name and place.
    pub params: Vec<(String, Position)>,
    /// Whether it is called on a value, as `fn map.total()`.
    pub is_method: bool,
    /// Whether nobody but the script itself can call it.
    pub is_private: bool,
    /// Whether its last statement is an expression without `;`, which is what it gives.
    pub gives_value: bool,
}

/// Goes through the tokens of a text that parses.
pub fn outline(engine: &Engine, text: &str) -> Vec<Function> {
    let tokens = tokens(engine, text);
    let mut found = Vec::new();
    for (at, (token, _)) in tokens.iter().enumerate() {
        if *token == Token::Fn {
            let is_private = at > 0 && tokens[at - 1].0 == Token::Private;
            found.extend(function(&tokens[at + 1..], is_private));
        }
    }
    found
}

/// All tokens. A text with `${…}` in it is one token for each part, with the tokens of the expressions between them.
fn tokens(engine: &Engine, text: &str) -> Vec<(Token, Position)> {
    let texts = [text];
    let (lexer, control) = engine.lex(&texts);
    let mut tokens = Vec::new();
    // How many braces are open inside each `${…}` that is open.
    let mut within: Vec<usize> = Vec::new();
    for (token, position) in lexer {
        match &token {
            Token::EOF => break,
            Token::InterpolatedString(_) => within.push(0),
            Token::LeftBrace | Token::MapStart => {
                if let Some(open) = within.last_mut() {
                    *open += 1;
                }
            }
            Token::RightBrace => {
                if let Some(open) = within.last_mut() {
                    *open = open.saturating_sub(1);
                    if *open == 0 {
                        within.pop();
                        // What the parser does: the text goes on after the brace.
                        control.borrow_mut().is_within_text = true;
                    }
                }
            }
            _ => {}
        }
        tokens.push((token, position));
    }
    tokens
}

/// The function whose tokens begin after `fn`.
fn function(tokens: &[(Token, Position)], is_private: bool) -> Option<Function> {
    let open = tokens.iter().position(|(token, _)| matches!(token, Token::LeftParen | Token::Unit))?;
    let is_method = tokens[..open].iter().any(|(token, _)| *token == Token::Period);
    let (name, position) = word(tokens.get(open.checked_sub(1)?)?)?;
    let mut params = Vec::new();
    let mut at = open + 1;
    if tokens[open].0 == Token::LeftParen {
        let close = at + tokens[at..].iter().position(|(token, _)| *token == Token::RightParen)?;
        params.extend(tokens[at..close].iter().filter_map(word));
        at = close + 1;
    }
    let mut depth = 0_usize;
    let end = tokens[at..].iter().position(|(token, _)| {
        match token {
            Token::LeftBrace | Token::MapStart => depth += 1,
            Token::RightBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })?;
    // A block at the end gives what its own last statement gives.
    let last = tokens[at..at + end].iter().rev().find(|(token, _)| *token != Token::RightBrace);
    let gives_value = end > 1 && last.is_some_and(|(token, _)| *token != Token::SemiColon);
    Some(Function { name, position, params, is_method, is_private, gives_value })
}

fn word((token, position): &(Token, Position)) -> Option<(String, Position)> {
    match token {
        Token::Identifier(name) => Some((name.to_string(), *position)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Function> {
        outline(&Engine::new(), text)
    }

    #[test]
    fn names_and_parameters_have_their_places() {
        let found = of("let a = `x${ #{ b: `}${1}` }.b }y`;\nprivate fn f() { a }\n  fn map.g(one, two) { one; }");
        let told: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.is_private, f.is_method, f.params.len())).collect();
        assert_eq!(told, [("f", true, false, 0), ("g", false, true, 2)]);
        assert_eq!(found[1].position, Position::new(3, 10));
        assert_eq!(found[1].params[1], ("two".to_owned(), Position::new(3, 17)));
    }

    #[test]
    fn what_a_function_gives_is_told_by_its_last_semicolon() {
        for (body, gives) in [
            ("", false),
            ("event", true),
            ("event;", false),
            ("event; // event\n", false),
            ("event.remove(\"x\") /* ; */", true),
            ("#{ a: 1 }", true),
            ("if a { event.remove(\"x\"); }", false),
            ("if a { event } else { () }", true),
            ("`a;${ \"}\" }`", true),
            ("return event;", false),
            ("for x in y { x }", true),
        ] {
            let found = of(&format!("fn f(event) {{ {body} }} let x = 1;"));
            assert_eq!(found.first().map(|found| found.gives_value), Some(gives), "{body}");
        }
    }
}
