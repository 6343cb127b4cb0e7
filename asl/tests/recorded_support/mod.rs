//! Cases, a driver in virtual time, and comparison.

mod case;
mod compare;
mod driver;
mod report;
mod stub;

pub(crate) use case::{Case, changes, load};
pub(crate) use report::{differences, history, report};
