//! RSQL scripts as jobs: the agent's own client, credentials, errors in the audit row, and statements that end with
//! their job. The server is a PostgreSQL of the test's own.

use std::path::Path;
use std::process::Command;

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_tests::{World, WorldOptions, eventually};
use rsqlflow_tests_postgres::Cluster;
use serde_json::{Value, json};

fn secret(cluster: &Cluster) -> Value {
    json!({ "host": "127.0.0.1", "port": cluster.port, "username": "postgres", "password": "unused here", "dbname": "postgres" })
}

async fn world(cluster: &Cluster) -> World {
    World::with(WorldOptions { secrets: vec![("db".to_owned(), secret(cluster))], ..Default::default() })
        .await
}

/// A script as AWS's samples are written: no port, nothing quoted, no mode, no shebang.
const SAMPLE: &str = r#"source $1/get_redshift_creds.sh $2

rsql -h $HOST -U $USER -d $DB << EOF
\timing true
\echo '\n-----Creating the table-----\n'
CREATE TABLE IF NOT EXISTS sample (id INTEGER ENCODE az64) DISTSTYLE EVEN;
\if :ERROR <> 0
 \echo :ERRORCODE
 \remark :LAST_ERROR_MESSAGE
 \exit 1
\else
 \remark '\n **** statement is complete **** \n'
\endif
insert into sample values (1), (2);
\exit 0
EOF
rsqlexitcode=$?
exit $rsqlexitcode
"#;

#[tokio::test]
async fn a_script_of_amazons_samples_runs_unmodified() {
    let cluster = Cluster::start();
    let world = world(&cluster).await;
    world.raw_script("sample.sh", SAMPLE);
    world.put_stage("w", "sequential", json!(["sample.sh"])).await;
    let run = world.run("w").await;
    let log = world.log(&run.jobs[0]).await.join("\n");
    assert!(run.completed(), "{run:?}\n{log}");
    assert!(log.contains("DSN-less Connected") && log.contains("INSERT 0 2"), "{log}");
    assert_eq!(cluster.ask("select count(*) from sample"), "2");
}

#[tokio::test]
async fn a_failing_statement_is_in_the_row_and_the_mended_script_completes() {
    let cluster = Cluster::start();
    let world = world(&cluster).await;
    let script = |table: &str| {
        format!(
            "source $1/get_redshift_creds.sh $2\nrsql -q -h $HOST -U $USER -d $DB << 'EOF'\n\
             -- the load\ninsert into {table} values (1);\n\\if :ERROR <> 0\n\\exit 21\n\\endif\nEOF\n"
        )
    };
    assert_eq!(cluster.ask("create table loaded (id int)"), "CREATE TABLE");
    world.raw_script("load.sh", &script("loadde"));
    world.put_stage("w", "sequential", json!(["load.sh"])).await;

    let failed = world.run("w").await;
    assert_eq!(failed.statuses(), [JobStatus::Failed]);
    assert_eq!(failed.message(0), "exit code 21: ERROR: relation \"loadde\" does not exist (SQLSTATE 42P01)");
    assert_eq!(failed.jobs[0].state.exit_code, Some(21));
    let of_the_run = failed.workflow.error_message.unwrap_or_default();
    assert!(of_the_run.contains("load.sh") && of_the_run.contains("42P01"), "{of_the_run}");

    world.raw_script("load.sh", &script("loaded"));
    let mended = world.run("w").await;
    assert!(mended.completed(), "{mended:?}");
    assert_eq!(cluster.ask("select count(*) from loaded"), "1");
}

/// Statements of the test that run on the server.
fn running(cluster: &Cluster) -> String {
    cluster.ask("select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(601)%' and pid <> pg_backend_pid()")
}

const SLEEPER: &str = "source $1/get_redshift_creds.sh $2\n\
    rsql -q -h $HOST -U $USER -d $DB << 'EOF'\nbegin;\ninsert into kept values (1);\nselect pg_sleep(601);\ncommit;\nEOF\n";

#[tokio::test]
async fn a_job_that_is_stopped_leaves_no_statement_behind() {
    let cluster = Cluster::start();
    let world = world(&cluster).await;
    assert_eq!(cluster.ask("create table kept (id int)"), "CREATE TABLE");
    world.raw_script("sleep.sh", SLEEPER);
    world.put_stage("w", "sequential", json!([{ "script": "sleep.sh", "heartbeat": 6 }])).await;
    let id = world.begin("w").await;
    eventually("the statement", async || (running(&cluster) == "1").then_some(())).await;
    world.stop(&id).await;
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [JobStatus::Cancelled], "{run:?}");
    // The row is closed when the script's processes are gone, and the client had the server's answer before that.
    assert_eq!(running(&cluster), "0");
    assert_eq!(cluster.ask("select count(*) from kept"), "0", "it was rolled back");
    assert!(run.message(0).contains("SQLSTATE 57014"), "{}", run.message(0));
}

#[tokio::test]
async fn a_job_that_takes_too_long_leaves_no_statement_behind() {
    let cluster = Cluster::start();
    let world = world(&cluster).await;
    assert_eq!(cluster.ask("create table kept (id int)"), "CREATE TABLE");
    world.raw_script("sleep.sh", SLEEPER);
    world.put_stage("w", "sequential", json!([{ "script": "sleep.sh", "timeout": 2 }])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [JobStatus::TimedOut], "{run:?}");
    assert_eq!(running(&cluster), "0");
    assert_eq!(cluster.ask("select count(*) from kept"), "0", "it was rolled back");
}

#[tokio::test]
async fn the_systems_client_is_used_where_that_is_wanted() {
    let system = |world: &World| {
        let bin = world.file("bin");
        std::fs::create_dir(&bin).unwrap();
        let theirs = world.script("rsql", "echo the client of the system");
        std::fs::rename(theirs, bin.join("rsql")).unwrap();
        world.set_agent("path", &format!("{:?}", format!("{}:/usr/bin:/bin", bin.display())));
        world.script("which.sh", "rsql --version");
    };
    let said = async |world: &World| {
        world.put_stage("w", "sequential", json!(["which.sh"])).await;
        let run = world.run("w").await;
        assert!(run.completed(), "{run:?}");
        world.log(&run.jobs[0]).await.concat()
    };
    let world = World::start().await;
    system(&world);
    assert!(said(&world).await.starts_with("rsql (rsqlflow) "), "on one machine ours, unless told otherwise");

    let env = vec![("RSQLFLOW_RSQL_CLIENT".to_owned(), "auto".to_owned())];
    let world = World::with(WorldOptions { env, ..Default::default() }).await;
    system(&world);
    assert_eq!(said(&world).await, "the client of the system");
    // Where there is none, ours.
    world.set_agent("path", "\"/usr/bin:/bin\"");
    assert!(said(&world).await.starts_with("rsql (rsqlflow) "));
}

/// The AWS CLI of the tests, else the machine's.
fn path_with_aws() -> String {
    let test = std::env::current_exe().unwrap();
    let clients = test.ancestors().nth(3).unwrap().join("clients/bin");
    format!("{}:{}", clients.display(), std::env::var("PATH").unwrap_or_default())
}

#[tokio::test]
async fn outside_of_a_job_the_credentials_are_fetched_and_never_shown() {
    let password = "pa\"ss 'word' $x \\ \n ü";
    let secrets = vec![
        (
            "db".to_owned(),
            json!({ "host": "h.example", "port": 5439, "username": "etl", "password": password, "dbname": "dw" }),
        ),
        ("none".to_owned(), json!({ "host": "h.example", "username": "" })),
    ];
    let world = World::with(WorldOptions { secrets, ..Default::default() }).await;
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/src/tools");
    let out = world.file("out");
    // The same again without jq, which leaves it to Python.
    for without_jq in ["", "command() { [[ $2 != jq ]] && builtin command \"$@\"; }\n"] {
        let script = world.script(
            "by-hand.sh",
            &format!(
                "set -euxo pipefail\n{without_jq}source \"$1/get_redshift_creds.sh\" \"$2\"\n\
                 [[ $- == *x* ]]\n{{ set +x; }} 2>/dev/null\n\
                 printf '%s|' \"$HOST\" \"$PORT\" \"$USER\" \"$DB\" \"$RSPASSWORD\" \"$RSQL_PORT\" > '{}'\n\
                 env | grep -c ^RSPASSWORD=",
                out.display()
            ),
        );
        let by_hand = |secret: &str| {
            let mut command = Command::new(&script);
            command.arg(&shipped).arg(secret);
            command
                .env_clear()
                .env("PATH", path_with_aws())
                .env("HOME", world.file(""))
                .env("LANG", "C.UTF-8");
            command.env("AWS_ENDPOINT_URL", &world.url).env("AWS_DEFAULT_REGION", "us-east-1");
            command.envs(world.keys.env());
            command
        };
        let output = by_hand("db").output().unwrap();
        let trace = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "the AWS CLI is needed, which `make test` installs: {trace}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), format!("h.example|5439|etl|dw|{password}|5439|"));
        assert!(trace.contains("+ source"), "{trace}");
        for part in ["word", "ss '", "RSPASSWORD="] {
            assert!(!trace.contains(part), "{part}: {trace}");
        }
        // What a job of the agent has already is not fetched, so no CLI is needed.
        let given = by_hand("db")
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .envs([("RSQLFLOW_SECRET_ID", "db"), ("RSPASSWORD", "agent's"), ("HOST", "h"), ("PORT", "1")])
            .envs([("USER", "u"), ("DB", "d"), ("RSQL_PORT", "1")])
            .output()
            .unwrap();
        assert!(given.status.success(), "{}", String::from_utf8_lossy(&given.stderr));
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "h|1|u|d|agent's|1|");

        for (id, why) in [
            ("none", "not a JSON object with a username"),
            ("nowhere", "cannot be fetched"),
            ("", "no secret is named"),
        ] {
            let output = by_hand(id).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && said.contains(why), "{id}: {said}");
        }
    }
}
