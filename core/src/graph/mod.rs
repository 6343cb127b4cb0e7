//! Dependencies between the jobs of a stage: a directed acyclic graph of positions.
//!
//! [`Graph`] is the checked graph. [`order`] derives the orders in which its jobs can run, [`simulate`] computes how
//! long each order takes, and [`advance`] decides what starts next while a stage runs.

mod advance;
mod order;
mod simulate;
#[cfg(test)]
mod tests;

pub use advance::{Advance, JobState, NotRun, Rules, RunIf, advance};
pub use order::{CriticalPath, DagOrder};
pub use simulate::{Simulation, simulate};

/// A directed acyclic graph of `0..len()` positions. An edge leads from a parent to the child that waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The parents of each position, sorted, without duplicates.
    parents: Vec<Vec<usize>>,
    /// The children of each position, sorted, without duplicates.
    children: Vec<Vec<usize>>,
    /// A topological order: parents before children; among equals the lower position first.
    sorted: Vec<usize>,
}

/// Why edges do not form a graph that can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// An edge names a position that does not exist.
    #[error("position {position} does not exist: the graph has {len} positions")]
    OutOfRange {
        /// The position.
        position: usize,
        /// The number of positions.
        len: usize,
    },
    /// The edges contain a cycle. This is a shortest one: each position is a parent of the next, and the last is a
    /// parent of the first. It starts at its lowest position.
    #[error("the dependencies form a cycle of {} jobs", .0.len())]
    Cycle(Vec<usize>),
}

impl Graph {
    /// Makes a graph of `len` positions from edges `(parent, child)`. Duplicate edges count once.
    ///
    /// # Errors
    /// [`GraphError::OutOfRange`] for an edge outside of `0..len`, [`GraphError::Cycle`] with a shortest cycle if no
    /// order satisfies all edges. An edge from a position to itself is a cycle of one.
    pub fn new(len: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Result<Self, GraphError> {
        let mut parents = vec![Vec::new(); len];
        let mut children = vec![Vec::new(); len];
        for (parent, child) in edges {
            if let Some(position) = [parent, child].into_iter().find(|at| *at >= len) {
                return Err(GraphError::OutOfRange { position, len });
            }
            parents[child].push(parent);
            children[parent].push(child);
        }
        for list in parents.iter_mut().chain(&mut children) {
            list.sort_unstable();
            list.dedup();
        }
        match topological_order(&parents, &children) {
            Some(sorted) => Ok(Self { parents, children, sorted }),
            None => Err(GraphError::Cycle(shortest_cycle(&children))),
        }
    }

    /// The number of positions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether the graph has no positions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// The positions that `at` waits for, in ascending order. Empty for a position that does not exist.
    #[must_use]
    pub fn parents(&self, at: usize) -> &[usize] {
        self.parents.get(at).map_or(&[], Vec::as_slice)
    }

    /// The positions that wait for `at`, in ascending order. Empty for a position that does not exist.
    #[must_use]
    pub fn children(&self, at: usize) -> &[usize] {
        self.children.get(at).map_or(&[], Vec::as_slice)
    }

    /// All edges `(parent, child)`, in ascending order.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.children
            .iter()
            .enumerate()
            .flat_map(|(parent, all)| all.iter().map(move |child| (parent, *child)))
    }

    /// A topological order: every position once, parents before their children.
    #[must_use]
    pub fn sorted(&self) -> &[usize] {
        &self.sorted
    }
}

/// Kahn's algorithm with a heap, so that the result does not depend on the order of the edges. `None` if the edges
/// contain a cycle.
fn topological_order(parents: &[Vec<usize>], children: &[Vec<usize>]) -> Option<Vec<usize>> {
    use std::cmp::Reverse;
    let mut waiting: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut ready: std::collections::BinaryHeap<_> =
        (0..parents.len()).filter(|at| waiting[*at] == 0).map(Reverse).collect();
    let mut sorted = Vec::with_capacity(parents.len());
    while let Some(Reverse(at)) = ready.pop() {
        sorted.push(at);
        for &child in &children[at] {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push(Reverse(child));
            }
        }
    }
    (sorted.len() == parents.len()).then_some(sorted)
}

/// A shortest cycle: a breadth-first search from each position back to itself, pruned by the best one so far.
fn shortest_cycle(children: &[Vec<usize>]) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::new();
    for start in 0..children.len() {
        let mut came_from = vec![usize::MAX; children.len()];
        let mut depth = vec![0usize; children.len()];
        let mut queue = std::collections::VecDeque::from([start]);
        'search: while let Some(at) = queue.pop_front() {
            if !best.is_empty() && depth[at] + 1 >= best.len() {
                break;
            }
            for &child in &children[at] {
                if child == start {
                    let mut cycle = vec![at];
                    while let Some(&last) = cycle.last()
                        && last != start
                    {
                        cycle.push(came_from[last]);
                    }
                    cycle.reverse();
                    best = cycle;
                    break 'search;
                }
                if came_from[child] == usize::MAX {
                    came_from[child] = at;
                    depth[child] = depth[at] + 1;
                    queue.push_back(child);
                }
            }
        }
    }
    best
}
