//! Jobs that a restarted run does not run, and why.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MarkStatus;
use crate::{ExecutionId, JobId};

/// Why a restarted run does not run a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// An earlier run completed it.
    Completed {
        /// Which: the one that ran it, however many restarts ago.
        execution: ExecutionId,
    },
    /// Somebody said that it need not run.
    Marked {
        /// Of which run.
        execution: ExecutionId,
        /// As what.
        status: MarkStatus,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The restart was asked for other jobs only. It is as unfinished as before.
    NotAsked,
}

impl Why {
    /// Whether a later restart has nothing to do for the job either.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Marked { .. })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed { execution } => write!(f, "completed in {execution}"),
            Self::Marked { execution, status, by, reason } => {
                write!(f, "marked {status} in {execution} by {by}: {reason}")
            }
            Self::NotAsked => f.write_str("the restart did not ask for it"),
        }
    }
}

/// Which jobs are carried over, grouped by the reason: a snapshot with 10,000 of them stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Carried(Vec<Group>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    reason: Why,
    /// Stage to positions.
    jobs: BTreeMap<u16, Positions>,
}

impl Carried {
    /// Nothing is carried over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why a job is not run; `None` for one that is.
    #[must_use]
    pub fn why(&self, job: JobId) -> Option<&Why> {
        let holds = |group: &&Group| group.jobs.get(&job.stage).is_some_and(|p| p.contains(job.position));
        self.0.iter().find(holds).map(|group| &group.reason)
    }

    /// How many jobs are carried over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().flat_map(|group| group.jobs.values()).map(Positions::len).sum()
    }
}

/// In plan order, each job once.
impl FromIterator<(JobId, Why)> for Carried {
    fn from_iter<T: IntoIterator<Item = (JobId, Why)>>(jobs: T) -> Self {
        let mut groups: BTreeMap<Why, BTreeMap<u16, Positions>> = BTreeMap::new();
        for (job, why) in jobs {
            groups.entry(why).or_default().entry(job.stage).or_default().push(job.position);
        }
        Self(groups.into_iter().map(|(reason, jobs)| Group { reason, jobs }).collect())
    }
}

/// Positions of a stage as ranges that do not touch, in order. As text `0-3,7`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Positions(Vec<(u32, u32)>);

impl Positions {
    fn push(&mut self, position: u32) {
        match self.0.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(position) => *last = position,
            _ => self.0.push((position, position)),
        }
    }

    fn contains(&self, position: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= position);
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|(_, last)| position <= *last)
    }

    fn len(&self) -> usize {
        self.0.iter().map(|(first, last)| usize::try_from(last - first).unwrap_or(usize::MAX) + 1).sum()
    }

    fn parse(text: &str) -> Option<Self> {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some((first, last))
        };
        let ranges: Vec<(u32, u32)> = text.split(',').map(range).collect::<Option<_>>()?;
        let in_order = ranges.windows(2).all(|pair| matches!(pair, [(_, last), (first, _)] if last < first));
        in_order.then_some(Self(ranges))
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Positions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Positions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no list of positions")))
    }
}
