//! Writing figures down.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Figures;
use crate::catalogue::{FIGURES, Floor};

/// Between these lines of the document stand the figures; the rest is written by people.
const BEGIN: &str = "<!-- figures: begin (written by `make bench`) -->";
const END: &str = "<!-- figures: end -->";

/// Writes the figures as JSON, shows them, and puts them into a document. False if a floor is missed.
pub(crate) fn write(figures: &Figures, json: &Path, markdown: Option<&Path>, took: Duration) -> bool {
    std::fs::create_dir_all(json.parent().unwrap()).unwrap();
    std::fs::write(json, serde_json::to_string_pretty(figures).unwrap() + "\n").unwrap();
    let table = table(figures);
    eprintln!("{table}\nwritten to {}", json.display());
    if let Some(path) = markdown {
        let old = std::fs::read_to_string(path).unwrap();
        let (before, rest) = old.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        std::fs::write(path, format!("{before}{BEGIN}\n\n{}\n\n{table}\n{END}{after}", machine(took)))
            .unwrap();
    }
    FIGURES.iter().all(|(name, floor, _)| figures.get(*name).is_none_or(|value| floor.is_met(*value)))
}

/// Figures of the catalogue that nobody measured.
pub(crate) fn missing(figures: &Figures) -> Vec<&'static str> {
    FIGURES.iter().map(|(name, ..)| *name).filter(|name| !figures.contains_key(*name)).collect()
}

fn table(figures: &Figures) -> String {
    let mut table = String::from("| figure | value | floor | what it is |\n|---|---:|---:|---|\n");
    for (name, value) in figures {
        let known = FIGURES.iter().find(|(known, ..)| known == name);
        let (floor, what) = known.map_or((Floor::None, ""), |(_, floor, what)| (*floor, *what));
        let bound = match floor {
            Floor::AtLeast(bound) => format!("≥ {bound}"),
            Floor::AtMost(bound) => format!("≤ {bound}"),
            Floor::None => String::new(),
        };
        let missed = if floor.is_met(*value) { "" } else { " **missed**" };
        let value = if *value >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") };
        let _ = writeln!(table, "| `{name}` | {value}{missed} | {bound} | {what} |");
    }
    table
}

/// The day, what measured it, and how long that took.
fn machine(took: Duration) -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|m| m.1);
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let day = jiff::Zoned::now().strftime("%Y-%m-%d");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "`make bench` on {day}, {cpus} processors ({}), Linux {}; it measured for {:.0} minutes.",
        model.unwrap_or("unknown"),
        kernel.trim(),
        (took.as_secs_f64() / 60.0).ceil()
    )
}
