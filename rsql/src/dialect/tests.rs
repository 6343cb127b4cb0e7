//! What becomes of statements.

use super::{DialectError, Step, translate};

fn sql(text: &str) -> String {
    match translate(text, None).expect("translates").as_slice() {
        [Step::Sql(sql)] => sql.clone(),
        other => other.iter().map(|s| format!("{s};")).collect(),
    }
}

fn error(text: &str) -> String {
    translate(text, None).expect_err(text).to_string()
}

#[test]
fn what_is_the_same_stays_as_it_is() {
    for text in [
        "select  1 -- x\n , 'a'  ;",
        "create table t (a int, b char(10) not null, primary key (a));",
        "select (array[1,2])[1:2], a.decode, \"top\" from a;",
        "insert into t values (1), (2);",
        "select decode('00', 'hex');",
        "create function f() returns int language sql as $$ select coalesce(1, 2) $$;",
        "create function f() returns int language c as 'nvl(1, 2)';",
        "create procedure p() as $x$ begin if a = 1 then b := case when c then 1 else 2 end; end if; end $x$ language plpgsql;",
        "select qualify, top from t;",
        "select cast(a as int) as super, b as geography, convert(x, 'UTF8', 'LATIN1') from t as nchar;",
        "copy t from stdin;",
        "set timezone to 'UTC';",
    ] {
        assert_eq!(sql(text), text);
    }
}

#[test]
fn functions() {
    for (text, expected) in [
        ("select nvl(a, nvl(b, 1))", "select COALESCE(a, COALESCE(b, 1))"),
        ("select nvl2(a, 'x', 'y')", "select CASE WHEN (a) IS NOT NULL THEN 'x' ELSE 'y' END AS nvl2"),
        (
            "select decode(a, 1, 'x', 'y')",
            "select CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN 'x' ELSE 'y' END",
        ),
        ("select dateadd(qtr, 2, d)", "select redshift.date_add('quarter', (2)::bigint, d)"),
        ("select datediff(day, a, b)", "select redshift.date_diff('day', a, b)"),
        (
            "select listagg(distinct n, ', ') within group (order by n) as x",
            "select string_agg(DISTINCT (n)::text, ', ' order by (n)::text) as x",
        ),
        ("select getdate()", "select statement_timestamp()::timestamp(0) AS getdate"),
        ("set search_path to a, pg_catalog;", "SET search_path TO a, redshift, pg_catalog;"),
        ("select extract(ms from t)", "select redshift.date_part('milliseconds', t)::integer"),
        ("select max(a) from (select 1 as a)", "select max(a) from (select 1 as a) AS derived_table1"),
        ("select 4 as a, a * 2 as b where b > 1", "select 4 as a, (4) * 2 as b where ((4) * 2) > 1"),
        ("select upper(n) as n, n || 'x' as m from t", "select upper(n) as n, n || 'x' as m from t"),
        ("select s.a[0].b from t", "select (s)['a'][0]['b'] AS b from t"),
        ("select t.s from x.t", "select t.s from x.t"),
        ("delete t where a = 1;", "delete FROM t where a = 1;"),
        ("select len(x), x::super", "select len(x), redshift.to_super(x)"),
        ("select 'a\\'b'", "select E'a\\'b'"),
        ("select 1 minus select 2", "select 1 EXCEPT select 2"),
        ("select approximate count(distinct x)", "select count(distinct x)"),
        ("select cast(x as nvarchar(max))", "select CAST(x AS varchar(65535))"),
        ("select cast(nvl(x, 1) as super) as super", "select redshift.to_super(COALESCE(x, 1)) as super"),
        ("select date_part(w, d)", "select redshift.date_part('week', d)"),
    ] {
        assert_eq!(sql(text), expected);
    }
}

#[test]
fn tables() {
    for (text, expected) in [
        (
            "create table #t (id int identity(1,1), n varchar(max) encode zstd, s super) diststyle key distkey(id) compound sortkey(id, n);",
            "create TEMP table \"#t\" (id int GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 1), n varchar(65535) CONSTRAINT \"n_bytes\" CHECK (redshift.fits(n, 65535)), s jsonb) ;",
        ),
        ("select * from #t", "select * from \"#t\""),
        ("create table t distkey(a) as select top 3 a from b;", "create table t as select a from b LIMIT 3;"),
        ("create temp table t (a int distkey sortkey)", "create temp table t (a int)"),
        ("alter table t add column c int encode az64 default 0", "alter table t add column c int default 0"),
        ("create view v as select 1 with no schema binding;", "create view v as select 1 "),
        ("vacuum delete only t to 99 percent;", "VACUUM t"),
    ] {
        assert_eq!(sql(text), expected);
    }
}

#[test]
fn queries() {
    assert_eq!(sql("select top 5 * from t order by 1;"), "select * from t order by 1 LIMIT 5;");
    assert_eq!(
        sql("select * from (select distinct top 2 a from t) x"),
        "select * from (select distinct a from t LIMIT 2) x"
    );
    assert_eq!(
        sql("select a, b as c from t qualify row_number() over (partition by a order by b) = 1 order by 1;"),
        "select qualify_query.qualify_column1 AS a, qualify_query.qualify_column2 AS c FROM (SELECT a AS qualify_column1, \
         b AS qualify_column2, (row_number() over (partition by a order by b) = 1) AS qualify_keep from t) AS qualify_query \
         WHERE qualify_query.qualify_keep\norder by 1;"
    );
    assert!(
        sql("select * from t x qualify rank() over (order by a) = 1")
            .contains("(qualify_query.qualify_column1).*")
    );
}

#[test]
fn bodies() {
    for (text, expected) in [
        (
            "create function f(super, n varchar(max)) returns super stable as $$ select nvl($1, 'a\\'b') $$ language sql;",
            "create function f(jsonb, n varchar(65535)) returns jsonb stable as $$ select COALESCE($1, E'a\\'b') $$ language sql;",
        ),
        (
            "create or replace procedure p() as $$ declare n int := len('x'); begin\n\
             create table #t (a int encode zstd); set query_group to 'x';\n\
             if n > 1 then select top 1 a into n from #t; else vacuum full t; end if;\n\
             for r in select top 2 a from b loop delete from #t where a = r.a; end loop; end $$ language plpgsql;",
            "create or replace procedure p() as $$ declare n int := len('x'); begin\n\
             create TEMP table \"#t\" (a int) ; SET redshift.query_group TO 'x';\n\
             if n > 1 then select a into n from \"#t\" LIMIT 1; else VACUUM t; end if;\n\
             for r in select a from b LIMIT 2 loop delete from \"#t\" where a = r.a; end loop; end $$ language plpgsql;",
        ),
    ] {
        assert_eq!(sql(text), expected);
    }
}

#[test]
fn settings_are_done() {
    assert_eq!(sql("set query_group to 'x';"), "SET redshift.query_group TO 'x';");
    assert_eq!(sql("set local query_group = 6 ;"), "SET LOCAL redshift.query_group TO '6';");
    assert_eq!(sql("reset query_group;"), "RESET redshift.query_group;");
    assert_eq!(sql("alter table t alter distkey a;"), "-- ALTER TABLE: nothing to send;");
}

#[test]
fn what_cannot_be_mapped_is_named() {
    for (text, named) in [
        ("create external table s.t (a int)", "CREATE EXTERNAL TABLE"),
        ("create table t (a geography)", "GEOGRAPHY"),
        ("select crc32(a)", "CRC32"),
        ("show tables from schema a.b;", "SHOW TABLES"),
        ("analyze compression t", "ANALYZE COMPRESSION"),
        ("alter table a append from b", "APPEND"),
        ("copy t from 's3://b/k' parquet", "--s3-root"),
        ("select top 1 a from b union select 2", "TOP"),
        ("select * from a join b using (c) qualify rank() over (order by 1) = 1", "QUALIFY"),
        ("select dateadd(fortnight, 1, d)", "fortnight"),
        ("create function f(a int) returns int as $$ return a $$ language plpythonu", "plpythonu"),
        ("create procedure p() nonatomic as $$ begin null; end $$ language plpgsql", "NONATOMIC"),
        ("create procedure p() as $$ begin copy t from 's3://b/k'; end $$ language plpgsql", "s3://"),
        ("create or replace external function f(int) returns int lambda 'x'", "CREATE EXTERNAL FUNCTION"),
        ("merge into a using b on a.x = b.x remove duplicates", "REMOVE DUPLICATES"),
    ] {
        assert!(error(text).contains(named), "{text}: {}", error(text));
    }
    let root = Some(std::path::Path::new("/tmp"));
    let parquet = translate("copy t from 's3://b/k' iam_role default format as parquet", root);
    assert_eq!(
        parquet.map(|_| ()).expect_err("unsupported"),
        DialectError::Unsupported("COPY … PARQUET".into())
    );
    let outside = translate("copy t from 's3://../k'", root);
    assert!(outside.is_err());
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "\\PC*|[a-z0-9 '\"$/*#:;.,()\\\\\\n-]*") {
        let _ = translate(&text, None);
        for language in ["sql", "plpgsql"] {
            let _ = translate(&format!("create function f(int) as $$ {text} $$ language {language};"), None);
        }
    }

    #[test]
    fn a_body_keeps_what_is_the_same(
        parts in proptest::collection::vec(
            "begin|end;|if a then|select 1;|loop|;|for r in select a from b loop|x := 1;|'a'';'|-- c\n|\\(|\\)|\"q\"|[a-z]{1,3}",
            0..12,
        ),
    ) {
        let text = format!("create procedure p() as $$ {} $$ language plpgsql;", parts.join(" "));
        if let Ok(steps) = translate(&text, None)
            && let [Step::Sql(sql)] = steps.as_slice()
        {
            proptest::prop_assert_eq!(sql, &text);
        }
    }
}
