//! The end of a try: exit code, signal, not started; and whether it was requested.

use std::fmt;

/// How the script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended with this code.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// It was not started.
    NeverStarted(NeverStarted),
    /// It ran, and its guard was killed before it reported the end.
    Unknown,
}

/// Why a script was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeverStarted {
    /// The operating system refused, with this error number.
    Unstartable(i32),
    /// The guard has ended, or did not accept the script.
    Refused(String),
    /// It had to be stopped before it started.
    Late,
}

/// Why the script was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The job's `timeout` has passed.
    TimedOut,
    /// The row says `cancel_requested`.
    Cancelled,
    /// The agent itself was asked to stop.
    AgentStopping,
    /// The attempt belongs to another process, the lease expired, or no task waits: nothing may be reported.
    Fenced,
}

/// The end of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryEnd {
    /// How the script ended.
    pub exit: Exit,
    /// Why it was stopped, if it did not end by itself first.
    pub stopped: Option<StopReason>,
    /// The last stop request, also after the script's own end; [`StopReason::Fenced`] takes precedence. After such a request
    /// the agent makes no further try.
    pub asked: Option<StopReason>,
    /// Number of processes that the script left running and that were ended.
    pub leftovers: u32,
    /// Whether the output was read until its end. If not, another process, which is not a descendant of the script, keeps the
    /// pipe open.
    pub output_ended: bool,
}

impl Exit {
    /// The exit code of shells: for a signal, 128 plus its number (Bash manual, "Exit Status").
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Code(code) => Some(*code),
            Self::Signal(signal) => Some(128 + signal),
            Self::NeverStarted(_) | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match nix::sys::signal::Signal::try_from(*number) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
            Self::NeverStarted(NeverStarted::Unstartable(error)) => {
                write!(f, "could not be started: {}", std::io::Error::from_raw_os_error(*error))
            }
            Self::NeverStarted(NeverStarted::Refused(why)) => write!(f, "could not be started: {why}"),
            Self::NeverStarted(NeverStarted::Late) => {
                f.write_str("not started, because the lease was about to expire")
            }
            Self::Unknown => f.write_str("ended together with its guard"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_signal_stay_apart() {
        assert_eq!(Exit::Code(137).to_string(), "exit code 137");
        assert_eq!(Exit::Signal(9).to_string(), "killed by SIGKILL");
        assert_eq!((Exit::Code(137).code(), Exit::Signal(9).code()), (Some(137), Some(137)));
        assert_eq!(Exit::Signal(40).to_string(), "killed by signal 40");
        assert_eq!(Exit::NeverStarted(NeverStarted::Late).code(), None);
    }
}
