//! All checks of a file, and the command.

use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::source::is_shell;
use super::{Finding, Rule, flow, scripts, statements, survey, variables};
use crate::dialect::DEEPEST;
use crate::lexer::token::tokens;
use crate::lexer::{Piece, split};

/// What the command line says of scripts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Variables that are given with `-v`, and their values.
    pub values: Vec<(String, String)>,
    /// Whether statements that cannot be translated to PostgreSQL are reported (`--dialect redshift`).
    pub dialect: bool,
}

/// Looks for mistakes in a file's scripts, in order of their places.
pub fn check(name: &str, content: &str) -> Vec<Finding> {
    check_with(name, content, &Options::default())
}

/// As [`check`], with what the command line says.
pub fn check_with(name: &str, content: &str, options: &Options) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let crlf = content.split_inclusive('\n').position(|line| line.ends_with("\r\n"));
    // rsql takes the CR for a blank; a shell does not.
    if let Some(index) = crlf.filter(|_| is_shell(name, content)) {
        findings.push(Finding {
            rule: Rule::CrLf,
            line: index + 1,
            column: 1,
            message: "lines end in CR LF; a shell takes the CR for part of a word".into(),
        });
    }
    let lines: Vec<&str> = content.lines().collect();
    let file_allowances = allowances(&lines, &[]);
    findings.retain(|f| !file_allowances.iter().any(|(rule, _)| rule == f.rule.name()));
    for script in scripts(name, content) {
        // Redshift reads backslashes in strings.
        let pieces = split(&script.text, false);
        let mut found = flow::check(&pieces);
        let given = script.given.iter().chain(options.values.iter().map(|(name, _)| name));
        found.extend(variables::check(&pieces, given.map(String::as_str)));
        found.extend(open_quote(&pieces));
        found.extend(pieces.iter().filter_map(too_deep));
        found.extend(statements::check(&pieces, options));
        let script_lines: Vec<&str> = script.text.lines().collect();
        for (rule, range) in allowances(&script_lines, &pieces) {
            found.retain(|f| f.rule.name() != rule || !range.contains(&f.line));
        }
        for finding in &mut found {
            finding.line += script.offset;
            let repeated = finding.rule == Rule::UnsetVariable
                && findings.iter().any(|f| f.rule == finding.rule && f.message == finding.message);
            if !repeated {
                findings.push(finding.clone());
            }
        }
    }
    findings.sort_by_key(|f| (f.line, f.column));
    findings
}

/// What comments `-- rsql-check: allow NAME` silence: the rule, and the lines where it is silent. Behind code that is
/// the comment's line; on a line of its own, the statement or command that follows.
fn allowances(lines: &[&str], pieces: &[Piece]) -> Vec<(String, RangeInclusive<usize>)> {
    let mut all = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, behind)) = line.split_once("rsql-check:") else { continue };
        let Some(names) = behind.trim_start().strip_prefix("allow ") else { continue };
        let code = before.trim_end().trim_end_matches(['-', '#', '*', '/']).trim();
        let number = index + 1;
        let range = if code.is_empty() { number..=following(pieces, number) } else { number..=number };
        let names = names.trim_end_matches("*/").split([',', ' ']).map(str::trim).filter(|n| !n.is_empty());
        all.extend(names.map(|name| (name.to_owned(), range.clone())));
    }
    all
}

/// The last line of the statement or command that follows a line.
fn following(pieces: &[Piece], line: usize) -> usize {
    for piece in pieces {
        let (last, says) = match piece {
            Piece::Sql { text, line, .. } => {
                let says = tokens(text, false).iter().any(|t| !t.is_quiet());
                (line + text.trim_end().matches('\n').count(), says)
            }
            Piece::Meta { line, .. } => (*line, true),
            Piece::Data { .. } => continue,
        };
        if says && last > line {
            return last;
        }
    }
    line
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

/// A NUL in a file's scripts, which rsql refuses to run.
fn nul(name: &str, content: &str) -> Option<Finding> {
    scripts(name, content).into_iter().find_map(|script| {
        let index = script.text.split('\n').position(|line| line.contains('\0'))?;
        let message = "this line holds the character NUL (0x00), and rsql stops here".into();
        Some(Finding { rule: Rule::Encoding, line: script.offset + index + 1, column: 1, message })
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

/// As [`check_with`], of a file that may be in any encoding.
pub(super) fn check_bytes(name: &str, bytes: &[u8], options: &Options) -> Vec<Finding> {
    let content = String::from_utf8_lossy(bytes);
    let mut findings = check_with(name, &content, options);
    findings.extend(nul(name, &content));
    if std::str::from_utf8(bytes).is_ok() {
        findings.sort_by_key(|f| (f.line, f.column));
        return findings;
    }
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
pub(super) fn collect(path: &Path, all: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        all.push(path.to_owned());
        return;
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let script = entry.extension().is_some_and(|e| ["sh", "sql", "rsql"].iter().any(|s| e == *s));
        // A link to a directory may lead back.
        if (entry.is_dir() && !entry.is_symlink()) || script {
            collect(&entry, all);
        }
    }
}

/// What `rsql check` is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Files and directories.
    pub(crate) paths: Vec<PathBuf>,
    /// What the command line says of them.
    pub(crate) options: Options,
    /// Shares of statements instead of findings.
    pub(crate) survey: bool,
    /// Whether the answer is JSON.
    pub(crate) json: bool,
}

/// `rsql check`: exit status 0 clean, 1 with findings, 2 if a file cannot be read.
pub(crate) fn run(request: &Request) -> ExitCode {
    let mut files = Vec::new();
    request.paths.iter().for_each(|path| collect(path, &mut files));
    let mut contents = Vec::new();
    let mut code = 0;
    for file in files {
        match std::fs::read(&file) {
            Ok(bytes) => contents.push((file.display().to_string(), bytes)),
            Err(e) => {
                let reason = crate::meta::reason(&e);
                let _ = writeln!(io::stderr(), "rsql: error: {}: {reason}", file.display());
                code = 2;
            }
        }
    }
    let text = if request.survey {
        survey::report(&contents, &request.options, request.json)
    } else {
        let mut found = Vec::new();
        for (name, bytes) in &contents {
            found.extend(check_bytes(name, bytes, &request.options).into_iter().map(|f| (name.as_str(), f)));
        }
        if !found.is_empty() {
            code = code.max(1);
        }
        shown(&found, request.json)
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(1),
    }
}

fn shown(found: &[(&str, Finding)], json: bool) -> String {
    if !json {
        return found.iter().map(|(name, finding)| format!("{name}:{finding}\n")).collect();
    }
    let findings: Vec<_> = found
        .iter()
        .map(|(name, f)| {
            serde_json::json!({
                "file": name, "line": f.line, "column": f.column, "rule": f.rule.name(), "message": f.message,
            })
        })
        .collect();
    format!("{}\n", serde_json::json!({"findings": findings}))
}
