//! What is measured, in what unit, and how good it has to be.

use std::pin::Pin;

use crate::{Figures, agent, alternatives, embedded, machines, rsql};

/// Measures a group of figures, so many times each.
pub(crate) type Measure = fn(usize) -> Pin<Box<dyn Future<Output = Figures>>>;

/// In this order: the shortest first, so that a mistake shows early.
pub(crate) const GROUPS: [(&str, Measure); 9] = [
    ("embedded.start", |times| Box::pin(embedded::start(times))),
    ("embedded.example", |times| Box::pin(embedded::example(times))),
    ("embedded.sequential", |times| Box::pin(embedded::sequential(times))),
    ("agent", |times| Box::pin(agent::measure(times))),
    ("alternatives", |times| Box::pin(alternatives::measure(times))),
    ("rsql", |times| Box::pin(rsql::measure(times))),
    ("stepfunctions", |times| Box::pin(machines::measure(times))),
    ("embedded.jobs.1000", |times| Box::pin(embedded::thousand(times))),
    ("embedded.jobs.10000", |times| Box::pin(embedded::ten_thousand(times))),
];

/// Which values are good.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Floor {
    AtLeast(f64),
    AtMost(f64),
    /// Only told.
    None,
}

impl Floor {
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(floor) => value >= floor,
            Self::AtMost(floor) => value <= floor,
            Self::None => true,
        }
    }
}

/// A figure's name, its floor, and what it is.
pub(crate) const FIGURES: [(&str, Floor, &str); 28] = [
    ("embedded.start_ms", Floor::AtMost(200.0), "`rsqlflow local` on an empty directory, to its first line"),
    ("embedded.start_ms.10000", Floor::None, "the same on a directory that has run 10,000 jobs"),
    ("embedded.idle_rss_mb", Floor::AtMost(40.0), "resident memory of an endpoint that does nothing"),
    ("embedded.example_seconds", Floor::AtMost(0.4), "six no-op scripts, the whole `rsqlflow run`"),
    ("embedded.sequential_ms_per_job", Floor::AtMost(20.0), "a job of a sequential stage of 100"),
    ("embedded.jobs_per_second.1000", Floor::AtLeast(60.0), "one parallel stage of 1,000 no-op scripts"),
    ("embedded.jobs_per_second.10000", Floor::AtLeast(60.0), "one parallel stage of 10,000 no-op scripts"),
    ("embedded.rss_mb", Floor::AtMost(60.0), "peak resident memory of the endpoint in that stage of 10,000"),
    (
        "embedded.durability_cpu_share",
        Floor::None,
        "the journal's part of the endpoint's processor time there",
    ),
    (
        "embedded.cpu_ms_per_job",
        Floor::None,
        "processor time of the endpoint for a job there, without agent and script",
    ),
    ("embedded.disk_vs_memory", Floor::None, "jobs a second with the state on disk ÷ on tmpfs, 1,000 jobs"),
    ("forkexec.per_second", Floor::None, "the same script by fork and exec alone, as many at once"),
    ("stepfunctions.transitions.example", Floor::AtMost(27.0), "state transitions of the example"),
    ("stepfunctions.transitions_per_script.2000", Floor::AtMost(1.01), "a stage of 2,000 scripts"),
    ("stepfunctions.max_history_events.2000", Floor::AtMost(10_000.0), "longest history of that stage"),
    (
        "stepfunctions.max_payload_bytes.2000",
        Floor::AtMost(8_192.0),
        "largest input or output in its histories",
    ),
    ("lambda.invocations.example", Floor::None, "invocations by the example's machines"),
    ("agent.cpu_ms_per_job", Floor::AtMost(20.0), "processor time of the agent beside a no-op script"),
    ("agent.max_rss_mb", Floor::AtMost(12.0), "peak resident memory of the agent, no-op script"),
    ("agent.max_rss_mb.100mb_log", Floor::AtMost(12.0), "the same with a script that writes 100 MB"),
    ("agent.log_mb_per_second", Floor::None, "from the script's pipe to the log service and to disk"),
    (
        "alternatives.boto3_cpu_ms_per_job",
        Floor::None,
        "processor time of a Python process that only reports a job: three boto3 clients, four calls",
    ),
    ("alternatives.boto3_max_rss_mb", Floor::None, "peak resident memory of that process"),
    (
        "alternatives.aws_cli_cpu_ms_per_secret",
        Floor::None,
        "processor time of `aws secretsmanager get-secret-value`",
    ),
    ("rsql.select_1m_rows_vs_psql", Floor::AtLeast(0.8), "rows a second of `rsql` ÷ those of psql"),
    ("rsql.select_1m_rows_vs_psql.unaligned", Floor::AtLeast(0.8), "the same with `-A`"),
    ("rsql.start_ms", Floor::AtMost(15.0), "`rsql -c 'select 1'`, from exec to exit, with its connection"),
    ("rsql.max_rss_mb", Floor::AtMost(30.0), "peak resident memory of `rsql` for 10,000,000 rows"),
];
