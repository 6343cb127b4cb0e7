//! Exit codes. 194 is not used, because the SSM agent interprets it as "reboot and run again" (Systems Manager user guide,
//! "Rebooting managed nodes from scripts"). None is the exit code of a script.

use std::process::ExitCode;

/// A documented exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// `run`: a separate process runs the job; with `--foreground`: the result is recorded, whatever it is, or the job
/// belongs to another process. `flush`: nothing is left. `status`: shown. `doctor`: no problems found.
pub const DONE: Exit = Exit(0);

/// The command line is not valid (clap's exit code).
pub const USAGE: Exit = Exit(2);

/// The settings are not valid.
pub const CONFIG: Exit = Exit(3);

/// `run`: the process for the job could not be started.
pub const NOT_STARTED: Exit = Exit(4);

/// `run --foreground`, `flush`: a result could not be delivered and is in the spool.
pub const UNDELIVERED: Exit = Exit(5);

/// `run --foreground`, `flush`, `status`: table, service or spool cannot be used.
pub const UNAVAILABLE: Exit = Exit(6);

/// `doctor`: at least one check failed.
pub const UNHEALTHY: Exit = Exit(7);

/// For `--help`.
pub const HELP: &str = "\
Exit codes:
  0  run: the job was handed to a process of its own (with --foreground: its result is
     recorded, whatever it is, or the job is another's); flush: nothing is left;
     status: told; doctor: no problems found
  2  the command line is not understood
  3  the configuration cannot be used
  4  run: the process that was to run the job could not be started
  5  run --foreground, flush: a result could not be delivered and stays in the spool
  6  table, service or spool cannot be used
  7  doctor: at least one check failed";
