//! The end of a run, whoever brings it about: the master's last state, the event of its end, or a trigger that
//! finds a lock whose run is over.

mod children;
mod close;
mod judge;
mod trouble;

pub(crate) use close::{Ending, close, deliver};
pub(crate) use judge::describe_bad;
pub(crate) use trouble::explains;
