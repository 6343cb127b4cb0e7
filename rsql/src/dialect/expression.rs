//! Writing tokens anew, from the inside out.

use super::clauses::loud;
use super::functions;
use super::{DialectError, select, system};
use crate::lexer::token::{Kind, Token};

/// Reads tokens, passing over blanks and comments.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Behind the last token that was taken.
    taken: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, at: 0, taken: 0 }
    }

    fn skip(&mut self) {
        while self.tokens.get(self.at).is_some_and(Token::is_quiet) {
            self.at += 1;
        }
    }

    fn take(&mut self, yes: bool) -> bool {
        if yes {
            self.at += 1;
            self.taken = self.at;
        }
        yes
    }

    /// The next token that says something.
    pub(super) fn peek(&mut self) -> Option<&'a Token> {
        self.skip();
        self.tokens.get(self.at)
    }

    /// Takes the next token that says something.
    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.take(true);
        Some(token)
    }

    /// Takes this word, if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let yes = self.peek().is_some_and(|t| t.is(word));
        self.take(yes)
    }

    /// The token behind this word, if the word is next.
    pub(super) fn skip_word(&mut self, word: &str) -> Option<&'a Token> {
        if self.word(word) { self.peek() } else { None }
    }

    /// Takes this symbol, if it is next.
    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let yes = self.peek().is_some_and(|t| t.is_symbol(symbol));
        self.take(yes)
    }

    /// Takes a string literal, if it is next.
    pub(super) fn text(&mut self) -> Option<String> {
        let value = self.peek()?.string()?;
        self.take(true);
        Some(value)
    }

    /// The index of the next token.
    pub(super) fn position(&mut self) -> usize {
        self.skip();
        self.at
    }

    /// Moves to the token of this index.
    pub(super) fn go(&mut self, at: usize) {
        self.at = at;
        self.taken = at;
    }

    /// The index behind the last token that was taken.
    pub(super) fn end(&self) -> usize {
        self.taken
    }

    /// The tokens inside of the parentheses that begin here.
    pub(super) fn group(&mut self) -> Option<&'a [Token]> {
        self.peek().filter(|t| t.is_symbol("("))?;
        let close = closing(self.tokens, self.at)?;
        let inner = &self.tokens[self.at + 1..close];
        self.at = close + 1;
        self.taken = self.at;
        Some(inner)
    }

    /// The name of a table, written anew.
    pub(super) fn name(&mut self) -> Result<String, DialectError> {
        let mut name = String::new();
        loop {
            let token = self.next().ok_or_else(|| DialectError::Syntax("end of input".into()))?;
            if !matches!(token.kind, Kind::Word | Kind::Quoted) {
                return Err(DialectError::Syntax(token.text.clone()));
            }
            name.push_str(&identifier(token));
            if !self.symbol(".") {
                return Ok(name);
            }
            name.push('.');
        }
    }

    /// What is left, for a message.
    pub(super) fn near(&mut self) -> String {
        self.peek().map_or("end of input".into(), |t| t.text.clone())
    }
}

/// The index of the parenthesis that closes the one at `open`.
pub(super) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

/// The index of the parenthesis that closes the one that stands at `at`, if one does.
pub(super) fn arguments_end(tokens: &[Token], at: usize) -> Option<usize> {
    tokens.get(at).filter(|t| t.is_symbol("("))?;
    closing(tokens, at)
}

/// Splits at the commas outside of parentheses; nothing at all is no argument.
pub(super) fn arguments(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (index, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") || token.is_symbol("[") {
            depth += 1;
        } else if token.is_symbol(")") || token.is_symbol("]") {
            depth -= 1;
        } else if depth == 0 && token.is_symbol(",") {
            parts.push(&tokens[start..index]);
            start = index + 1;
        }
    }
    if tokens[start..].iter().any(|t| !t.is_quiet()) {
        parts.push(&tokens[start..]);
    }
    parts
}

/// A name; that of a `#temp` table needs quotes.
pub(super) fn identifier(token: &Token) -> String {
    if token.text.starts_with('#') {
        format!("\"{}\"", token.text.to_ascii_lowercase())
    } else {
        token.text.clone()
    }
}

/// The text of tokens as they are.
pub(super) fn raw(tokens: &[Token]) -> String {
    tokens.iter().map(|t| t.text.as_str()).collect()
}

/// Writes a statement, a subquery or an expression anew.
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn rewrite(tokens: &[Token]) -> Result<String, DialectError> {
    select::rewrite(tokens)
}

/// As [`rewrite`], below the level of SELECT's clauses.
pub(super) fn expression(tokens: &[Token]) -> Result<String, DialectError> {
    let mut out = String::new();
    let mut at = 0;
    // The last token that said something: what a word means depends on it.
    let mut before: Option<&Token> = None;
    // Where the operand begins that stands in front.
    let mut operand = 0;
    while let Some(token) = tokens.get(at) {
        if !token.is_quiet() && !continues(before, token) {
            operand = out.len();
        }
        match token.kind {
            Kind::Blank | Kind::Comment => {
                out.push_str(&token.text);
                at += 1;
                continue;
            }
            Kind::Symbol if token.text == "::" && loud(tokens, at + 1).is_some_and(|t| t.is("super")) => {
                // A cast to jsonb would parse a text.
                let value = out.split_off(operand);
                out.push_str(&format!("redshift.to_super({})", value.trim_end()));
                at += 2 + tokens[at + 1..].iter().take_while(|t| t.is_quiet()).count();
                before = tokens.get(at - 1);
                continue;
            }
            Kind::Symbol if token.text == "(" => {
                let close = closing(tokens, at).ok_or_else(|| DialectError::Syntax("(".into()))?;
                if let Some((text, next)) = rows(tokens, at, close, before)? {
                    out.push_str(&text);
                    at = next;
                } else {
                    out.push('(');
                    out.push_str(&rewrite(&tokens[at + 1..close])?);
                    out.push(')');
                    at = close + 1;
                }
            }
            Kind::Word => at = word(tokens, at, before, &mut out)?,
            Kind::Text if token.text.starts_with('\'') && token.text.contains('\\') => {
                // Redshift reads backslashes in every string.
                out.push('E');
                out.push_str(&token.text);
                at += 1;
            }
            _ => {
                out.push_str(&token.text);
                at += 1;
            }
        }
        before = tokens[..at.min(tokens.len())].iter().rev().find(|t| !t.is_quiet());
    }
    Ok(out)
}

/// Words that an operand stands behind and does not begin with.
pub(super) const LEADS: [&str; 34] = [
    "select", "distinct", "all", "where", "and", "or", "not", "on", "when", "then", "else", "case", "in",
    "by", "having", "values", "from", "as", "between", "like", "ilike", "is", "return", "set", "union",
    "qualify", "using", "limit", "over", "filter", "if", "elsif", "while", "to",
];

/// Whether a token goes on with the operand before it: what is behind a dot or a cast, a call's arguments, a subscript.
fn continues(before: Option<&Token>, token: &Token) -> bool {
    let Some(before) = before else { return false };
    if before.is_symbol(".") || before.is_symbol("::") {
        return true;
    }
    let value = matches!(before.kind, Kind::Word | Kind::Quoted | Kind::Text | Kind::Number)
        || before.is_symbol(")")
        || before.is_symbol("]");
    let lead = LEADS.iter().any(|word| before.is(word));
    (token.is_symbol(".") || token.is_symbol("::") || token.is_symbol("[") || token.is_symbol("(")) && value && !lead
        // `date '2020-01-01'`.
        || token.kind == Kind::Text && before.kind == Kind::Word && !lead
}

/// A comparison of rows, `(a, b) IN (…)` or `(a, b) = (…)`, with PostgreSQL's own operators: rows are compared by those
/// of its operator families alone. `None` where no row stands in the parentheses from `open` to `close`.
fn rows(
    tokens: &[Token],
    open: usize,
    close: usize,
    before: Option<&Token>,
) -> Result<Option<(String, usize)>, DialectError> {
    let leads = ["where", "and", "or", "not", "on", "when", "having", "select", "qualify", "then", "else"];
    let inner = &tokens[open + 1..close];
    let is_row = before.is_none_or(|t| leads.iter().any(|w| t.is(w)) || t.is_symbol("("))
        && !select::begins_query(inner)
        && arguments(inner).len() > 1;
    if !is_row {
        return Ok(None);
    }
    let mut cursor = Cursor::new(tokens);
    cursor.go(close + 1);
    let not = cursor.word("not");
    let left = format!("({})", rewrite(inner)?);
    if cursor.word("in") {
        let Some(list) = cursor.group() else { return Ok(None) };
        if select::begins_query(list) {
            let how = if not { "OPERATOR(pg_catalog.<>) ALL" } else { "OPERATOR(pg_catalog.=) ANY" };
            return Ok(Some((format!("{left} {how} ({})", rewrite(list)?), cursor.end())));
        }
        let each: Result<Vec<String>, DialectError> = arguments(list)
            .into_iter()
            .map(|row| Ok(format!("{left} OPERATOR(pg_catalog.=) {}", expression(row)?.trim())))
            .collect();
        let not = if not { "NOT " } else { "" };
        return Ok(Some((format!("{not}({})", each?.join(" OR ")), cursor.end())));
    }
    for operator in ["=", "<>", "!=", "<=", ">=", "<", ">"] {
        if !not && cursor.symbol(operator) && cursor.peek().is_some_and(|t| t.is_symbol("(")) {
            return Ok(Some((format!("{left} OPERATOR(pg_catalog.{operator}) "), cursor.position())));
        }
    }
    Ok(None)
}

/// One word and, if it is a function to be mapped, its arguments; the index behind.
fn word(
    tokens: &[Token],
    at: usize,
    before: Option<&Token>,
    out: &mut String,
) -> Result<usize, DialectError> {
    let token = &tokens[at];
    let lower = token.text.to_ascii_lowercase();
    let after = at + 1 + tokens[at + 1..].iter().take_while(|t| t.is_quiet()).count();
    let qualified = before.is_some_and(|t| t.is_symbol("."));
    // `AS name` outside of CAST is an alias, whatever it is called.
    let cast = before.is_some_and(|t| t.is_symbol("::"));
    let system = |at: usize| tokens.get(at).is_some_and(|t| t.kind == Kind::Word && system::is_here(&t.text));
    let is_catalog = lower == "pg_catalog" && tokens.get(at + 1).is_some_and(|t| t.is_symbol("."));
    if !qualified && is_catalog && system(at + 2) {
        out.push_str("redshift");
        return Ok(at + 1);
    }
    if !qualified && system(at) {
        out.push_str("redshift.");
        out.push_str(&lower);
        return Ok(at + 1);
    }
    if qualified {
        out.push_str(&identifier(token));
        return Ok(at + 1);
    }
    if tokens.get(after).is_some_and(|t| t.is_symbol("(")) {
        let close = closing(tokens, after).ok_or_else(|| DialectError::Syntax("(".into()))?;
        let inner = &tokens[after + 1..close];
        if cast && let Some(mapped) = type_name(&lower, Some(inner))? {
            out.push_str(&mapped);
            return Ok(close + 1);
        }
        let called = functions::Call { name: &lower, inner, tokens, behind: close + 1 };
        if let Some((text, next)) = functions::map(&called)? {
            out.push_str(&text);
            return Ok(next);
        }
    }
    match lower.as_str() {
        // SELECT … INTO #name makes a temporary table.
        "into"
            if tokens.get(after).is_some_and(|t| t.text.starts_with('#'))
                && !before.is_some_and(|t| t.is("insert") || t.is("merge")) =>
        {
            out.push_str("INTO TEMP");
        }
        "sysdate" => out.push_str("now()::timestamp"),
        "decimal" | "numeric" | "dec" if tokens.get(after).is_some_and(|t| t.kind == Kind::Text) => {
            out.push_str("numeric(18,0)");
        }
        "date" if tokens.get(after).is_some_and(|t| t.kind == Kind::Text) => out.push_str("pg_catalog.date"),
        "minus" if select::begins_query(&tokens[after..]) => out.push_str("EXCEPT"),
        // An exact count serves where an approximate one is asked for.
        "approximate" if tokens.get(after).is_some_and(|t| t.is("count") || t.is("percentile_disc")) => {
            return Ok(after);
        }
        _ if cast && !tokens.get(after).is_some_and(|t| t.is_symbol("(")) => match type_name(&lower, None)? {
            Some(mapped) => out.push_str(&mapped),
            None => out.push_str(&identifier(token)),
        },
        _ => out.push_str(&identifier(token)),
    }
    Ok(at + 1)
}

/// PostgreSQL's name of a type, if it differs. `inner` is what stands in its parentheses.
pub(super) fn type_name(name: &str, inner: Option<&[Token]>) -> Result<Option<String>, DialectError> {
    let is_max = inner.is_some_and(|i| i.iter().any(|t| t.is("max")));
    let length =
        if is_max { "(65535)".to_owned() } else { inner.map_or(String::new(), |i| format!("({})", raw(i))) };
    Ok(Some(match name {
        "super" => "jsonb".into(),
        // A table may have this name, and a table's name is a type as well: it would come first on the path.
        "date" => "pg_catalog.date".into(),
        "datetime" => "timestamp".into(),
        "decimal" | "numeric" | "dec" if inner.is_none() => "numeric(18,0)".into(),
        "varchar" | "nvarchar" if inner.is_none() => "varchar(256)".into(),
        "nvarchar" => format!("varchar{length}"),
        "nchar" => format!("char{length}"),
        "bpchar" if inner.is_none() => return Ok(None),
        "varchar" | "char" | "character" if is_max => format!("{name}{length}"),
        "hllsketch" | "varbyte" | "varbinary" | "geography" => {
            return Err(DialectError::unsupported(format!("type {}", name.to_ascii_uppercase())));
        }
        _ => return Ok(None),
    }))
}
