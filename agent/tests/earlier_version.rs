//! What an agent of version 0.1.0 left in the spool is taken, as `tests/data/0.1.0` has it.

use rsqlflow_agent::spool::Results;
use rsqlflow_core::JobId;
use rsqlflow_core::protocol::JobStatus;

#[test]
fn a_result_of_version_0_1_0_is_taken() {
    let spool = tempfile::tempdir().unwrap();
    let results = spool.path().join("results");
    std::fs::create_dir(&results).unwrap();
    let name = "nightly-1_0000-00003_a2_5c1d0b8e9f6a4d3c8b7a69584736251f.json";
    std::fs::write(results.join(name), include_str!("data/0.1.0/result.json")).unwrap();
    // What a later version writes stays where it is.
    std::fs::write(results.join("later.json"), "{\"version\": 9}").unwrap();
    let listing = Results::new(spool.path()).take().unwrap();
    assert_eq!((listing.held.len(), listing.unreadable.len()), (1, 1), "{listing:?}");
    let entry = &listing.held[0].entry;
    assert_eq!((entry.job_id, entry.attempt), (JobId::new(0, 3), 2));
    assert_eq!((entry.outcome.status, entry.outcome.exit_code), (JobStatus::Failed, Some(3)));
    assert!(results.join("later.json").exists());
}
