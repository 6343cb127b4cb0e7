//! The Redshift Data API, by the SDK, against a PostgreSQL of the tests' own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{Field, QueryRecords, ResultFormatString, SqlParameter, StatusString};
use rsqlflow_core::Function;
use rsqlflow_local::{Endpoint, Functions, Warehouse};
use rsqlflow_tests_postgres::Cluster;
use serde_json::json;

use crate::support::{Local, by_port, call, code, options, restart_with, start_with, until};

fn warehouse(cluster: &Cluster) -> Warehouse {
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", cluster.port);
    Warehouse::new("night", &url).unwrap()
}

async fn start(cluster: &Cluster) -> Local {
    start_with(|options| options.warehouses = vec![warehouse(cluster)]).await
}

fn client(local: &Local) -> Client {
    Client::new(&local.sdk)
}

/// Runs one statement, and describes it when it has ended.
async fn run(client: &Client, sql: &str) -> DescribeStatementOutput {
    let accepted = client.execute_statement().workgroup_name("night").sql(sql).send().await.unwrap();
    ended(client, accepted.id().unwrap()).await
}

async fn ended(client: &Client, id: &str) -> DescribeStatementOutput {
    until("the end of a statement", async || {
        let described = client.describe_statement().id(id).wait_time_seconds(5).send().await.unwrap();
        let open = [StatusString::Submitted, StatusString::Picked, StatusString::Started];
        (!open.contains(described.status().unwrap())).then_some(described)
    })
    .await
}

fn parameter(name: &str, value: &str) -> SqlParameter {
    SqlParameter::builder().name(name).value(value).build().unwrap()
}

#[tokio::test]
async fn a_statement_ends_with_typed_fields_and_metadata() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let made =
        run(&client, "create table sale (id int not null, price decimal(12,2), at date, note varchar(20))")
            .await;
    assert_eq!(
        (made.status(), made.has_result_set()),
        (Some(&StatusString::Finished), Some(false)),
        "{made:?}"
    );
    let sql = "insert into sale values (1, 1.50, '2026-01-31', 'a'), (2, null, null, '')";
    assert_eq!(run(&client, sql).await.result_rows(), 2);

    let accepted = client
        .execute_statement()
        .cluster_identifier("night")
        .database("postgres")
        .statement_name("sales")
        .sql("select s.*, true as yes, 0.5::float8 as half, id * 2 as twice from sale s where id >= :least order by id")
        .parameters(parameter("least", "1"))
        .wait_time_seconds(20)
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.status().map(|s| s.as_str()), Some("FINISHED"));
    assert!(accepted.redshift_pid().unwrap() > 0 && accepted.has_result_set() == Some(true));
    assert_eq!((accepted.cluster_identifier(), accepted.workgroup_name()), (Some("night"), None));
    let id = accepted.id().unwrap();
    let described = client.describe_statement().id(id).send().await.unwrap();
    assert_eq!((described.result_rows(), described.has_result_set()), (2, Some(true)));
    assert!(described.duration() > 1_000 && described.redshift_query_id() > 0, "{described:?}");
    assert_eq!(described.query_parameters()[0].name(), "least");
    assert!(described.error().is_none());

    let result = client.get_statement_result().id(id).send().await.unwrap();
    assert_eq!((result.total_num_rows(), result.next_token()), (2, None));
    let first = &result.records()[0];
    assert_eq!(first[0], Field::LongValue(1));
    assert_eq!(first[1], Field::StringValue("1.50".to_owned()));
    assert_eq!(first[2], Field::StringValue("2026-01-31".to_owned()));
    assert_eq!(first[4..], [Field::BooleanValue(true), Field::DoubleValue(0.5), Field::LongValue(2)]);
    assert_eq!(result.records()[1][1], Field::IsNull(true));
    assert_eq!(result.records()[1][3], Field::StringValue(String::new()));
    let columns = result.column_metadata();
    let types: Vec<_> = columns.iter().map(|c| c.type_name().unwrap()).collect();
    assert_eq!(types, ["int4", "numeric", "date", "varchar", "bool", "float8", "int4"]);
    assert_eq!(
        (columns[0].nullable(), columns[0].table_name(), columns[0].schema_name()),
        (0, Some("sale"), Some("public"))
    );
    assert_eq!((columns[1].precision(), columns[1].scale(), columns[1].nullable()), (12, 2, 1));
    assert_eq!((columns[6].table_name(), columns[6].label()), (Some(""), Some("twice")));
}

#[tokio::test]
async fn an_error_is_worded_as_redshift_words_it() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let failed = run(&client, "select * from nowhere").await;
    assert_eq!(failed.status(), Some(&StatusString::Failed));
    assert!(failed.error().unwrap().starts_with("ERROR: relation \"nowhere\" does not exist"), "{failed:?}");
    assert_eq!((failed.result_rows(), failed.result_size(), failed.has_result_set()), (-1, -1, Some(false)));
    let refused = client.get_statement_result().id(failed.id()).send().await.unwrap_err();
    let refused = refused.into_service_error();
    assert!(refused.is_resource_not_found_exception(), "{refused:?}");
    assert!(refused.to_string().contains("does not have result"), "{refused}");

    let no_database = client
        .execute_statement()
        .workgroup_name("night")
        .database("nowhere")
        .sql("select 1")
        .send()
        .await
        .unwrap();
    let failed = ended(&client, no_database.id().unwrap()).await;
    assert_eq!(failed.error(), Some("FATAL: database \"nowhere\" does not exist"));

    let unknown = "d9b6c0c9-0747-4bf4-b142-e8883122f766";
    let missing = client.describe_statement().id(unknown).send().await.unwrap_err().into_service_error();
    match missing {
        aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementError::ResourceNotFoundException(e) => {
            assert_eq!((e.message(), e.resource_id()), ("Query does not exist.", unknown));
        }
        other => panic!("{other:?}"),
    }
    for (workgroup, cluster, says) in [
        (Some("other"), None, "Redshift endpoint doesn't exist in this region."),
        (None, Some("other"), "Cluster doesn't exist in this region."),
        (None, None, "must be specified"),
        (Some("night"), Some("night"), "cannot both be specified"),
    ] {
        let refused = client
            .execute_statement()
            .set_workgroup_name(workgroup.map(str::to_owned))
            .set_cluster_identifier(cluster.map(str::to_owned))
            .sql("select 1")
            .send()
            .await
            .unwrap_err();
        assert_eq!(code(&refused), "ValidationException");
        assert!(format!("{refused:?}").contains(says), "{refused:?}");
    }
}

#[tokio::test]
async fn parameters_are_bound_and_never_become_text() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    run(&client, "create table t (id bigint, name varchar(100), at date)").await;
    let hostile = "x'); drop table t; --\\";
    let accepted = client
        .batch_execute_statement()
        .workgroup_name("night")
        .sqls("insert into t select :id, :name, :at")
        .sqls("update t set id = id + :id where name = :name")
        .sqls("select id, name, at, ':name' from t where at = dateadd(day, 0, :at::date)")
        .parameters(parameter("id", "5"))
        .parameters(parameter("name", hostile))
        .parameters(parameter("at", "2026-02-28"))
        .wait_time_seconds(20)
        .send()
        .await
        .unwrap();
    let id = accepted.id().unwrap();
    let described = ended(&client, id).await;
    assert_eq!(described.status(), Some(&StatusString::Finished), "{described:?}");
    let result = client.get_statement_result().id(format!("{id}:3")).send().await.unwrap();
    let text = |text: &str| Field::StringValue(text.to_owned());
    assert_eq!(result.records()[0], [Field::LongValue(10), text(hostile), text("2026-02-28"), text(":name")]);

    let procedure = "create procedure p(n int) language plpgsql as $$ begin insert into t values (n, 'called', null); end $$";
    assert_eq!(run(&client, procedure).await.status(), Some(&StatusString::Finished));
    let called = client
        .execute_statement()
        .workgroup_name("night")
        .sql("call p(:n)")
        .parameters(parameter("n", "77"))
        .send()
        .await
        .unwrap();
    ended(&client, called.id().unwrap()).await;
    assert_eq!(cluster.ask("select id from t where name = 'called'"), "77");
    // A value of a wrong type is the server's error, as on Redshift.
    let wrong = client
        .execute_statement()
        .workgroup_name("night")
        .sql("select * from t where id = :n")
        .parameters(parameter("n", "abc"))
        .send()
        .await
        .unwrap();
    let wrong = ended(&client, wrong.id().unwrap()).await;
    assert!(wrong.error().unwrap().contains("invalid input syntax for type bigint: \"abc\""), "{wrong:?}");
}

#[tokio::test]
async fn a_batch_is_one_transaction_unless_it_commits_each() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let sqls = ["create table a (x int)", "insert into nowhere values (1)", "create table b (x int)"];
    let batch = async |mode: Option<&str>| {
        let accepted = client
            .batch_execute_statement()
            .workgroup_name("night")
            .set_sqls(Some(sqls.iter().map(|sql| (*sql).to_owned()).collect()))
            .set_execution_mode(mode.map(Into::into))
            .send()
            .await
            .unwrap();
        ended(&client, accepted.id().unwrap()).await
    };
    let tables = || cluster.ask("select count(*) from pg_tables where schemaname = 'public'");
    let statuses = |described: &DescribeStatementOutput| -> Vec<String> {
        described.sub_statements().iter().map(|s| s.status().unwrap().as_str().to_owned()).collect()
    };
    let whole = batch(None).await;
    assert_eq!(whole.status(), Some(&StatusString::Failed));
    assert_eq!(statuses(&whole), ["FINISHED", "FAILED", "ABORTED"]);
    assert!(whole.error().unwrap().starts_with("Query #2 failed with ERROR: relation"), "{whole:?}");
    assert_eq!(whole.sub_statements()[1].id(), format!("{}:2", whole.id()));
    assert_eq!(tables(), "0", "the transaction was rolled back");

    let each = batch(Some("AUTO_COMMIT")).await;
    assert_eq!(each.status(), Some(&StatusString::Failed));
    assert_eq!(statuses(&each), ["FINISHED", "FAILED", "FINISHED"]);
    assert_eq!(tables(), "2");
    let second = client.describe_statement().id(format!("{}:2", each.id())).send().await.unwrap();
    assert_eq!((second.status(), second.query_string()), (Some(&StatusString::Failed), Some(sqls[1])));
    let missing = client.describe_statement().id(format!("{}:4", each.id())).send().await.unwrap_err();
    assert_eq!(code(&missing), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_token_finds_its_statement_and_refuses_another_request() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    run(&client, "create table t (x int)").await;
    let send = async |sql: &str| {
        client.execute_statement().workgroup_name("night").sql(sql).client_token("a token").send().await
    };
    let first = send("insert into t values (1)").await.unwrap();
    ended(&client, first.id().unwrap()).await;
    let local = restart_with(local, |options| options.warehouses = vec![warehouse(&cluster)]).await;
    let client = Client::new(&local.sdk);
    let send = async |sql: &str| {
        client.execute_statement().workgroup_name("night").sql(sql).client_token("a token").send().await
    };
    let again = send("insert into t values (1)").await.unwrap();
    assert_eq!(again.id(), first.id());
    assert_eq!(cluster.ask("select count(*) from t"), "1");
    let other = send("insert into t values (2)").await.unwrap_err();
    assert_eq!(code(&other), "ValidationException");
    assert_eq!(cluster.ask("select count(*) from t"), "1");
}

#[tokio::test]
async fn a_cancelled_statement_is_aborted_on_the_server() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let accepted =
        client.execute_statement().workgroup_name("night").sql("select pg_sleep(600)").send().await.unwrap();
    let id = accepted.id().unwrap();
    until("the start", async || {
        let described = client.describe_statement().id(id).send().await.unwrap();
        (described.status() == Some(&StatusString::Started)).then_some(())
    })
    .await;
    let cancelled = client.cancel_statement().id(id).send().await.unwrap();
    assert_eq!(cancelled.status(), Some(true));
    let described = ended(&client, id).await;
    assert_eq!(described.status(), Some(&StatusString::Aborted), "{described:?}");
    until("the end on the server", async || {
        let sleeping = "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()";
        (cluster.ask(sleeping) == "0").then_some(())
    })
    .await;
    let again = client.cancel_statement().id(id).send().await.unwrap_err();
    assert_eq!(code(&again), "ValidationException");
    assert!(format!("{again:?}").contains("already in ABORTED state"), "{again:?}");

    // In the middle of a transaction: what came before is rolled back.
    let batch = client
        .batch_execute_statement()
        .workgroup_name("night")
        .sqls("create table half (x int)")
        .sqls("select pg_sleep(600)")
        .send()
        .await
        .unwrap();
    let id = batch.id().unwrap();
    until("the second statement", async || {
        let described = client.describe_statement().id(id).send().await.unwrap();
        let second = described.sub_statements()[1].status().unwrap().as_str().to_owned();
        (second == "STARTED").then_some(())
    })
    .await;
    client.cancel_statement().id(id).send().await.unwrap();
    let described = ended(&client, id).await;
    assert_eq!(described.status(), Some(&StatusString::Aborted), "{described:?}");
    assert_eq!(cluster.ask("select count(*) from pg_tables where tablename = 'half'"), "0");
}

#[tokio::test]
async fn who_waits_is_answered_at_the_end_or_in_time() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let begun = Instant::now();
    let accepted = client
        .execute_statement()
        .workgroup_name("night")
        .sql("select pg_sleep(600)")
        .wait_time_seconds(1)
        .send()
        .await
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(accepted.status().map(|s| s.as_str()), Some("STARTED"));
    let id = accepted.id().unwrap().to_owned();
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let (client, id) = (client.clone(), id.clone());
            tokio::spawn(async move { client.describe_statement().id(id).wait_time_seconds(30).send().await })
        })
        .collect();
    until("one that is too many", async || waiting.iter().any(|waits| waits.is_finished()).then_some(()))
        .await;
    let begun = Instant::now();
    client.cancel_statement().id(&id).send().await.unwrap();
    let mut refused = 0;
    for waits in waiting {
        match waits.await.unwrap() {
            Ok(described) => assert_eq!(described.status(), Some(&StatusString::Aborted)),
            Err(error) => {
                assert_eq!(code(&error), "ActiveWaitingRequestsExceededException");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn large_results_come_in_pages_in_both_formats() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let sql = "select n, 'a,\"' || n as t from generate_series(1, 2500) n order by n";
    let described = run(&client, sql).await;
    let mut numbers = BTreeSet::new();
    let mut pages = client.get_statement_result().id(described.id()).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.total_num_rows(), 2_500);
        count += 1;
        numbers.extend(page.records().iter().map(|row| *row[0].as_long_value().unwrap()));
    }
    assert_eq!((numbers.len(), count), (2_500, 3));

    let accepted = client
        .execute_statement()
        .workgroup_name("night")
        .sql(sql)
        .result_format(ResultFormatString::Csv)
        .wait_time_seconds(30)
        .send()
        .await
        .unwrap();
    let id = accepted.id().unwrap();
    let mut text = String::new();
    let mut pages = client.get_statement_result_v2().id(id).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.result_format(), Some(&ResultFormatString::Csv));
        for record in page.records() {
            let QueryRecords::CsvRecords(lines) = record else { panic!("{record:?}") };
            text.push_str(lines);
        }
    }
    assert_eq!(text.lines().count(), 2_500);
    assert_eq!(text.lines().next(), Some("1,\"a,\"\"1\""));
    let wrong = client.get_statement_result().id(id).send().await.unwrap_err();
    assert_eq!(code(&wrong), "ValidationException");
    let bad = client.get_statement_result_v2().id(id).next_token("9").send().await.unwrap_err();
    assert_eq!(code(&bad), "ValidationException");
    let empty = run(&client, "select 1 as one where false").await;
    assert_eq!((empty.has_result_set(), empty.result_rows()), (Some(true), 0));
    let empty = client.get_statement_result().id(empty.id()).send().await.unwrap();
    assert!(empty.records().is_empty() && empty.column_metadata().len() == 1);
    // A row of more than 64 KB, as on AWS.
    let large = run(&client, "select repeat('x', 70000)").await;
    assert_eq!(large.status(), Some(&StatusString::Failed));
    assert!(large.error().unwrap().contains("larger than 65536 bytes"), "{large:?}");
}

#[tokio::test]
async fn statements_are_listed_by_prefix_and_status() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    for (name, sql) in
        [("run/1", "select 1"), ("run/10", "select 1"), ("run/2", "select * from nowhere"), ("", "select 2")]
    {
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        let accepted = client
            .execute_statement()
            .workgroup_name("night")
            .sql(sql)
            .set_statement_name(name)
            .wait_time_seconds(20)
            .send()
            .await
            .unwrap();
        ended(&client, accepted.id().unwrap()).await;
    }
    let names = async |prefix: Option<&str>, status: Option<StatusString>| -> Vec<String> {
        let listed = client
            .list_statements()
            .set_statement_name(prefix.map(str::to_owned))
            .set_status(status)
            .role_level(true)
            .send()
            .await
            .unwrap();
        listed.statements().iter().map(|s| s.statement_name().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(None, None).await, ["", "run/10", "run/1"]);
    assert_eq!(names(Some("run/1"), None).await, ["run/10", "run/1"]);
    assert_eq!(names(Some("run/"), Some(StatusString::All)).await, ["run/2", "run/10", "run/1"]);
    assert_eq!(names(None, Some(StatusString::Failed)).await, ["run/2"]);
    assert_eq!(names(Some("_un"), Some(StatusString::All)).await, Vec::<String>::new());
    let mut pages = client.list_statements().status(StatusString::All).max_results(3).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().statements().len());
    }
    assert_eq!(sizes, [3, 1]);
    let other = client.list_statements().workgroup_name("other").send().await.unwrap();
    assert!(other.statements().is_empty());
}

#[tokio::test]
async fn an_open_statement_fails_when_the_endpoint_ends() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let accepted =
        client.execute_statement().workgroup_name("night").sql("select pg_sleep(601)").send().await.unwrap();
    let id = accepted.id().unwrap().to_owned();
    until("the start", async || {
        let described = client.describe_statement().id(&id).send().await.unwrap();
        (described.status() == Some(&StatusString::Started)).then_some(())
    })
    .await;
    let local = restart_with(local, |options| options.warehouses = vec![warehouse(&cluster)]).await;
    let client = Client::new(&local.sdk);
    let described = client.describe_statement().id(&id).send().await.unwrap();
    assert_eq!(described.status(), Some(&StatusString::Failed), "{described:?}");
    assert!(described.error().unwrap().contains("endpoint was stopped"), "{described:?}");
    let sleeping = "select count(*) from pg_stat_activity where query like '%pg_sleep(601)%' and pid <> pg_backend_pid()";
    assert_eq!(cluster.ask(sleeping), "0");
}

#[tokio::test]
async fn credentials_come_from_the_secret_or_the_database_user() {
    let cluster = Cluster::start_with(
        "",
        "host all alice 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n",
    );
    let _ = cluster.ask("create role alice login password 'p@ss'");
    let _ = cluster.ask("create role bob");
    let local = start(&cluster).await;
    let client = client(&local);
    let secrets = aws_sdk_secretsmanager::Client::new(&local.sdk);
    for (name, text) in [
        ("etl", r#"{"username": "alice", "password": "p@ss"}"#),
        ("wrong", r#"{"username": "alice", "password": "no"}"#),
        ("none", "not JSON"),
    ] {
        secrets.create_secret().name(name).secret_string(text).send().await.unwrap();
    }
    let user = async |secret: Option<&str>, user: Option<&str>| {
        let accepted = client
            .execute_statement()
            .workgroup_name("night")
            .set_secret_arn(secret.map(str::to_owned))
            .set_db_user(user.map(str::to_owned))
            .sql("select current_user::text")
            .wait_time_seconds(20)
            .send()
            .await?;
        let described = ended(&client, accepted.id().unwrap()).await;
        Ok::<_, aws_sdk_redshiftdata::Error>(match described.error() {
            Some(error) => error.to_owned(),
            None => {
                let result = client.get_statement_result().id(described.id()).send().await?;
                result.records()[0][0].as_string_value().unwrap().clone()
            }
        })
    };
    assert_eq!(user(None, None).await.unwrap(), "postgres");
    assert_eq!(user(Some("etl"), None).await.unwrap(), "alice");
    assert_eq!(user(None, Some("bob")).await.unwrap(), "bob");
    assert!(user(None, Some("nobody")).await.unwrap().contains("role \"nobody\" does not exist"));
    let refused = user(Some("wrong"), None).await.unwrap();
    assert_eq!(refused, "FATAL: password authentication failed for user \"alice\"");
    for missing in ["unknown", "none"] {
        let error = user(Some(missing), None).await.unwrap_err();
        assert!(matches!(error, aws_sdk_redshiftdata::Error::ValidationException(_)), "{error:?}");
    }
}

#[tokio::test]
async fn copy_and_unload_use_the_directory_that_stands_for_s3() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    let s3 = local.endpoint.state_dir().join("s3/lake");
    std::fs::create_dir_all(&s3).unwrap();
    std::fs::write(s3.join("in.csv"), "1|a\n2|b\n").unwrap();
    run(&client, "create table t (id int, name varchar(10))").await;
    let role = "iam_role 'arn:aws:iam::000000000000:role/x'";
    let copied = run(&client, &format!("copy t from 's3://lake/in.csv' {role}")).await;
    assert_eq!((copied.status(), copied.result_rows()), (Some(&StatusString::Finished), 2), "{copied:?}");
    let unloaded = run(
        &client,
        &format!("unload ('select * from t order by id') to 's3://lake/out/' {role} csv header parallel off"),
    )
    .await;
    assert_eq!(
        (unloaded.status(), unloaded.result_rows()),
        (Some(&StatusString::Finished), 2),
        "{unloaded:?}"
    );
    let files: Vec<_> = std::fs::read_dir(s3.join("out")).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), "id,name\n1,a\n2,b\n");
    let missing = run(&client, &format!("copy t from 's3://lake/nowhere' {role}")).await;
    assert!(missing.error().unwrap().contains("The specified S3 prefix"), "{missing:?}");
}

/// A statement that asks for it tells the function `clock` of its end; and does not where events are lost.
#[tokio::test]
async fn the_end_of_a_statement_invokes_the_clock() {
    let cluster = Cluster::start();
    for drops in [false, true] {
        let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
        let functions = Functions::By(Arc::new(move |function, event, _| {
            let _ = sender.send((function, event));
            Box::pin(async { Ok(json!(null)) })
        }));
        let dir = tempfile::tempdir().unwrap();
        let mut options = options(dir.path());
        options.warehouses = vec![warehouse(&cluster)];
        options.drop_statement_events = drops;
        let endpoint = Box::pin(Endpoint::start_with(options, functions)).await.unwrap();
        let client = Client::new(&by_port(&endpoint));
        let send = async |sql: &str, event: bool| {
            let sent = client.execute_statement().workgroup_name("night").sql(sql).statement_name("run/1");
            let sent = sent.with_event(event).wait_time_seconds(20).send().await.unwrap();
            ended(&client, sent.id().unwrap()).await
        };
        send("select 1", false).await;
        let failed = send("select * from nowhere", true).await;
        if drops {
            endpoint.shutdown().await;
            assert!(events.try_recv().is_err());
            continue;
        }
        let (function, event) = events.recv().await.unwrap();
        assert_eq!(function, Function::Clock);
        assert_eq!(event["source"], "aws.redshift-data");
        assert_eq!(event["detail-type"], "Redshift Data Statement Status Change");
        let detail = &event["detail"];
        assert_eq!((&detail["statementId"], &detail["state"]), (&json!(failed.id()), &json!("FAILED")));
        assert_eq!((&detail["statementName"], &detail["rows"]), (&json!("run/1"), &json!(-1)));
        assert!(detail["expireAt"].as_i64().unwrap() > 1_700_000_000, "{event}");
        assert!(events.try_recv().is_err(), "only what asks for it is reported");
        endpoint.shutdown().await;
    }
}

#[tokio::test]
async fn the_catalogue_is_listed_in_pages() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let client = client(&local);
    run(&client, "create schema mart").await;
    run(&client, "create table mart.sale (id int not null, price decimal(12,2) default 1.5)").await;
    run(&client, "create view mart.v as select id from mart.sale").await;
    let _ = cluster.ask("create database other");
    let databases = client.list_databases().workgroup_name("night").send().await.unwrap();
    assert_eq!(databases.databases(), ["other", "postgres"]);
    let schemas = client.list_schemas().workgroup_name("night").database("postgres");
    let all = schemas.clone().send().await.unwrap();
    assert_eq!(all.schemas(), ["information_schema", "mart", "pg_catalog", "public"]);
    assert_eq!(schemas.schema_pattern("m_r%").send().await.unwrap().schemas(), ["mart"]);
    let tables = client.list_tables().cluster_identifier("night").database("postgres").schema_pattern("mart");
    let mut pages = tables.clone().max_results(1).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.tables().len(), 1);
        found.push((
            page.tables()[0].name().unwrap().to_owned(),
            page.tables()[0].r#type().unwrap().to_owned(),
        ));
    }
    let pair = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    assert_eq!(found, [pair("sale", "TABLE"), pair("v", "VIEW")]);
    let none = tables.table_pattern("'; drop table mart.sale; --").send().await.unwrap();
    assert!(none.tables().is_empty());
    let described = client
        .describe_table()
        .workgroup_name("night")
        .database("postgres")
        .schema("mart")
        .table("sale")
        .send()
        .await;
    let described = described.unwrap();
    assert_eq!(described.table_name(), Some("sale"));
    let columns = described.column_list();
    assert_eq!(
        (columns[0].name(), columns[0].type_name(), columns[0].nullable()),
        (Some("id"), Some("int4"), 0)
    );
    assert_eq!(
        (columns[1].precision(), columns[1].scale(), columns[1].column_default()),
        (12, 2, Some("1.5"))
    );
    let error = client.list_schemas().workgroup_name("night").database("nowhere").send().await.unwrap_err();
    assert_eq!(code(&error), "DatabaseConnectionException");
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let cluster = Cluster::start();
    let local = start(&cluster).await;
    let body = json!({"Sql": "select 1", "WorkgroupName": "night", "SessionKeepAliveSeconds": 60});
    let refused = call(&local, "RedshiftData.ExecuteStatement", body).await;
    assert_eq!((refused.status, refused.json()["__type"].as_str()), (501, Some("NotImplemented")));
    let two = json!({"Sql": "select 1; select 2", "WorkgroupName": "night"});
    let refused = call(&local, "RedshiftData.ExecuteStatement", two).await;
    let error = refused.json();
    assert_eq!((refused.status, error["__type"].as_str()), (400, Some("ValidationException")));
    // The member of the service's model, whose name begins with a capital letter.
    assert!(error["Message"].as_str().unwrap().contains("single SQL statement"), "{error}");
}
