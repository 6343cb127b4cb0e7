//! `\if`, `\goto`, and what cannot be reached.

use std::collections::BTreeMap;

use super::{Finding, Rule};
use crate::lexer::{ArgMode, NoInterpolation, Piece, SlashLexer, read_reference};
use crate::meta::known;

struct Open {
    line: usize,
    column: usize,
    in_else: bool,
    /// The branch tests ERROR and has not left the script yet.
    tests_error: bool,
    leaves: bool,
    /// Variables that the condition looks at.
    looks_at: Vec<String>,
    /// Variables that the branch sets.
    sets: Vec<String>,
}

struct Checker {
    findings: Vec<Finding>,
    open: Vec<Open>,
    labels: BTreeMap<String, usize>,
    jumps: Vec<(String, usize, usize)>,
    /// Nothing leads here.
    dead: bool,
    /// It has been said.
    told: bool,
    /// Variables by which the script decides to leave, and the lines where it does.
    decides: Vec<(String, usize)>,
    /// Errors after which the script goes on, with the variables that note them.
    noted: Vec<(Vec<String>, usize, Finding)>,
}

/// Looks at the control flow of a script.
pub(super) fn check(pieces: &[Piece]) -> Vec<Finding> {
    let mut checker = Checker {
        findings: Vec::new(),
        open: Vec::new(),
        labels: BTreeMap::new(),
        jumps: Vec::new(),
        dead: false,
        told: false,
        decides: Vec::new(),
        noted: Vec::new(),
    };
    for piece in pieces {
        match piece {
            Piece::Sql { text, line, .. } => checker.sql(text, *line),
            Piece::Meta { text, line, column } => checker.meta(text, *line, *column),
            Piece::Data { .. } => {}
        }
    }
    checker.end()
}

impl Checker {
    fn find(&mut self, rule: Rule, line: usize, column: usize, message: impl Into<String>) {
        self.findings.push(Finding { rule, line, column, message: message.into() });
    }

    fn reach(&mut self, line: usize, column: usize) {
        if self.dead && !std::mem::replace(&mut self.told, true) {
            self.find(Rule::Unreachable, line, column, "nothing leads here");
        }
    }

    fn sql(&mut self, text: &str, line: usize) {
        let mut at = 0;
        for token in crate::lexer::token::tokens(text, false) {
            if !token.is_quiet() {
                let before = &text[..token.start];
                let column = before.len() - before.rfind('\n').map_or(0, |n| n + 1) + 1;
                self.reach(line + before.matches('\n').count(), column);
                return;
            }
            at += token.text.len();
        }
        debug_assert_eq!(at, text.len());
    }

    fn meta(&mut self, text: &str, line: usize, column: usize) {
        let mut lexer = SlashLexer::new(text);
        let name = lexer.command();
        if name.is_empty() {
            return;
        }
        let Some((command, _)) = known(name) else {
            self.find(Rule::UnknownCommand, line, column, format!("there is no command \\{name}"));
            return;
        };
        let arg = |lexer: &mut SlashLexer<'_>| {
            lexer.arg(ArgMode::Normal, &mut NoInterpolation).ok().flatten().map(|a| a.value)
        };
        match command.as_str() {
            "if" => {
                self.reach(line, column);
                let tests_error = mentions_error(lexer.rest());
                let looks_at = references(lexer.rest());
                let (in_else, leaves, sets) = (false, false, Vec::new());
                self.open.push(Open { line, column, in_else, tests_error, leaves, looks_at, sets });
                self.enter();
            }
            "elif" | "elseif" | "else" => {
                let looks_at = references(lexer.rest());
                self.branch(&command, line, column);
                if let Some(open) = self.open.last_mut() {
                    open.looks_at.extend(looks_at);
                }
            }
            "set" => {
                self.reach(line, column);
                if let (Some(name), Some(open)) = (arg(&mut lexer), self.open.last_mut()) {
                    open.sets.push(name);
                }
            }
            "endif" => match self.open.pop() {
                None => self.find(Rule::UnbalancedIf, line, column, "\\endif without \\if"),
                Some(open) => {
                    self.leave_branch(&open);
                    // Some branch, or the one that is not written, leads on.
                    self.enter();
                }
            },
            "label" => {
                let label = arg(&mut lexer).unwrap_or_default();
                if let Some(first) = self.labels.insert(label.clone(), line) {
                    self.find(
                        Rule::DuplicateLabel,
                        line,
                        column,
                        format!("label \"{label}\" stands at line {first} already"),
                    );
                }
                if self.jumps.iter().any(|(to, ..)| *to == label) {
                    self.enter();
                }
            }
            "goto" => {
                self.reach(line, column);
                let label = arg(&mut lexer).unwrap_or_default();
                self.jumps.push((label, line, column));
                self.leave(line);
            }
            "exit" | "quit" | "q" => {
                self.reach(line, column);
                self.decides.extend(references(lexer.rest()).into_iter().map(|name| (name, line)));
                if let Some(status) = arg(&mut lexer) {
                    self.status(&status, line, column);
                }
                self.leave(line);
            }
            _ => self.reach(line, column),
        }
    }

    fn enter(&mut self) {
        self.dead = false;
        self.told = false;
    }

    fn leave(&mut self, line: usize) {
        self.dead = true;
        self.told = false;
        for open in &mut self.open {
            open.leaves = true;
            self.decides.extend(open.looks_at.iter().map(|name| (name.clone(), line)));
        }
    }

    fn branch(&mut self, command: &str, line: usize, column: usize) {
        let Some(mut open) = self.open.pop() else {
            self.find(Rule::UnbalancedIf, line, column, format!("\\{command} without \\if"));
            return;
        };
        if open.in_else {
            self.find(Rule::UnbalancedIf, line, column, format!("\\{command} after \\else"));
        }
        self.leave_branch(&open);
        open.tests_error = false;
        open.sets.clear();
        open.in_else |= command == "else";
        self.open.push(open);
        self.enter();
    }

    fn leave_branch(&mut self, open: &Open) {
        if open.tests_error && !open.leaves {
            let message = "the script goes on after this error: no \\exit or \\goto in the branch";
            let message = message.to_owned();
            let finding =
                Finding { rule: Rule::ErrorWithoutExit, line: open.line, column: open.column, message };
            self.noted.push((open.sets.clone(), open.line, finding));
        }
    }

    fn status(&mut self, status: &str, line: usize, column: usize) {
        match status.parse::<i64>() {
            _ if status.starts_with(':') => {}
            Ok(194) => {
                let message =
                    "to Systems Manager exit status 194 means: reboot this instance and run me again";
                self.find(Rule::ExitStatus, line, column, message);
            }
            Ok(0..=255) => {}
            _ => {
                self.find(
                    Rule::ExitStatus,
                    line,
                    column,
                    format!("\"{status}\" is no exit status: 0 to 255"),
                );
            }
        }
    }

    fn end(mut self) -> Vec<Finding> {
        for open in std::mem::take(&mut self.open) {
            self.find(Rule::UnbalancedIf, open.line, open.column, "\\if without \\endif");
        }
        for (sets, line, finding) in std::mem::take(&mut self.noted) {
            // The branch notes the error in a variable, and the script leaves by it later.
            if !self.decides.iter().any(|(name, at)| *at > line && sets.contains(name)) {
                self.findings.push(finding);
            }
        }
        for (label, line, column) in std::mem::take(&mut self.jumps) {
            let message = match self.labels.get(&label) {
                None => format!("there is no label \"{label}\""),
                Some(at) if *at <= line => {
                    format!("label \"{label}\" stands before this line, and jumps go forward only")
                }
                Some(_) => continue,
            };
            self.find(Rule::UnknownLabel, line, column, message);
        }
        self.findings
    }
}

/// The variables in the rest of a command.
fn references(text: &str) -> Vec<String> {
    let all = text.match_indices(':').filter_map(|(at, _)| read_reference(&text[at..]));
    all.map(|reference| reference.name.to_owned()).collect()
}

/// Whether a condition asks whether a statement failed.
fn mentions_error(condition: &str) -> bool {
    let success = condition.contains("= 0")
        || condition.contains("= '00000'")
        || condition.to_lowercase().contains("not ");
    let unequal = condition.contains("<>") || condition.contains("!=");
    let names = [":ERROR", ":'ERROR'", ":ERRORCODE", ":'ERRORCODE'"];
    names.iter().any(|n| {
        condition.match_indices(n).any(|(at, _)| {
            !condition[at + n.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    }) && (unequal || !success)
        && (unequal || !condition.contains('='))
}
