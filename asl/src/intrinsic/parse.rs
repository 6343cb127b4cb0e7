//! Parses a call.

use serde_json::Value;

use super::call::{Argument, Call};
use super::function::Function;
use crate::path::{ParseError, Path};

/// Maximum depth of nested calls. The service allows 10.
const MAX_DEPTH: usize = 10;

impl Call {
    /// Parses a whole text.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let call = parser.call()?;
        parser.skip_space();
        if parser.at < text.len() {
            return Err(parser.error("unexpected text after the function call"));
        }
        Ok(call)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, message: &str) -> ParseError {
        let before = self.text.get(..self.at).unwrap_or_default();
        ParseError { message: message.to_owned(), at: before.chars().count() + 1 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: char) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len_utf8();
        }
        found
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn call(&mut self) -> Result<Call, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("function calls are nested more than 10 deep"));
        }
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
        let Some(function) = Function::named(name) else {
            self.at = start;
            return Err(self.error(&format!("\"{name}\" is not an intrinsic function")));
        };
        self.skip_space();
        if !self.eat('(') {
            return Err(self.error("expected ("));
        }
        let mut arguments = Vec::new();
        self.skip_space();
        if !self.eat(')') {
            loop {
                self.skip_space();
                let keep_braces = function == Function::Format && arguments.is_empty();
                arguments.push(self.argument(keep_braces)?);
                self.skip_space();
                if self.eat(')') {
                    break;
                }
                if !self.eat(',') {
                    return Err(self.error("expected , or )"));
                }
            }
        }
        let (fewest, most) = function.arity();
        if arguments.len() < fewest || arguments.len() > most {
            return Err(self.error(&format!("{name} does not take {} arguments", arguments.len())));
        }
        self.depth -= 1;
        let text = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Ok(Call { function, arguments, text })
    }

    fn argument(&mut self, keep_braces: bool) -> Result<Argument, ParseError> {
        let rest = self.rest();
        match rest.chars().next() {
            Some('$') => {
                let (path, taken) = Path::parse_prefix(rest).map_err(|e| ParseError {
                    message: e.message,
                    at: e.at + self.text[..self.at].chars().count(),
                })?;
                self.at += taken;
                Ok(Argument::Path(path))
            }
            Some('\'') => Ok(Argument::Literal(Value::String(self.quoted(keep_braces)?))),
            Some('S') => Ok(Argument::Call(self.call()?)),
            _ => {
                let start = self.at;
                let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
                match serde_json::from_str(word) {
                    Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => {
                        Ok(Argument::Literal(value))
                    }
                    _ => {
                        self.at = start;
                        Err(self.error(
                            "expected a path, a function call, a number, true, false, null or a quoted string",
                        ))
                    }
                }
            }
        }
    }

    /// A text in single quotes. `\{` and `\}` stay escaped for States.Format, which tells them from `{}`.
    fn quoted(&mut self, keep_braces: bool) -> Result<String, ParseError> {
        self.at += 1;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '\'' => {
                    self.at += offset + 1;
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, next @ ('{' | '}' | '\\'))) if keep_braces => out.extend(['\\', next]),
                    Some((_, next @ ('\'' | '{' | '}' | '\\'))) => out.push(next),
                    Some((_, next)) => out.extend(['\\', next]),
                    None => break,
                },
                _ => out.push(c),
            }
        }
        Err(self.error("the quoted string is not closed"))
    }
}
