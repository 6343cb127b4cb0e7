//! A whole script in pieces: what the checker, `--dry-run` and the property tests look at.

use super::token::{Token, tokens};
use super::{Scanner, Stop};

/// A piece of a script, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A statement, or what stands before a meta command, with the blanks before it.
    Sql {
        /// The text, its semicolon included.
        text: String,
        /// Line of its first byte, from 1.
        line: usize,
        /// Whether a semicolon ended it.
        complete: bool,
    },
    /// The rows of a COPY … FROM STDIN, with the `\.` that ends them.
    Data {
        /// The lines, as written.
        text: String,
        /// Line of the first, from 1.
        line: usize,
    },
    /// A meta command up to the end of the line or the next command, without its backslash.
    Meta {
        /// The text behind the backslash.
        text: String,
        /// Line, from 1.
        line: usize,
        /// Column of the backslash in bytes, from 1.
        column: usize,
    },
}

/// Whether a statement takes its data from the lines behind it.
pub fn is_copy_from_stdin(sql: &str) -> bool {
    // Every statement is asked, so look at the first word before reading all.
    if !super::token::first_word(sql).eq_ignore_ascii_case("copy") {
        return false;
    }
    let all = tokens(sql, true);
    let loud: Vec<&Token> = all.iter().filter(|t| !t.is_quiet()).collect();
    loud.windows(2).any(|pair| pair[0].is("from") && pair[1].is("stdin"))
}

/// Splits a script without interpolating. The pieces' texts, put together with each meta command's
/// backslash, are the script, byte for byte, except that an escaped `\;` or `\:` loses its backslash.
pub fn split(script: &str, plain_backslash: bool) -> Vec<Piece> {
    let mut scanner = Scanner::new(plain_backslash);
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut start = 1;
    // The rows of a COPY, and their first line.
    let mut data: Option<(String, usize)> = None;
    for (index, full) in script.split_inclusive('\n').enumerate() {
        let line = full.strip_suffix('\n').unwrap_or(full);
        if let Some((rows, _)) = &mut data {
            rows.push_str(full);
            if line.trim_end_matches('\r') == "\\."
                && let Some((text, line)) = data.take()
            {
                pieces.push(Piece::Data { text, line });
            }
            continue;
        }
        scanner.feed(line);
        loop {
            if text.is_empty() {
                start = index + 1;
            }
            match scanner.scan(None, &mut text) {
                Stop::Semicolon => {
                    if is_copy_from_stdin(&text) {
                        data = Some((String::new(), index + 2));
                    }
                    pieces.push(Piece::Sql { text: std::mem::take(&mut text), line: start, complete: true });
                }
                Stop::Backslash => {
                    if !text.is_empty() {
                        let text = std::mem::take(&mut text);
                        pieces.push(Piece::Sql { text, line: start, complete: false });
                    }
                    let rest = scanner.rest();
                    let column = line.len() - rest.len();
                    let length = command_length(rest);
                    let copy = rest[..length]
                        .strip_prefix("copy")
                        .is_some_and(|args| is_copy_from_stdin(&format!("copy {args}")));
                    if copy {
                        data = Some((String::new(), index + 2));
                    }
                    pieces.push(Piece::Meta { text: rest[..length].to_owned(), line: index + 1, column });
                    scanner.advance(length);
                }
                Stop::Eol => break,
            }
        }
        if full.len() > line.len() {
            if data.is_some() {
                // The line break ends the COPY; kept by itself, it comes before the rows.
                text.push('\n');
                let text = std::mem::take(&mut text);
                pieces.push(Piece::Sql { text, line: index + 1, complete: false });
                continue;
            }
            if text.is_empty() {
                start = index + 1;
            }
            text.push('\n');
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Sql { text, line: start, complete: false });
    }
    if let Some((text, line)) = data.filter(|(text, _)| !text.is_empty()) {
        pieces.push(Piece::Data { text, line });
    }
    pieces
}

/// How long a meta command is: up to an unquoted backslash, which begins the next.
fn command_length(text: &str) -> usize {
    let name_length = text.find(|c: char| c.is_whitespace() || c == '\\').unwrap_or(text.len());
    // These take the whole line, backslashes and all.
    if matches!(text[..name_length].to_ascii_lowercase().as_str(), "!" | "os" | "copy" | "sf" | "sv") {
        return text.len();
    }
    let mut quote = None;
    let mut skip = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if skip => skip = false,
            (Some('\''), '\\') => skip = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            // `\\` separates: it belongs to this command.
            (None, '\\') if text[at..].starts_with("\\\\") => return at + 2,
            (None, '\\') if at > 0 => return at,
            (None, _) => {}
        }
    }
    text.len()
}
