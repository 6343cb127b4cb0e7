//! Limits that are checked before anything starts.

use crate::Seconds;

/// Most bytes of a workflow item as JSON. DynamoDB takes 400 KB an item (DynamoDB developer guide, "Service,
/// account, and table quotas"); the rest is for what is stored beside it.
pub const MAX_ITEM_BYTES: usize = 380 * 1024;

/// Most bytes of the plan snapshot as JSON: below the same 400 KB.
pub const MAX_SNAPSHOT_BYTES: usize = 390 * 1024;

/// Most bytes of one resolved job as JSON. The rest of the 400 KB is for what launcher, agent and closer write beside
/// it: its end must always fit.
pub const MAX_JOB_BYTES: usize = 256 * 1024;

/// Most jobs of a workflow, skipped ones included.
pub const MAX_JOBS: usize = 10_000;

/// Most stages of a workflow. A chunk costs the master execution 13 history events, so these and the further chunks
/// of the longest stages stay below the 25,000 of a Standard execution (Step Functions developer guide, "Quotas").
pub const MAX_STAGES: usize = 1_500;

/// Most jobs of a parallel stage at once: the limit of an inline Map (Step Functions developer guide, "Map
/// workflow state").
pub const MAX_CONCURRENCY: u32 = 40;

/// Most reruns of one job. Each is recorded in the job's row.
pub const MAX_RETRIES: u32 = 100;

/// Longest timeout of one try: a Standard execution lasts at most a year.
pub const MAX_TIMEOUT: Seconds = Seconds::saturating(365 * 24 * 3600);

/// Most bytes of one argument or environment variable: Linux's `MAX_ARG_STRLEN` of 128 KiB counts the final NUL
/// (execve(2)), and of a variable also the name and `=`, for which this leaves room.
pub const MAX_ARGUMENT_BYTES: usize = 128 * 1024 - 512;

/// Bytes of `value` as compact JSON, without making the text.
pub(crate) fn json_bytes(value: &impl serde::Serialize) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // Not writable as JSON, hence not storable: as good as too large.
        Err(_) => usize::MAX,
    }
}
