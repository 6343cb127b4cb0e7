//! `make bench`: measures the binaries as they ship, and writes the figures down.
//!
//! Every figure comes from real runs through the real binaries. Times are medians; what is compared is measured in
//! the same run, since machines are shared and noisy.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a measurement that fails is shown as it failed"
)]

mod agent;
mod alternatives;
mod catalogue;
mod embedded;
mod machines;
mod process;
mod report;
mod rsql;
mod spread;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What was measured: flat names to numbers.
type Figures = BTreeMap<String, f64>;

/// What is asked for on the command line.
struct Wanted {
    /// Repetitions of what is quick; the median counts.
    times: usize,
    /// Only figures whose name begins so.
    only: String,
    /// Whether a missed floor is a failure.
    check: bool,
    json: PathBuf,
    markdown: Option<PathBuf>,
    /// Figures that others measured, one JSON object a file, to be reported with ours.
    merge: Vec<PathBuf>,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Self {
            times: 5,
            only: String::new(),
            check: false,
            // Cargo starts a benchmark in its package.
            json: Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json"),
            markdown: None,
            merge: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
            match word.as_str() {
                // Cargo says so.
                "--bench" => {}
                "--check" => wanted.check = true,
                "--json" => wanted.json = value().into(),
                "--markdown" => wanted.markdown = Some(value().into()),
                "--merge" => wanted.merge.push(value().into()),
                "--only" => wanted.only = value(),
                "--times" => wanted.times = value().parse().unwrap(),
                _ => panic!("{word} is not known: --check, --json, --markdown, --merge, --only, --times"),
            }
        }
        wanted
    }

    fn wants(&self, group: &str) -> bool {
        group.starts_with(&self.only) || self.only.starts_with(group)
    }
}

fn main() {
    // The measuring program stands in for an instance's command runner where agents are measured.
    if agent::runs_as_wrapper() {
        return;
    }
    let wanted = Wanted::read();
    let began = Instant::now();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut figures = Figures::new();
    runtime.block_on(async {
        for (group, measure) in catalogue::GROUPS {
            if wanted.wants(group) {
                eprintln!("measuring {group}, {:.0} s after the start", began.elapsed().as_secs_f64());
                figures.append(&mut measure(wanted.times).await);
            }
        }
    });
    for file in &wanted.merge {
        let text = std::fs::read_to_string(file).unwrap();
        figures.append(&mut serde_json::from_str(&text).unwrap());
    }
    let met = report::write(&figures, &wanted.json, wanted.markdown.as_deref(), began.elapsed());
    let missing = report::missing(&figures);
    if wanted.check && wanted.only.is_empty() && !missing.is_empty() {
        eprintln!("not measured: {}", missing.join(", "));
        std::process::exit(1);
    }
    if wanted.check && !met {
        std::process::exit(1);
    }
}
