//! The arguments of a meta command, as psql's `psqlscanslash.l` reads them.

use super::quote::fold_identifier;
use super::variable::read_reference;

/// What stands behind variables and backticks.
pub trait Interpolate {
    /// The value of a variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// The output of a shell command between backticks, without its last line break.
    fn shell(&mut self, command: &str) -> String;
}

/// Leaves variables and backticks as they are: for branches not taken, and for checking.
#[derive(Debug, Clone, Copy)]
pub struct NoInterpolation;

impl Interpolate for NoInterpolation {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn shell(&mut self, command: &str) -> String {
        format!("`{command}`")
    }
}

/// How an argument is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgMode {
    /// An ordinary word.
    Normal,
    /// An SQL identifier: folded to lower case unless quoted.
    Identifier,
    /// A file, or a `|command` that takes the rest of the line.
    FileOrPipe,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Its value.
    pub value: String,
    /// Whether any of it was in single quotes.
    pub quoted: bool,
}

/// An argument that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlashError {
    /// A quote is not closed on the line.
    #[error("unterminated quoted string")]
    Unterminated,
}

/// Reads what follows a backslash on a line.
#[derive(Debug)]
pub struct SlashLexer<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> SlashLexer<'a> {
    /// A lexer at the first byte behind the backslash.
    pub fn new(text: &'a str) -> Self {
        Self { text, pos: 0 }
    }

    /// How much has been read, in bytes.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a str {
        &self.text[self.pos..]
    }

    /// The command's name.
    pub fn command(&mut self) -> &'a str {
        let rest = self.rest();
        // `\!`, `\?` and the like need no space behind them, yet `\\` ends here.
        let length = rest.find(|c: char| c.is_whitespace() || c == '\\').unwrap_or(rest.len());
        self.pos += length;
        &rest[..length]
    }

    /// Passes over blanks.
    pub fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start().len();
    }

    /// Passes over blanks; then the next byte, if the command goes on.
    pub fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.rest().bytes().next().filter(|b| *b != b'\\')
    }

    /// Passes over one byte that [`SlashLexer::peek`] showed.
    pub fn bump(&mut self) {
        self.pos = self.text.ceil_char_boundary((self.pos + 1).min(self.text.len()));
    }

    /// Passes over the rest of the command: up to `\\` (inclusive), another command or the end.
    pub fn finish(&mut self) {
        self.skip_blanks();
        if self.rest().starts_with("\\\\") {
            self.pos += 2;
        }
    }

    /// The rest of the line, as it is.
    pub fn whole_line(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.rest();
        self.pos = self.text.len();
        rest.trim_end_matches(['\n', '\r'])
    }

    /// The next argument, or `None` at the end of the command.
    ///
    /// # Errors
    /// If a quote is not closed.
    pub fn arg(&mut self, mode: ArgMode, with: &mut dyn Interpolate) -> Result<Option<Arg>, SlashError> {
        match self.peek() {
            None => Ok(None),
            Some(b'|') if mode == ArgMode::FileOrPipe => {
                Ok(Some(Arg { value: self.whole_line().to_owned(), quoted: false }))
            }
            Some(_) => {
                let mut arg = self.atom(&|_| false, with)?;
                if mode == ArgMode::Identifier {
                    arg.value = fold_identifier(&arg.value);
                }
                Ok(Some(arg))
            }
        }
    }

    /// The text up to a blank, a backslash or what `ends` says, with quotes, variables and backticks resolved.
    ///
    /// # Errors
    /// If a quote is not closed.
    pub fn atom(
        &mut self,
        ends: &dyn Fn(&str) -> bool,
        with: &mut dyn Interpolate,
    ) -> Result<Arg, SlashError> {
        let mut arg = Arg { value: String::new(), quoted: false };
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return Ok(arg) };
            if c.is_whitespace() || c == '\\' || ends(rest) {
                return Ok(arg);
            }
            match c {
                '\'' => {
                    arg.quoted = true;
                    self.single(&mut arg.value)?;
                }
                '"' => self.double(&mut arg.value)?,
                '`' => self.backtick(&mut arg.value, with)?,
                ':' => {
                    arg.quoted |= rest.starts_with(":'");
                    self.variable(&mut arg.value, with);
                }
                _ => {
                    arg.value.push(c);
                    self.pos += c.len_utf8();
                }
            }
        }
    }

    fn variable(&mut self, out: &mut String, with: &dyn Interpolate) {
        let rest = self.rest();
        let Some(reference) = read_reference(rest) else {
            out.push(':');
            self.pos += 1;
            return;
        };
        match reference.render(with.variable(reference.name).as_deref()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[..reference.length]),
        }
        self.pos += reference.length;
    }

    /// `'…'` with C-like escapes.
    fn single(&mut self, out: &mut String) -> Result<(), SlashError> {
        self.pos += 1;
        loop {
            let rest = self.rest();
            let mut chars = rest.chars();
            match chars.next() {
                None => return Err(SlashError::Unterminated),
                Some('\'') if rest.starts_with("''") => {
                    out.push('\'');
                    self.pos += 2;
                }
                Some('\'') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some('\\') => {
                    let used = escape(chars.as_str(), out).ok_or(SlashError::Unterminated)?;
                    self.pos += 1 + used;
                }
                Some(c) => {
                    out.push(c);
                    self.pos += c.len_utf8();
                }
            }
        }
    }

    /// `"…"` stays as it is: only identifiers give the quotes a meaning.
    fn double(&mut self, out: &mut String) -> Result<(), SlashError> {
        let rest = self.rest();
        let end = rest[1..].find('"').ok_or(SlashError::Unterminated)? + 2;
        out.push_str(&rest[..end]);
        self.pos += end;
        Ok(())
    }

    fn backtick(&mut self, out: &mut String, with: &mut dyn Interpolate) -> Result<(), SlashError> {
        self.pos += 1;
        let mut command = String::new();
        loop {
            match self.rest().chars().next() {
                None => return Err(SlashError::Unterminated),
                Some('`') => {
                    self.pos += 1;
                    out.push_str(&with.shell(&command));
                    return Ok(());
                }
                Some(':') => self.variable(&mut command, with),
                Some(c) => {
                    command.push(c);
                    self.pos += c.len_utf8();
                }
            }
        }
    }
}

/// The character that `text` (behind a backslash) stands for, and how many bytes it took.
fn escape(text: &str, out: &mut String) -> Option<usize> {
    let c = text.chars().next()?;
    let simple = match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'r' => Some('\r'),
        'f' => Some('\u{c}'),
        _ => None,
    };
    if let Some(simple) = simple {
        out.push(simple);
        return Some(1);
    }
    let (skip, radix, longest) = match c {
        'x' => (1, 16, 2),
        '0'..='7' => (0, 8, 3),
        _ => (0, 10, 0),
    };
    let digits: String = text[skip..].chars().take(longest).take_while(|d| d.is_digit(radix)).collect();
    match u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32) {
        Some(value) if longest > 0 => {
            out.push(value);
            Some(skip + digits.len())
        }
        _ => {
            out.push(c);
            Some(c.len_utf8())
        }
    }
}
