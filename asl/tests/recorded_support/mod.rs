//! Cases, a driver in virtual time, and comparison.

mod case;
mod compare;
mod driver;
mod stub;

pub(crate) use case::{Case, load};

use std::collections::BTreeMap;

/// Plays every case, prints passed and failed per area and each failure, and fails if any failed.
pub(crate) fn report(cases: &[Case]) {
    let mut areas: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in cases {
        let differences =
            driver::play(case).map_or_else(|refused| vec![refused], |played| compare::compare(case, &played));
        let area = areas.entry(&case.area).or_default();
        if differences.is_empty() {
            area.0 += 1;
        } else {
            area.1 += 1;
            failures.push((case, differences));
        }
    }
    println!("{:<24}{:>8}{:>8}", "area", "passed", "failed");
    for (area, (passed, failed)) in &areas {
        println!("{area:<24}{passed:>8}{failed:>8}");
    }
    let passed: usize = areas.values().map(|(passed, _)| passed).sum();
    println!("{:<24}{passed:>8}{:>8}", "total", failures.len());
    for (case, differences) in &failures {
        println!("\n{} ({})", case.name, case.source);
        for difference in differences {
            println!("  {difference}");
        }
    }
    assert!(failures.is_empty(), "{} of {} cases failed", failures.len(), cases.len());
}
