//! What came of all cases.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::run::Outcome;
use crate::spec::Action;

/// A line of the table.
#[derive(Debug, Default)]
struct Line {
    injected: usize,
    survived: usize,
    violations: usize,
    slowest: Duration,
}

/// All outcomes so far.
#[derive(Debug, Default)]
pub struct Report {
    lines: BTreeMap<String, Line>,
    runs: usize,
    faulted: usize,
    unreached: usize,
    violated: Vec<(String, Vec<String>, Vec<String>)>,
}

impl Report {
    /// Adds one.
    pub fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        let struck: Vec<Action> = outcome
            .spec
            .faults
            .iter()
            .zip(&outcome.struck)
            .filter(|(_, s)| **s)
            .map(|(f, _)| f.action)
            .collect();
        if struck.is_empty() && !outcome.spec.faults.is_empty() {
            self.unreached += 1;
        }
        if !struck.is_empty() {
            self.faulted += 1;
        }
        let is_bad = !outcome.violations.is_empty();
        let names = match struck.is_empty() {
            true => vec!["none".to_owned()],
            false => struck.iter().map(Action::to_string).collect(),
        };
        for name in names {
            let line = self.lines.entry(name).or_default();
            line.injected += 1;
            line.survived += usize::from(!is_bad);
            line.violations += usize::from(is_bad);
            line.slowest = line.slowest.max(outcome.took);
        }
        if is_bad {
            self.violated.push((outcome.spec.to_string(), outcome.violations.clone(), outcome.story.clone()));
        }
    }

    /// A violation that was found when all was over.
    pub fn violate(&mut self, outcome: &Outcome, what: String) {
        self.violated.push((outcome.spec.to_string(), vec![what], outcome.story.clone()));
    }

    /// Runs in which a fault struck.
    pub fn faulted(&self) -> usize {
        self.faulted
    }

    /// All runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Cases with violations.
    pub fn violations(&self) -> usize {
        self.violated.len()
    }

    /// The table.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<18}{:>9}{:>9}{:>11}{:>10}\n",
            "fault", "injected", "survived", "violations", "slowest"
        );
        for (name, line) in &self.lines {
            text.push_str(&format!(
                "{name:<18}{:>9}{:>9}{:>11}{:>8.1} s\n",
                line.injected,
                line.survived,
                line.violations,
                line.slowest.as_secs_f64()
            ));
        }
        text.push_str(&format!(
            "\nruns: {}, with a fault: {}, fault not reached: {}, with violations: {}\n",
            self.runs,
            self.faulted,
            self.unreached,
            self.violated.len()
        ));
        text
    }

    /// All of it, for programs.
    pub fn json(&self, seed: u64, took: Duration) -> Value {
        let lines = self.lines.iter().map(|(name, line)| {
            json!({
                "fault": name, "injected": line.injected, "survived": line.survived,
                "violations": line.violations, "slowest_seconds": line.slowest.as_secs_f64(),
            })
        });
        let violated = self
            .violated
            .iter()
            .map(|(case, what, story)| json!({ "case": case, "violations": what, "story": story }));
        json!({
            "seed": seed, "seconds": took.as_secs_f64(), "runs": self.runs, "faulted": self.faulted,
            "not_reached": self.unreached, "faults": lines.collect::<Vec<_>>(),
            "violations": violated.collect::<Vec<_>>(),
        })
    }
}

/// What is printed of a case with violations.
pub fn violation(outcome: &Outcome) -> String {
    let mut text = format!("VIOLATION in {}\n", outcome.spec);
    for what in &outcome.violations {
        text.push_str(&format!("  {what}\n"));
    }
    for line in &outcome.story {
        text.push_str(&format!("    {line}\n"));
    }
    text.push_str(&format!(
        "  run {}, {}; to run it again: make faults ONLY='{}'\n",
        outcome.run, outcome.status, outcome.spec
    ));
    text
}
