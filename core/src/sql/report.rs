//! The log of a job that is SQL: what ran, how it ended, and the first rows of its result. Literals that hold
//! credentials are masked.

use rsql_lexer::token::{Kind, Token, tokens};

/// Longest text of a cell in characters.
const WIDEST: usize = 60;

/// Words whose literal is a credential (Redshift developer guide: CREATE USER, COPY, UNLOAD, "Authorization
/// parameters").
const CREDENTIALS: [&str; 7] = [
    "password",
    "credentials",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "token",
    "master_symmetric_key",
];

/// How one statement ended, as the Data API describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Its text, as it was sent.
    pub sql: String,
    /// `FINISHED` and the like.
    pub status: String,
    /// In nanoseconds, where the service says so.
    pub duration: Option<i64>,
    /// Rows that it returned or changed; the service's -1 means that it knows none.
    pub rows: Option<i64>,
    /// The service's message.
    pub error: Option<String>,
    /// Of the cluster's system tables.
    pub query_id: Option<i64>,
}

/// The first rows of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Their values, in the order of the columns; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many more there are; `None` if that is not known.
    pub more: Option<u64>,
}

/// A statement without what no log may hold: the literal behind a word such as PASSWORD becomes `'…'`.
#[must_use]
pub fn mask(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut is_credential = false;
    for token in tokens(sql, false) {
        match token.kind {
            Kind::Text | Kind::Dollar if is_credential => {
                // The next one may go on with it: `'a'` and, on the next line, `'b'` are one literal.
                text.push_str("'…'");
                continue;
            }
            // A query in quotes has credentials of its own.
            Kind::Text | Kind::Dollar if holds_credential(&token) => text.push_str("'…'"),
            _ => text.push_str(&token.text),
        }
        if token.is_quiet() || token.is("as") || token.is_symbol("=") {
            continue;
        }
        is_credential =
            token.kind == Kind::Word && CREDENTIALS.iter().any(|word| token.text.eq_ignore_ascii_case(word));
    }
    text
}

fn holds_credential(token: &Token) -> bool {
    let text = token.text.to_ascii_lowercase();
    CREDENTIALS.iter().any(|word| *word != "token" && text.contains(word)) || text.contains("aws_secret")
}

/// The lines of the log for statements in their order. An error names its place in the statement, where the service
/// says it.
#[must_use]
pub fn lines(ran: &[Ran]) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, one) in ran.iter().enumerate() {
        lines.push(format!("-- statement {} of {}", i + 1, ran.len()));
        lines.extend(mask(&one.sql).lines().map(str::to_owned));
        let mut said = vec![one.status.clone()];
        if let Some(duration) = one.duration.filter(|duration| *duration >= 0) {
            said.push(shown_duration(duration));
        }
        if let Some(rows) = one.rows.filter(|rows| *rows >= 0) {
            said.push(format!("{rows} {}", if rows == 1 { "row" } else { "rows" }));
        }
        if let Some(id) = one.query_id.filter(|id| *id > 0) {
            said.push(format!("query {id}"));
        }
        lines.push(format!("-- {}", said.join(", ")));
        if let Some(error) = &one.error {
            lines.extend(error.trim_end().lines().map(|line| format!("-- {line}")));
            if let Some((line, column)) = place(&one.sql, error) {
                lines.push(format!("-- at line {line}, column {column} of statement {}", i + 1));
            }
        }
    }
    lines
}

/// Line and column, from 1, of the `Position: N` that an error names; N counts characters from 1.
fn place(sql: &str, error: &str) -> Option<(usize, usize)> {
    let after = error.split_once("Position:")?.1.trim_start();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let position = digits.parse::<usize>().ok()?.checked_sub(1)?;
    if position > sql.chars().count() {
        return None;
    }
    let before: String = sql.chars().take(position).collect();
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    Some((before.matches('\n').count() + 1, column + 1))
}

fn shown_duration(nanoseconds: i64) -> String {
    let milliseconds = nanoseconds / 1_000_000;
    if milliseconds < 1_000 {
        format!("{milliseconds} ms")
    } else {
        format!("{}.{:03} s", milliseconds / 1_000, milliseconds % 1_000)
    }
}

/// A result as a table: a head, a rule, a line each row. Control characters in values are shown as `�`, so that no
/// value forges a line, and long values end in `…`.
#[must_use]
pub fn table(rows: &Rows) -> Vec<String> {
    let cell = |value: &str| -> String {
        let clean = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
        let mut text: String = clean.take(WIDEST + 1).collect();
        if text.chars().count() > WIDEST {
            text = text.chars().take(WIDEST - 1).collect();
            text.push('…');
        }
        text
    };
    let head: Vec<String> = rows.columns.iter().map(|name| cell(name)).collect();
    let body: Vec<Vec<String>> = rows
        .rows
        .iter()
        .map(|row| {
            row.iter().map(|value| value.as_deref().map_or_else(|| "NULL".to_owned(), &cell)).collect()
        })
        .collect();
    let width = |i: usize| {
        let widths = std::iter::once(&head).chain(&body).filter_map(|row| row.get(i));
        widths.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("-+-");
    let mut lines = vec![line(&head), rule];
    lines.extend(body.iter().map(line));
    match rows.more {
        Some(0) => {}
        Some(more) => lines.push(format!("({more} more)")),
        None => lines.push("(more)".to_owned()),
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_masked() {
        for (sql, masked) in [
            ("create user u password 's3cret'", "create user u password '…'"),
            (
                "alter user u PASSWORD /* x */ 's3cret' valid until 'now'",
                "alter user u PASSWORD /* x */ '…' valid until 'now'",
            ),
            (
                "copy t from 's3://b' credentials as 'aws_secret_access_key=x'",
                "copy t from 's3://b' credentials as '…'",
            ),
            (
                "copy t from 's3://b' access_key_id 'a' secret_access_key 'b'",
                "copy t from 's3://b' access_key_id '…' secret_access_key '…'",
            ),
            ("call f('create user u password ''x''')", "call f('…')"),
            ("create user u password 'a'\n'b' nocreatedb", "create user u password '…'\n'…' nocreatedb"),
            (
                "select token, 'x' from t where password = 'y'",
                "select token, 'x' from t where password = '…'",
            ),
        ] {
            assert_eq!(mask(sql), masked);
        }
    }

    #[test]
    fn a_log_says_what_ran_and_where_it_failed() {
        let ran = [
            Ran {
                sql: "insert into t\nselect 1".into(),
                status: "FINISHED".into(),
                duration: Some(1_234_567_890),
                rows: Some(1),
                error: None,
                query_id: Some(77),
            },
            Ran {
                sql: "select 1\nfrm t".into(),
                status: "FAILED".into(),
                duration: Some(5_000_000),
                rows: Some(-1),
                error: Some("ERROR: syntax error at or near \"frm\"\n  Position: 10".into()),
                query_id: None,
            },
        ];
        assert_eq!(
            lines(&ran),
            [
                "-- statement 1 of 2",
                "insert into t",
                "select 1",
                "-- FINISHED, 1.234 s, 1 row, query 77",
                "-- statement 2 of 2",
                "select 1",
                "frm t",
                "-- FAILED, 5 ms",
                "-- ERROR: syntax error at or near \"frm\"",
                "--   Position: 10",
                "-- at line 2, column 1 of statement 2",
            ]
        );
    }

    #[test]
    fn a_result_is_a_table() {
        let rows = Rows {
            columns: vec!["id".into(), "name".into()],
            rows: vec![vec![Some("1".into()), Some("a\nb\x1b[31m".into())], vec![Some("22".into()), None]],
            more: Some(3),
        };
        assert_eq!(
            table(&rows),
            ["id | name", "---+---------", "1  | a\u{fffd}b\u{fffd}[31m", "22 | NULL", "(3 more)"]
        );
        let long =
            Rows { columns: vec!["x".into()], rows: vec![vec![Some("é".repeat(100))]], more: Some(0) };
        assert_eq!(table(&long)[2].chars().count(), WIDEST);
    }

    proptest! {
        #[test]
        fn no_password_is_shown(secret in "[a-zA-Z0-9]{8,12}zq", word in proptest::sample::select(CREDENTIALS.to_vec()), between in "( |\n|/\\*x\\*/|--y\n){1,3}(as |= ?)?") {
            let sql = format!("copy t from 's3://b' {word}{between}'{secret}' csv");
            prop_assert!(!mask(&sql).contains(&secret), "{}", mask(&sql));
        }

        #[test]
        fn no_value_forges_a_line(value in "\\PC*[\\n\\r\\t\\x00-\\x1f]?\\PC*", columns in 1usize..3) {
            let row = vec![Some(value); columns];
            let rows = Rows { columns: vec!["c".into(); columns], rows: vec![row], more: Some(0) };
            for line in table(&rows) {
                prop_assert!(!line.chars().any(char::is_control));
            }
        }

        #[test]
        fn nothing_makes_it_panic(sql in "\\PC{0,40}", error in "(Position: [0-9]{0,22}|\\PC{0,20})") {
            let _ = lines(&[Ran { sql, error: Some(error), ..Ran::default() }]);
        }
    }
}
