//! Leaving a script before its end.

use std::io;

/// Why the script ends here; it passes through every loop with `?`.
#[derive(Debug)]
pub(crate) enum Halt {
    /// With this exit status, everything is said.
    Exit(u8),
    /// Output can no longer be written.
    Output(io::Error),
}

impl From<io::Error> for Halt {
    fn from(e: io::Error) -> Self {
        Self::Output(e)
    }
}
