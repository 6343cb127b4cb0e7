//! How a try ended: by itself, by a signal, or not at all; and whether somebody wanted it to.

use std::fmt;

/// The script's own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended with this code.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// It did not run.
    NeverStarted(NeverStarted),
    /// It ran, and its guard was killed before it could tell the end.
    Unknown,
}

/// Why a script did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeverStarted {
    /// The operating system refused it, with this error number.
    Unstartable(i32),
    /// There is no guard any more, or it cannot be given the script.
    Refused(String),
    /// Before it could be started it had to be stopped.
    Late,
}

/// Who wanted the script to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The job's `timeout` is over.
    TimedOut,
    /// The row says `cancel_requested`.
    Cancelled,
    /// The agent itself was told to stop.
    AgentStopping,
    /// The attempt is another's, the lease ran out, or nobody waits: nothing may be reported.
    Fenced,
}

/// The end of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryEnd {
    /// The script's own end.
    pub exit: Exit,
    /// Who asked for it, if the script did not end by itself first.
    pub stopped: Option<StopReason>,
    /// Who has asked for it at any time, also after the script's own end: [`StopReason::Fenced`] if that was among
    /// them, otherwise the last. Whoever asked so late wants no further try.
    pub asked: Option<StopReason>,
    /// How many processes the script left running, which were then ended.
    pub leftovers: u32,
    /// Whether the output was read to its end. If not, some process that is none of the script's descendants
    /// holds the pipe.
    pub output_ended: bool,
}

impl Exit {
    /// As shells count: a signal is 128 and its number (Bash manual, "Exit Status").
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
                f.write_str("not started, because the lease was about to end")
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
