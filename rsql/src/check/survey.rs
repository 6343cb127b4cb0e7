//! `rsql check --survey DIR`: what share of a folder's statements runs on PostgreSQL, before anybody migrates anything.

use std::collections::{BTreeMap, BTreeSet};

use super::statements::{self, Statement};
use super::{Options, scripts};
use crate::dialect::{self, Step};
use crate::lexer::split;
use crate::lexer::token::{Kind, Token, tokens};

/// How many constructs are listed.
const LISTED: usize = 10;

/// PostgreSQL's functions, of `pg_proc` of PostgreSQL 15.
const FUNCTIONS: &str = include_str!("functions.txt");

/// Words that parentheses may follow and that are no functions.
const NO_FUNCTIONS: &str = "all and any array as asc between bigint bit by cascade case cast char character check coalesce \
    collate column columns conflict constraint cross current_time current_timestamp cube dec decimal default delete desc \
    distinct double else end except exists explain extract filter first float foreign from full grant greatest group grouping \
    having if ilike in include index inner insert int integer intersect interval into is isnull join json_exists json_query \
    key last lateral least left like limit localtime localtimestamp merge natural national nchar next normalize not notnull \
    null nullif numeric nvarchar of offset on only or order ordinality out over overlaps overlay partition position precision \
    primary procedure qualify range real recursive references replace restrict returning returns right rollup rows select set \
    sets similar smallint some substring table temp temporary then time timestamp timestamptz timetz to top treat trim true \
    truncate type union unique unload update user using values varchar varbit varying verbose view when where window with \
    within without xmlelement xmlforest bpchar text boolean bool date jsonb json bytea super do call loop while for return \
    elsif elseif exception declare begin commit raise perform execute foreach open fetch close";

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// It is refused, and the message names the construct.
    Refused,
    /// It calls what neither the dialect nor PostgreSQL has, so that the message does not help.
    Misleads,
    /// It runs, but Redshift refuses it.
    PostgresOnly,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Misleads => "misleads",
            Self::PostgresOnly => "postgres-only",
        }
    }
}

#[derive(Debug, Default)]
struct Survey {
    files: usize,
    statements: usize,
    refused: usize,
    misleads: usize,
    postgres_only: usize,
    /// Statements by construct, and where the first is.
    constructs: BTreeMap<(Class, String), (usize, String)>,
}

/// The report of some files.
pub(super) fn report(files: &[(String, Vec<u8>)], options: &Options, json: bool) -> String {
    let survey = survey(files, options);
    if json { survey.json() } else { survey.text() }
}

fn survey(files: &[(String, Vec<u8>)], options: &Options) -> Survey {
    let mut survey = Survey::default();
    let mut known: BTreeSet<String> = FUNCTIONS
        .split_whitespace()
        .chain(NO_FUNCTIONS.split_whitespace())
        .chain(dialect::schema::functions())
        .map(str::to_owned)
        .collect();
    let contents: Vec<(&str, String)> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    for (name, content) in &contents {
        for script in scripts(name, content) {
            known.extend(defined(&tokens(&script.text, false)));
        }
    }
    for (name, content) in &contents {
        survey.files += 1;
        for script in scripts(name, content) {
            let pieces = split(&script.text, false);
            for statement in statements::whole(&pieces) {
                survey.add(name, script.offset, &statement, options, &known);
            }
        }
    }
    survey
}

/// Functions and procedures that a script defines.
fn defined(all: &[Token]) -> Vec<String> {
    let loud: Vec<&Token> = all.iter().filter(|t| !t.is_quiet()).collect();
    let mut names = Vec::new();
    for (index, token) in loud.iter().enumerate() {
        if !token.is("function") && !token.is("procedure") {
            continue;
        }
        let mut at = index + 1;
        while loud.get(at + 1).is_some_and(|t| t.is_symbol(".")) {
            at += 2;
        }
        names.extend(loud.get(at).map(|t| t.text.to_ascii_lowercase()));
    }
    names
}

/// Words that are called in a statement.
fn called(sql: &str) -> Vec<String> {
    let all = tokens(sql, false);
    let loud: Vec<&Token> = all.iter().filter(|t| !t.is_quiet()).collect();
    let mut names = Vec::new();
    for (index, pair) in loud.windows(2).enumerate() {
        if pair[0].kind != Kind::Word || !pair[1].is_symbol("(") {
            continue;
        }
        let before = index.checked_sub(1).and_then(|i| loud.get(i));
        // Names that are defined here, columns of a table, and what somebody's schema has.
        let other = before.is_some_and(|b| {
            b.is_symbol(".")
                || [
                    "into",
                    "table",
                    "exists",
                    "references",
                    "copy",
                    "as",
                    "with",
                    "recursive",
                    "function",
                    "procedure",
                    "view",
                    "join",
                    "on",
                    "call",
                    "over",
                    "index",
                ]
                .iter()
                .any(|w| b.is(w))
        });
        // `) alias (columns)`, `table alias (columns)`, `cte (columns) AS (`.
        let alias = before.is_some_and(|b| b.is_symbol(")") || matches!(b.kind, Kind::Quoted));
        if !other && !alias && !named_query(&loud[index + 1..]) {
            names.push(pair[0].text.to_ascii_lowercase());
        }
    }
    names
}

/// `(columns) AS (`.
fn named_query(from: &[&Token]) -> bool {
    let mut depth = 0;
    for (index, token) in from.iter().enumerate() {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if depth == 0 {
            return from.get(index + 1).is_some_and(|t| t.is("as"))
                && from.get(index + 2).is_some_and(|t| t.is_symbol("("));
        }
    }
    false
}

impl Survey {
    fn add(
        &mut self,
        file: &str,
        offset: usize,
        statement: &Statement<'_>,
        options: &Options,
        known: &BTreeSet<String>,
    ) {
        self.statements += 1;
        let all = tokens(statement.text, false);
        let (line, _) = statements::place(statement.text, statements::first(&all), statement.line);
        let place = format!("{file}:{}", line + offset);
        for only in dialect::postgres_only(&all) {
            self.count(Class::PostgresOnly, &only.construct, &place);
        }
        self.postgres_only += usize::from(!dialect::postgres_only(&all).is_empty());
        match statements::translated(statement, options) {
            Err(error) => {
                self.refused += 1;
                let text = error.to_string();
                let construct = text.strip_suffix(" cannot be translated to PostgreSQL").unwrap_or(&text);
                self.count(Class::Refused, construct, &place);
            }
            Ok(steps) => {
                let unknown: BTreeSet<String> = steps
                    .iter()
                    .filter_map(|step| if let Step::Sql(sql) = step { Some(called(sql)) } else { None })
                    .flatten()
                    .filter(|name| !known.contains(name))
                    .collect();
                self.misleads += usize::from(!unknown.is_empty());
                for name in unknown {
                    self.count(Class::Misleads, &format!("function {}", name.to_ascii_uppercase()), &place);
                }
            }
        }
    }

    fn count(&mut self, class: Class, construct: &str, place: &str) {
        let entry = self.constructs.entry((class, construct.to_owned()));
        entry.or_insert_with(|| (0, place.to_owned())).0 += 1;
    }

    fn runs(&self) -> usize {
        self.statements - self.refused - self.misleads
    }

    fn share(&self, count: usize) -> f64 {
        if self.statements == 0 {
            0.0
        } else {
            (count as f64 * 1000.0 / self.statements as f64).round() / 10.0
        }
    }

    /// What stands in the way, the most frequent first.
    fn in_the_way(&self) -> Vec<(Class, &str, usize, &str)> {
        let mut all: Vec<_> = self
            .constructs
            .iter()
            .map(|((class, construct), (count, first))| (*class, construct.as_str(), *count, first.as_str()))
            .collect();
        all.sort_by_key(|(class, construct, count, _)| (std::cmp::Reverse(*count), *class, *construct));
        all.truncate(LISTED);
        all
    }

    fn text(&self) -> String {
        let mut out = format!("{} files, {} statements\n", self.files, self.statements);
        for (label, count) in [
            ("run on PostgreSQL", self.runs()),
            ("are refused by name", self.refused),
            ("end in an error that does not name the cause", self.misleads),
            ("hold what only PostgreSQL has", self.postgres_only),
        ] {
            out.push_str(&format!("{count:>8} {:>5.1} %  {label}\n", self.share(count)));
        }
        let listed = self.in_the_way();
        if !listed.is_empty() {
            out.push_str("\nConstructs in the way, by statements:\n");
        }
        for (class, construct, count, first) in listed {
            out.push_str(&format!("{count:>8}  {construct} ({}), first at {first}\n", class.name()));
        }
        out
    }

    fn json(&self) -> String {
        let part = |count: usize| serde_json::json!({"statements": count, "percent": self.share(count)});
        let constructs: Vec<_> = self
            .in_the_way()
            .into_iter()
            .map(|(class, construct, count, first)| {
                serde_json::json!({"construct": construct, "class": class.name(), "statements": count, "first": first})
            })
            .collect();
        let report = serde_json::json!({
            "files": self.files,
            "statements": self.statements,
            "runs": part(self.runs()),
            "refused": part(self.refused),
            "misleads": part(self.misleads),
            "postgres_only": part(self.postgres_only),
            "constructs": constructs,
        });
        format!("{report}\n")
    }
}
