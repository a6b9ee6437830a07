//! From tokens to the tree: `or` binds loosest, then `and`, then the comparisons, then `!`.

use super::FqlProblem;
use super::ast::{Expr, Op};
use super::function::{FUNCTIONS, Function};
use super::glob::Glob;
use super::lex::{Token, problem, tokens};
use super::value::Value;
use crate::diag::{Span, did_you_mean};
use crate::path::{Path, Segment};

/// Deeper than anybody writes, and far from the end of the stack.
const DEPTH_MAX: usize = 64;

type Parsed<T> = Result<T, FqlProblem>;

/// Parses a whole statement.
pub(super) fn parse(text: &str) -> Parsed<Expr> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    if parser.tokens.is_empty() {
        let help = "write a condition, as type = \"track\", or `all`";
        return Err(problem(0..text.len(), "the statement is empty".to_owned(), Some(help)));
    }
    let expr = parser.or()?;
    if let Some((token, span)) = parser.tokens.get(parser.at) {
        return Err(parser.unexpected(token, span.clone()));
    }
    parser.bool(expr, 0)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Parsed<Expr> {
        self.joined("or", Self::and, Expr::Or)
    }

    fn and(&mut self) -> Parsed<Expr> {
        self.joined("and", Self::comparison, Expr::And)
    }

    fn joined(
        &mut self,
        word: &'static str,
        item: fn(&mut Self) -> Parsed<Expr>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Parsed<Expr> {
        let start = self.at;
        let first = item(self)?;
        if !self.next_is(&Token::Word(word)) {
            return Ok(first);
        }
        let mut items = vec![self.bool(first, start)?];
        while self.takes(&Token::Word(word)) {
            let start = self.at;
            let next = item(self)?;
            items.push(self.bool(next, start)?);
        }
        Ok(join(items))
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let start = self.at;
        let left = self.unary()?;
        let Some((op, span)) = self.op() else { return Ok(left) };
        if self.tokens[start].0 == Token::Symbol("!") {
            let help = format!("write !(… {} …)", op.text());
            return Err(problem(span, format!("`!` ends before this `{}`", op.text()), Some(&help)));
        }
        self.at += 1;
        let right = self.unary()?;
        if let Some((op, span)) = self.op() {
            let message = format!("a comparison cannot go on with `{}`", op.text());
            return Err(problem(span, message, Some("join comparisons with `and` or `or`")));
        }
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if !self.takes(&Token::Symbol("!")) {
            return self.operand();
        }
        let start = self.at;
        let inner = self.deeper(Self::unary)?;
        Ok(Expr::Not(Box::new(self.bool(inner, start)?)))
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let Some((token, span)) = self.tokens.get(self.at).cloned() else {
            let end = self.text.len();
            return Err(problem(end..end, "the statement ends too early".to_owned(), Some("a value is missing here")));
        };
        self.at += 1;
        match token {
            Token::Symbol("(") => {
                let inner = self.deeper(Self::or)?;
                self.close(")", &span)?;
                Ok(inner)
            }
            Token::Symbol("[") => {
                self.at -= 1;
                self.literal().map(Expr::Literal)
            }
            Token::Path(keys) if self.next_is(&Token::Symbol("(")) => self.call(&keys.join("."), &span),
            Token::Path(keys) => {
                let path = Path::new(keys.into_iter().map(Segment::Key).collect());
                path.map(Expr::Path).ok_or_else(|| problem(span, "this path is empty".to_owned(), None))
            }
            Token::Word("all") => Ok(Expr::Literal(Value::Bool(true))),
            token => match literal(&token) {
                Some(value) => Ok(Expr::Literal(value)),
                None => Err(self.unexpected(&token, span)),
            },
        }
    }

    fn call(&mut self, name: &str, span: &Span) -> Parsed<Expr> {
        let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let names = FUNCTIONS.map(|(name, _)| name);
            let help = match did_you_mean(name, names) {
                _ if name == "not" => "write !( … )".to_owned(),
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(problem(span.clone(), format!("there is no function `{name}`"), Some(&help)));
        };
        let open = self.tokens[self.at].1.clone();
        self.at += 1;
        let mut arguments = Vec::new();
        let mut last = open.clone();
        if !self.next_is(&Token::Symbol(")")) {
            loop {
                last = self.tokens.get(self.at).map_or(last, |(_, span)| span.clone());
                arguments.push(self.deeper(Self::or)?);
                if !self.takes(&Token::Symbol(",")) {
                    break;
                }
            }
        }
        self.close(")", &open)?;
        if arguments.len() != function.arity() {
            let takes = if function.arity() == 1 { "one value" } else { "two values" };
            let message = format!("`{name}` takes {takes}, not {}", arguments.len());
            return Err(problem(span.start..self.tokens[self.at - 1].1.end, message, None));
        }
        let glob = match arguments.as_slice() {
            [_, Expr::Literal(Value::Text(pattern))] if *function == Function::Match => {
                Some(Glob::new(pattern).map_err(|why| {
                    problem(last, why.to_owned(), Some("a `\\` before a character takes it literally"))
                })?)
            }
            _ => None,
        };
        Ok(Expr::Call(*function, arguments, glob))
    }

    /// A literal, or a list of literals.
    fn literal(&mut self) -> Parsed<Value> {
        let Some((token, span)) = self.tokens.get(self.at).cloned() else {
            let end = self.text.len();
            return Err(problem(end..end, "the list has no end".to_owned(), Some("close it with `]`")));
        };
        self.at += 1;
        if token != Token::Symbol("[") {
            let help = "a list holds texts in quotes, numbers, true, false, null and lists";
            return literal(&token).ok_or_else(|| problem(span, "this cannot stand in a list".to_owned(), Some(help)));
        }
        let mut items = Vec::new();
        if !self.next_is(&Token::Symbol("]")) {
            loop {
                items.push(self.deeper(Self::literal)?);
                if !self.takes(&Token::Symbol(",")) {
                    break;
                }
            }
        }
        self.close("]", &span)?;
        Ok(Value::List(items.into()))
    }

    fn deeper<T>(&mut self, read: fn(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            let span = self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |(_, span)| span.clone());
            return Err(problem(span, "the statement is nested too deeply".to_owned(), None));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The expression, if it can be true or false.
    fn bool(&self, expr: Expr, start: usize) -> Parsed<Expr> {
        if expr.may_be_bool() {
            return Ok(expr);
        }
        let span = self.tokens[start].1.start..self.tokens[self.at - 1].1.end;
        Err(problem(span, "this is never true or false".to_owned(), Some("compare it with something")))
    }

    fn op(&self) -> Option<(Op, Span)> {
        let (token, span) = self.tokens.get(self.at)?;
        match token {
            Token::Symbol(text) | Token::Word(text) => Some((Op::from_text(text)?, span.clone())),
            _ => None,
        }
    }

    fn next_is(&self, token: &Token) -> bool {
        self.tokens.get(self.at).is_some_and(|(next, _)| next == token)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.next_is(token);
        self.at += usize::from(found);
        found
    }

    fn close(&mut self, symbol: &'static str, open: &Span) -> Parsed<()> {
        if self.takes(&Token::Symbol(symbol)) {
            return Ok(());
        }
        if let Some((token, span)) = self.tokens.get(self.at) {
            return Err(self.unexpected(token, span.clone()));
        }
        let help = format!("close it with `{symbol}`");
        Err(problem(open.clone(), "this bracket is never closed".to_owned(), Some(&help)))
    }

    fn unexpected(&self, token: &Token, span: Span) -> FqlProblem {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let help = match (token, text.to_ascii_lowercase().as_str()) {
            (Token::Path(_), "and" | "or" | "in") => format!("write `{}`", text.to_ascii_lowercase()),
            (Token::Path(_), "not") => "write !( … )".to_owned(),
            (Token::Path(_) | Token::Number(_) | Token::Text(_), _) => {
                "an operator is missing before it: =, !=, >, >=, <, <=, in, and, or".to_owned()
            }
            _ => "a value is missing before it, or it is one too many".to_owned(),
        };
        problem(span, format!("`{text}` cannot stand here"), Some(&help))
    }
}

fn literal(token: &Token) -> Option<Value> {
    Some(match token {
        Token::Text(text) => Value::Text(text.clone()),
        Token::Number(number) => Value::Number(*number),
        Token::Word("true") => Value::Bool(true),
        Token::Word("false") => Value::Bool(false),
        Token::Word("null") => Value::Null,
        _ => return None,
    })
}
