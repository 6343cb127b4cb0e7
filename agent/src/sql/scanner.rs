//! Finds the most informative error in an output, in bounded memory.

use super::parse::{self, Line, SqlError};
use crate::process::Exit;

/// Scans the output of one try.
#[derive(Debug, Default)]
pub struct Scanner {
    line: Vec<u8>,
    errors: u64,
    cause: Option<SqlError>,
    detail: Option<String>,
    last_line: String,
}

/// Of longer lines, only the first part is searched. No SQL error is longer, and memory must be bounded.
const LONGEST: usize = 4096;

impl Scanner {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        for (i, part) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if i > 0 {
                self.end_of_line();
            }
            let room = LONGEST.saturating_sub(self.line.len());
            self.line.extend(part.iter().take(room));
        }
    }

    /// The output is complete.
    pub fn finish(&mut self) {
        self.end_of_line();
    }

    fn end_of_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        // Most lines are data. Checking bytes first avoids their conversion. A line of control characters, such as NUL padding,
        // is ignored.
        if bytes.iter().all(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        match parse::line(&text) {
            Line::Error(error) => {
                self.errors += 1;
                // The last error ended the script, unless it only repeats an earlier one.
                if self.cause.is_none() || !error.is_follow_up() {
                    self.cause = Some(error);
                    self.detail = None;
                }
            }
            Line::Detail(detail) => {
                if self.cause.is_some() {
                    self.detail.get_or_insert(detail);
                }
            }
            Line::SqlState(code) => {
                if let Some(cause) = &mut self.cause {
                    cause.sqlstate.get_or_insert(code);
                }
            }
            Line::Other => {}
        }
        self.last_line.clear();
        self.last_line.push_str(text.trim());
    }

    /// The end of the try and its error, in one line: `exit code 1: ERROR: relation "x" does not exist (SQLSTATE 42P01)`.
    #[must_use]
    pub fn explain(&self, exit: &Exit) -> String {
        let mut text = exit.to_string();
        if let Some(SqlError { severity, sqlstate, message }) = &self.cause {
            text.push_str(&format!(": {severity}: {}", shown(message, 1000)));
            // Some scripts already print the SQLSTATE in the message.
            if let Some(code) = sqlstate.as_ref().filter(|code| !names_state(message, code)) {
                text.push_str(&format!(" (SQLSTATE {code})"));
            }
            if let Some(detail) = &self.detail {
                text.push_str(&format!("; detail: {}", shown(detail, 500)));
            }
            if self.errors > 1 {
                text.push_str(&format!("; {} errors in the output", self.errors));
            }
        } else if !self.last_line.is_empty() {
            text.push_str(&format!(": {}", shown(&self.last_line, 300)));
        }
        text
    }
}

/// Whether a message contains its SQLSTATE: `… (SQLSTATE 42P01)`, `… [SQLState: 42P01]`.
fn names_state(message: &str, code: &str) -> bool {
    let upper = message.to_ascii_uppercase();
    upper.match_indices(code).any(|(at, _)| {
        let before = upper.get(..at).unwrap_or_default().trim_end_matches([' ', ':', '=']);
        before.ends_with("SQLSTATE") || before.ends_with("SQL STATE")
    })
}

/// Without control characters, which could forge lines, and limited in length.
fn shown(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text = text.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    let mut out: String = text.chars().take(most).map(plain).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn explain(output: &str) -> String {
        let mut scanner = Scanner::default();
        scanner.push(output.as_bytes());
        scanner.finish();
        scanner.explain(&Exit::Code(1))
    }

    #[test]
    fn the_error_that_tells_most() {
        assert_eq!(explain("INSERT 0 1\nrsql: ERROR: a\n"), "exit code 1: ERROR: a");
        assert_eq!(
            explain("rsql: ERROR: a\nERRORCODE: 42P01\nbye"),
            "exit code 1: ERROR: a (SQLSTATE 42P01)"
        );
        for said in ["no such table (SQLSTATE 42P01)", "no such table [SQLState: 42P01]"] {
            assert_eq!(
                explain(&format!("rsql: ERROR: {said}\n  SQLSTATE 42P01 at a.sql:7\n")),
                format!("exit code 1: ERROR: {said}")
            );
        }
        assert_eq!(
            explain("ERROR:  first\nERROR:  23505: second\nDETAIL:  Key.\nLINE 1: x\n"),
            "exit code 1: ERROR: second (SQLSTATE 23505); detail: Key.; 2 errors in the output"
        );
        assert_eq!(
            explain(
                "ERROR:  cause\nERROR:  current transaction is aborted, commands ignored until end of transaction block\n"
            ),
            "exit code 1: ERROR: cause; 2 errors in the output"
        );
    }

    #[test]
    fn without_an_sql_error_the_last_line_says_something() {
        assert_eq!(
            explain("starting\nx.sh: line 3: nope: command not found\n\n"),
            "exit code 1: x.sh: line 3: nope: command not found"
        );
        assert_eq!(explain(""), "exit code 1");
        assert_eq!(explain("a\x1b[31mred\n"), "exit code 1: a [31mred");
        assert_eq!(explain("what went wrong\0\n\0\0\0\n"), "exit code 1: what went wrong");
        assert_eq!(explain("a\0b\0"), "exit code 1: a b");
    }

    #[test]
    fn a_ten_megabyte_line_costs_nothing() {
        let mut scanner = Scanner::default();
        for _ in 0..10 {
            scanner.push(&vec![b'x'; 1_000_000]);
            assert!(scanner.line.capacity() <= 2 * LONGEST);
        }
        scanner.push(b"\nERROR:  after\n");
        assert_eq!(scanner.explain(&Exit::Signal(9)), "killed by SIGKILL: ERROR: after");
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_result_is_that_of_the_whole(
            output in "((ERROR:  |DETAIL: |x|ä|\n){0,4}\n){0,6}", size in 1usize..9,
        ) {
            let mut scanner = Scanner::default();
            for piece in output.as_bytes().chunks(size) {
                scanner.push(piece);
            }
            scanner.finish();
            prop_assert_eq!(scanner.explain(&Exit::Code(1)), explain(&output));
        }
    }
}
