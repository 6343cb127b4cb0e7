//! Parses a path.

use std::sync::Arc;

use serde_json::Value;

use super::ast::{Filter, Function, Operand, Operator, Path, Root, Step};

/// Maximum depth of nested filters: the parser is recursive.
const MAX_DEPTH: usize = 32;

/// A syntax error of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at}")]
pub(crate) struct ParseError {
    pub(crate) message: String,
    pub(crate) at: usize,
}

impl Path {
    /// Parses a whole text.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let (path, rest) = Self::parse_prefix(text)?;
        if rest < text.len() {
            return Err(error("unexpected text after the path", text, rest));
        }
        Ok(path)
    }

    /// Parses the path at the start of a text. Also returns its length in bytes.
    pub(crate) fn parse_prefix(text: &str) -> Result<(Self, usize), ParseError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        if !parser.eat("$") {
            return Err(parser.error("a path begins with $"));
        }
        let root = if parser.eat("$") {
            Root::Context
        } else {
            match parser.identifier() {
                Some(name) => Root::Variable(Arc::from(name)),
                None => Root::Input,
            }
        };
        let steps = parser.steps()?;
        let path = Self { text: Arc::from(&text[..parser.at]), root, steps };
        Ok((path, parser.at))
    }
}

fn error(message: &str, text: &str, at: usize) -> ParseError {
    let at = text.get(..at).map_or(at, |before| before.chars().count());
    ParseError { message: message.to_owned(), at: at + 1 }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, message: &str) -> ParseError {
        error(message, self.text, self.at)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), ParseError> {
        self.skip_space();
        if self.eat(token) { Ok(()) } else { Err(self.error(&format!("expected {token}"))) }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A variable's name, if one starts here.
    fn identifier(&mut self) -> Option<&'a str> {
        if !self.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
            return None;
        }
        Some(self.take_while(|c| c.is_alphanumeric() || c == '_'))
    }

    fn steps(&mut self) -> Result<Vec<Step>, ParseError> {
        let mut steps = Vec::new();
        loop {
            if self.eat("..") {
                steps.push(Step::Descend);
                if self.peek() == Some('[') {
                    continue;
                }
                steps.push(self.dotted()?);
            } else if self.eat(".") {
                steps.push(self.dotted()?);
            } else if self.eat("[") {
                steps.push(self.bracketed()?);
            } else {
                return Ok(steps);
            }
        }
    }

    fn dotted(&mut self) -> Result<Step, ParseError> {
        if self.eat("*") {
            return Ok(Step::Wildcard);
        }
        if self.peek() == Some('[') {
            // Jayway takes `$.['a']` as `$['a']`.
            self.at += 1;
            return self.bracketed();
        }
        let name = self.take_while(|c| {
            !matches!(c, '.' | '[' | ']' | '(' | ')' | ',' | '\'' | '"') && !is_filter_end(c)
        });
        if name.is_empty() {
            return Err(self.error("expected a field name"));
        }
        if self.eat("(") {
            let function = match name {
                "length" | "size" => Function::Length,
                "min" => Function::Min,
                "max" => Function::Max,
                "sum" => Function::Sum,
                "avg" => Function::Avg,
                _ => return Err(self.error(&format!("the path function {name}() is not supported"))),
            };
            self.expect(")")?;
            return Ok(Step::Function(function));
        }
        Ok(Step::Child(name.to_owned()))
    }

    fn bracketed(&mut self) -> Result<Step, ParseError> {
        self.skip_space();
        let step = match self.peek() {
            Some('*') => {
                self.at += 1;
                Step::Wildcard
            }
            Some('?') => {
                self.at += 1;
                self.expect("(")?;
                let filter = self.filter()?;
                self.expect(")")?;
                Step::Filter(filter)
            }
            Some('\'' | '"') => {
                let mut names = vec![self.quoted()?];
                self.skip_space();
                while self.eat(",") {
                    self.skip_space();
                    names.push(self.quoted()?);
                    self.skip_space();
                }
                match names.pop() {
                    Some(name) if names.is_empty() => Step::Child(name),
                    Some(name) => {
                        names.push(name);
                        Step::Children(names)
                    }
                    None => return Err(self.error("expected a field name")),
                }
            }
            _ => self.numbers()?,
        };
        self.expect("]")?;
        Ok(step)
    }

    fn numbers(&mut self) -> Result<Step, ParseError> {
        let first = self.integer()?;
        self.skip_space();
        if self.eat(":") {
            self.skip_space();
            let end = self.integer()?;
            return Ok(Step::Slice { start: first, end });
        }
        let Some(first) = first else {
            return Err(self.error("expected an index, a quoted name, *, a slice or a filter"));
        };
        let mut indexes = vec![first];
        while self.eat(",") {
            self.skip_space();
            match self.integer()? {
                Some(index) => indexes.push(index),
                None => return Err(self.error("expected an index")),
            }
            self.skip_space();
        }
        Ok(if indexes.len() == 1 { Step::Index(first) } else { Step::Indexes(indexes) })
    }

    fn integer(&mut self) -> Result<Option<i64>, ParseError> {
        let text = self.take_while(|c| c.is_ascii_digit() || c == '-');
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.error("expected an integer"))
    }

    fn quoted(&mut self) -> Result<String, ParseError> {
        let Some(quote @ ('\'' | '"')) = self.peek() else {
            return Err(self.error("expected a quoted string"));
        };
        self.at += 1;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, c)) = chars.next() {
            if c == quote {
                self.at += offset + 1;
                return Ok(out);
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            // Only the quote itself and the backslash are escapes (recorded behaviour).
            match chars.next() {
                Some((_, next)) if next == quote || next == '\\' => out.push(next),
                Some((_, next)) => out.extend(['\\', next]),
                None => break,
            }
        }
        Err(self.error("the quoted string is not closed"))
    }

    fn filter(&mut self) -> Result<Filter, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("the filter is nested too deeply"));
        }
        let mut any = vec![self.filter_and()?];
        while self.eat_operator("||") {
            any.push(self.filter_and()?);
        }
        self.depth -= 1;
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Or(any) })
    }

    fn filter_and(&mut self) -> Result<Filter, ParseError> {
        let mut all = vec![self.filter_term()?];
        while self.eat_operator("&&") {
            all.push(self.filter_term()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn filter_term(&mut self) -> Result<Filter, ParseError> {
        self.skip_space();
        if self.eat("!") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.error("the filter is nested too deeply"));
            }
            let term = self.filter_term()?;
            self.depth -= 1;
            return Ok(Filter::Not(Box::new(term)));
        }
        if self.eat("(") {
            let filter = self.filter()?;
            self.expect(")")?;
            return Ok(filter);
        }
        let left = self.operand()?;
        let Some(operator) = self.operator()? else {
            return match left {
                Operand::Path { from_candidate: true, path } => Ok(Filter::Exists(path)),
                _ => Err(self.error("expected an operator")),
            };
        };
        let right = self.operand()?;
        Ok(Filter::Compare(left, operator, right))
    }

    fn eat_operator(&mut self, token: &str) -> bool {
        self.skip_space();
        self.eat(token)
    }

    fn operator(&mut self) -> Result<Option<Operator>, ParseError> {
        self.skip_space();
        if self.rest().starts_with("=~") {
            return Err(self.error("regular expressions in paths are not supported"));
        }
        for (token, operator) in [
            ("===", Operator::Equal),
            ("!==", Operator::NotEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if self.eat(token) {
                return Ok(Some(operator));
            }
        }
        let before = self.at;
        let operator = match self.take_while(char::is_alphabetic).to_ascii_lowercase().as_str() {
            "" => return Ok(None),
            "in" => Operator::In,
            "nin" => Operator::NotIn,
            "contains" => Operator::Contains,
            "size" => Operator::Size,
            "empty" => Operator::Empty,
            other => {
                self.at = before;
                return Err(self.error(&format!("the filter operator {other} is not supported")));
            }
        };
        Ok(Some(operator))
    }

    fn operand(&mut self) -> Result<Operand, ParseError> {
        self.skip_space();
        match self.peek() {
            Some(c @ ('@' | '$')) => {
                let start = self.at;
                self.at += 1;
                let steps = self.steps()?;
                let text = Arc::from(self.text.get(start..self.at).unwrap_or_default());
                let path = Path { text, root: Root::Input, steps };
                Ok(Operand::Path { from_candidate: c == '@', path })
            }
            Some('\'' | '"') => Ok(Operand::Literal(Value::String(self.quoted()?))),
            Some('[') => {
                self.at += 1;
                let mut items = Vec::new();
                self.skip_space();
                if self.eat("]") {
                    return Ok(Operand::Literal(Value::Array(items)));
                }
                loop {
                    self.skip_space();
                    items.push(self.scalar()?);
                    self.skip_space();
                    if self.eat("]") {
                        return Ok(Operand::Literal(Value::Array(items)));
                    }
                    self.expect(",")?;
                }
            }
            _ => Ok(Operand::Literal(self.scalar()?)),
        }
    }

    fn scalar(&mut self) -> Result<Value, ParseError> {
        if matches!(self.peek(), Some('\'' | '"')) {
            return Ok(Value::String(self.quoted()?));
        }
        let before = self.at;
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        match serde_json::from_str(text) {
            Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => Ok(value),
            _ => {
                self.at = before;
                Err(self.error("expected a path or a literal"))
            }
        }
    }
}

fn is_filter_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '=' | '!' | '<' | '>' | '&' | '|' | '*' | '?' | ':')
}
