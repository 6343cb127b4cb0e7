//! The order of jobs that follows from what they read and write.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::result::{Access, AccessKind, Lineage, Place};

/// A job with what its text says, and what its author says of it.
#[derive(Debug, Clone, Default)]
pub struct JobAccess {
    /// The name of the job.
    pub name: String,
    /// What its text says.
    pub lineage: Lineage,
    /// `depends_on`: with it, nothing is inferred for what this job waits for.
    pub depends_on: Option<Vec<String>>,
    /// `not_after`: jobs that this job does not wait for, whatever the text says.
    pub not_after: Vec<String>,
}

/// Why one job comes after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `depends_on` says so.
    Stated,
    /// The first writes a table that the second reads.
    Table {
        /// The table.
        table: String,
        /// Where it is written.
        written: Place,
        /// Where it is read.
        read: Place,
    },
    /// The first creates a table that the second fills.
    Created {
        /// The table.
        table: String,
        /// Where it is created.
        created: Place,
        /// Where it is written.
        written: Place,
    },
    /// The first unloads to a location that the second copies from.
    Location {
        /// Where the first unloads to.
        unloaded: String,
        /// Where it does.
        written: Place,
        /// Where the second copies from.
        copied: String,
        /// Where it does.
        read: Place,
    },
}

/// One job comes after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Edge {
    /// The job that comes first, by its index.
    pub parent: usize,
    /// The job that waits, by its index.
    pub child: usize,
    /// Why. Never empty.
    pub reasons: Vec<Reason>,
}

/// Two jobs write one table, and nothing says which comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Conflict {
    /// The table.
    pub table: String,
    /// One job, by its index, and where it writes.
    pub first: (usize, Place),
    /// The other.
    pub second: (usize, Place),
}

/// The order that follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inference {
    /// Every pair of jobs with an order, sorted. They may form a cycle.
    pub edges: Vec<Edge>,
    /// Pairs of writers without an order, sorted. Empty where `append` is given.
    pub conflicts: Vec<Conflict>,
    /// Names in `depends_on` and `not_after` that no job has, with the job that names them.
    pub unknown: Vec<(usize, String)>,
}

/// Compares all jobs. With `append`, several jobs may write one table in any order.
#[must_use]
pub fn infer(jobs: &[JobAccess], append: bool) -> Inference {
    let by_name: BTreeMap<&str, usize> =
        jobs.iter().enumerate().map(|(index, job)| (job.name.as_str(), index)).collect();
    let mut edges: BTreeMap<(usize, usize), BTreeSet<Reason>> = BTreeMap::new();
    let mut inference = Inference::default();

    for (child, job) in jobs.iter().enumerate() {
        for name in job.depends_on.iter().flatten().chain(&job.not_after) {
            if !by_name.contains_key(name.as_str()) {
                inference.unknown.push((child, name.clone()));
            }
        }
        let stated = job.depends_on.iter().flatten().filter_map(|name| by_name.get(name.as_str()));
        for parent in stated {
            edges.entry((*parent, child)).or_default().insert(Reason::Stated);
        }
    }

    let mut writers: BTreeMap<&str, Vec<(usize, &Access)>> = BTreeMap::new();
    for (index, job) in jobs.iter().enumerate() {
        for access in &job.lineage.writes {
            writers.entry(&access.table).or_default().push((index, access));
        }
    }
    let wanted = |parent: usize, child: usize| {
        let job = &jobs[child];
        parent != child && job.depends_on.is_none() && !job.not_after.contains(&jobs[parent].name)
    };
    for (child, job) in jobs.iter().enumerate() {
        for read in &job.lineage.reads {
            for (parent, write) in writers.get(read.table.as_str()).into_iter().flatten() {
                if wanted(*parent, child) {
                    edges.entry((*parent, child)).or_default().insert(Reason::Table {
                        table: read.table.clone(),
                        written: write.at.clone(),
                        read: read.at.clone(),
                    });
                }
            }
        }
        for import in &job.lineage.imports {
            for (parent, other) in jobs.iter().enumerate() {
                for export in &other.lineage.exports {
                    let same = import.uri.starts_with(&export.uri) || export.uri.starts_with(&import.uri);
                    if same && wanted(parent, child) {
                        edges.entry((parent, child)).or_default().insert(Reason::Location {
                            unloaded: export.uri.clone(),
                            written: export.at.clone(),
                            copied: import.uri.clone(),
                            read: import.at.clone(),
                        });
                    }
                }
            }
        }
    }
    // A table is created before it is filled.
    for (table, all) in &writers {
        let created = all.iter().filter(|(_, access)| access.kind == AccessKind::Create);
        for (parent, create) in created {
            for (child, write) in all.iter().filter(|(_, access)| access.kind == AccessKind::Write) {
                if wanted(*parent, *child) {
                    edges.entry((*parent, *child)).or_default().insert(Reason::Created {
                        table: (*table).to_owned(),
                        created: create.at.clone(),
                        written: write.at.clone(),
                    });
                }
            }
        }
    }

    if !append {
        let reach = reachable(jobs.len(), edges.keys().copied());
        for (table, all) in &writers {
            for (position, (first, one)) in all.iter().enumerate() {
                for (second, other) in all.iter().skip(position + 1) {
                    if !reach[*first][*second] && !reach[*second][*first] {
                        inference.conflicts.push(Conflict {
                            table: (*table).to_owned(),
                            first: (*first, one.at.clone()),
                            second: (*second, other.at.clone()),
                        });
                    }
                }
            }
        }
    }
    inference.edges = edges
        .into_iter()
        .map(|((parent, child), reasons)| Edge { parent, child, reasons: reasons.into_iter().collect() })
        .collect();
    inference
}

/// Which jobs come after which, directly or not.
fn reachable(len: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<bool>> {
    let mut children = vec![Vec::new(); len];
    for (parent, child) in edges {
        children[parent].push(child);
    }
    (0..len)
        .map(|start| {
            let mut seen = vec![false; len];
            let mut open = children[start].clone();
            while let Some(at) = open.pop() {
                if !std::mem::replace(&mut seen[at], true) {
                    open.extend(&children[at]);
                }
            }
            seen
        })
        .collect()
}
