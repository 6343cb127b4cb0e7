//! All checks of a file, and the command.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Finding, Rule, flow, scripts, variables};
use crate::dialect::DEEPEST;
use crate::lexer::token::tokens;
use crate::lexer::{Piece, split};

/// Looks for mistakes in a file's scripts, in order of their places.
pub fn check(name: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(index) = content.split_inclusive('\n').position(|line| line.ends_with("\r\n")) {
        findings.push(Finding {
            rule: Rule::CrLf,
            line: index + 1,
            column: 1,
            message: "lines end in CR LF; a shell takes the CR for part of a word".into(),
        });
    }
    for script in scripts(name, content) {
        // Redshift reads backslashes in strings.
        let pieces = split(&script.text, false);
        let mut found = flow::check(&pieces);
        found.extend(variables::check(&pieces, &script.given));
        found.extend(open_quote(&pieces));
        found.extend(pieces.iter().filter_map(too_deep));
        for finding in &mut found {
            finding.line += script.offset;
        }
        findings.extend(found);
    }
    findings.sort_by_key(|f| (f.line, f.column));
    findings
}

/// What is not UTF-8 in a file's scripts, which rsql refuses to run. `content` has U+FFFD in its place. Comments of a
/// shell around them may be in any encoding.
fn encoding(name: &str, content: &str) -> Option<Finding> {
    let lines = scripts(name, content).into_iter().flat_map(|script| {
        let lines: Vec<_> = script.text.split('\n').map(str::to_owned).enumerate().collect();
        lines.into_iter().map(move |(index, line)| (script.offset + index + 1, line))
    });
    let mut found = lines.filter_map(|(number, line)| line.find('\u{fffd}').map(|at| (number, at)));
    let (line, at) = found.next()?;
    Some(Finding {
        rule: Rule::Encoding,
        line,
        column: at + 1,
        message:
            "this is not UTF-8, and rsql stops here; `iconv -f latin1 -t utf-8` converts a file of Latin-1"
                .into(),
    })
}

/// A quote that is open at the end swallows what follows it.
fn open_quote(pieces: &[Piece]) -> Option<Finding> {
    let Some(Piece::Sql { text, line, complete: false }) = pieces.last() else { return None };
    let mut scanner = crate::lexer::Scanner::new(false);
    let mut sink = String::new();
    let mut open = None;
    for (index, part) in text.split('\n').enumerate() {
        scanner.feed(part);
        while scanner.scan(None, &mut sink) != crate::lexer::Stop::Eol {}
        open = match (scanner.in_quote(), open) {
            (true, None) => Some(index),
            (true, kept) => kept,
            (false, _) => None,
        };
    }
    open.map(|index| Finding {
        rule: Rule::OpenQuote,
        line: line + index,
        column: 1,
        message: "a quote or comment that begins here is never closed".into(),
    })
}

/// As [`check`], of a file that may be in any encoding.
pub(super) fn check_bytes(name: &str, bytes: &[u8]) -> Vec<Finding> {
    let Err(_) = std::str::from_utf8(bytes) else {
        return check(name, &String::from_utf8_lossy(bytes));
    };
    let content = String::from_utf8_lossy(bytes);
    let mut findings = check(name, &content);
    findings.extend(encoding(name, &content));
    findings.sort_by_key(|f| (f.line, f.column));
    findings
}

/// The parenthesis that is one too many for `--dialect redshift`.
fn too_deep(piece: &Piece) -> Option<Finding> {
    let Piece::Sql { text, line, .. } = piece else { return None };
    // Most statements need not be read for that.
    text.matches('(').nth(DEEPEST)?;
    let mut depth = 0_usize;
    let open = tokens(text, false).into_iter().find(|token| {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        }
        depth > DEEPEST
    })?;
    let before = text.get(..open.start).unwrap_or_default();
    Some(Finding {
        rule: Rule::TooDeep,
        line: line + before.matches('\n').count(),
        column: open.start - before.rfind('\n').map_or(0, |n| n + 1) + 1,
        message: format!("parentheses are nested more than {DEEPEST} levels deep"),
    })
}

/// A file itself; of a directory, what may hold scripts.
fn collect(path: &Path, all: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        all.push(path.to_owned());
        return;
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let script = entry.extension().is_some_and(|e| ["sh", "sql", "rsql"].iter().any(|s| e == *s));
        if entry.is_dir() || script {
            collect(&entry, all);
        }
    }
}

/// `rsql check FILE…`: exit status 0 clean, 1 with findings, 2 if a file cannot be read.
pub(crate) fn run(files: &[PathBuf]) -> ExitCode {
    let mut out = io::stdout().lock();
    let mut code = 0;
    let mut all = Vec::new();
    for file in files {
        collect(file, &mut all);
    }
    for file in &all {
        let content = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(e) => {
                let _ =
                    writeln!(io::stderr(), "rsql: error: {}: {}", file.display(), crate::meta::reason(&e));
                code = 2;
                continue;
            }
        };
        for finding in check_bytes(&file.display().to_string(), &content) {
            code = code.max(1);
            if writeln!(out, "{}:{finding}", file.display()).is_err() {
                return ExitCode::from(1);
            }
        }
    }
    ExitCode::from(code)
}
