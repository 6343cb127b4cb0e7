//! The condition of an `\if`: psql's Boolean, extended by comparisons, AND, OR, NOT and parentheses.
//!
//! Precedence is SQL's: NOT binds tighter than AND, AND tighter than OR. Two values compare as numbers
//! if both are numbers and not both are quoted; a Boolean word against a number counts as 1 or 0 (so
//! `:ERROR <> 0` works with psql's `true` and `false`); everything else compares as text.

use std::cmp::Ordering;

use super::variables::parse_bool;
use crate::lexer::{Interpolate, SlashError, SlashLexer, Style, read_reference};

/// A condition that has no value; it counts as false, as in psql.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConditionError {
    /// A lone value that is no Boolean.
    #[error("unrecognized value \"{0}\" for \"\\if expression\": Boolean expected")]
    Boolean(String),
    /// An operator without its operand, or the like.
    #[error("\\if expression: {0}")]
    Syntax(String),
    /// A variable that is not set.
    #[error("\\if expression: the variable \"{0}\" is not set")]
    Unset(String),
    /// A quote is not closed.
    #[error("{0}")]
    Slash(#[from] SlashError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Value { text: String, quoted: bool },
    Compare(&'static str),
    Open,
    Close,
    And,
    Or,
    Not,
}

/// Reads a condition up to the end of the command and gives its value.
///
/// # Errors
/// If it has none. The command is read to its end in any case.
pub(crate) fn evaluate(
    lexer: &mut SlashLexer<'_>,
    with: &mut dyn Interpolate,
) -> Result<bool, ConditionError> {
    let tokens = tokens(lexer, with)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let value = parser.or()?;
    if parser.at == tokens.len() {
        return Ok(value);
    }
    // Several words and no operator: psql takes them as one value, which is no Boolean.
    let words: Option<Vec<&str>> = tokens
        .iter()
        .map(|t| match t {
            Token::Value { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    Err(match words {
        Some(words) => ConditionError::Boolean(words.join(" ")),
        None => ConditionError::Syntax(format!("unexpected {}", show(&tokens[parser.at]))),
    })
}

fn tokens(lexer: &mut SlashLexer<'_>, with: &mut dyn Interpolate) -> Result<Vec<Token>, ConditionError> {
    const COMPARISONS: [&str; 8] = ["<>", "!=", "<=", ">=", "==", "=", "<", ">"];
    let mut tokens = Vec::new();
    let mut unset = None;
    while lexer.peek().is_some() {
        let rest = lexer.rest();
        if let Some(operator) = COMPARISONS.iter().find(|o| rest.starts_with(**o)) {
            operator.bytes().for_each(|_| lexer.bump());
            tokens.push(Token::Compare(operator));
            continue;
        }
        match rest.as_bytes()[0] {
            b'(' => {
                lexer.bump();
                tokens.push(Token::Open);
            }
            b')' => {
                lexer.bump();
                tokens.push(Token::Close);
            }
            _ => {
                let ends = |text: &str| text.starts_with(['(', ')', '=', '<', '>']) || text.starts_with("!=");
                let is_variable = rest.starts_with(':');
                // `:name` without a value stays as it is, and would be compared as a text.
                if let Some(reference) = read_reference(rest)
                    && reference.style != Style::Test
                    && with.variable(reference.name).is_none()
                {
                    unset.get_or_insert_with(|| reference.name.to_owned());
                }
                let arg = lexer.atom(&ends, with)?;
                let word = arg.value.to_ascii_uppercase();
                // A variable that happens to hold "and" is a value, never an operator.
                tokens.push(match word.as_str() {
                    "AND" if !arg.quoted && !is_variable => Token::And,
                    "OR" if !arg.quoted && !is_variable => Token::Or,
                    "NOT" if !arg.quoted && !is_variable => Token::Not,
                    _ => {
                        let literal = rest.starts_with(":'");
                        let text = if literal { unquote(&arg.value) } else { arg.value };
                        Token::Value { text, quoted: arg.quoted }
                    }
                });
            }
        }
    }
    unset.map_or(Ok(tokens), |name| Err(ConditionError::Unset(name)))
}

/// The value inside of what `:'name'` became.
fn unquote(literal: &str) -> String {
    let (inner, escapes) = match literal.trim_start().strip_prefix('E') {
        Some(rest) => (rest, true),
        None => (literal, false),
    };
    let Some(inner) = inner.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) else {
        return literal.to_owned();
    };
    let inner = inner.replace("''", "'");
    if escapes { inner.replace("\\\\", "\\") } else { inner }
}

fn show(token: &Token) -> String {
    match token {
        Token::Value { text, .. } => format!("\"{text}\""),
        Token::Compare(operator) => format!("\"{operator}\""),
        Token::Open => "\"(\"".into(),
        Token::Close => "\")\"".into(),
        Token::And => "AND".into(),
        Token::Or => "OR".into(),
        Token::Not => "NOT".into(),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

/// Levels of parentheses in a condition: each takes some of the stack.
const DEEPEST: usize = 100;

impl<'a> Parser<'a> {
    fn next_is(&mut self, token: &Token) -> bool {
        let yes = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(yes);
        yes
    }

    fn or(&mut self) -> Result<bool, ConditionError> {
        let mut value = self.and()?;
        while self.next_is(&Token::Or) {
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, ConditionError> {
        let mut value = self.not()?;
        while self.next_is(&Token::And) {
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, ConditionError> {
        let mut negated = false;
        while self.next_is(&Token::Not) {
            negated = !negated;
        }
        Ok(self.term()? != negated)
    }

    fn term(&mut self) -> Result<bool, ConditionError> {
        if self.next_is(&Token::Open) {
            if self.depth == DEEPEST {
                let text = format!("parentheses are nested more than {DEEPEST} levels deep");
                return Err(ConditionError::Syntax(text));
            }
            self.depth += 1;
            let value = self.or()?;
            self.depth -= 1;
            if !self.next_is(&Token::Close) {
                return Err(ConditionError::Syntax("\")\" is missing".into()));
            }
            return Ok(value);
        }
        let (left, left_quoted) = self.value()?;
        let Some(Token::Compare(operator)) = self.tokens.get(self.at) else {
            let more = self.tokens.get(self.at);
            if matches!(more, Some(Token::Value { .. })) {
                // The caller shows the whole text.
                return Ok(false);
            }
            return parse_bool(left).ok_or_else(|| ConditionError::Boolean(left.to_owned()));
        };
        self.at += 1;
        let (right, right_quoted) = self.value()?;
        let order = compare(left, right, left_quoted && right_quoted);
        Ok(match *operator {
            "=" | "==" => order == Ordering::Equal,
            "<>" | "!=" => order != Ordering::Equal,
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            ">" => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }

    fn value(&mut self) -> Result<(&'a str, bool), ConditionError> {
        match self.tokens.get(self.at) {
            Some(Token::Value { text, quoted }) => {
                self.at += 1;
                Ok((text, *quoted))
            }
            Some(other) => Err(ConditionError::Syntax(format!("unexpected {}", show(other)))),
            None if self.tokens.is_empty() => Err(ConditionError::Boolean(String::new())),
            None => Err(ConditionError::Syntax("a value is missing".into())),
        }
    }
}

fn compare(left: &str, right: &str, as_text: bool) -> Ordering {
    if as_text {
        return left.cmp(right);
    }
    let word =
        |text: &str| matches!(text, "true" | "false").then_some(if text == "true" { "1" } else { "0" });
    let (a, b) = match (Number::parse(left), Number::parse(right)) {
        (None, Some(_)) => (word(left).unwrap_or(left), right),
        (Some(_), None) => (left, word(right).unwrap_or(right)),
        _ => (left, right),
    };
    match (Number::parse(a), Number::parse(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => left.cmp(right),
    }
}

/// A decimal number of any length, compared exactly: counts go to 2^64 − 1 and sums beyond.
#[derive(Debug, PartialEq, Eq)]
struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole, fraction })
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |n: &Self| (n.whole.len(), n.whole.to_owned(), n.fraction.to_owned());
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
        }
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Values;

    impl Interpolate for Values {
        fn variable(&self, name: &str) -> Option<String> {
            Some(match name {
                "ERROR" => "true".into(),
                "OK" => "false".into(),
                "ERRORCODE" => "42P01".into(),
                "cnt" => "101".into(),
                "huge" => "18446744073709551615".into(),
                "word" => "and".into(),
                "quote" => "it's".into(),
                _ => return None,
            })
        }

        fn shell(&mut self, command: &str) -> String {
            command.to_owned()
        }
    }

    fn value(text: &str) -> Result<bool, ConditionError> {
        evaluate(&mut SlashLexer::new(text), &mut Values)
    }

    #[test]
    fn conditions() {
        for (text, expected) in [
            ("true", true),
            (":ERROR", true),
            (":ERROR <> 0", true),
            (":OK <> 0", false),
            (":ERROR = 1", true),
            (":ERROR = 'true'", true),
            (":cnt > 100", true),
            (":cnt>100", true),
            (":cnt <= 9", false),
            (":huge > 18446744073709551614", true),
            (":'ERRORCODE' = '00000'", false),
            (":ERRORCODE = 42P01", true),
            (":'quote' = 'it''s'", true),
            ("'00000' <> '0'", true),
            ("00000 = 0", true),
            ("-1 < 0 AND NOT 2 < 1", true),
            ("1 = 2 OR 1 = 1 AND 1 = 2", false),
            ("(1 = 2 OR 1 = 1) and 1 = 1", true),
            (":word = 'and'", true),
            ("1.50 = 1.5", true),
            ("`1` = 1", true),
            (":{?cnt}", true),
            ("NOT :{?none}", true),
            ("'a b' = 'a b'", true),
            ("1 = 1 \\echo x", true),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_condition_may_be_nested_a_hundred_times() {
        let nested = |levels: usize| format!("{}1 = 1{}", "(".repeat(levels), ")".repeat(levels));
        assert_eq!(value(&nested(100)), Ok(true));
        for levels in [101, 1_000_000] {
            let error = value(&nested(levels)).unwrap_err().to_string();
            assert_eq!(error, "\\if expression: parentheses are nested more than 100 levels deep");
        }
    }

    #[test]
    fn what_is_no_condition() {
        for text in ["", "2", "maybe", "a b", "1 =", "= 1", "(1 = 1", "1 = 1)", "'open"] {
            assert!(value(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn numbers_compare_as_numbers(a: i64, b: i64) {
            proptest::prop_assert_eq!(compare(&a.to_string(), &b.to_string(), false), a.cmp(&b));
        }
    }
}
