//! The statement splitter: what psql's `psqlscan.l` decides, as a hand-written machine.
//!
//! It is fed line by line and keeps its state between lines. Text goes to the caller's buffer as it
//! is read; variables are put in on the way, and what they hold is read again, so that a variable may
//! hold a whole statement.

use super::variable::{Style, read_reference};

/// Gives the value of a variable, `None` if it is not set.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Why the scanner stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A statement is complete; its semicolon is in the buffer.
    Semicolon,
    /// A meta command follows; the backslash is passed.
    Backslash,
    /// The line is used up.
    Eol,
}

/// What the scanner is inside of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Initial,
    /// Nested to this depth.
    Comment(u32),
    Single {
        escapes: bool,
    },
    /// Behind a string's closing quote: after a line break another quote goes on with it, by the same rules.
    AfterSingle {
        escapes: bool,
        newline: bool,
    },
    Double,
    Dollar(String),
}

/// The splitter. See the module's head.
#[derive(Debug, Default)]
pub struct Scanner {
    line: String,
    pos: usize,
    mode: Mode,
    paren: u32,
    begin: u32,
    identifiers: Vec<u8>,
    plain_backslash: bool,
    /// Variables being read: name, and the length of the line behind the value.
    expanding: Vec<(String, usize)>,
}

/// Where a statement stands; kept by `\if` so that a branch not taken leaves no trace.
#[derive(Debug, Clone, Copy, Default)]
pub struct Depth {
    paren: u32,
    begin: u32,
}

impl Scanner {
    /// A scanner at the start of a script. With `plain_backslash`, a backslash in `'…'` is an ordinary
    /// character (`standard_conforming_strings`); without, it escapes, as in Redshift.
    pub fn new(plain_backslash: bool) -> Self {
        Self { plain_backslash, ..Self::default() }
    }

    /// Changes how a backslash in `'…'` is read, from the next string on.
    pub fn set_plain_backslash(&mut self, on: bool) {
        self.plain_backslash = on;
    }

    /// Gives the next line, without its line break.
    pub fn feed(&mut self, line: &str) {
        if let Mode::AfterSingle { newline, .. } = &mut self.mode {
            *newline = true;
        }
        line.clone_into(&mut self.line);
        self.pos = 0;
        self.expanding.clear();
    }

    /// What of the line is not read yet.
    pub fn rest(&self) -> &str {
        &self.line[self.pos..]
    }

    /// Passes over `bytes` of the rest.
    pub fn advance(&mut self, bytes: usize) {
        self.pos = self.line.floor_char_boundary((self.pos + bytes).min(self.line.len()));
    }

    /// Begins a new statement: forgets quotes and parentheses.
    pub fn reset(&mut self) {
        self.mode = Mode::Initial;
        self.paren = 0;
        self.begin = 0;
        self.identifiers.clear();
    }

    /// Whether the text so far ends inside of a quote or comment.
    pub fn in_quote(&self) -> bool {
        !matches!(self.mode, Mode::Initial | Mode::AfterSingle { .. })
    }

    /// Whether the text so far ends outside of quotes, comments and parentheses.
    pub fn is_plain(&self) -> bool {
        matches!(self.mode, Mode::Initial | Mode::AfterSingle { .. }) && self.paren == 0 && self.begin == 0
    }

    /// The depth of parentheses and BEGIN … END.
    pub fn depth(&self) -> Depth {
        Depth { paren: self.paren, begin: self.begin }
    }

    /// Goes back to a depth.
    pub fn set_depth(&mut self, depth: Depth) {
        self.paren = depth.paren;
        self.begin = depth.begin;
    }

    /// Reads on, into `out`, until something must be done. `lookup` gives the value of a variable;
    /// `None` reads without interpolating.
    pub fn scan(&mut self, lookup: Option<&Lookup<'_>>, out: &mut String) -> Stop {
        while self.pos < self.line.len() {
            let stop = match self.mode {
                Mode::Initial => self.initial(lookup, out),
                Mode::AfterSingle { escapes, newline } => {
                    self.after_single(escapes, newline, out);
                    None
                }
                Mode::Comment(depth) => {
                    self.comment(depth, out);
                    None
                }
                Mode::Single { escapes } => {
                    self.single(escapes, out);
                    None
                }
                Mode::Double => {
                    self.until("\"", out);
                    None
                }
                Mode::Dollar(ref tag) => {
                    let tag = tag.clone();
                    self.until(&tag, out);
                    None
                }
            };
            if let Some(stop) = stop {
                return stop;
            }
        }
        Stop::Eol
    }

    /// Moves `bytes` of the line to `out`.
    fn take(&mut self, bytes: usize, out: &mut String) {
        let end = self.line.ceil_char_boundary((self.pos + bytes).min(self.line.len()));
        out.push_str(&self.line[self.pos..end]);
        self.pos = end;
    }

    /// Up to and with `close`, which ends the mode. A doubled `""` simply begins the mode anew.
    fn until(&mut self, close: &str, out: &mut String) {
        match self.rest().find(close) {
            Some(at) => {
                self.take(at + close.len(), out);
                self.mode = Mode::Initial;
            }
            None => self.take(usize::MAX - self.pos, out),
        }
    }

    fn comment(&mut self, depth: u32, out: &mut String) {
        let rest = self.rest();
        match (rest.find("/*"), rest.find("*/")) {
            (Some(open), close) if close.is_none_or(|close| open < close) => {
                self.mode = Mode::Comment(depth + 1);
                self.take(open + 2, out);
            }
            (_, Some(close)) => {
                self.mode = if depth > 1 { Mode::Comment(depth - 1) } else { Mode::Initial };
                self.take(close + 2, out);
            }
            _ => self.take(usize::MAX - self.pos, out),
        }
    }

    fn single(&mut self, escapes: bool, out: &mut String) {
        let bytes = self.rest().as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' if escapes => at += 2,
                b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
                b'\'' => {
                    self.take(at + 1, out);
                    self.mode = Mode::AfterSingle { escapes, newline: false };
                    return;
                }
                _ => at += 1,
            }
        }
        self.take(at, out);
    }

    fn after_single(&mut self, escapes: bool, newline: bool, out: &mut String) {
        match self.rest().as_bytes().first() {
            Some(b) if b.is_ascii_whitespace() => {
                if *b == b'\n' {
                    self.mode = Mode::AfterSingle { escapes, newline: true };
                }
                self.take(1, out);
            }
            Some(b'\'') if newline => {
                self.mode = Mode::Single { escapes };
                self.take(1, out);
            }
            _ => self.mode = Mode::Initial,
        }
    }

    fn initial(&mut self, lookup: Option<&Lookup<'_>>, out: &mut String) -> Option<Stop> {
        let bytes = self.rest().as_bytes();
        let next = bytes.get(1).copied();
        match bytes[0] {
            b'-' if next == Some(b'-') => {
                let end = self.rest().find('\n').unwrap_or(self.rest().len());
                self.take(end, out);
            }
            b'/' if next == Some(b'*') => {
                self.mode = Mode::Comment(1);
                self.take(2, out);
            }
            b'\'' => {
                self.mode = Mode::Single { escapes: !self.plain_backslash };
                self.take(1, out);
            }
            b'"' => {
                self.mode = Mode::Double;
                self.take(1, out);
            }
            b'$' => match dollar_tag(self.rest()) {
                Some(tag) => {
                    let tag = tag.to_owned();
                    self.take(tag.len(), out);
                    self.mode = Mode::Dollar(tag);
                }
                None => self.take(1, out),
            },
            b'(' => {
                self.paren += 1;
                self.take(1, out);
            }
            b')' => {
                self.paren = self.paren.saturating_sub(1);
                self.take(1, out);
            }
            b';' => {
                self.take(1, out);
                if self.paren == 0 && self.begin == 0 {
                    self.identifiers.clear();
                    return Some(Stop::Semicolon);
                }
            }
            b'\\' => match next {
                Some(b';' | b':') => {
                    self.pos += 1;
                    if next == Some(b';') {
                        self.identifiers.clear();
                    }
                    self.take(1, out);
                }
                _ => {
                    self.pos += 1;
                    return Some(Stop::Backslash);
                }
            },
            b':' => self.colon(lookup, out),
            b if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => self.word(out),
            _ => self.take(1, out),
        }
        None
    }

    fn colon(&mut self, lookup: Option<&Lookup<'_>>, out: &mut String) {
        let rest = self.rest();
        if rest.starts_with("::") || rest.starts_with(":=") {
            return self.take(2, out);
        }
        let (Some(lookup), Some(reference)) = (lookup, read_reference(rest)) else {
            return self.take(1, out);
        };
        let behind = rest.len() - reference.length;
        let (style, length, name) = (reference.style, reference.length, reference.name.to_owned());
        let left = rest.len();
        let open = self.expanding.iter().any(|(open, end)| left > *end && *open == name);
        let recursive = style == Style::Plain && open;
        let rendered = if recursive { None } else { reference.render(lookup(&name).as_deref()) };
        self.expanding.retain(|(_, end)| left > *end);
        match rendered {
            None => self.take(length, out),
            Some(value) if style == Style::Plain => {
                self.line.replace_range(self.pos..self.pos + length, &value);
                self.expanding.push((name, behind));
            }
            Some(value) => {
                out.push_str(&value);
                self.pos += length;
            }
        }
    }

    /// A word; it may be a string's prefix, and it may be the BEGIN of an SQL-standard function body.
    fn word(&mut self, out: &mut String) {
        let rest = self.rest();
        let length = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'$' || *b >= 0x80)
            .count();
        let word = rest[..length].to_ascii_lowercase();
        let behind = rest.as_bytes().get(length).copied();
        if behind == Some(b'\'') && matches!(word.as_str(), "e" | "b" | "x") {
            self.mode = Mode::Single { escapes: word == "e" };
            return self.take(length + 1, out);
        }
        if word == "u" && rest[length..].starts_with("&'") {
            self.mode = Mode::Single { escapes: false };
            return self.take(length + 2, out);
        }
        self.take(length, out);
        self.count_begin(&word);
    }

    fn count_begin(&mut self, word: &str) {
        if matches!(word, "create" | "or" | "replace" | "function" | "procedure")
            && self.identifiers.len() < 4
        {
            self.identifiers.extend(word.bytes().take(1));
        }
        let routine =
            matches!(self.identifiers.as_slice(), [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']);
        if routine && self.paren == 0 {
            match word {
                "begin" => self.begin += 1,
                "case" if self.begin > 0 => self.begin += 1,
                "end" => self.begin = self.begin.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// The `$tag$` that `text` begins with.
pub(super) fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = &inner[..end];
    let starts_well = tag.bytes().next().is_none_or(|b| b.is_ascii_alphabetic() || b == b'_' || b >= 0x80);
    let all_well = tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80);
    (starts_well && all_well).then(|| &text[..end + 2])
}
