//! Plays cases and tells how they went.

use std::collections::BTreeMap;
use std::io::Write as _;

use asl::HistoryEvent;

use super::case::Case;
use super::{compare, driver};

/// Plays every case, prints passed and failed per area and each failure, and fails if any failed.
pub(crate) fn report(cases: &[Case]) {
    let mut areas: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    // Written past the capture of the test harness: the count is wanted of a run that passes, too.
    let mut out = std::io::stdout().lock();
    for case in cases {
        let differences = differences(case);
        let area = areas.entry(&case.area).or_default();
        if differences.is_empty() {
            area.0 += 1;
        } else {
            area.1 += 1;
            failures.push((case, differences));
        }
    }
    let _ = writeln!(out, "{:<24}{:>8}{:>8}", "area", "passed", "failed");
    for (area, (passed, failed)) in &areas {
        let _ = writeln!(out, "{area:<24}{passed:>8}{failed:>8}");
    }
    let passed: usize = areas.values().map(|(passed, _)| passed).sum();
    let _ = writeln!(out, "{:<24}{passed:>8}{:>8}", "total", failures.len());
    for (case, differences) in &failures {
        let _ = writeln!(out, "\n{} ({})", case.name, case.source);
        for difference in differences {
            let _ = writeln!(out, "  {difference}");
        }
    }
    assert!(failures.is_empty(), "{} of {} cases failed", failures.len(), cases.len());
}

/// Plays a case; the history of its execution, nothing if its definition is refused.
pub(crate) fn history(case: &Case) -> Vec<HistoryEvent> {
    driver::play(case).map_or_else(|_| Vec::new(), |played| played.execution.history().to_vec())
}

/// Plays a case; every way in which it went otherwise than expected.
pub(crate) fn differences(case: &Case) -> Vec<String> {
    driver::play(case).map_or_else(|refused| vec![refused], |played| compare::compare(case, &played))
}
