//! What PostgreSQL has and Redshift does not: a script that runs here would fail on a cluster.
//! <https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-features.html>

use super::expression::{arguments, closing};
use crate::lexer::token::{Kind, Token, tokens};

/// Something that only PostgreSQL has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostgresOnly {
    /// Its name.
    pub(crate) construct: String,
    /// The first byte of it in the statement.
    pub(crate) start: usize,
}

/// Functions that Redshift does not have.
/// <https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-functions.html>
const FUNCTIONS: &[&str] = &[
    "array_agg",
    "array_append",
    "array_cat",
    "array_length",
    "array_position",
    "array_prepend",
    "array_remove",
    "array_replace",
    "bit_length",
    "clock_timestamp",
    "concat_ws",
    "convert_from",
    "convert_to",
    "corr",
    "covar_pop",
    "covar_samp",
    "currval",
    "daterange",
    "div",
    "every",
    "format",
    "gen_random_uuid",
    "generate_series",
    "generate_subscripts",
    "int4range",
    "json_agg",
    "json_array_elements",
    "json_build_array",
    "json_build_object",
    "json_each",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_array_elements",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_each",
    "jsonb_object_agg",
    "jsonb_set",
    "justify_days",
    "justify_hours",
    "justify_interval",
    "lastval",
    "make_date",
    "make_interval",
    "make_timestamp",
    "nextval",
    "numrange",
    "overlay",
    "pg_advisory_lock",
    "pg_advisory_unlock",
    "pg_advisory_xact_lock",
    "pg_relation_size",
    "pg_size_pretty",
    "pg_sleep",
    "pg_total_relation_size",
    "plainto_tsquery",
    "quote_nullable",
    "regexp_matches",
    "regexp_split_to_array",
    "regexp_split_to_table",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "row_to_json",
    "setseed",
    "setval",
    "similarity",
    "string_agg",
    "string_to_array",
    "string_to_table",
    "to_json",
    "to_jsonb",
    "to_tsquery",
    "to_tsvector",
    "transaction_timestamp",
    "tsrange",
    "txid_current",
    "unnest",
    "width_bucket",
    "xmlagg",
    "xmlelement",
    "xpath",
];

/// Types that Redshift does not have.
/// <https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-datatypes.html>
const TYPES: &[&str] = &[
    "bigserial",
    "box",
    "bytea",
    "cidr",
    "circle",
    "citext",
    "hstore",
    "inet",
    "json",
    "jsonb",
    "line",
    "lseg",
    "macaddr",
    "money",
    "path",
    "point",
    "polygon",
    "serial",
    "smallserial",
    "tsquery",
    "tsvector",
    "uuid",
    "xml",
];

/// What a statement begins with that Redshift does not have, and its name.
const STATEMENTS: &[(&[&str], &str)] = &[
    (&["create", "index"], "CREATE INDEX"),
    (&["create", "unique", "index"], "CREATE INDEX"),
    (&["drop", "index"], "DROP INDEX"),
    (&["reindex"], "REINDEX"),
    (&["cluster"], "CLUSTER"),
    (&["create", "sequence"], "CREATE SEQUENCE"),
    (&["alter", "sequence"], "ALTER SEQUENCE"),
    (&["drop", "sequence"], "DROP SEQUENCE"),
    (&["create", "trigger"], "CREATE TRIGGER"),
    (&["create", "extension"], "CREATE EXTENSION"),
    (&["create", "type"], "CREATE TYPE"),
    (&["create", "domain"], "CREATE DOMAIN"),
    (&["create", "rule"], "CREATE RULE"),
    (&["create", "tablespace"], "CREATE TABLESPACE"),
    (&["create", "aggregate"], "CREATE AGGREGATE"),
    (&["create", "operator"], "CREATE OPERATOR"),
    (&["create", "cast"], "CREATE CAST"),
    (&["create", "unlogged"], "CREATE UNLOGGED TABLE"),
    (&["create", "foreign"], "CREATE FOREIGN TABLE"),
    (&["create", "server"], "CREATE SERVER"),
    (&["do"], "DO"),
    (&["listen"], "LISTEN"),
    (&["notify"], "NOTIFY"),
    (&["unlisten"], "UNLISTEN"),
    (&["savepoint"], "SAVEPOINT"),
    (&["release"], "RELEASE SAVEPOINT"),
    (&["rollback", "to"], "ROLLBACK TO SAVEPOINT"),
    (&["explain", "analyze"], "EXPLAIN ANALYZE"),
    (&["explain", "("], "EXPLAIN with options in parentheses"),
    (&["values"], "VALUES as a statement"),
    (&["table"], "TABLE as a statement"),
    (&["alter", "table", "if"], "ALTER TABLE IF EXISTS"),
];

/// Words one after another, anywhere in a statement, and their name.
const PHRASES: &[(&[&str], &str)] = &[
    (&[")", "filter", "(", "where"], "FILTER (WHERE …)"),
    (&["on", "conflict"], "ON CONFLICT"),
    (&["distinct", "on", "("], "DISTINCT ON"),
    (&["lateral", "("], "LATERAL"),
    (&["is", "distinct", "from"], "IS DISTINCT FROM"),
    (&["is", "not", "distinct", "from"], "IS NOT DISTINCT FROM"),
    (&["array", "["], "ARRAY[…]"),
    (&["inherits", "("], "INHERITS"),
    (&["partition", "of"], "PARTITION OF"),
    (&[")", "partition", "by", "range", "("], "PARTITION BY RANGE"),
    (&[")", "partition", "by", "list", "("], "PARTITION BY LIST"),
    (&[")", "partition", "by", "hash", "("], "PARTITION BY HASH"),
    (&["on", "commit", "drop"], "ON COMMIT DROP"),
    (&["on", "commit", "delete"], "ON COMMIT DELETE ROWS"),
    (&["on", "delete", "cascade"], "ON DELETE CASCADE"),
    (&["on", "delete", "set"], "ON DELETE SET"),
    (&["on", "update", "cascade"], "ON UPDATE CASCADE"),
    (&["generated", "always", "as"], "GENERATED ALWAYS AS"),
    (&["from", "(", "values"], "VALUES as a table"),
    (&["join", "(", "values"], "VALUES as a table"),
    (&["as", "(", "values"], "VALUES as a table"),
    (&["in", "(", "values"], "VALUES as a table"),
    (&["tablesample"], "TABLESAMPLE"),
    (&["with", "ordinality"], "WITH ORDINALITY"),
    (&["fetch", "first"], "FETCH FIRST"),
    (&["add", "column", "if", "not", "exists"], "ADD COLUMN IF NOT EXISTS"),
    (&["drop", "column", "if", "exists"], "DROP COLUMN IF EXISTS"),
    (&["restart", "identity"], "TRUNCATE … RESTART IDENTITY"),
    (&["for", "no", "key", "update"], "FOR NO KEY UPDATE"),
    (&["skip", "locked"], "SKIP LOCKED"),
    (&["exclude", "using"], "EXCLUDE constraints"),
    (&["~", "*"], "operator ~*"),
    (&["-", ">", ">"], "operator ->>"),
    (&["-", ">"], "operator ->"),
    (&["@", ">"], "operator @>"),
    (&["#", ">", ">"], "operator #>>"),
    (&["from", "stdin"], "COPY … FROM STDIN"),
    (&["to", "stdout"], "COPY … TO STDOUT"),
];

/// Everything in a statement that only PostgreSQL has, each construct once.
pub(crate) fn postgres_only(statement: &[Token]) -> Vec<PostgresOnly> {
    let mut finder = Finder { found: Vec::new(), offset: 0 };
    finder.statement(statement);
    finder.found
}

struct Finder {
    found: Vec<PostgresOnly>,
    /// Where the tokens begin in the statement.
    offset: usize,
}

fn matches(words: &[&Token], pattern: &[&str]) -> bool {
    pattern.len() <= words.len()
        && pattern.iter().zip(words).all(|(wanted, token)| token.is(wanted) || token.is_symbol(wanted))
        && adjoining(words, pattern)
}

/// An operator's characters stand side by side.
fn adjoining(words: &[&Token], pattern: &[&str]) -> bool {
    let symbol = |word: &str| word.len() == 1 && "->@#~*".contains(word);
    !symbol(pattern[0])
        || words.windows(2).take(pattern.len() - 1).all(|w| w[0].start + w[0].text.len() == w[1].start)
}

impl Finder {
    fn add(&mut self, construct: &str, token: &Token) {
        if !self.found.iter().any(|f| f.construct == construct) {
            self.found
                .push(PostgresOnly { construct: construct.to_owned(), start: self.offset + token.start });
        }
    }

    fn statement(&mut self, statement: &[Token]) {
        let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet()).collect();
        let Some(first) = loud.first() else { return };
        if let Some((_, name)) = STATEMENTS.iter().find(|(words, _)| matches(&loud, words)) {
            self.add(name, first);
        }
        if ["insert", "update", "delete", "with"].iter().any(|w| first.is(w)) {
            self.returning(&loud);
        }
        if first.is("create") {
            self.definition(&loud, statement);
        }
        if first.is("alter") && loud.get(1).is_some_and(|t| t.is("table")) {
            let adds = loud.windows(2).filter(|w| w[0].is("add") && w[1].is("column")).count();
            if adds > 1 {
                self.add("ALTER TABLE with several ADD COLUMN", first);
            }
        }
        self.anywhere(&loud);
    }

    /// RETURNING where a clause may stand, and not as a name.
    fn returning(&mut self, loud: &[&Token]) {
        let mut depth = 0_i32;
        for pair in loud.windows(2) {
            depth += i32::from(pair[0].is_symbol("(")) - i32::from(pair[0].is_symbol(")"));
            let name = pair[0].is_symbol(".") || pair[0].is_symbol(",") || pair[0].is("as");
            let clause = !pair[1].is_symbol("=") && !pair[1].is_symbol(",");
            if depth == 0 && !name && pair[1].is("returning") && clause {
                self.add("RETURNING", pair[1]);
            }
        }
    }

    fn definition(&mut self, loud: &[&Token], statement: &[Token]) {
        let routine = loud.iter().take(4).any(|t| t.is("function") || t.is("procedure"));
        if routine {
            let function = loud.iter().take(4).any(|t| t.is("function"));
            let language = loud.windows(2).find(|w| w[0].is("language"));
            if function && let Some(word) = language.filter(|w| w[1].is("plpgsql")) {
                self.add("CREATE FUNCTION … LANGUAGE PLPGSQL", word[0]);
            }
            for body in statement.iter().filter(|t| t.kind == Kind::Dollar) {
                self.body(body);
            }
            return;
        }
        let temporary = |t: &&Token| ["temp", "temporary", "local", "global"].iter().any(|w| t.is(w));
        let table = loud.iter().skip(1).find(|t| !temporary(t)).is_some_and(|t| t.is("table"));
        let Some(open) = statement.iter().position(|t| t.is_symbol("(")).filter(|_| table) else { return };
        let Some(close) = closing(statement, open) else { return };
        // CREATE TABLE AS (SELECT …) defines no columns.
        if statement[..open].iter().any(|t| t.is("as")) {
            return;
        }
        for column in arguments(&statement[open + 1..close]) {
            let words: Vec<&Token> = column.iter().filter(|t| !t.is_quiet()).collect();
            if let Some(kind) = words.get(1) {
                self.type_name(kind);
                if words.windows(2).any(|w| w[0].is_symbol("[") && w[1].is_symbol("]")) {
                    self.add("array types", kind);
                }
            }
            if let Some(check) = words.windows(2).find(|w| w[0].is("check") && w[1].is_symbol("(")) {
                self.add("CHECK constraints", check[0]);
            }
        }
    }

    fn type_name(&mut self, token: &Token) {
        if token.kind == Kind::Word && TYPES.binary_search(&token.text.to_ascii_lowercase().as_str()).is_ok()
        {
            self.add(&format!("type {}", token.text.to_ascii_uppercase()), token);
        }
    }

    /// The body of a routine.
    fn body(&mut self, token: &Token) {
        let tag = token.text[1..].find('$').map_or(2, |end| end + 2);
        let end = token.text.len().saturating_sub(tag).max(tag);
        let Some(inner) = token.text.get(tag..end) else { return };
        let inner = tokens(inner, false);
        let outer = std::mem::replace(&mut self.offset, token.start + tag);
        self.anywhere(&inner.iter().filter(|t| !t.is_quiet()).collect::<Vec<_>>());
        self.offset = outer;
    }

    fn anywhere(&mut self, loud: &[&Token]) {
        let mut at = 0;
        while let Some(token) = loud.get(at) {
            let rest = &loud[at..];
            let before = at.checked_sub(1).and_then(|i| loud.get(i));
            let next = rest.get(1);
            at += 1;
            if let Some((words, name)) = PHRASES.iter().find(|(words, _)| matches(rest, words)) {
                self.add(name, if token.is_symbol(")") { rest[1] } else { token });
                at += words.len() - 1;
                continue;
            }
            if token.kind != Kind::Word || before.is_some_and(|b| b.is_symbol(".")) {
                continue;
            }
            let called = next.is_some_and(|n| n.is_symbol("("));
            // A name that is defined, not called.
            let defined = before.is_some_and(|b| {
                [
                    "function",
                    "procedure",
                    "table",
                    "into",
                    "as",
                    "with",
                    "exists",
                    "references",
                    "view",
                    "join",
                ]
                .iter()
                .any(|w| b.is(w))
            });
            let lower = token.text.to_ascii_lowercase();
            if called && !defined && FUNCTIONS.binary_search(&lower.as_str()).is_ok() {
                self.add(&format!("function {}", token.text.to_ascii_uppercase()), token);
            }
            if called && lower == "concat" && arity(rest) > 2 {
                self.add("CONCAT of more than two arguments", token);
            }
            if before.is_some_and(|b| b.is_symbol("::")) {
                self.type_name(token);
                if rest.get(1).is_some_and(|t| t.is_symbol("["))
                    && rest.get(2).is_some_and(|t| t.is_symbol("]"))
                {
                    self.add("array types", token);
                }
            }
            // CAST(x AS type).
            if before.is_some_and(|b| b.is("as"))
                && next.is_some_and(|n| n.is_symbol(")"))
                && in_cast(&loud[..at])
            {
                self.type_name(token);
            }
            if lower == "over"
                && next.is_some_and(|n| n.kind == Kind::Word)
                && before.is_some_and(|b| b.is_symbol(")"))
            {
                self.add("the WINDOW clause", token);
            }
        }
    }
}

/// How many arguments a call has.
fn arity(call: &[&Token]) -> usize {
    let (mut depth, mut commas) = (0, 0);
    for token in &call[1..] {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if depth == 1 && token.is_symbol(",") {
            commas += 1;
        }
    }
    commas + 1
}

/// Whether the parenthesis that is open at the end of these tokens is that of a CAST.
fn in_cast(before: &[&Token]) -> bool {
    let mut depth = 0;
    for (index, token) in before.iter().enumerate().rev() {
        if token.is_symbol(")") {
            depth += 1;
        } else if token.is_symbol("(") {
            if depth == 0 {
                return index.checked_sub(1).and_then(|i| before.get(i)).is_some_and(|t| t.is("cast"));
            }
            depth -= 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sql: &str) -> Vec<String> {
        postgres_only(&tokens(sql, false)).into_iter().map(|f| f.construct).collect()
    }

    #[test]
    fn lists_are_in_order() {
        assert!(FUNCTIONS.is_sorted());
        assert!(TYPES.is_sorted());
    }

    #[test]
    fn what_redshift_has_is_not_found() {
        for sql in [
            "select count(*), listagg(a, ',') within group (order by a) from t where a ~ 'x' and b is not null",
            "insert into t (returning, filter) values (1, 2), (3, 4)",
            "create table t (a int identity(1,1) encode az64, b varchar(9) references u(id)) diststyle key distkey(a)",
            "create temp table t as (select json_parse('{}') as json, 1 as path)",
            "select a.format, x as money, cast(y as date) as uuid, convert(int, z) from t",
            "select row_number() over (partition by a order by b) from t qualify row_number() over (order by b) = 1",
            "copy t from 's3://b/k' iam_role default format as json 'auto'",
            "create external table s.t (a int) partitioned by (d date) stored as parquet location 's3://b/k'",
            "create procedure p() as $$ begin raise info 'x'; execute 'select 1'; end; $$ language plpgsql",
            "create function f(float) returns float stable as $$ select $1 * 2 $$ language sql",
            "merge into t using s on t.id = s.id when matched then update set a = 1 when not matched then insert values (1)",
            "select a - 1 > 2, b from t where c in (1, 2)",
            "select t.doc.items[0].name from t, t.doc.items as i",
            "delete from t using s where t.id = s.id",
            "select concat(a, b), decode(x, 1, 2) from t",
        ] {
            assert_eq!(found(sql), Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn what_only_postgresql_has() {
        for (sql, construct) in [
            ("select count(*) filter (where a > 1) from t", "FILTER (WHERE …)"),
            ("insert into t values (1) on conflict do nothing", "ON CONFLICT"),
            ("delete from t where a = 1 returning a", "RETURNING"),
            ("select distinct on (a) b from t", "DISTINCT ON"),
            ("select * from t, lateral (select 1) q", "LATERAL"),
            ("select * from generate_series(1, 3)", "function GENERATE_SERIES"),
            ("select string_agg(a, ',') from t", "function STRING_AGG"),
            ("create index i on t (a)", "CREATE INDEX"),
            ("create table t (id serial, a int)", "type SERIAL"),
            ("create table t (a int[], b int)", "array types"),
            ("create table t (a int check (a > 0))", "CHECK constraints"),
            ("select a::jsonb from t", "type JSONB"),
            ("select cast(a as uuid) from t", "type UUID"),
            ("select a->>'b' from t", "operator ->>"),
            ("select a from t where a ~* 'x'", "operator ~*"),
            ("select array[1, 2]", "ARRAY[…]"),
            ("select * from (values (1), (2)) v(a)", "VALUES as a table"),
            ("select sum(a) over w from t window w as (order by a)", "the WINDOW clause"),
            ("do $$ begin end $$", "DO"),
            (
                "create function f() returns int as $$ begin return 1; end $$ language plpgsql",
                "CREATE FUNCTION … LANGUAGE PLPGSQL",
            ),
            (
                "create procedure p() as $$ begin insert into t select string_agg(a, '') from u; end $$ language plpgsql",
                "function STRING_AGG",
            ),
            ("alter table t add column a int, add column b int", "ALTER TABLE with several ADD COLUMN"),
            ("select concat(a, b, c) from t", "CONCAT of more than two arguments"),
            ("rollback to savepoint a", "ROLLBACK TO SAVEPOINT"),
            ("explain analyze select 1", "EXPLAIN ANALYZE"),
            ("copy t from stdin", "COPY … FROM STDIN"),
        ] {
            assert!(found(sql).iter().any(|f| f == construct), "{sql}: {:?}", found(sql));
        }
    }
}
