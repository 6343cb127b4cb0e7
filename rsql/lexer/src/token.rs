//! SQL as a stream of tokens that, put together, are the text again.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Blanks and line breaks.
    Blank,
    /// `-- …` or `/* … */`.
    Comment,
    /// A keyword or name, not quoted; `#temp` too.
    Word,
    /// `"name"`.
    Quoted,
    /// `'…'`, with its prefix if it has one.
    Text,
    /// `$tag$…$tag$`.
    Dollar,
    /// A number.
    Number,
    /// `::`, `:=`, `<>` and the like, and single characters.
    Symbol,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text, as written.
    pub text: String,
    /// Its first byte in the whole.
    pub start: usize,
}

impl Token {
    /// Whether it is this word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// The byte behind it in the whole.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// The value of a string literal, with or without dollars; `None` if it is no literal.
    ///
    /// A backslash escapes as in Redshift: `\n`, `\t`, `\r`, `\b`, `\f`, octal `\ddd`, and `\'`, `\"`, `\\`. In front of
    /// anything else it stays, so that COPY's `NULL AS '\N'` is these two characters.
    pub fn string(&self) -> Option<String> {
        match self.kind {
            Kind::Text => {
                let inner = &self.text[self.text.find('\'')? + 1..];
                Some(unescaped(inner.strip_suffix('\'').unwrap_or(inner)))
            }
            Kind::Dollar => {
                let (tag, inner) = self.text.split_at(self.text.get(1..)?.find('$')? + 2);
                Some(inner.strip_suffix(tag).unwrap_or(inner).to_owned())
            }
            _ => None,
        }
    }

    /// Whether it says nothing: blanks and comments.
    pub fn is_quiet(&self) -> bool {
        matches!(self.kind, Kind::Blank | Kind::Comment)
    }
}

/// What stands between the quotes of a string, without its escapes.
fn unescaped(inner: &str) -> String {
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                chars.next_if_eq(&'\'');
                value.push('\'');
            }
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some('b') => value.push('\u{8}'),
                Some('f') => value.push('\u{c}'),
                Some(digit @ '0'..='7') => {
                    let mut code = digit.to_digit(8).unwrap_or(0);
                    for _ in 0..2 {
                        match chars.peek().and_then(|c| c.to_digit(8)) {
                            Some(next) => {
                                code = code * 8 + next;
                                chars.next();
                            }
                            None => break,
                        }
                    }
                    value.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                }
                Some(c @ ('\\' | '\'' | '"')) => value.push(c),
                Some(other) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    value
}

/// The tokens of a text. With `plain_backslash`, a backslash in `'…'` is an ordinary character.
pub fn tokens(sql: &str, plain_backslash: bool) -> Vec<Token> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < sql.len() {
        let (kind, length) = next(&sql[at..], plain_backslash);
        all.push(Token { kind, text: sql[at..at + length].to_owned(), start: at });
        at += length;
    }
    all
}

/// The first word of a statement, without the comments before it.
pub fn first_word(sql: &str) -> String {
    let mut rest = sql;
    while !rest.is_empty() {
        let (kind, length) = next(rest, true);
        if !matches!(kind, Kind::Blank | Kind::Comment) && &rest[..length] != "(" {
            return rest[..length].to_owned();
        }
        rest = &rest[length..];
    }
    String::new()
}

fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn is_word(b: u8) -> bool {
    is_word_start(b) || b.is_ascii_digit() || b == b'$'
}

fn count(text: &str, of: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|b| of(*b)).count()
}

fn next(text: &str, plain_backslash: bool) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let second = bytes.get(1).copied().unwrap_or(0);
    match bytes[0] {
        b if b.is_ascii_whitespace() => (Kind::Blank, count(text, |b| b.is_ascii_whitespace())),
        b'-' if second == b'-' => (Kind::Comment, text.find('\n').unwrap_or(text.len())),
        b'/' if second == b'*' => (Kind::Comment, comment(text)),
        b'\'' => (Kind::Text, string(text, 1, !plain_backslash)),
        b'"' => (Kind::Quoted, quoted(text)),
        b'$' => match super::scanner::dollar_tag(text) {
            Some(tag) => {
                let end = text[tag.len()..].find(tag).map_or(text.len(), |e| tag.len() * 2 + e);
                (Kind::Dollar, end)
            }
            None => (Kind::Symbol, 1 + count(&text[1..], |b| b.is_ascii_digit())),
        },
        b'#' if is_word_start(second) => (Kind::Word, 1 + count(&text[1..], is_word)),
        b if b.is_ascii_digit() || (b == b'.' && second.is_ascii_digit()) => (Kind::Number, number(text)),
        b if is_word_start(b) => word(text),
        _ => (Kind::Symbol, symbol(text)),
    }
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// A string whose opening quote ends at `at`.
fn string(text: &str, mut at: usize, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn number(text: &str) -> usize {
    let mut length = count(text, |b| b.is_ascii_digit() || b == b'.');
    let exponent = &text[length..];
    if exponent.starts_with(['e', 'E']) {
        let sign = usize::from(exponent[1..].starts_with(['+', '-']));
        let digits = count(&exponent[1 + sign..], |b| b.is_ascii_digit());
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    length
}

fn word(text: &str) -> (Kind, usize) {
    let length = count(text, is_word);
    let rest = &text[length..];
    let lower = text[..length].to_ascii_lowercase();
    if rest.starts_with('\'') && matches!(lower.as_str(), "e" | "b" | "x" | "n") {
        return (Kind::Text, string(text, length + 1, lower == "e"));
    }
    if lower == "u" && rest.starts_with("&'") {
        return (Kind::Text, string(text, length + 2, false));
    }
    (Kind::Word, length)
}

fn symbol(text: &str) -> usize {
    const LONG: [&str; 8] = ["::", ":=", "<>", "!=", "<=", ">=", "||", "=>"];
    match LONG.iter().find(|s| text.starts_with(**s)) {
        Some(long) => long.len(),
        None => text.chars().next().map_or(1, char::len_utf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let kinds = |sql: &str| tokens(sql, true).iter().map(|t| t.kind).collect::<Vec<_>>();
        assert_eq!(kinds("a.\"b\""), [Kind::Word, Kind::Symbol, Kind::Quoted]);
        assert_eq!(kinds("E'\\''"), [Kind::Text]);
        assert_eq!(kinds("$x$ ; $x$"), [Kind::Dollar]);
        assert_eq!(kinds("1.5e3x"), [Kind::Number, Kind::Word]);
        assert_eq!(kinds("#t/* /* */ */"), [Kind::Word, Kind::Comment]);
        assert_eq!(first_word(" -- c\n (select 1)"), "select");
    }

    #[test]
    fn values_of_strings() {
        let value = |sql: &str| tokens(sql, false)[0].string();
        assert_eq!(value("'it''s'").as_deref(), Some("it's"));
        assert_eq!(value(r"'\'a\\\t\174\N\d'").as_deref(), Some("'a\\\t|\\N\\d"));
        assert_eq!(value("e'a\\nb'").as_deref(), Some("a\nb"));
        assert_eq!(value("$x$ '' \\n $x$").as_deref(), Some(" '' \\n "));
        assert_eq!(value("'open").as_deref(), Some("open"));
        assert_eq!(value("$$open").as_deref(), Some("open"));
        assert_eq!(value("name"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost(sql in "\\PC*|[a-e0-9 '\"$/*#:;.\\\\\\n-]*", plain: bool) {
            let joined: String = tokens(&sql, plain).iter().map(|t| t.text.as_str()).collect();
            proptest::prop_assert_eq!(joined, sql);
        }

        #[test]
        fn a_literal_has_a_value(text in "\\PC*", open in 0..3) {
            let token = Token { kind: Kind::Text, text: format!("{}'{text}", ["", "E", "u&"][open as usize]), start: 0 };
            proptest::prop_assert!(token.string().is_some());
        }
    }
}
