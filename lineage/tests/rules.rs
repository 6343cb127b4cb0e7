//! One test a rule: what a text reads, writes, and warns of. Unqualified names are in schema `s`.

use std::collections::BTreeMap;

use rsqlflow_lineage::{Lineage, Options, WarningKind, of_source};

fn options() -> Options<'static> {
    Options { default_schema: Some("s".to_owned()), ..Options::default() }
}

fn warnings(lineage: &Lineage) -> Vec<String> {
    lineage
        .warnings
        .iter()
        .map(|warning| match &warning.kind {
            WarningKind::DynamicSql => "dynamic".to_owned(),
            WarningKind::UnknownProcedure(name) => format!("procedure {name}"),
            WarningKind::UnsetVariable(name) => format!("unset {name}"),
            WarningKind::AmbiguousVariable(name) => format!("depends {name}"),
            WarningKind::MissingInclude(name) => format!("include {name}"),
            WarningKind::ShellCommand => "shell".to_owned(),
            WarningKind::UnqualifiedName(name) => format!("unqualified {name}"),
            WarningKind::AmbiguousName(name) => format!("ambiguous {name}"),
            WarningKind::TooDeep => "deep".to_owned(),
        })
        .collect()
}

/// `name: sql => reads; writes; warnings`, the lists separated by blanks.
macro_rules! rules {
    ($($name:ident: $sql:expr => $reads:expr, $writes:expr $(, $($warning:expr),*)?;)*) => {$(
        #[test]
        fn $name() {
            let found = of_source("job.sql", $sql, &options());
            let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
            assert_eq!(found.read_names(), words($reads), "reads of {}", $sql);
            assert_eq!(found.written_names(), words($writes), "writes of {}", $sql);
            let expected: Vec<&str> = vec![$($($warning),*)?];
            assert_eq!(warnings(&found), expected, "warnings of {}", $sql);
        }
    )*};
}

mod reads {
    use super::*;
    rules! {
        plain: "select * from a" => "s.a", "";
        qualified: "select * from x.a" => "x.a", "";
        three_parts: "select * from db.x.a" => "db.x.a", "";
        folded: "select * from X.ORDERS" => "x.orders", "";
        folded_in_quotes: r#"select * from "X"."Orders""# => "x.orders", "";
        quote_in_a_name: r#"select * from x."a""b""# => "x.a\"b", "";
        dot_in_blanks: "select * from x . a" => "x.a", "";
        list: "select * from a, b c, x.d as e" => "s.a s.b x.d", "";
        joins: "select * from a join b on a.i = b.i left outer join c using (i) cross join d natural join e" => "s.a s.b s.c s.d s.e", "";
        join_in_parentheses: "select * from (a join b on true) join c on true" => "s.a s.b s.c", "";
        subquery_in_from: "select * from (select * from a) b" => "s.a", "";
        subquery_in_more_parentheses: "select * from ((select * from a)) b, c" => "s.a s.c", "";
        union_in_from: "select * from ((select 1 from a) union all (select 1 from b)) q" => "s.a s.b", "";
        exists: "select 1 from a where exists (select 1 from b where b.i = a.i)" => "s.a s.b", "";
        in_list: "select 1 from a where i in (select i from b) and j not in (1, 2)" => "s.a s.b", "";
        scalar: "select (select max(i) from b) from a" => "s.a s.b", "";
        case_with_query: "select case when (select 1 from b) = 1 then 2 end from a" => "s.a s.b", "";
        set_operations: "select 1 from a union select 1 from b intersect select 1 from c except select 1 from d minus select 1 from e" => "s.a s.b s.c s.d s.e", "";
        in_parentheses: "(select 1 from a) union (select 1 from b)" => "s.a s.b", "";
        only_once: "select * from a x join a y on x.i = y.i" => "s.a", "";
        extract: "select extract(year from d) from a" => "s.a", "";
        substring: "select substring(x from 2 for 3), trim(both 'x' from y) from a" => "s.a", "";
        extract_alone: "select extract(year from d)" => "", "";
        distinct_from: "select a.x is distinct from b.y, a.x is not distinct from c from a, b" => "s.a s.b", "";
        select_distinct: "select distinct on_date from a" => "s.a", "";
        function_in_from: "select * from generate_series(1, 10) g, a" => "s.a", "";
        function_with_query: "select * from f((select i from b)) g" => "s.b", "";
        lateral: "select * from a, lateral (select * from b where b.i = a.i) c" => "s.a s.b", "";
        order_by_list: "select 1 from a order by x, y limit 1, 2" => "s.a", "";
        group_by_list: "select 1 from a group by b, c having max(d) > 1" => "s.a", "";
        qualify: "select 1 from a qualify row_number() over (partition by b order by c) = 1, d" => "s.a", "";
        tablesample: "select * from a tablesample bernoulli (10) x, b" => "s.a s.b", "";
        column_aliases: "select * from a as x (i, j), b" => "s.a s.b", "";
        values_in_from: "select * from (values (1), (2)) v, a" => "s.a", "";
        pivot: "select * from (select p, q from a) pivot (sum(q) for p in ('x', 'y')), b" => "s.a s.b", "";
        connect_by: "select i, level from a start with b is null connect by prior c = d, e" => "s.a", "";
        window_clause: "select sum(x) over w from a window w as (partition by y order by z), v as (order by q)" => "s.a", "";
        system_tables: "select * from pg_table_def, stl_query, svv_tables, information_schema.tables, pg_catalog.pg_class" => "", "";
        comments_are_not_read: "select 1 -- from b\nfrom /* from c, */ a" => "s.a", "";
        strings_are_not_read: "select 'from b' from a where x = 'join c' and y = $$ from d $$" => "s.a", "";
        no_table: "select 1" => "", "";
        select_from_values: "values (1), (2)" => "", "";
        query_in_values: "values ((select 1 from a))" => "s.a", "";
        several_statements: "select 1 from a; select 1 from b;" => "s.a s.b", "";
        for_update: "select 1 from a for update" => "s.a", "";
        explain_runs_nothing: "explain select 1 from a" => "", "";
        cursor: "declare c cursor for select 1 from a; fetch 10 from c; close c" => "s.a", "";
        only: "select * from only a" => "s.a", "";
        outer_join_sign: "select * from a, b where a.i = b.i (+)" => "s.a s.b", "";
        ignore_nulls: "select first_value(x ignore nulls) over (order by y) from a" => "s.a", "";
        within_group: "select listagg(x, ',') within group (order by y) from a" => "s.a", "";
        interval: "select 1 from a where d > current_date - interval '1 day'" => "s.a", "";
        cast_to_type: "select x::varchar(10), cast(y as decimal(10, 2)) from a" => "s.a", "";
        non_ascii: "select * from größe.straße" => "größe.straße", "";
    }
}

mod cte {
    use super::*;
    rules! {
        a_name_is_no_table: "with q as (select 1 from a) select 1 from q" => "s.a", "";
        in_quotes: r#"with "Q" as (select 1 from a) select 1 from q"# => "s.a", "";
        chained: "with q as (select 1 from a), r as (select 1 from q) select 1 from r join b on true" => "s.a s.b", "";
        own_body_sees_the_table: "with a as (select 1 from a) select 1 from a" => "s.a", "";
        earlier_body_does_not_see_later_names: "with q as (select 1 from r), r as (select 1) select 1 from q, r" => "s.r", "";
        recursive_sees_itself: "with recursive q(i) as (select 1 from a union all select i + 1 from q) select 1 from q" => "s.a", "";
        recursive_sees_later_names: "with recursive q as (select 1 from r), r as (select 1 from a) select 1 from q" => "s.a", "";
        a_qualified_name_is_a_table: "with q as (select 1) select 1 from s.q" => "s.q", "";
        it_ends_with_its_query: "select 1 from (with q as (select 1 from a) select 1 from q) x, q" => "s.a s.q", "";
        seen_in_subqueries: "with q as (select 1) select (select 1 from q) from a where exists (select 1 from q)" => "s.a", "";
        nested: "with q as (with r as (select 1 from a) select 1 from r) select 1 from q, r" => "s.a s.r", "";
        column_list: "with q (i, j) as (select 1, 2 from a) select 1 from q" => "s.a", "";
        before_insert: "insert into b with q as (select 1 from a) select 1 from q" => "s.a", "s.b";
        with_first: "with q as (select 1 from a) insert into b select 1 from q" => "s.a", "s.b";
        before_update: "with q as (select 1 i from a) update b set x = 1 from q where q.i = b.i" => "s.a", "s.b";
        before_delete: "with q as (select 1 i from a) delete from b using q where q.i = b.i" => "s.a", "s.b";
        in_create_table: "create table b as with q as (select 1 from a) select 1 from q" => "s.a", "s.b";
        only_for_one_statement: "with q as (select 1) select 1 from q; select 1 from q" => "s.q", "";
        union_sees_it: "with q as (select 1 from a) select 1 from q union all select 1 from q" => "s.a", "";
    }
}

mod super_values {
    use super::*;
    rules! {
        path_of_an_alias: "select * from a x, x.items y" => "s.a", "";
        path_of_a_table: "select * from a, a.items y" => "s.a", "";
        path_of_a_qualified_table: "select * from x.a, a.items i, i.parts p" => "x.a", "";
        path_in_a_subquery: "select (select count(*) from x.items) from a x" => "s.a", "";
        path_with_index: "select * from a x, x.items[0].parts p, b" => "s.a s.b", "";
        with_index: "select * from a x, x.items as y at i, b" => "s.a s.b", "";
        object_unpivot: "select * from a x, unpivot x.attributes as v at k, b" => "s.a s.b", "";
        a_schema_is_no_path: "select * from a, x.items" => "s.a x.items", "";
        left_join_of_a_path: "select * from a x left join x.items y on true" => "s.a", "";
    }
}

mod writes {
    use super::*;
    rules! {
        insert_values: "insert into a values (1)" => "", "s.a";
        insert_select: "insert into x.a (i, j) select i, j from b" => "s.b", "x.a";
        insert_parentheses: "insert into a (select * from b)" => "s.b", "s.a";
        insert_default: "insert into a default values" => "", "s.a";
        insert_query_in_values: "insert into a values ((select max(i) from b))" => "s.b", "s.a";
        insert_from_itself: "insert into a select * from a" => "s.a", "s.a";
        update: "update a set x = 1 where y = 2" => "", "s.a";
        update_from: "update a set x = b.x from b join c on true where a.i = b.i" => "s.b s.c", "s.a";
        update_alias: "update a t set x = 1, y = 2 from b" => "s.b", "s.a";
        update_with_query: "update a set x = (select max(x) from b)" => "s.b", "s.a";
        delete: "delete from a" => "", "s.a";
        delete_without_from: "delete a where i = 1" => "", "s.a";
        delete_using: "delete from a using b, c where a.i = b.i" => "s.b s.c", "s.a";
        delete_in: "delete from a where i in (select i from b)" => "s.b", "s.a";
        merge: "merge into a using b on a.i = b.i when matched then update set x = b.x when not matched then insert values (b.i, b.x)" => "s.b", "s.a";
        merge_query: "merge into a t using (select * from b) q on t.i = q.i when matched then delete" => "s.b", "s.a";
        merge_remove_duplicates: "merge into a using b on a.i = b.i remove duplicates" => "s.b", "s.a";
        create: "create table a (i int, j varchar(10))" => "", "s.a";
        create_if_not_exists: "create table if not exists x.a (i int)" => "", "x.a";
        create_as: "create table a as select * from b" => "s.b", "s.a";
        create_as_parentheses: "create table a distkey(i) sortkey(i) as (select * from b)" => "s.b", "s.a";
        create_like: "create table a (like b including defaults)" => "s.b", "s.a";
        column_called_like: "create table a (i int, x varchar default 'like b')" => "", "s.a";
        create_external: "create external table x.a (i int) stored as parquet location 's3://b/p'" => "", "x.a";
        select_into: "select * into a from b" => "s.b", "s.a";
        select_into_table: "select i, j into table a from b where k = 1" => "s.b", "s.a";
        truncate: "truncate a" => "", "s.a";
        truncate_table: "truncate table x.a" => "", "x.a";
        drop: "drop table a" => "", "s.a";
        drop_several: "drop table if exists a, x.b cascade" => "", "s.a x.b";
        drop_view: "drop view if exists a" => "", "s.a";
        drop_materialized: "drop materialized view a" => "", "s.a";
        drop_schema_is_no_table: "drop schema x cascade; drop user u" => "", "";
        rename: "alter table x.a rename to b" => "", "x.a x.b";
        rename_column: "alter table a rename column b to c" => "", "";
        append: "alter table a append from b" => "s.b", "s.a s.b";
        add_column_is_no_write: "alter table a add column i int" => "", "";
        view: "create view a as select * from b" => "s.b", "s.a";
        view_replaced: "create or replace view x.a as select * from b with no schema binding" => "s.b", "x.a";
        materialized_view: "create materialized view a auto refresh yes as select * from b" => "s.b", "s.a";
        refresh: "refresh materialized view x.a" => "", "x.a";
        copy: "copy a from 's3://b/p' iam_role default csv" => "", "s.a";
        copy_columns: "copy x.a (i, j) from 's3://b/p' format json 'auto'" => "", "x.a";
        copy_to: "copy a to stdout" => "s.a", "";
        grant_is_no_write: "grant select on a to group g; analyze a; vacuum a; comment on table a is 'x'" => "", "";
        transaction: "begin; insert into a select 1 from b; end; commit" => "s.b", "s.a";
        lock_is_no_write: "lock table a" => "", "";
    }
}

mod unload {
    use super::*;
    rules! {
        text_is_sql: "unload ('select * from a where x = ''y''') to 's3://b/p' iam_role default" => "s.a", "";
        backslash_quotes: r"unload ('select * from a where x = \'from b\'') to 's3://b/p'" => "s.a", "";
        dollar_quotes: "unload ($$select * from a join b on true$$) to 's3://b/p'" => "s.a s.b", "";
        with_clause: "unload ('with q as (select 1 from a) select 1 from q') to 's3://b/p'" => "s.a", "";
    }

    #[test]
    fn locations_are_found() {
        let found = of_source(
            "j.sql",
            "unload ('select 1') to 's3://b/p/';\ncopy a from 's3://b/p/x' csv;",
            &options(),
        );
        assert_eq!((found.exports[0].uri.as_str(), found.exports[0].at.line), ("s3://b/p/", 1));
        assert_eq!((found.imports[0].uri.as_str(), found.imports[0].at.line), ("s3://b/p/x", 2));
    }
}

mod own_tables {
    use super::*;
    rules! {
        written_before_is_not_read: "create table a as select 1 from b; select 1 from a" => "s.b", "s.a";
        read_before_it_is_written: "select 1 from a; insert into a values (1)" => "s.a", "s.a";
        temporary: "create temp table a as select 1 from b; insert into a select 1 from a" => "s.b", "";
        temporary_long: "create temporary table a (i int); select 1 from a" => "", "";
        temporary_local: "create local temp table a (i int); update a set i = 1; delete from a; drop table a" => "", "";
        hash: "create table #a (i int); insert into #a select 1 from b; select 1 from #a" => "s.b", "";
        hash_into: "select * into #a from b; select 1 from #a" => "s.b", "";
        into_temp: "select * into temp a from b; select 1 from a" => "s.b", "";
        into_temp_table: "select * into temporary table a from b; truncate a" => "s.b", "";
        temporary_like: "create temp table a (like b); insert into a select * from c" => "s.b s.c", "";
        a_qualified_name_is_permanent: "create temp table a (i int); insert into x.a select 1 from a" => "", "x.a";
        dropped_before_created: "drop table if exists a; create temp table a as select 1 from b" => "s.b", "";
        permanent_after_drop: "create temp table a (i int); drop table a; insert into a values (1)" => "", "s.a";
        pg_temp: "create table pg_temp.a (i int); select 1 from pg_temp.a" => "", "";
        staged_upsert: "create temp table st (like t); copy st from 's3://b/p'; delete from t using st where t.i = st.i; insert into t select * from st" => "s.t", "s.t";
    }
}

mod search_path {
    use super::*;
    rules! {
        set_to: "set search_path to x; select 1 from a" => "x.a", "";
        set_equals: "set search_path = x; insert into a values (1)" => "", "x.a";
        in_quotes: "set search_path to 'x'; select 1 from a" => "x.a", "";
        quoted_name: r#"set search_path to "X"; select 1 from a"# => "x.a", "";
        user_is_passed_over: r#"set search_path to "$user", x; select 1 from a"# => "x.a", "";
        user_in_quotes: "set search_path to '$user', x; select 1 from a" => "x.a", "";
        later_statements_only: "select 1 from a; set search_path to x; select 1 from a" => "s.a x.a", "";
        several_create_in_the_first: "set search_path to x, y; create table a (i int); select 1 from a" => "", "x.a";
        several_are_ambiguous: "set search_path to x, y; select 1 from a" => "", "", "ambiguous a";
        a_qualified_name_is_not: "set search_path to x, y; select 1 from z.a" => "z.a", "";
        reset: "set search_path to x; reset search_path; select 1 from a" => "s.a", "";
        default: "set search_path to x; set search_path to default; select 1 from a" => "s.a", "";
        other_settings: "set query_group to 'x'; set statement_timeout = 5; select 1 from a" => "s.a", "";
        upper_case: "SET SEARCH_PATH TO X; SELECT 1 FROM A" => "x.a", "";
        session: "set session search_path to x; select 1 from a" => "x.a", "";
    }

    #[test]
    fn nothing_is_guessed() {
        let found = of_source("j.sql", "select 1 from a; select 1 from x.b", &Options::default());
        assert_eq!((found.read_names(), warnings(&found)), (vec!["x.b"], vec!["unqualified a".to_owned()]));
        assert!(found.warnings[0].hint().contains("default schema"));
    }
}

mod procedures {
    use super::*;
    const P: &str = "create or replace procedure p() as $$\nbegin\n  insert into a select 1 from b;\nend;\n$$ language plpgsql;";

    #[test]
    fn a_definition_runs_nothing() {
        let found = of_source("j.sql", P, &options());
        assert_eq!((found.read_names().len(), found.written_names().len()), (0, 0));
    }

    #[test]
    fn a_call_runs_the_body() {
        let found = of_source("j.sql", &format!("{P}\ncall p();"), &options());
        assert_eq!((found.read_names(), found.written_names()), (vec!["s.b"], vec!["s.a"]));
        assert_eq!(found.writes[0].at.line, 3);
    }

    #[test]
    fn a_body_may_be_given() {
        let procedures = BTreeMap::from([("x.p".to_owned(), "begin truncate a; end".to_owned())]);
        let found = of_source("j.sql", "call x.p(1);", &Options { procedures, ..options() });
        assert_eq!(found.written_names(), ["s.a"]);
    }

    fn body(text: &str) -> Lineage {
        let script = format!("create procedure p() as $$ {text} $$ language plpgsql; call p();");
        of_source("j.sql", &script, &options())
    }

    macro_rules! bodies {
        ($($name:ident: $body:expr => $reads:expr, $writes:expr $(, $($warning:expr),*)?;)*) => {$(
            #[test]
            fn $name() {
                let found = body($body);
                let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
                assert_eq!(found.read_names(), words($reads));
                assert_eq!(found.written_names(), words($writes));
                let expected: Vec<&str> = vec![$($($warning),*)?];
                assert_eq!(warnings(&found), expected);
            }
        )*};
    }

    bodies! {
        select_into_sets_a_variable: "declare n int; begin select count(*) into n from a; end;" => "s.a", "";
        if_exists: "begin if exists (select 1 from a) then delete from b; else insert into c values (1); end if; end;" => "s.a", "s.b s.c";
        elsif: "begin if x then truncate a; elsif (select 1 from d) = 1 then truncate b; end if; end;" => "s.d", "s.a s.b";
        for_query: "declare r record; begin for r in select * from a loop insert into b values (r.i); end loop; end;" => "s.a", "s.b";
        for_range: "begin for i in 1..10 loop update a set x = i; end loop; end;" => "", "s.a";
        while_loop: "begin while (select count(*) from a) > 0 loop delete from a; end loop; end;" => "s.a", "s.a";
        assignment: "declare n int := (select 1 from a); begin n := (select max(i) from b); end;" => "s.a s.b", "";
        perform: "begin perform f(i) from a; end;" => "s.a", "";
        cursor: "declare c refcursor; begin open c for select * from a; close c; end;" => "s.a", "";
        dynamic: "begin execute 'insert into ' || t || ' select 1'; end;" => "", "", "dynamic";
        literal: "begin execute 'insert into a select 1 from b'; end;" => "s.b", "s.a";
        for_execute: "begin for r in execute q loop null; end loop; end;" => "", "", "dynamic";
        exception: "begin insert into a values (1); exception when others then insert into b values (1); end;" => "", "s.a s.b";
        nested_call: "begin call q(); end;" => "", "", "procedure q";
        temporary: "begin create temp table t as select 1 from a; insert into b select 1 from t; end;" => "s.a", "s.b";
        raise: "begin raise info 'from a %', (select 1 from b); end;" => "s.b", "";
        return_query: "begin return query select 1 from a; end;" => "s.a", "";
    }

    #[test]
    fn a_procedure_that_calls_itself_ends() {
        let found = body("begin insert into a values (1); call p(); end;");
        assert_eq!(found.written_names(), ["s.a"]);
    }

    rules! {
        unknown: "call x.p(1, 2)" => "", "", "procedure x.p";
        argument: "create procedure p(int) as $$ begin truncate a; end $$ language plpgsql; call p((select 1 from b))" => "s.b", "s.a";
        prepared: "prepare q as insert into a select 1 from b; execute q" => "s.b", "s.a";
        not_prepared: "execute q" => "", "", "dynamic";
    }
}

mod rsql_scripts {
    use super::*;
    rules! {
        set_variable: "\\set t orders\nselect 1 from x.:t;" => "x.orders", "";
        set_schema: "\\set s stage\ninsert into :s.a select 1 from :\"s\".b;" => "stage.b", "stage.a";
        value_is_no_name: "select 1 from a where d = :'day';" => "s.a", "";
        unset: "select 1 from :t;" => "", "", "unset t";
        unset_after: "\\set t a\n\\unset t\nselect 1 from :t;" => "", "", "unset t";
        both_branches: "\\if :x\nselect 1 from a;\n\\else\nselect 1 from b;\n\\endif" => "s.a s.b", "";
        decided_by_a_condition: "\\set t a\n\\if :x\n\\set t b\n\\endif\nselect 1 from :t;" => "", "", "depends t";
        shell: "\\! rm x\nselect 1 from a;" => "s.a", "", "shell";
        os: "\\os ls" => "", "", "shell";
        include_missing: "\\i other.sql" => "", "", "include other.sql";
        run_missing: "\\run file='other.sql' skip=1" => "", "", "include other.sql";
        gexec: "select 'drop table a' \\gexec" => "", "", "dynamic";
        copy_meta: "\\copy a from 'x.csv' csv" => "", "s.a";
        goto: "insert into a values (1);\n\\if :ERROR\n\\goto end\n\\endif\ninsert into b values (1);\n\\label end\n\\exit 0" => "", "s.a s.b";
        logon_resets: "set search_path to x;\n\\logon db\nselect 1 from a;" => "s.a", "";
        upper_case: "\\SET t a\nselect 1 from :t;" => "s.a", "";
        copy_rows: "copy a from stdin;\nselect 1 from b;\n\\.\nselect 1 from c;" => "s.c", "s.a";
    }

    #[test]
    fn an_include_is_read_with_its_own_places() {
        let include = |path: &str| (path == "lib/b.sql").then(|| "\nselect 1 from :t;".to_owned());
        let options = Options { include: Some(&include), ..options() };
        let found = of_source("j.rsql", "\\set t a\n\\i lib/b.sql", &options);
        assert_eq!(found.reads[0].at.to_string(), "lib/b.sql:2");
        assert_eq!(found.read_names(), ["s.a"]);
    }

    #[test]
    fn an_include_of_itself_ends() {
        let include = |_: &str| Some("\\i again.sql\nselect 1 from a;".to_owned());
        let found = of_source("j.rsql", "\\i again.sql", &Options { include: Some(&include), ..options() });
        assert_eq!((found.read_names(), warnings(&found)), (vec!["s.a"], vec!["deep".to_owned()]));
    }

    #[test]
    fn a_variable_may_be_given() {
        let variables = BTreeMap::from([("t".to_owned(), "a".to_owned())]);
        let found = of_source("j.rsql", "select 1 from x.:t", &Options { variables, ..options() });
        assert_eq!(found.read_names(), ["x.a"]);
    }

    #[test]
    fn places_are_lines_of_the_file() {
        let found = of_source(
            "j.rsql",
            "-- head\n\\echo x\nselect 1\nfrom\n  a;\ninsert into b\nvalues (1);",
            &options(),
        );
        assert_eq!((found.reads[0].at.line, found.writes[0].at.line), (5, 6));
    }
}

mod parameters {
    use super::*;

    fn with(sql: &str) -> Lineage {
        let parameters = BTreeMap::from([("schema".to_owned(), "x".to_owned())]);
        of_source("j.sql", sql, &Options { parameters, ..options() })
    }

    #[test]
    fn a_parameter_is_filled() {
        assert_eq!(with("select 1 from {{ schema }}.a, {{schema}}.b").read_names(), ["x.a", "x.b"]);
    }

    #[test]
    fn a_parameter_without_a_value_is_a_warning() {
        let found = with("select '{{ ds }}' from {{ other }}.a");
        assert_eq!((found.read_names().len(), warnings(&found)), (0, vec!["unset other".to_owned()]));
    }

    #[test]
    fn marks_cannot_be_forged() {
        assert_eq!(with("select 1 from \u{E000}a\u{E001}").read_names(), ["s.a"]);
    }
}

mod shell_scripts {
    use super::*;

    fn shell(text: &str) -> Lineage {
        of_source("j.sh", text, &options())
    }

    #[test]
    fn a_here_document_is_read() {
        let found = shell(
            "#!/bin/bash\nsource creds.sh\nrsql -h $HOST -U $USER -d $DB << EOF\ninsert into a select 1 from b;\n\\if :ERROR <> 0\n\\exit 1\n\\endif\nEOF\nexit $?\n",
        );
        assert_eq!((found.read_names(), found.written_names()), (vec!["s.b"], vec!["s.a"]));
        assert_eq!(found.writes[0].at.to_string(), "j.sh:4");
    }

    #[test]
    fn shell_variables_are_expanded() {
        let found = shell("STAGE=stage\nrsql << EOF\nselect 1 from ${STAGE}.a, ${OTHER:-x}.b;\nEOF\n");
        assert_eq!(found.read_names(), ["stage.a", "x.b"]);
    }

    #[test]
    fn a_quoted_document_is_not_expanded() {
        let found = shell("T=a\nrsql -v T=b <<'EOF'\nselect 1 from :T where x = '$T';\nEOF\n");
        assert_eq!(found.read_names(), ["s.b"]);
    }

    #[test]
    fn an_unknown_shell_variable_is_a_warning() {
        let found = shell("rsql << EOF\nselect 1 from $SCHEMA.a;\nselect 1 from b where d = '$DAY';\nEOF\n");
        assert_eq!((found.read_names(), warnings(&found)), (vec!["s.b"], vec!["unset SCHEMA".to_owned()]));
    }

    #[test]
    fn environment_and_arguments_are_known() {
        let variables = BTreeMap::from([("SCHEMA".to_owned(), "x".to_owned())]);
        let options = Options { variables, arguments: vec!["a".to_owned()], ..options() };
        let found = of_source("j.sh", "rsql -c \"select 1 from $SCHEMA.$1\"", &options);
        assert_eq!(found.read_names(), ["x.a"]);
    }

    #[test]
    fn a_path_of_one_client_does_not_hold_for_the_next() {
        let found = shell("rsql -c 'set search_path to x; select 1 from a'\nrsql -c 'select 1 from a'\n");
        assert_eq!(found.read_names(), ["s.a", "x.a"]);
    }

    #[test]
    fn a_file_is_included() {
        let include = |path: &str| (path == "b.sql").then(|| "truncate a;".to_owned());
        let found = of_source("j.sh", "rsql -f b.sql", &Options { include: Some(&include), ..options() });
        assert_eq!(found.writes[0].at.to_string(), "b.sql:1");
    }

    #[test]
    fn other_commands_are_not_read() {
        assert_eq!(shell("echo 'select 1 from a'\ncat << EOF\ndrop table a;\nEOF\n"), Lineage::default());
    }
}

#[test]
fn views_stand_for_the_tables_behind_them() {
    let views = BTreeMap::from([("s.v".to_owned(), vec!["s.a".to_owned(), "s.b".to_owned()])]);
    let found = of_source("j.sql", "select 1 from v", &Options { views, ..options() });
    assert_eq!(found.read_names(), ["s.a", "s.b", "s.v"]);
}

#[test]
fn deep_nesting_is_a_warning() {
    let sql = format!("select * from {}select 1 from a{}", "(".repeat(5000), ")".repeat(5000));
    let found = of_source("j.sql", &sql, &options());
    assert_eq!(warnings(&found), ["deep"]);
}
