//! The order of jobs that follows from their SQL: read from scripts, checked against the stages, and drawn.

mod jobs;
mod render;

use rsqlflow_core::graph::{DagOrder, Graph};
use rsqlflow_lineage::{Conflict, Edge, infer};
use serde_json::{Value, json};

pub(crate) use jobs::{Jobs, Source};
pub(crate) use render::{Format, render};

/// The jobs with the edges between them.
#[derive(Debug)]
pub(crate) struct JobOrder {
    pub(crate) jobs: Jobs,
    pub(crate) edges: Vec<Edge>,
    pub(crate) graph: Graph,
    /// Problems: conflicts, and edges that contradict the stages.
    pub(crate) problems: Vec<Problem>,
}

/// A problem of the order.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// The dependencies of the jobs form a cycle.
#[derive(Debug)]
pub(crate) struct Cycle(pub(crate) Vec<String>);

impl JobOrder {
    /// Compares what the jobs read and write.
    ///
    /// # Errors
    /// The shortest cycle, if the edges form one.
    pub(crate) fn of(jobs: Jobs) -> Result<Self, Cycle> {
        let inference = infer(&jobs.accesses, false);
        let pairs = inference.edges.iter().map(|edge| (edge.parent, edge.child));
        let graph = Graph::new(jobs.accesses.len(), pairs).map_err(|error| match error {
            rsqlflow_core::graph::GraphError::Cycle(positions) => {
                Cycle(positions.into_iter().map(|at| jobs.name(at).to_owned()).collect())
            }
            rsqlflow_core::graph::GraphError::OutOfRange { .. } => Cycle(Vec::new()),
        })?;
        let mut problems: Vec<Problem> =
            inference.conflicts.iter().filter_map(|conflict| jobs.conflict(conflict)).collect();
        problems.extend(inference.edges.iter().filter_map(|edge| jobs.contradiction(edge)));
        Ok(Self { jobs, edges: inference.edges, graph, problems })
    }

    /// The analysis of the graph, with the names of jobs.
    pub(crate) fn to_json(&self) -> Value {
        let names =
            |positions: &[usize]| -> Vec<&str> { positions.iter().map(|at| self.jobs.name(*at)).collect() };
        let steps = |order| -> Vec<Vec<&str>> {
            self.graph.steps(order).unwrap_or_default().iter().map(|step| names(step)).collect()
        };
        let critical = self.graph.critical_path(&vec![1; self.graph.len()]);
        json!({
            "jobs": self.jobs.accesses.iter().map(|job| json!({
                "name": job.name,
                "reads": job.lineage.read_names(),
                "writes": job.lineage.written_names(),
                "warnings": job.lineage.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "edges": self.edges.iter().map(|edge| json!({
                "parent": self.jobs.name(edge.parent),
                "child": self.jobs.name(edge.child),
                "reasons": edge.reasons,
            })).collect::<Vec<_>>(),
            "levels": steps(DagOrder::Level),
            "parent_levels": steps(DagOrder::ParentLevel),
            "critical_path": names(&critical.positions),
            "connections": {
                "ready": self.graph.width(DagOrder::Ready),
                "level": self.graph.width(DagOrder::Level),
                "parent_level": self.graph.width(DagOrder::ParentLevel),
            },
            "problems": self.problems.iter().map(|problem| json!({
                "message": problem.message, "hint": problem.hint,
            })).collect::<Vec<_>>(),
        })
    }
}

impl Jobs {
    /// Two writers in one parallel stage have no order. In different stages they have one.
    fn conflict(&self, conflict: &Conflict) -> Option<Problem> {
        let ((first, at), (second, other)) = (&conflict.first, &conflict.second);
        if self.stage(*first) != self.stage(*second) || self.in_turn(*first) {
            return None;
        }
        Some(Problem {
            message: format!(
                "{} ({at}) and {} ({other}) write {}, but their order is not defined",
                self.name(*first),
                self.name(*second),
                conflict.table
            ),
            hint: "put them into different stages, or into a sequential stage",
        })
    }

    /// An edge that the stages of a workflow contradict.
    fn contradiction(&self, edge: &Edge) -> Option<Problem> {
        let (parent, child) = (self.stage(edge.parent)?, self.stage(edge.child)?);
        let kept =
            parent < child || (parent == child && self.in_turn(edge.parent) && edge.parent < edge.child);
        if kept {
            return None;
        }
        let when =
            if parent == child && !self.in_turn(edge.parent) { "at the same time" } else { "before it" };
        Some(Problem {
            message: format!(
                "{} depends on {}, but runs {when}: {}",
                self.name(edge.child),
                self.name(edge.parent),
                edge.reasons.first().map(render::reason).unwrap_or_default()
            ),
            hint: "move it to a later stage",
        })
    }
}
