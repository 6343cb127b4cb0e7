//! Edges between jobs.

use rsqlflow_lineage::{Inference, JobAccess, Options, Reason, infer, of_source};

fn job(name: &str, sql: &str) -> JobAccess {
    let options = Options { default_schema: Some("s".to_owned()), ..Options::default() };
    JobAccess { name: name.to_owned(), lineage: of_source(name, sql, &options), ..JobAccess::default() }
}

fn pairs(inference: &Inference) -> Vec<(usize, usize)> {
    inference.edges.iter().map(|edge| (edge.parent, edge.child)).collect()
}

#[test]
fn a_reader_comes_after_the_writer() {
    let found =
        infer(&[job("b", "insert into y select * from x"), job("a", "copy x from 's3://b/x'")], false);
    assert_eq!(pairs(&found), [(1, 0)]);
    let Reason::Table { table, written, read } = &found.edges[0].reasons[0] else { panic!("a table") };
    assert_eq!((table.as_str(), written.to_string(), read.to_string()), ("s.x", "a:1".into(), "b:1".into()));
}

#[test]
fn a_job_does_not_wait_for_itself() {
    assert_eq!(pairs(&infer(&[job("a", "insert into x select * from x")], false)), []);
}

#[test]
fn an_unload_comes_before_the_copy_of_its_files() {
    let jobs = [
        job("load", "copy y from 's3://bucket/out/part' csv"),
        job("unload", "unload ('select 1') to 's3://bucket/out/'"),
        job("other", "copy z from 's3://bucket/other/' csv"),
    ];
    assert_eq!(pairs(&infer(&jobs, false)), [(1, 0)]);
}

#[test]
fn a_table_is_created_before_it_is_filled_and_read() {
    let jobs = [
        job("fill", "insert into x values (1)"),
        job("ddl", "create table x (i int)"),
        job("read", "select 1 from x"),
    ];
    let found = infer(&jobs, false);
    assert_eq!(pairs(&found), [(0, 2), (1, 0), (1, 2)]);
    assert_eq!(found.conflicts, []);
}

#[test]
fn two_writers_need_an_order() {
    let jobs = [job("a", "insert into x values (1)"), job("b", "delete from x")];
    let found = infer(&jobs, false);
    assert_eq!(found.conflicts.len(), 1);
    assert_eq!((found.conflicts[0].table.as_str(), found.conflicts[0].first.0), ("s.x", 0));
    assert_eq!(infer(&jobs, true).conflicts, []);
}

#[test]
fn two_writers_with_an_order_are_none() {
    let mut second = job("b", "delete from x");
    second.depends_on = Some(vec!["a".to_owned()]);
    let found = infer(&[job("a", "insert into x values (1)"), second], false);
    assert_eq!((pairs(&found), found.conflicts.len()), (vec![(0, 1)], 0));
    assert_eq!(found.edges[0].reasons, [Reason::Stated]);
}

#[test]
fn depends_on_replaces_what_is_inferred() {
    let mut reader = job("b", "select 1 from x");
    reader.depends_on = Some(Vec::new());
    assert_eq!(pairs(&infer(&[job("a", "truncate x"), reader], false)), []);
}

#[test]
fn not_after_removes_an_edge() {
    let mut reader = job("b", "select 1 from x");
    reader.not_after = vec!["a".to_owned()];
    assert_eq!(pairs(&infer(&[job("a", "truncate x"), reader], false)), []);
}

#[test]
fn unknown_names_are_reported() {
    let mut reader = job("b", "select 1");
    reader.depends_on = Some(vec!["nobody".to_owned()]);
    assert_eq!(infer(&[reader], false).unknown, [(0, "nobody".to_owned())]);
}
