//! Texts and fields become statements that say what was meant, and nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rsql_lexer::token::{Kind, tokens};

use super::*;

fn one(sql: &str) -> Result<Vec<String>, Vec<SplitProblem>> {
    split(sql, Transaction::One)
}

#[test]
fn statements_are_split_where_the_lexer_says() {
    let sql = "-- first\nselect ';' ; ;\n/* ; */ select $$;$$;\ncreate procedure p() as $$ begin x; end; $$ language plpgsql";
    let statements = one(sql).unwrap();
    assert_eq!(statements.len(), 3, "{statements:?}");
    assert_eq!(statements[0], "-- first\nselect ';'");
    assert!(statements[2].starts_with("create procedure"));
}

#[test]
fn what_the_data_api_cannot_run_is_refused_with_its_place() {
    let problems = |sql: &str| one(sql).unwrap_err();
    assert_eq!(problems(""), [SplitProblem::Empty]);
    assert_eq!(problems(" -- nothing\n;;"), [SplitProblem::Empty]);
    let meta = SplitProblem::MetaCommand { line: 2, name: "echo".into() };
    assert_eq!(problems("select 1;\n\\echo x"), [meta]);
    assert_eq!(problems("copy t from stdin;\n1\n\\.\n"), [SplitProblem::CopyFromStdin { line: 1 }]);
    assert_eq!(problems("select 1;\nselect 'x"), [SplitProblem::Unclosed { line: 2 }]);
    assert_eq!(problems("select (1"), [SplitProblem::Unclosed { line: 1 }]);
    assert_eq!(problems("select 1; /* x"), [SplitProblem::Unclosed { line: 1 }]);
    assert_eq!(problems("select '\0'"), [SplitProblem::Nul]);
    assert_eq!(problems(&"select 1;".repeat(41)), [SplitProblem::TooMany(41)]);
    assert_eq!(one(&"select 1;".repeat(40)).unwrap().len(), 40);
    assert_eq!(problems(&"x".repeat(MOST_BYTES + 1)), [SplitProblem::TooLong(MOST_BYTES + 1)]);
    assert!(one(&format!("select '{}'", "x".repeat(MOST_BYTES - 9))).is_ok());
    let vacuum = SplitProblem::NotInTransaction { line: 2, statement: "VACUUM".into() };
    assert_eq!(problems("select 1;\n vacuum t"), [vacuum]);
    assert!(one("vacuum t").is_ok() && split("select 1; vacuum t", Transaction::Each).is_ok());
    let append = SplitProblem::NotInTransaction { line: 1, statement: "ALTER TABLE … APPEND".into() };
    assert_eq!(problems("alter table a append from b; select 1"), [append]);
    let begin = SplitProblem::TransactionControl { line: 1, statement: "BEGIN".into() };
    let commit = SplitProblem::TransactionControl { line: 1, statement: "COMMIT".into() };
    assert!(problems("begin; select 1; commit").ends_with(&[commit]) || problems("begin;").contains(&begin));
}

#[test]
fn truncate_in_a_transaction_is_a_warning() {
    let statements = one("truncate t; insert into t select 1").unwrap();
    assert_eq!(warnings(&statements, Transaction::One).len(), 1);
    assert!(warnings(&statements, Transaction::Each).is_empty());
}

fn values() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("day", "2026-11-28"),
        ("name", "O'Neil"),
        ("empty", ""),
        ("slash", "a\\b"),
        ("inject", "x'); drop table t; --"),
        ("s", "mart"),
    ])
}

fn bound(sql: &str) -> Bound {
    bind(sql, &values()).unwrap()
}

#[test]
fn a_value_is_a_parameter_where_the_service_takes_one() {
    let select = bound("select * from t where d = :day and x = '12:30:day' and y::date > :day -- :name");
    assert_eq!(select.parameters.keys().collect::<Vec<_>>(), ["day"]);
    assert!(select.sql.contains("= :day and") && select.sql.contains("y::date"));
    assert_eq!(bound("call load(:name)").parameters["name"], "O'Neil");
    assert!(bound("select a[1:n], T01:30 from t").parameters.is_empty());
}

#[test]
fn elsewhere_it_is_a_literal() {
    let ddl = bound("create table t as select :name as n, :day::date as d");
    assert!(ddl.parameters.is_empty());
    assert_eq!(ddl.sql, "create table t as select 'O''Neil' as n, '2026-11-28'::date as d");
    let unload = bound("unload ('select * from t where n = :name and m = ''a:day''') to :day");
    assert_eq!(
        unload.sql,
        "unload ('select * from t where n = ''O''''Neil'' and m = ''a:day''') to '2026-11-28'"
    );
    assert_eq!(
        bound("unload ($$select :name$$) to 's3://b'").sql,
        "unload ($$select 'O''Neil'$$) to 's3://b'"
    );
}

#[test]
fn a_name_in_braces_takes_plain_values_only() {
    assert_eq!(bound("select 1 from {{ s }}.t{{day}}").sql, "select 1 from mart.t2026-11-28");
    assert_eq!(bound("select '{{{{ s }}'").sql, "select '{{ s }}'");
    let refused = |sql: &str| bind(sql, &values()).unwrap_err();
    assert_eq!(refused("select {{ inject }}"), [BindProblem::NotPlain("inject".into())]);
    assert_eq!(refused("select {{ empty }}"), [BindProblem::Empty("{{ empty }}".into())]);
    assert_eq!(refused("select {{ s"), [BindProblem::Template]);
    let dash = BTreeMap::from([("d", "-5"), ("p", "a/")]);
    assert_eq!(bind("select 5-{{d}}", &dash).unwrap_err(), [BindProblem::NotPlain("d".into())]);
    assert_eq!(bind("select 5 {{p}}* 2", &dash).unwrap_err(), [BindProblem::NotPlain("p".into())]);
}

#[test]
fn what_cannot_be_bound_is_said() {
    let refused = |sql: &str| bind(sql, &values()).unwrap_err();
    assert_eq!(refused("select :nobody, :nobody"), [BindProblem::Unset("nobody".into())]);
    assert_eq!(refused("select :empty"), [BindProblem::Empty(":empty".into())]);
    assert!(matches!(refused("create table :slash as select 1")[..], [BindProblem::NoLiteral { .. }]));
    let dollars = BTreeMap::from([("d", "a$$b")]);
    assert!(matches!(
        bind("unload ($$select :d$$) to 'x'", &dollars).unwrap_err()[..],
        [BindProblem::EndsQuote(..)]
    ));
    assert_eq!(names("select :b, ':c', :a::int"), ["a".to_owned(), "b".to_owned()].into());
    assert_eq!(names("unload ('select :x') to :y"), ["x".to_owned(), "y".to_owned()].into());
}

fn copy() -> Copy {
    Copy {
        table: "Stage.Orders".into(),
        columns: vec![Column { name: "id".into(), column_type: Some("BIGINT".into()) }],
        create: false,
        load: Load::Append,
        from: "s3://bucket/orders/".into(),
        manifest: false,
        format: CopyFormat::Csv { delimiter: None, ignore_header: 1, null_as: None, compression: None },
        iam_role: None,
        region: None,
        max_errors: 0,
        flags: Vec::new(),
        date_format: None,
        time_format: None,
    }
}

#[test]
fn a_load_becomes_its_statements() {
    assert_eq!(
        copy().compile().unwrap(),
        [
            r#"COPY "stage"."orders" ("id") FROM 's3://bucket/orders/' IAM_ROLE default FORMAT CSV IGNOREHEADER 1"#
        ]
    );
    let all = Copy {
        create: true,
        load: Load::Replace,
        manifest: true,
        iam_role: Some("arn:aws:iam::1:role/r".into()),
        region: Some("eu-west-1".into()),
        max_errors: 3,
        flags: vec!["truncatecolumns".into()],
        date_format: Some("auto".into()),
        format: CopyFormat::Delimited {
            delimiter: Some('\t'),
            ignore_header: 0,
            null_as: Some("\\N".into()),
            escape: true,
            remove_quotes: false,
            compression: Some(Compression::Gzip),
        },
        ..copy()
    };
    let statements = all.compile().unwrap();
    assert_eq!(statements[0], r#"CREATE TABLE IF NOT EXISTS "stage"."orders" ("id" bigint)"#);
    assert_eq!(statements[1], r#"DELETE FROM "stage"."orders""#);
    assert_eq!(
        statements[2],
        r#"COPY "stage"."orders" ("id") FROM 's3://bucket/orders/' IAM_ROLE 'arn:aws:iam::1:role/r' DELIMITER '\t' NULL AS '\\N' GZIP ESCAPE MANIFEST REGION 'eu-west-1' MAXERROR 3 TRUNCATECOLUMNS DATEFORMAT 'auto'"#
    );
}

#[test]
fn every_bad_field_of_a_load_is_said() {
    let bad = Copy {
        table: "a.b; drop table c".into(),
        columns: vec![
            Column { name: "x y".into(), column_type: None },
            Column { name: "z".into(), column_type: Some("int) as select 1 --".into()) },
        ],
        create: true,
        from: "http://x".into(),
        iam_role: Some("admin".into()),
        flags: vec!["NOLOAD; x".into()],
        max_errors: 100_001,
        ..copy()
    };
    let problems: Vec<String> = bad.compile().unwrap_err().iter().map(ToString::to_string).collect();
    for field in ["table", "columns[0]", "columns[1]", "from", "iam_role", "flags[0]", "max_errors"] {
        assert!(problems.iter().any(|problem| problem.starts_with(field)), "{field}: {problems:#?}");
    }
}

fn unload() -> Unload {
    Unload {
        source: UnloadSource::Query("select * from t where n = 'x' and d = :day".into()),
        to: "s3://bucket/out/year_".into(),
        format: UnloadFormat::Csv { header: true, delimiter: None },
        iam_role: None,
        region: None,
        parallel: false,
        max_file_mb: None,
        partition_by: Vec::new(),
        manifest: false,
        compression: None,
    }
}

#[test]
fn an_unload_becomes_its_statement() {
    let sql = unload().compile().unwrap();
    assert_eq!(
        sql,
        "UNLOAD ('select * from t where n = ''x'' and d = :day') TO 's3://bucket/out/year_' IAM_ROLE default FORMAT \
         CSV HEADER ALLOWOVERWRITE PARALLEL OFF"
    );
    let bound = bind(&sql, &values()).unwrap();
    assert!(bound.sql.contains("d = ''2026-11-28''") && bound.parameters.is_empty());
    let table = Unload { source: UnloadSource::Table("mart.t".into()), ..unload() };
    assert!(table.compile().unwrap().starts_with(r#"UNLOAD ('SELECT * FROM "mart"."t"')"#));
    for query in ["select 1; drop table t", "delete from t", "select 'a\\b'", "select (1"] {
        let bad = Unload { source: UnloadSource::Query(query.into()), ..unload() };
        assert!(bad.compile().is_err(), "{query}");
    }
}

#[test]
fn a_check_measures_and_judges() {
    let check = Check {
        table: "mart.orders".into(),
        only: Some("day = '2026-11-28' -- today".into()),
        rows_min: Some(1),
        rows_change: Some(30.0),
        not_null: vec!["id".into()],
        unique: vec![vec!["id".into(), "line".into()]],
        accepted: vec![("state".into(), vec!["new".into(), "it's".into()])],
        refers: vec![("cust_id".into(), "dim.customer.id".into())],
        fresh: Some(("loaded_at".into(), 3600)),
        size_max_mb: Some(100),
        sql: vec![("negative".into(), "select 1 from mart.orders where amount < 0".into())],
        ..Check::default()
    };
    let queries = check.compile().unwrap();
    assert_eq!(queries.len(), 2);
    assert!(queries[0].sql.contains("NOT IN ('new', 'it''s')"), "{}", queries[0].sql);
    assert!(queries[1].sql.contains("'mart'") && queries[1].sql.contains("'orders'"));
    let row = |figures: &[f64]| Some(figures.iter().map(|f| Some(*f)).collect::<Vec<_>>());
    let good = check.judge(&queries, &[row(&[10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 60.0]), row(&[7.0])], Some(10));
    assert!(good.iter().all(|finding| finding.severity.is_none()), "{good:?}");
    let bad =
        check.judge(&queries, &[row(&[20.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7200.0]), row(&[700.0])], Some(10));
    let broken: Vec<&str> =
        bad.iter().filter(|f| f.severity == Some(Severity::Error)).map(|f| f.name.as_str()).collect();
    assert_eq!(
        broken,
        [
            "rows.change",
            "not_null(id)",
            "accepted(state)",
            "unique(id, line)",
            "refers(cust_id)",
            "sql(negative)",
            "fresh(loaded_at)",
            "size"
        ]
    );
    // An empty table: the aggregate is NULL, and SVV_TABLE_INFO has no row.
    let empty = vec![Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0), None];
    let found = check.judge(&queries, &[Some(empty), None], None);
    let broken: Vec<&str> = found.iter().filter(|f| f.severity.is_some()).map(|f| f.name.as_str()).collect();
    assert_eq!(broken, ["rows.min", "fresh(loaded_at)"]);
}

#[test]
fn limits_decide_between_warning_and_error() {
    assert_eq!(Limit::parse("> 10"), Some(Limit::Rows(10)));
    assert_eq!(Limit::parse(">1.5 %"), Some(Limit::Percent(1.5)));
    for bad in ["10", "> -1", "> 101%", ">= 1", "> x"] {
        assert_eq!(Limit::parse(bad), None, "{bad}");
    }
    let check = Check {
        table: "t".into(),
        not_null: vec!["a".into()],
        warn_if: Limit::parse("> 0"),
        error_if: Limit::parse("> 10%"),
        ..Check::default()
    };
    let queries = check.compile().unwrap();
    let severity = |bad: f64| check.judge(&queries, &[Some(vec![Some(100.0), Some(bad)])], None)[0].severity;
    assert_eq!(severity(0.0), None);
    assert_eq!(severity(10.0), Some(Severity::Warn));
    assert_eq!(severity(11.0), Some(Severity::Error));
}

#[test]
fn a_condition_is_one_expression() {
    let compiles = |only: &str| {
        Check { table: "t".into(), only: Some(only.into()), ..Check::default() }.compile().is_ok()
    };
    assert!(compiles("a = ')' and (b or c)"));
    for bad in ["1=1) or (1=1", "1; drop table t", "a = 'x", "/* x", "", "-- x", "\\q"] {
        assert!(!compiles(bad), "{bad:?}");
    }
}

/// What the words and symbols of a statement are, without what values hold.
fn shape(sql: &str) -> Vec<(Kind, Option<String>)> {
    tokens(sql, false)
        .into_iter()
        .filter(|token| !token.is_quiet())
        .map(|token| {
            let text = (token.kind == Kind::Symbol || token.kind == Kind::Word).then_some(token.text);
            (token.kind, text)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever a value holds, the statement around it stays what it is.
    #[test]
    fn no_value_changes_a_statement(value in "[ -~\\t\\né;'\"$:{}]{1,20}") {
        let harmless = BTreeMap::from([("v", "v")]);
        let hostile = BTreeMap::from([("v", value.as_str())]);
        for sql in [
            "create table t as select :v as a, 'x' as b",
            "copy t from :v iam_role default csv",
            "unload ('select * from t where a = :v and b = ''c''') to 's3://b/p' iam_role default",
            "unload ($q$select * from t where a = :v$q$) to 's3://b/p'",
            "insert into t values (:v)",
        ] {
            let expected = shape(&bind(sql, &harmless).unwrap().sql);
            if let Ok(bound) = bind(sql, &hostile) {
                prop_assert_eq!(shape(&bound.sql), expected, "{}", bound.sql);
                let inner = |sql: &str| -> Vec<_> {
                    tokens(sql, false).into_iter().filter(|t| t.kind == Kind::Text).map(|t| t.text).collect()
                };
                // The query that UNLOAD takes, read as the statement that it is.
                if sql.starts_with("unload ('") {
                    let query = |sql: &str| {
                        let text = inner(sql).remove(0);
                        shape(&text[1..text.len() - 1].replace("''", "'"))
                    };
                    prop_assert_eq!(query(&bound.sql), query(&bind(sql, &harmless).unwrap().sql));
                }
            }
        }
    }

    /// A value in braces adds no quote, no comment, no semicolon.
    #[test]
    fn no_plain_value_begins_anything(value in "[a-z0-9_.:/*'; -]{1,12}") {
        let values = BTreeMap::from([("v", value.as_str())]);
        for sql in ["select 5-{{v}}-5, '{{v}}' from t/{{v}}", "select /{{v}}* 2 */ 1 from s.{{v}}"] {
            if let Ok(bound) = bind(sql, &values) {
                let quiet = |sql: &str| tokens(sql, false).iter().filter(|t| t.kind == Kind::Comment).count();
                prop_assert_eq!(quiet(&bound.sql), quiet(&sql.replace("{{v}}", "v")), "{}", bound.sql);
                prop_assert!(!bound.sql.contains(';'));
            }
        }
    }

    /// What a name is made of is one quoted token a part, or refused.
    #[test]
    fn a_table_is_its_parts_and_nothing_else(text in "[a-zA-Z_$0-9.\"'; é-]{0,20}") {
        if let Ok(quoted) = name::table(&text) {
            let all = tokens(&quoted, false);
            prop_assert_eq!(all.len(), text.split('.').count() * 2 - 1);
            for token in all {
                prop_assert!(token.kind == Kind::Quoted || token.is_symbol("."));
            }
        }
    }

    #[test]
    fn a_type_holds_nothing_else(text in "[a-z ]{0,8}(\\([0-9a-z,; ]{0,6}\\)?)?[a-z ;,]{0,6}") {
        if let Ok(written) = name::column_type(&text) {
            prop_assert!(!written.contains([';', '\'', '"', '-']));
            prop_assert_eq!(written.matches('(').count(), written.matches(')').count());
        }
    }

    /// Statements put together again are the text, without what is left out.
    #[test]
    fn split_loses_no_word(sql in "(select|;|'x;'|\"a\"|--c\n|/\\*;\\*/|\\$\\$;\\$\\$| |\n|1|,|\\(|\\)){0,30}") {
        if let Ok(statements) = split(&sql, Transaction::Each) {
            let words = |sql: &str| -> Vec<String> {
                tokens(sql, false).into_iter()
                    .filter(|t| !t.is_quiet() && !t.is_symbol(";")).map(|t| t.text).collect()
            };
            let apart: Vec<String> = statements.iter().flat_map(|statement| words(statement)).collect();
            prop_assert_eq!(apart, words(&sql));
        }
    }
}
