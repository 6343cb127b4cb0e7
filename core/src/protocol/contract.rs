//! What functions and agents of different versions may say to each other by a job's row.
//!
//! One deployment has both, and they are not replaced at one moment: an instance may have slept through an upgrade,
//! and a run that was started before it is handed out by older functions than the agent. So a row names the contract
//! that it follows, and whoever does not know that contract refuses it instead of guessing.
//!
//! Under every contract the columns of [`JobState`](super::JobState) mean the same, so that a row can be closed, and
//! its token answered, by a program that may not run it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ErrorName;

/// Number of a contract. A higher one is newer.
///
/// A new setting of jobs, without which a script would not run as it is meant to, takes a new number, and only rows of
/// jobs that use it carry that number ([`ResolvedJob::contract`](crate::plan::ResolvedJob::contract)): then agents of
/// before go on with all others. A setting that older agents may leave out needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Contract(pub u32);

impl Contract {
    /// The first, and that of rows that name none.
    pub const FIRST: Self = Self(1);

    /// The oldest that this program still reads.
    pub const OLDEST: Self = Self::FIRST;

    /// The first with `linger` of a job: agents of before would end what its script leaves running too early.
    pub const LINGER: Self = Self(2);

    /// The first with jobs that are statements of the Redshift Data API, which no agent runs.
    pub const STATEMENT: Self = Self(3);

    /// The newest that this program reads.
    pub const NEWEST: Self = Self::STATEMENT;

    /// Whether this program reads rows of this contract.
    ///
    /// # Errors
    /// [`Incompatible`]: on which side it is out of what this program knows.
    pub fn check(self) -> Result<(), Incompatible> {
        if self > Self::NEWEST {
            Err(Incompatible::TooNew(self))
        } else if self < Self::OLDEST {
            Err(Incompatible::TooOld(self))
        } else {
            Ok(())
        }
    }
}

impl Default for Contract {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A row of a contract that this program does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// Whoever wrote it is newer.
    #[error("it follows contract {0}, and this program reads none after {newest}", newest = Contract::NEWEST)]
    TooNew(Contract),
    /// Whoever wrote it is older.
    #[error("it follows contract {0}, and this program reads none before {oldest}", oldest = Contract::OLDEST)]
    TooOld(Contract),
}

impl Incompatible {
    /// What the state machine is told when an agent refuses a job for this.
    #[must_use]
    pub const fn error_name(self) -> ErrorName {
        match self {
            Self::TooNew(_) => ErrorName::AgentTooOld,
            Self::TooOld(_) => ErrorName::AgentTooNew,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_told_on_its_side() {
        assert_eq!(Contract::default().check(), Ok(()), "rows that name no contract can be read");
        for known in Contract::OLDEST.0..=Contract::NEWEST.0 {
            assert_eq!(Contract(known).check(), Ok(()));
        }
        let newer = Contract(Contract::NEWEST.0 + 1);
        let older = Contract(Contract::OLDEST.0 - 1);
        assert_eq!(newer.check().map_err(Incompatible::error_name), Err(ErrorName::AgentTooOld));
        assert_eq!(older.check().map_err(Incompatible::error_name), Err(ErrorName::AgentTooNew));
        assert_eq!(
            newer.check().unwrap_err().to_string(),
            format!("it follows contract {newer}, and this program reads none after {}", Contract::NEWEST)
        );
    }
}
