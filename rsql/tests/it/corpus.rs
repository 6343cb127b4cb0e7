//! RSQL scripts with what they must print and how they must end.
//!
//! Each file of `tests/corpus` is a script; behind its last line `-- expect N` stands, as comments, what
//! standard output must be, and N is the exit status. A first line `-- args: …` adds options. The scripts
//! run on a PostgreSQL through the translation of Redshift's dialect, each on an empty database.

use std::path::Path;

use crate::common::{Cluster, feed, rsql, text};

/// Leaves a database as it was made: a schema `public` with nothing in it.
const EMPTY: &str = "do $$ declare name text; begin
    for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'redshift') loop
        execute format('drop schema %I cascade', name);
    end loop;
    create schema public;
end $$";

#[test]
fn corpus() {
    let cluster = Cluster::start();
    let mut files: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "rsql"))
        .collect();
    files.sort();
    assert!(files.len() >= 60, "only {} scripts", files.len());
    let s3 = cluster.path("s3");
    std::fs::create_dir_all(s3.join("bucket")).expect("a directory");
    // The expectations can be written anew on purpose; a review of the difference is the test then.
    let bless = std::env::var_os("RSQL_BLESS").is_some();
    let mut failures = Vec::new();
    for file in &files {
        let content = std::fs::read_to_string(file).expect("a script");
        let (script, expected) = content.split_once("-- expect ").expect("an expectation");
        // A database for each script would be most of the test's time.
        let emptied = feed(cluster.psql().args(["-qc", EMPTY]), "");
        assert!(emptied.status.success(), "{}", text(&emptied.stderr));
        let mut command = rsql(&cluster);
        command.args(["-q", "--s3-root"]).arg(&s3);
        if let Some(args) = script.lines().next().and_then(|l| l.strip_prefix("-- args: ")) {
            command.args(args.split_whitespace());
        }
        let output = feed(&mut command, script);
        let code = output.status.code().map_or("signal".into(), |c| c.to_string());
        let lines: String = text(&output.stdout).lines().map(|l| format!("--|{l}\n")).collect();
        let actual = format!("{code}\n{lines}");
        if bless {
            std::fs::write(file, format!("{script}-- expect {actual}")).expect("written");
        } else if actual != expected {
            failures.push(format!(
                "== {}\nexpected {expected}\nactual {actual}\nstderr {}",
                file.display(),
                text(&output.stderr)
            ));
        }
    }
    assert!(failures.is_empty(), "{} differ\n{}", failures.len(), failures.join("\n"));
}
