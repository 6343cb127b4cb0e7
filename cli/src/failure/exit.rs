//! Exit codes. They are part of the interface: scripts branch on them.

/// All went well; of `run`, the workflow completed.
pub(crate) const OK: u8 = 0;
/// The workflow did not complete: a job failed, was lost, timed out, or the run was cancelled.
pub(crate) const NOT_COMPLETED: u8 = 1;
/// Of `diff`: the file and the table differ.
pub(crate) const DIFFERS: u8 = 1;
/// The order of jobs has problems.
pub(crate) const PROBLEMS: u8 = 1;
/// Of `logs`: a log is not complete.
pub(crate) const NOT_WHOLE: u8 = 1;
/// Of `migrate`: rows were left out.
pub(crate) const LEFT_OUT: u8 = 1;
/// What was given is wrong, or leave was not given: a file that does not validate, an argument, a name that does not exist.
pub(crate) const BAD_INPUT: u8 = 2;
/// The surroundings are wrong: an endpoint that cannot be reached or started, a directory that cannot be
/// written, a table that is missing.
pub(crate) const ENVIRONMENT: u8 = 3;
/// Of `watch`, `start --watch`, `restart --watch`, `logs -f` and `cancel`: what was begun could be read no longer; it
/// goes on.
pub(crate) const OUT_OF_SIGHT: u8 = 4;
/// Interrupted by Ctrl-C, SIGTERM or SIGHUP; one code for all, as shells count the first (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;

/// The table as `rsqlflow --help` shows it.
pub(crate) const HELP: &str = "\
Exit codes:
  0    all went well (run, watch: the workflow completed)
  1    the workflow did not complete (diff: there is a difference; logs: a log is not
       complete; migrate: rows were left out)
  2    what was given is wrong: a file, an argument, a name, a missing --yes
  3    the surroundings are wrong: endpoint, AWS, state directory, tables
  4    a run that is begun could be read no longer; it goes on (watch, --watch, logs -f, cancel)
  130  interrupted by Ctrl-C, SIGTERM or SIGHUP";
