//! Bodies of procedures (PL/pgSQL): the statements between the control words.

use crate::query::{Scope, Walk};
use crate::result::WarningKind;
use crate::session::{DEEPEST, Routine, Session};
use crate::tokens::Tokens;

impl Session<'_> {
    /// Reads the body of a procedure as if it ran here. A procedure that calls itself is read once.
    pub(crate) fn routine(&mut self, routine: &Routine, name: &str) {
        if self.calls.iter().any(|open| open == name) {
            return;
        }
        if self.calls.len() >= DEEPEST {
            return self.warn(WarningKind::TooDeep, routine.line);
        }
        self.calls.push(name.to_owned());
        let file = std::mem::replace(&mut self.file, routine.file.clone());
        let tokens = Tokens::new(&routine.body, routine.line);
        let mut at = 0;
        while at < tokens.len() {
            let end = tokens.find(at, tokens.len(), |at| tokens.is_symbol(at, ";")).unwrap_or(tokens.len());
            self.part(&tokens, at, end);
            at = end + 1;
        }
        self.file = file;
        self.calls.pop();
    }

    /// One part of a body, up to a semicolon: control words, then a statement.
    fn part(&mut self, tokens: &Tokens, mut at: usize, end: usize) {
        while at < end {
            let Some(token) = tokens.get(at) else { return };
            let word = token.text.to_ascii_lowercase();
            match word.as_str() {
                "begin" | "declare" | "exception" | "else" | "then" | "loop" | "transaction" => at += 1,
                "<" if tokens.is_symbol(at + 1, "<") => {
                    // A label: << name >>.
                    at = (at..end).find(|i| tokens.is_symbol(*i, ">")).map_or(end, |close| close + 2);
                }
                "<<" => at += 1,
                "if" | "elsif" | "elseif" | "when" | "while" => {
                    let closing = if word == "while" { "loop" } else { "then" };
                    let body = tokens.find(at, end, |at| tokens.is(at, closing)).unwrap_or(end);
                    self.condition(tokens, at + 1, body);
                    at = body + 1;
                }
                "for" => {
                    let body = tokens.find(at, end, |at| tokens.is(at, "loop")).unwrap_or(end);
                    if let Some(source) = tokens.find(at, body, |at| tokens.is(at, "in")) {
                        self.rows_of(tokens, source + 1, body);
                    }
                    at = body + 1;
                }
                "open" => {
                    if let Some(source) = tokens.find(at, end, |at| tokens.is(at, "for")) {
                        self.rows_of(tokens, source + 1, end);
                    }
                    return;
                }
                "perform" => {
                    let mut walk = Walk::new(tokens, true);
                    walk.clauses(at + 1, end, &mut Scope::new(None), false);
                    return walk.finish(self);
                }
                "return" if tokens.is(at + 1, "query") => return self.rows_of(tokens, at + 2, end),
                "select" | "with" | "insert" | "update" | "delete" | "merge" | "create" | "copy"
                | "unload" | "truncate" | "drop" | "alter" | "refresh" | "execute" | "call" | "set" | "(" => {
                    return self.read(tokens, at, end, true);
                }
                // Assignments, RAISE, RETURN, declarations: only queries in them read tables.
                _ => return self.condition(tokens, at, end),
            }
        }
    }

    fn condition(&mut self, tokens: &Tokens, from: usize, to: usize) {
        let mut walk = Walk::new(tokens, true);
        walk.expression(from, to, &Scope::new(None));
        walk.finish(self);
    }

    /// A query, or a text that is executed, whose rows are fetched.
    fn rows_of(&mut self, tokens: &Tokens, from: usize, to: usize) {
        if tokens.is(from, "execute") || tokens.starts_query(from) {
            self.read(tokens, from, to, true);
        } else {
            self.condition(tokens, from, to);
        }
    }
}
