//! What one statement reads and writes, by its first words.

use crate::name::{Name, SearchPath};
use crate::query::{Scope, Walk};
use crate::result::{AccessKind, WarningKind};
use crate::session::{DEEPEST, Routine, Session, Touch};
use crate::tokens::Tokens;

impl Session<'_> {
    /// Reads a statement. `line` is the line of its first byte.
    pub(crate) fn statement(&mut self, sql: &str, line: usize) {
        let tokens = Tokens::new(sql, line);
        let mut end = tokens.len();
        while end > 0 && tokens.is_symbol(end - 1, ";") {
            end -= 1;
        }
        self.read(&tokens, 0, end, false);
    }

    /// Reads the statement in `from..to`.
    pub(crate) fn read(&mut self, tokens: &Tokens, from: usize, to: usize, in_routine: bool) {
        let mut walk = Walk::new(tokens, in_routine);
        let Some(first) = tokens.get(from).filter(|_| from < to) else { return };
        let line = tokens.line(from);
        match first.text.to_ascii_lowercase().as_str() {
            "with" => {
                let mut scope = Scope::new(None);
                let main = walk.with(from + 1, to, &mut scope);
                self.data(&mut walk, main, to, &mut scope);
            }
            "select" | "(" | "values" | "insert" | "update" | "delete" | "merge" => {
                self.data(&mut walk, from, to, &mut Scope::new(None));
            }
            "create" => self.create(&mut walk, from + 1, to),
            "copy" => self.copy(&mut walk, from + 1, to),
            "unload" => return self.unload(tokens, from + 1, to),
            "truncate" => {
                let at = if tokens.is(from + 1, "table") { from + 2 } else { from + 1 };
                target(&mut walk, at, to, AccessKind::Write);
            }
            "drop" => drop_objects(&mut walk, from + 1, to),
            "alter" => self.alter(&mut walk, from + 1, to),
            "refresh" if tokens.is(from + 1, "materialized") => {
                target(&mut walk, from + 3, to, AccessKind::Write);
            }
            "set" => self.set(tokens, from + 1, to),
            "reset" if tokens.is_any(from + 1, &["search_path", "all"]) => {
                self.path = SearchPath::of(self.options.default_schema.clone());
            }
            "declare" => {
                if let Some(query) = tokens.find(from, to, |at| tokens.is(at, "for")) {
                    walk.query(query + 1, to, None);
                }
            }
            "prepare" => {
                if let Some((name, _)) = Name::read(tokens, from + 1, to) {
                    self.prepared.insert(name.joined());
                }
                if let Some(body) = tokens.find(from + 1, to, |at| tokens.is(at, "as")) {
                    return self.read(tokens, body + 1, to, in_routine);
                }
            }
            "execute" => self.execute(tokens, from + 1, to, in_routine),
            "call" => self.call(tokens, from + 1, to),
            "do" => {
                if let Some(body) = tokens.string(from + 1) {
                    let routine = Routine { body, file: self.file.clone(), line };
                    self.routine(&routine, "do");
                }
            }
            _ => {}
        }
        walk.finish(self);
    }

    /// SELECT, INSERT, UPDATE, DELETE and MERGE, behind their WITH clause.
    fn data(&mut self, walk: &mut Walk<'_>, from: usize, to: usize, scope: &mut Scope<'_>) {
        let tokens = walk.tokens;
        let skip = |at: usize, words: &[&str]| if tokens.is_any(at, words) { at + 1 } else { at };
        if tokens.is(from, "insert") {
            let at = skip(from + 1, &["into"]);
            let Some(mut at) = target(walk, at, to, AccessKind::Write) else { return };
            if tokens.is_symbol(at, "(") && !tokens.starts_query(at) {
                at = tokens.close(at) + 1;
            }
            if tokens.is(at, "with") {
                at = walk.with(at + 1, to, scope);
            }
            walk.clauses(at, to, scope, false);
        } else if tokens.is(from, "update") {
            let at = skip(from + 1, &["only"]);
            let Some(at) = target(walk, at, to, AccessKind::Write) else { return };
            let at = walk.alias(at, to, scope);
            walk.clauses(at, to, scope, false);
        } else if tokens.is(from, "delete") {
            let at = skip(skip(from + 1, &["from"]), &["only"]);
            let Some(at) = target(walk, at, to, AccessKind::Write) else { return };
            let at = walk.alias(at, to, scope);
            let using = tokens.is(at, "using");
            walk.clauses(if using { at + 1 } else { at }, to, scope, using);
        } else if tokens.is(from, "merge") {
            let at = skip(from + 1, &["into"]);
            let Some(at) = target(walk, at, to, AccessKind::Write) else { return };
            let at = walk.alias(at, to, scope);
            let using = tokens.is(at, "using");
            walk.clauses(if using { at + 1 } else { at }, to, scope, using);
        } else {
            walk.clauses(from, to, scope, false);
        }
    }

    fn create(&mut self, walk: &mut Walk<'_>, from: usize, to: usize) {
        let tokens = walk.tokens;
        let mut at = from;
        let mut temporary = false;
        while at < to
            && tokens.is_any(
                at,
                &[
                    "or",
                    "replace",
                    "global",
                    "local",
                    "temp",
                    "temporary",
                    "external",
                    "materialized",
                    "recursive",
                ],
            )
        {
            temporary |= tokens.is_any(at, &["temp", "temporary"]);
            at += 1;
        }
        let is_table = tokens.is(at, "table");
        if tokens.is(at, "procedure") {
            return self.define(tokens, at + 1, to);
        }
        if !is_table && !tokens.is(at, "view") {
            return;
        }
        at = if_exists(tokens, at + 1);
        let Some((name, next)) = Name::read(tokens, at, to) else { return };
        let body = tokens.find(next, to, |at| tokens.is(at, "as") && tokens.starts_query(at + 1));
        let mut scope = Scope::new(None);
        match body {
            Some(body) => {
                let start = body + 1;
                let start =
                    if tokens.is(start, "with") { walk.with(start + 1, to, &mut scope) } else { start };
                walk.clauses(start, to, &mut scope, false);
            }
            None => like(walk, next, to),
        }
        if temporary || name.last().starts_with('#') {
            walk.temporary.push(name);
        } else {
            let kind = if is_table && body.is_none() { AccessKind::Create } else { AccessKind::Write };
            walk.touch(name, kind);
        }
    }

    /// `CREATE PROCEDURE`: its body counts where it is called.
    fn define(&mut self, tokens: &Tokens, at: usize, to: usize) {
        let Some((name, next)) = Name::read(tokens, at, to) else { return };
        let body = tokens
            .find(next, to, |at| tokens.is(at, "as"))
            .and_then(|at| Some((tokens.string(at + 1)?, tokens.line(at + 1))));
        if let Some((body, line)) = body {
            let routine = Routine { body, file: self.file.clone(), line };
            self.routines.insert(name.joined(), routine);
        }
    }

    fn call(&mut self, tokens: &Tokens, at: usize, to: usize) {
        let Some((name, next)) = Name::read(tokens, at, to) else { return };
        let mut arguments = Walk::new(tokens, false);
        arguments.expression(next, to, &Scope::new(None));
        arguments.finish(self);
        let full = name.joined();
        let known = self.routines.get(&full).or_else(|| {
            // A procedure is often defined with its schema and called without, or the other way round.
            let mut same = self.routines.iter().filter(|(known, _)| {
                let last = known.rsplit('.').next().unwrap_or(known);
                last == name.last() && (!known.contains('.') || !name.is_qualified())
            });
            let first = same.next();
            first.filter(|_| same.next().is_none()).map(|(_, routine)| routine)
        });
        match known.cloned() {
            Some(routine) => self.routine(&routine, &full),
            None => self.warn(WarningKind::UnknownProcedure(full), tokens.line(at)),
        }
    }

    /// `EXECUTE`: of a prepared statement, which was read where it was prepared; or, in a procedure, of a text.
    fn execute(&mut self, tokens: &Tokens, at: usize, to: usize, in_routine: bool) {
        if !in_routine
            && let Some((name, _)) = Name::read(tokens, at, to)
            && self.prepared.contains(&name.joined())
        {
            return;
        }
        let end = tokens.find(at, to, |at| tokens.is_any(at, &["into", "using"])).unwrap_or(to);
        match tokens.string(at) {
            Some(text) if end == at + 1 => self.nested(&text, tokens.line(at)),
            _ => self.warn(WarningKind::DynamicSql, tokens.line(at)),
        }
    }

    /// SQL within a string.
    fn nested(&mut self, text: &str, line: usize) {
        if self.depth >= DEEPEST {
            return self.warn(WarningKind::TooDeep, line);
        }
        self.depth += 1;
        self.statement(text, line);
        self.depth -= 1;
    }

    fn copy(&mut self, walk: &mut Walk<'_>, from: usize, to: usize) {
        let tokens = walk.tokens;
        if tokens.is_symbol(from, "(") {
            // PostgreSQL: COPY (query) TO.
            return walk.expression(from, to, &Scope::new(None));
        }
        let Some((name, next)) = Name::read(tokens, from, to) else { return };
        let direction = tokens.find(next, to, |at| tokens.is_any(at, &["from", "to"]));
        if direction.is_some_and(|at| tokens.is(at, "to")) {
            return walk.touch(name, AccessKind::Read);
        }
        if let Some(uri) = direction.and_then(|at| tokens.string(at + 1))
            && uri.starts_with("s3://")
        {
            self.import(uri, tokens.line(from));
        }
        walk.touch(name, AccessKind::Write);
    }

    fn unload(&mut self, tokens: &Tokens, from: usize, to: usize) {
        if let Some(query) = tokens.string(from + 1).filter(|_| tokens.is_symbol(from, "(")) {
            self.nested(&query, tokens.line(from + 1));
        }
        let target = tokens.find(from, to, |at| tokens.is(at, "to")).and_then(|at| tokens.string(at + 1));
        if let Some(uri) = target {
            self.export(uri, tokens.line(from));
        }
    }

    fn alter(&mut self, walk: &mut Walk<'_>, from: usize, to: usize) {
        let tokens = walk.tokens;
        if !tokens.is(from, "table") {
            return;
        }
        let at = if_exists(tokens, from + 1);
        let Some((name, next)) = Name::read(tokens, at, to) else { return };
        if tokens.is(next, "append") {
            if let Some((source, _)) = Name::read(tokens, next + 2, to) {
                // It moves the rows: the source is empty afterwards.
                walk.touch(source.clone(), AccessKind::Read);
                walk.touch(source, AccessKind::Write);
            }
            walk.touch(name, AccessKind::Write);
        } else if tokens.is(next, "rename") && tokens.is(next + 1, "to") {
            if let Some((new, _)) = Name::read(tokens, next + 2, to) {
                // The new name stands without a schema: it stays in the old one.
                let mut parts = name.parts.clone();
                parts.pop();
                parts.extend(new.parts.last().cloned());
                walk.touch(Name { parts, at: new.at }, AccessKind::Write);
            }
            walk.touch(name, AccessKind::Write);
        }
    }

    /// `SET search_path TO a, b`.
    fn set(&mut self, tokens: &Tokens, from: usize, to: usize) {
        let at = if tokens.is_any(from, &["session", "local"]) { from + 1 } else { from };
        if !tokens.is(at, "search_path") {
            return;
        }
        let mut schemas = Vec::new();
        for at in at + 1..to {
            if tokens.is(at, "to") && schemas.is_empty() {
                continue;
            }
            if let Some(text) = tokens.string(at) {
                schemas.extend(text.split(',').map(|schema| schema.trim().trim_matches('"').to_owned()));
            } else if let Some((name, _)) = Name::read(tokens, at, at + 1) {
                schemas.push(name.joined());
            }
        }
        if schemas.iter().any(|schema| schema.eq_ignore_ascii_case("default")) {
            schemas.clear();
            schemas.extend(self.options.default_schema.clone());
        }
        self.path = SearchPath::of(schemas);
    }
}

/// The table that a statement writes, at `at`. Returns the index behind its name.
fn target(walk: &mut Walk<'_>, at: usize, to: usize, kind: AccessKind) -> Option<usize> {
    let (name, next) = Name::read(walk.tokens, at, to)?;
    walk.touch(name, kind);
    Some(next)
}

/// The index behind `IF [NOT] EXISTS`.
fn if_exists(tokens: &Tokens, at: usize) -> usize {
    if !tokens.is(at, "if") {
        return at;
    }
    if tokens.is(at + 1, "not") { at + 3 } else { at + 2 }
}

fn drop_objects(walk: &mut Walk<'_>, from: usize, to: usize) {
    let tokens = walk.tokens;
    let at = if tokens.is_any(from, &["external", "materialized"]) { from + 1 } else { from };
    if !tokens.is_any(at, &["table", "view"]) {
        return;
    }
    let mut at = if_exists(tokens, at + 1);
    while let Some((name, next)) = Name::read(tokens, at, to) {
        let line = tokens.line(at);
        walk.touches.push(Touch { name, line, kind: AccessKind::Write, drop: true });
        if !tokens.is_symbol(next, ",") {
            break;
        }
        at = next + 1;
    }
}

/// `CREATE TABLE a (LIKE b)`, `CREATE TABLE a LIKE b`.
fn like(walk: &mut Walk<'_>, from: usize, to: usize) {
    let tokens = walk.tokens;
    for at in from..to {
        let begins = at == from || tokens.is_symbol(at - 1, "(") || tokens.is_symbol(at - 1, ",");
        if begins && tokens.is(at, "like") {
            target(walk, at + 1, to, AccessKind::Read);
        }
    }
}
