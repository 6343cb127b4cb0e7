//! `rsql` beside psql, on a PostgreSQL of its own.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rsqlflow_tests::command;
use rsqlflow_tests_postgres::Cluster;

use crate::Figures;
use crate::spread::median;

/// Speed, memory and start.
pub(crate) async fn measure(times: usize) -> Figures {
    let cluster = Cluster::start();
    let rsql = || {
        let mut command = command("rsql");
        cluster.arguments(&mut command);
        command
    };
    // A script's own format, which needs every row for its widths, and the one that passes them on.
    let [aligned, unaligned] = [&["-q"][..], &["-q", "-A"]].map(|options| {
        let query = rows(1_000_000);
        let seconds = |mut command: Command| seconds(command.args(options).args(["-c", &query]));
        // Both once unmeasured: the first finds nothing in any cache.
        for client in [cluster.psql(), rsql()] {
            seconds(client);
        }
        median((0..times).map(|_| seconds(cluster.psql()) / seconds(rsql())).collect())
    });
    let largest = [&["-q"][..], &["-q", "-A"]].map(|options| peak_mb(rsql().args(options), 10_000_000));
    // From exec to exit, with the connection and a statement.
    let starts = (0..times).map(|_| seconds(rsql().args(["-q", "-c", "select 1"])) * 1000.0).collect();
    Figures::from([
        ("rsql.select_1m_rows_vs_psql".to_owned(), aligned),
        ("rsql.select_1m_rows_vs_psql.unaligned".to_owned(), unaligned),
        ("rsql.max_rss_mb".to_owned(), largest.into_iter().fold(0.0, f64::max)),
        ("rsql.start_ms".to_owned(), median(starts)),
    ])
}

fn rows(count: u32) -> String {
    format!(
        "select i as id, 'customer ' || i as name, i * 1.25 as amount, now() as changed_at \
         from generate_series(1, {count}) i"
    )
}

fn seconds(command: &mut Command) -> f64 {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    let elapsed = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}");
    elapsed
}

fn peak_mb(command: &mut Command, count: u32) -> f64 {
    // The last statement waits, so that the mark of all before it can be read.
    let query = format!("{}; select pg_sleep(1)", rows(count));
    let mut child = command.args(["-c", &query]).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut most: f64 = 0.0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(mark_mb(child.id()).unwrap_or(0.0));
        sleep(Duration::from_millis(50));
    }
    assert!(child.wait().unwrap().success(), "{command:?}");
    most
}

/// The high-water mark of a process's memory; `None` once it has ended.
fn mark_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(mark.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}
