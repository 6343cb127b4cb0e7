//! The text of a job: SQL, an RSQL script, or a shell script that runs one.

use std::collections::{BTreeMap, BTreeSet};

use rsql_lexer::{Piece, Scanner, Stop, split};

use crate::name::{AMBIGUOUS, UNSET, mark, without_marks};
use crate::options::Options;
use crate::result::{Lineage, WarningKind};
use crate::session::{DEEPEST, Session};
use crate::shell::{Fed, feeds};

/// Reads the text of a job. `name` is the file's name for places and decides its kind: a name that ends in `.sh`, or a
/// text that begins with `#!`, is a shell script; everything else is SQL with RSQL's meta commands.
#[must_use]
pub fn of_source(name: &str, text: &str, options: &Options<'_>) -> Lineage {
    read(name, text, options).finish()
}

fn read<'o>(name: &str, text: &str, options: &'o Options<'o>) -> Session<'o> {
    let mut session = Session::new(name, options);
    let text = with_parameters(&without_marks(text), &options.parameters);
    if name.ends_with(".sh") || text.starts_with("#!") {
        for feed in feeds(&text, &options.variables, &options.arguments) {
            let mut script = Script::new(&options.variables);
            script.variables.extend(feed.variables.into_iter().map(|(name, value)| (name, Value::Is(value))));
            session.reconnect();
            match feed.what {
                Fed::Text(text) => script.run(&mut session, &text, feed.line),
                Fed::File(path) => script.include(&mut session, &path, feed.line),
            }
        }
    } else {
        Script::new(&options.variables).run(&mut session, &text, 1);
    }
    session
}

/// The bodies of the procedures that a text creates, by their names as written, in lower case. Other jobs may call them:
/// see [`Options::procedures`].
#[must_use]
pub fn procedures(name: &str, text: &str, options: &Options<'_>) -> BTreeMap<String, String> {
    let session = read(name, text, options);
    let created = session.routines.into_iter().filter(|(name, _)| !options.procedures.contains_key(name));
    created.map(|(name, routine)| (name, routine.body)).collect()
}

/// Fills `{{ name }}`. A name without a value is marked.
fn with_parameters(text: &str, parameters: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let (before, inner) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = inner.find("}}").filter(|close| !inner[..*close].contains('\n')) else {
            out.push_str("{{");
            rest = &inner[2..];
            continue;
        };
        let name = inner[2..close].trim();
        match parameters.get(name) {
            Some(value) => out.push_str(value),
            None => out.push_str(&mark(UNSET, name)),
        }
        rest = &inner[close + 2..];
    }
    out.push_str(rest);
    out
}

/// The value of an RSQL variable.
enum Value {
    Is(String),
    /// A condition decides it.
    Depends,
}

/// An RSQL script with its variables.
struct Script {
    variables: BTreeMap<String, Value>,
    /// How many `\if` are open.
    conditions: usize,
    includes: BTreeSet<String>,
    depth: usize,
}

impl Script {
    fn new(variables: &BTreeMap<String, String>) -> Self {
        Self {
            variables: variables
                .iter()
                .map(|(name, value)| (name.clone(), Value::Is(value.clone())))
                .collect(),
            conditions: 0,
            includes: BTreeSet::new(),
            depth: 0,
        }
    }

    fn run(&mut self, session: &mut Session<'_>, text: &str, line: usize) {
        for piece in split(text, false) {
            match piece {
                Piece::Sql { text, line: at, .. } => {
                    let sql = self.interpolate(&text);
                    session.statement(&sql, line + at - 1);
                }
                Piece::Meta { text, line: at, .. } => self.meta(session, &text, line + at - 1),
                Piece::Data { .. } => {}
            }
        }
    }

    fn interpolate(&self, sql: &str) -> String {
        let lookup = |name: &str| {
            Some(match self.variables.get(name) {
                Some(Value::Is(value)) => value.clone(),
                Some(Value::Depends) => mark(AMBIGUOUS, name),
                None => mark(UNSET, name),
            })
        };
        let mut scanner = Scanner::new(false);
        let mut out = String::with_capacity(sql.len());
        for full in sql.split_inclusive('\n') {
            let line = full.strip_suffix('\n').unwrap_or(full);
            scanner.feed(line);
            loop {
                match scanner.scan(Some(&lookup), &mut out) {
                    Stop::Semicolon => {}
                    Stop::Backslash => out.push('\\'),
                    Stop::Eol => break,
                }
            }
            if full.len() > line.len() {
                out.push('\n');
            }
        }
        out
    }

    fn meta(&mut self, session: &mut Session<'_>, text: &str, line: usize) {
        let end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
        let (name, arguments) = text.split_at(end);
        let arguments = arguments.trim();
        match name.to_ascii_lowercase().as_str() {
            "if" => self.conditions += 1,
            "endif" => self.conditions = self.conditions.saturating_sub(1),
            "set" => self.set(arguments),
            "unset" => {
                self.variables.remove(arguments);
            }
            "gset" | "prompt" => {
                // The names of the variables are the columns of the result. Those that exist may have changed.
                for value in self.variables.values_mut() {
                    *value = Value::Depends;
                }
            }
            "gexec" => session.warn(WarningKind::DynamicSql, line),
            "i" | "ir" | "include" | "include_relative" | "run" => {
                let path = file_argument(&self.interpolate(arguments));
                self.include(session, &path, line);
            }
            "!" | "os" => session.warn(WarningKind::ShellCommand, line),
            "copy" => session.statement(&self.interpolate(&format!("copy {arguments}")), line),
            "c" | "connect" | "logon" => session.reconnect(),
            _ => {}
        }
    }

    fn set(&mut self, arguments: &str) {
        let end = arguments.find(|c: char| c.is_whitespace()).unwrap_or(arguments.len());
        let (name, value) = arguments.split_at(end);
        if name.is_empty() {
            return;
        }
        let value: String = self.interpolate(value.trim()).split_whitespace().map(unquoted).collect();
        let value = match self.variables.get(name) {
            // In a branch that may not be taken, another value may stay.
            Some(Value::Is(known)) if self.conditions > 0 && *known != value => Value::Depends,
            Some(Value::Depends) if self.conditions > 0 => Value::Depends,
            _ => Value::Is(value),
        };
        self.variables.insert(name.to_owned(), value);
    }

    fn include(&mut self, session: &mut Session<'_>, path: &str, line: usize) {
        if self.depth >= DEEPEST || self.includes.contains(path) {
            return session.warn(WarningKind::TooDeep, line);
        }
        let Some(text) = session.options.include.and_then(|include| include(path)) else {
            return session.warn(WarningKind::MissingInclude(path.to_owned()), line);
        };
        let text = with_parameters(&without_marks(&text), &session.options.parameters);
        self.includes.insert(path.to_owned());
        self.depth += 1;
        let file = std::mem::replace(&mut session.file, path.to_owned());
        self.run(session, &text, 1);
        session.file = file;
        self.depth -= 1;
        self.includes.remove(path);
    }
}

/// The file of `\i FILE` or `\run file=FILE skip=N`.
fn file_argument(arguments: &str) -> String {
    let first = arguments.strip_prefix("file=").unwrap_or(arguments);
    let quote = first.chars().next().filter(|c| matches!(c, '\'' | '"'));
    match quote {
        Some(quote) => first[1..].split(quote).next().unwrap_or_default().to_owned(),
        None => first.split_whitespace().next().unwrap_or_default().to_owned(),
    }
}

fn unquoted(text: &str) -> String {
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).replace("''", "'")
}
