//! How long the jobs of a graph take in each order, if each job takes a known time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{DagOrder, Graph};

/// The outcome of [`simulate`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Simulation {
    /// From the first start to the last end, in the unit of the weights.
    pub makespan: u64,
    /// The most jobs that ran at one time.
    pub at_once: usize,
}

/// Runs the jobs of a graph in virtual time, at most `slots` at once (at least one). Among the jobs that can start,
/// the one with the longest remaining path starts first.
#[must_use]
pub fn simulate(graph: &Graph, order: DagOrder, weights: &[u64], slots: usize) -> Simulation {
    let remaining = graph.remaining(weights);
    match graph.steps(order) {
        None => run(graph, weights, &remaining, slots),
        Some(steps) => steps.iter().fold(Simulation::default(), |total, step| {
            // The jobs of a step do not depend on each other.
            let of = |list: &[u64]| -> Vec<u64> {
                step.iter().map(|at| list.get(*at).copied().unwrap_or(0)).collect()
            };
            let free = Graph::new(step.len(), []).unwrap_or_else(|_| graph.clone());
            let part = run(&free, &of(weights), &of(&remaining), slots);
            Simulation {
                makespan: total.makespan.saturating_add(part.makespan),
                at_once: total.at_once.max(part.at_once),
            }
        }),
    }
}

fn run(graph: &Graph, weights: &[u64], priority: &[u64], slots: usize) -> Simulation {
    let slots = slots.max(1);
    let mut waiting: Vec<usize> = (0..graph.len()).map(|at| graph.parents(at).len()).collect();
    let mut ready: BinaryHeap<(u64, Reverse<usize>)> = (0..graph.len())
        .filter(|at| waiting[*at] == 0)
        .map(|at| (priority.get(at).copied().unwrap_or(0), Reverse(at)))
        .collect();
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut result = Simulation::default();
    loop {
        while running.len() < slots
            && let Some((_, Reverse(at))) = ready.pop()
        {
            let ends = result.makespan.saturating_add(weights.get(at).copied().unwrap_or(0));
            running.push(Reverse((ends, at)));
        }
        result.at_once = result.at_once.max(running.len());
        let Some(Reverse((now, at))) = running.pop() else { return result };
        result.makespan = now;
        for &child in graph.children(at) {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push((priority.get(child).copied().unwrap_or(0), Reverse(child)));
            }
        }
    }
}
