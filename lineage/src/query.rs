//! Which tables a query reads.
//!
//! The walk looks at parentheses, at the words that begin and end a FROM clause, and at nothing else of the grammar:
//! what stands between them cannot name a table.

use std::collections::BTreeSet;

use rsql_lexer::token::Kind;

use crate::name::Name;
use crate::result::{AccessKind, WarningKind};
use crate::session::{DEEPEST, Session, Touch};
use crate::tokens::Tokens;

/// Words that cannot be the alias of a table.
const NOT_AN_ALIAS: [&str; 44] = [
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "union",
    "intersect",
    "except",
    "minus",
    "qualify",
    "window",
    "fetch",
    "for",
    "on",
    "using",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "lateral",
    "tablesample",
    "pivot",
    "unpivot",
    "set",
    "when",
    "returning",
    "with",
    "start",
    "connect",
    "select",
    "values",
    "then",
    "loop",
    "into",
    "as",
    "at",
    "and",
    "or",
    "not",
    "from",
];

/// The names that hide tables in a part of a query.
pub(crate) struct Scope<'p> {
    parent: Option<&'p Scope<'p>>,
    /// Common table expressions.
    named: BTreeSet<String>,
    /// Aliases of the FROM clause, which paths into SUPER values begin with.
    aliases: BTreeSet<String>,
}

impl<'p> Scope<'p> {
    pub(crate) fn new(parent: Option<&'p Scope<'p>>) -> Self {
        Self { parent, named: BTreeSet::new(), aliases: BTreeSet::new() }
    }

    fn any(&self, holds: &dyn Fn(&Scope<'_>) -> bool) -> bool {
        holds(self) || self.parent.is_some_and(|parent| parent.any(holds))
    }

    pub(crate) fn add_alias(&mut self, alias: &str) {
        self.aliases.insert(alias.to_owned());
    }
}

/// A walk over one statement.
pub(crate) struct Walk<'t> {
    pub(crate) tokens: &'t Tokens,
    /// In a procedure `SELECT … INTO` sets a variable.
    pub(crate) in_routine: bool,
    pub(crate) touches: Vec<Touch>,
    /// Tables that `SELECT … INTO TEMP` creates.
    pub(crate) temporary: Vec<Name>,
    depth: usize,
    pub(crate) too_deep: bool,
}

impl<'t> Walk<'t> {
    pub(crate) fn new(tokens: &'t Tokens, in_routine: bool) -> Self {
        Self { tokens, in_routine, touches: Vec::new(), temporary: Vec::new(), depth: 0, too_deep: false }
    }

    /// Hands over what was found.
    pub(crate) fn finish(self, session: &mut Session<'_>) {
        if self.too_deep {
            session.warn(WarningKind::TooDeep, self.tokens.line(0));
        }
        session.touch(self.touches);
        for name in &self.temporary {
            session.create_temporary(name);
        }
    }

    pub(crate) fn touch(&mut self, name: Name, kind: AccessKind) {
        let line = self.tokens.line(name.at);
        self.touches.push(Touch { name, line, kind, drop: false });
    }

    fn read(&mut self, name: Name, scope: &Scope<'_>) {
        let first = name.parts.first().map_or("", String::as_str);
        let hidden = if name.is_qualified() {
            scope.any(&|scope| scope.aliases.contains(first))
        } else {
            scope.any(&|scope| scope.named.contains(first))
        };
        if !hidden {
            self.touch(name, AccessKind::Read);
        }
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self)) {
        if self.depth >= DEEPEST {
            self.too_deep = true;
            return;
        }
        self.depth += 1;
        inner(self);
        self.depth -= 1;
    }

    /// A query, with its WITH clause.
    pub(crate) fn query(&mut self, from: usize, to: usize, outer: Option<&Scope<'_>>) {
        let mut scope = Scope::new(outer);
        let at = if self.tokens.is(from, "with") { self.with(from + 1, to, &mut scope) } else { from };
        self.clauses(at, to, &mut scope, false);
    }

    /// The list of a WITH clause. Returns the index of the main statement.
    pub(crate) fn with(&mut self, from: usize, to: usize, scope: &mut Scope<'_>) -> usize {
        let recursive = self.tokens.is(from, "recursive");
        let mut at = if recursive { from + 1 } else { from };
        if recursive {
            // Every name of the list is visible in every body.
            let mut look = at;
            while let Some((name, body)) = self.cte_head(look, to) {
                scope.named.insert(name.last().to_owned());
                look = self.tokens.close(body) + 1;
                if !self.tokens.is_symbol(look, ",") {
                    break;
                }
                look += 1;
            }
        }
        while let Some((name, body)) = self.cte_head(at, to) {
            let end = self.tokens.close(body).min(to);
            self.deeper(|walk| walk.query(body + 1, end, Some(scope)));
            scope.named.insert(name.last().to_owned());
            at = end + 1;
            if !self.tokens.is_symbol(at, ",") {
                break;
            }
            at += 1;
        }
        at
    }

    /// `name [(columns)] AS (`: the name, and the index of the body's parenthesis.
    fn cte_head(&self, at: usize, to: usize) -> Option<(Name, usize)> {
        let (name, mut next) = Name::read(self.tokens, at, to)?;
        if self.tokens.is_symbol(next, "(") {
            next = self.tokens.close(next) + 1;
        }
        if !self.tokens.is(next, "as") {
            return None;
        }
        next += 1;
        if self.tokens.is(next, "not") {
            next += 1;
        }
        if self.tokens.is(next, "materialized") {
            next += 1;
        }
        (self.tokens.is_symbol(next, "(") && next < to).then_some((name, next))
    }

    /// The clauses of a query, a part of one, or what follows the target of UPDATE, DELETE and MERGE. With `tables`,
    /// it begins within a FROM clause.
    pub(crate) fn clauses(&mut self, from: usize, to: usize, scope: &mut Scope<'_>, tables: bool) {
        let tokens = self.tokens;
        let mut at = from;
        let (mut in_from, mut expect) = (tables, tables);
        // Parentheses outside of FROM clauses. A path in them may begin with an alias that the FROM clause behind them
        // gives, so they are read when the SELECT is.
        let mut later = Vec::new();
        while at < to.min(tokens.len()) {
            if tokens.is_symbol(at, "(") {
                let end = tokens.close(at).min(to);
                let inner = at + 1;
                at = end + 1;
                if !expect {
                    later.push((inner, end));
                    continue;
                }
                expect = false;
                if tokens.starts_query(inner) && !tokens.is_symbol(inner, "(") {
                    self.deeper(|walk| walk.query(inner, end, Some(scope)));
                } else {
                    // `(a JOIN b …)`, or a query in more parentheses.
                    self.deeper(|walk| walk.clauses(inner, end, scope, true));
                }
                at = self.alias(at, to, scope);
                continue;
            }
            if expect {
                if tokens.is_any(at, &["lateral", "only"]) {
                    at += 1;
                    continue;
                }
                expect = false;
                if tokens.is(at, "unpivot") {
                    // Over the attributes of a SUPER value, which is a path and not a table.
                    let behind = Name::read(tokens, at + 1, to).map_or(at + 1, |(_, next)| next);
                    at = self.alias(behind, to, scope);
                    continue;
                }
                if !tokens.is_any(at, &["select", "values"])
                    && let Some((name, next)) = Name::read(tokens, at, to)
                {
                    if tokens.is_symbol(next, "(") {
                        // A function that returns a table.
                        at = next;
                        let end = tokens.close(at).min(to);
                        self.deeper(|walk| walk.expression(next + 1, end, scope));
                        at = self.alias(end + 1, to, scope);
                    } else {
                        let own = name.last().to_owned();
                        self.read(name, scope);
                        let next = self.path(next, to);
                        at = self.alias(next, to, scope);
                        if at == next {
                            scope.add_alias(&own);
                        }
                    }
                    continue;
                }
            }
            let Some(token) = tokens.get(at) else { break };
            if token.kind == Kind::Word {
                match token.text.to_ascii_lowercase().as_str() {
                    "from" if !is_distinct_from(tokens, at) => (in_from, expect) = (true, true),
                    "join" if in_from => expect = true,
                    "into" if !self.in_routine => {
                        at = self.into(at + 1, to);
                        continue;
                    }
                    "select" => in_from = false,
                    "union" | "intersect" | "except" | "minus" => {
                        in_from = false;
                        self.expressions(&mut later, scope);
                        scope.aliases.clear();
                    }
                    "where" | "group" | "having" | "order" | "limit" | "qualify" | "window" | "when"
                    | "set" | "connect" | "start" | "returning" => in_from = false,
                    _ => {}
                }
            } else if token.is_symbol(",") && in_from {
                expect = true;
            }
            at += 1;
        }
        self.expressions(&mut later, scope);
    }

    fn expressions(&mut self, later: &mut Vec<(usize, usize)>, scope: &Scope<'_>) {
        for (from, to) in later.drain(..) {
            self.deeper(|walk| walk.expression(from, to, scope));
        }
    }

    /// What follows a name as a path into a SUPER value: `[0].items`.
    fn path(&self, mut at: usize, to: usize) -> usize {
        while at < to && self.tokens.is_symbol(at, "[") {
            let Some(end) = (at..to).find(|i| self.tokens.is_symbol(*i, "]")) else { return at };
            at = end + 1;
            while at + 1 < to && self.tokens.is_symbol(at, ".") {
                at += 2;
            }
        }
        at
    }

    /// `[AS] alias [(columns)] [AT index]`. Returns the index behind it.
    pub(crate) fn alias(&mut self, mut at: usize, to: usize, scope: &mut Scope<'_>) -> usize {
        let tokens = self.tokens;
        let named = tokens.is(at, "as");
        if named {
            at += 1;
        }
        let Some(token) = tokens.get(at).filter(|_| at < to) else { return at };
        let is_alias = match token.kind {
            Kind::Quoted => true,
            Kind::Word => {
                let lower = token.text.to_ascii_lowercase();
                !NOT_AN_ALIAS.contains(&lower.as_str())
            }
            _ => false,
        };
        if !is_alias {
            return at;
        }
        if let Some((name, _)) = Name::read(tokens, at, at + 1) {
            scope.add_alias(name.last());
        }
        at += 1;
        if tokens.is_symbol(at, "(") && at < to {
            at = tokens.close(at).min(to) + 1;
        }
        if tokens.is(at, "at") && at + 1 < to {
            at += 2;
        }
        at
    }

    /// `INTO [TEMP] [TABLE] name` of a SELECT: it creates a table.
    fn into(&mut self, mut at: usize, to: usize) -> usize {
        let mut temporary = false;
        while self.tokens.is_any(at, &["local", "temp", "temporary", "table"]) && at < to {
            temporary |= self.tokens.is_any(at, &["temp", "temporary"]);
            at += 1;
        }
        let Some((name, next)) = Name::read(self.tokens, at, to) else { return at };
        if temporary || name.last().starts_with('#') {
            self.temporary.push(name);
        } else {
            self.touch(name, AccessKind::Write);
        }
        next
    }

    /// An expression: only queries in its parentheses read tables. `EXTRACT(year FROM x)` does not.
    pub(crate) fn expression(&mut self, from: usize, to: usize, scope: &Scope<'_>) {
        let mut at = from;
        if self.tokens.starts_query(from) && !self.tokens.is_symbol(from, "(") {
            return self.deeper(|walk| walk.query(from, to, Some(scope)));
        }
        while at < to.min(self.tokens.len()) {
            if self.tokens.is_symbol(at, "(") {
                let end = self.tokens.close(at).min(to);
                self.deeper(|walk| walk.expression(at + 1, end, scope));
                at = end + 1;
            } else {
                at += 1;
            }
        }
    }
}

/// `a IS [NOT] DISTINCT FROM b` compares.
fn is_distinct_from(tokens: &Tokens, from: usize) -> bool {
    from >= 2 && tokens.is(from - 1, "distinct") && tokens.is_any(from - 2, &["is", "not"])
}
