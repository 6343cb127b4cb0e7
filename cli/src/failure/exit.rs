//! Exit codes. They are part of the interface: scripts depend on them.

/// Success. For `run` and `watch`, the workflow completed.
pub(crate) const OK: u8 = 0;
/// The workflow did not complete: a job failed, was lost or timed out, or the run was cancelled.
pub(crate) const NOT_COMPLETED: u8 = 1;
/// Of `diff`: the file and the table differ.
pub(crate) const DIFFERS: u8 = 1;
/// The order of jobs has problems.
pub(crate) const PROBLEMS: u8 = 1;
/// Of `logs`: a log is not complete.
pub(crate) const NOT_WHOLE: u8 = 1;
/// Of `migrate`: rows were left out.
pub(crate) const LEFT_OUT: u8 = 1;
/// The input is wrong or the confirmation is missing: an invalid file, an argument, a name that does not exist.
pub(crate) const BAD_INPUT: u8 = 2;
/// The environment is wrong: an endpoint that cannot be reached or started, a directory that cannot be written, a table
/// that is missing.
pub(crate) const ENVIRONMENT: u8 = 3;
/// For `watch`, `start --watch`, `restart --watch`, `logs -f` and `cancel`: the run or its cancellation continues, but can
/// no longer be read.
pub(crate) const CANNOT_FOLLOW: u8 = 4;
/// Interrupted by Ctrl-C, SIGTERM or SIGHUP. One code for all, as shells use for Ctrl-C (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;

/// The table as `rsqlflow --help` shows it.
pub(crate) const HELP: &str = "\
Exit codes:
  0    success (run, watch: the workflow completed)
  1    the workflow did not complete (diff: the file and the table differ; logs: a log is not
       complete; migrate: rows were left out)
  2    the input is wrong: a file, an argument, a name, a missing --yes
  3    the environment is wrong: endpoint, AWS, state directory, tables
  4    the run continues, but can no longer be read (watch, --watch, logs -f, cancel)
  130  interrupted by Ctrl-C, SIGTERM or SIGHUP";
