//! Variables that are used and never set.

use std::collections::BTreeSet;

use super::statements::place;
use super::{Finding, Rule};
use crate::lexer::token::{Kind, tokens};
use crate::lexer::{ArgMode, Interpolate, NoInterpolation, Piece, SlashLexer, Style, read_reference};

/// Set by the client itself.
const BUILT_IN: &[&str] = &[
    "ACTIVITYCOUNT",
    "AUTOCOMMIT",
    "DBNAME",
    "ECHO",
    "ENCODING",
    "ERROR",
    "ERRORCODE",
    "HOST",
    "LAST_ERROR_MESSAGE",
    "LAST_ERROR_SQLSTATE",
    "ON_ERROR_STOP",
    "PORT",
    "QUIET",
    "ROW_COUNT",
    "SERVER_VERSION_NAME",
    "SHELL_ERROR",
    "SHELL_EXIT_CODE",
    "SHOW_CONTEXT",
    "SQLSTATE",
    "USER",
    "VERBOSITY",
];

/// Looks at the variables of a script. One that includes others is not judged: they may set anything.
pub(super) fn check<'a>(pieces: &[Piece], given: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let mut set: BTreeSet<String> = BUILT_IN.iter().map(|n| (*n).to_owned()).collect();
    set.extend(given.map(str::to_owned));
    let mut findings: Vec<Finding> = Vec::new();
    let mut statement = String::new();
    for piece in pieces {
        match piece {
            Piece::Sql { text, line, complete } => {
                for (name, at) in in_sql(text) {
                    report(&mut findings, &set, &name, place(text, at, *line));
                }
                if *complete {
                    statement.clear();
                }
                statement.push_str(text);
            }
            Piece::Data { .. } => {}
            Piece::Meta { text, line, column } => {
                let mut lexer = SlashLexer::new(text);
                let command = lexer.command().to_ascii_lowercase();
                if matches!(command.as_str(), "i" | "include" | "ir" | "include_relative" | "run") {
                    return Vec::new();
                }
                let mut recorder = Recorder::default();
                let mut args = Vec::new();
                if matches!(command.as_str(), "!" | "os" | "copy") {
                    continue;
                }
                while let Ok(Some(arg)) = lexer.arg(ArgMode::Normal, &mut recorder) {
                    args.push(arg.value);
                }
                for name in recorder.names.into_inner() {
                    report(&mut findings, &set, &name, (*line, *column));
                }
                match command.as_str() {
                    "set" => set.extend(args.first().cloned()),
                    "gset" => {
                        let prefix = args.first().cloned().unwrap_or_default();
                        set.extend(columns(&statement).into_iter().map(|c| format!("{prefix}{c}")));
                        statement.clear();
                    }
                    "g" | "gx" | "r" | "reset" => statement.clear(),
                    _ => {}
                }
            }
        }
    }
    findings
}

fn report(findings: &mut Vec<Finding>, set: &BTreeSet<String>, name: &str, (line, column): (usize, usize)) {
    let message = format!("nothing sets the variable \"{name}\"");
    // One finding says it: the others are the same mistake.
    if !set.contains(name) && findings.iter().all(|f| f.message != message) {
        findings.push(Finding { rule: Rule::UnsetVariable, line, column, message });
    }
}

/// References outside of quotes, comments and array slices.
fn in_sql(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut brackets = 0;
    let mut word_end = usize::MAX;
    for token in tokens(text, false) {
        // `sys:monitor`: a colon inside of a word is part of a name.
        let inside = word_end == token.start;
        if token.kind == Kind::Word {
            word_end = token.start + token.text.len();
        }
        brackets += i32::from(token.is_symbol("[")) - i32::from(token.is_symbol("]"));
        if token.kind == Kind::Symbol
            && token.text == ":"
            && let Some(reference) = read_reference(&text[token.start..])
        {
            let digits = reference.name.bytes().all(|b| b.is_ascii_digit());
            let name = inside && reference.style == Style::Plain;
            let slice = brackets > 0 && reference.style == Style::Plain;
            if !(name || slice || digits || reference.style == Style::Test) {
                found.push((reference.name.to_owned(), token.start));
            }
        }
    }
    found
}

/// Every name that a statement may give its columns: what stands behind AS, and plain words.
fn columns(statement: &str) -> Vec<String> {
    let all = tokens(statement, false);
    all.iter()
        .filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted))
        .map(|t| crate::lexer::quote::fold_identifier(&t.text))
        .collect()
}

/// Notes which variables are asked for.
#[derive(Default)]
struct Recorder {
    names: std::cell::RefCell<Vec<String>>,
}

impl Interpolate for Recorder {
    fn variable(&self, name: &str) -> Option<String> {
        self.names.borrow_mut().push(name.to_owned());
        None
    }

    fn shell(&mut self, command: &str) -> String {
        NoInterpolation.shell(command)
    }
}
