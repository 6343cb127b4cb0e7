//! Orders in which the jobs of a graph can run, and figures of the graph as a whole.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Graph;

/// The `order` of a `dag` stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DagOrder {
    /// A job starts when its parents are done.
    #[default]
    Ready,
    /// A job starts when all jobs of lower levels are done. The level of a job is the number of edges on the longest
    /// path that leads to it.
    Level,
    /// As `level`, but a job runs as late as its children allow: in the step before the lowest level of its children.
    /// Jobs without children run in the last step.
    ParentLevel,
}

/// A path of the graph that no other path outweighs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Its positions, from a root to a leaf.
    pub positions: Vec<usize>,
    /// The sum of their weights.
    pub weight: u64,
}

impl Graph {
    /// The level of each position: the number of edges on the longest path that leads to it. Roots have level 0.
    #[must_use]
    pub fn levels(&self) -> Vec<usize> {
        let mut levels = vec![0; self.len()];
        for &at in self.sorted() {
            levels[at] = self.parents(at).iter().map(|parent| levels[*parent] + 1).max().unwrap_or(0);
        }
        levels
    }

    /// The parent level of each position: one less than the lowest level of its children; the highest level of the
    /// graph where it has none. It is never below the position's own level, so parents still come before children.
    #[must_use]
    pub fn parent_levels(&self) -> Vec<usize> {
        let levels = self.levels();
        let last = levels.iter().copied().max().unwrap_or(0);
        (0..self.len())
            .map(|at| {
                self.children(at).iter().map(|child| levels[*child]).min().map_or(last, |lowest| lowest - 1)
            })
            .collect()
    }

    /// The steps of an order, each with its positions in ascending order; `None` for [`DagOrder::Ready`], which has
    /// no steps.
    #[must_use]
    pub fn steps(&self, order: DagOrder) -> Option<Vec<Vec<usize>>> {
        let of = match order {
            DagOrder::Ready => return None,
            DagOrder::Level => self.levels(),
            DagOrder::ParentLevel => self.parent_levels(),
        };
        let mut steps = vec![Vec::new(); of.iter().map(|step| step + 1).max().unwrap_or(0)];
        for (at, step) in of.into_iter().enumerate() {
            steps[step].push(at);
        }
        // A step of parent levels may be empty: its jobs have all been put off.
        steps.retain(|step| !step.is_empty());
        Some(steps)
    }

    /// The graph with the fewest edges that orders the same pairs: without each edge that another path replaces.
    #[must_use]
    pub fn reduction(&self) -> Self {
        let reach = self.reachable();
        let kept = self.edges().filter(|(parent, child)| {
            // An edge is replaced when another child of the parent leads to the child.
            !self.children(*parent).iter().any(|other| other != child && reach[*other].contains(*child))
        });
        let mut parents = vec![Vec::new(); self.len()];
        let mut children = vec![Vec::new(); self.len()];
        for (parent, child) in kept {
            parents[child].push(parent);
            children[parent].push(child);
        }
        Self { parents, children, sorted: self.sorted.clone() }
    }

    /// The longest remaining path of each position: its own weight and those of the heaviest path behind it. A
    /// position without a weight weighs 0. `ready` order starts the position with the highest value first.
    #[must_use]
    pub fn remaining(&self, weights: &[u64]) -> Vec<u64> {
        let mut remaining = vec![0u64; self.len()];
        for &at in self.sorted().iter().rev() {
            let behind = self.children(at).iter().map(|child| remaining[*child]).max().unwrap_or(0);
            remaining[at] = behind.saturating_add(weights.get(at).copied().unwrap_or(0));
        }
        remaining
    }

    /// The critical path by `weights`: no order finishes sooner than its weight. Among equals, the path with the lower
    /// positions.
    #[must_use]
    pub fn critical_path(&self, weights: &[u64]) -> CriticalPath {
        let remaining = self.remaining(weights);
        let heaviest = |among: &mut dyn Iterator<Item = usize>| {
            among.fold(None, |best: Option<usize>, at| match best {
                Some(best) if remaining[best] >= remaining[at] => Some(best),
                _ => Some(at),
            })
        };
        let mut next = heaviest(&mut (0..self.len()).filter(|at| self.parents(*at).is_empty()));
        let weight = next.map_or(0, |at| remaining[at]);
        let mut positions = Vec::new();
        while let Some(at) = next {
            positions.push(at);
            next = heaviest(&mut self.children(at).iter().copied());
        }
        CriticalPath { positions, weight }
    }

    /// The most positions that can run at once: in `level` and `parent_level` order the widest step, in `ready` order
    /// the widest set of positions of which none depends on another. It is the number of connections that a stage
    /// without `max_concurrency` may need.
    #[must_use]
    pub fn width(&self, order: DagOrder) -> usize {
        match self.steps(order) {
            Some(steps) => steps.iter().map(Vec::len).max().unwrap_or(0),
            None => self.widest_antichain(),
        }
    }

    /// By Dilworth's theorem: the positions less a maximum matching of the pairs that are ordered. The matching is
    /// found by Hopcroft and Karp's algorithm.
    fn widest_antichain(&self) -> usize {
        let reach = self.reachable();
        let len = self.len();
        let mut child_of: Vec<Option<usize>> = vec![None; len];
        let mut parent_of: Vec<Option<usize>> = vec![None; len];
        let mut matched = 0;
        loop {
            // The length of the shortest alternating path to each free position.
            let mut depth = vec![usize::MAX; len];
            let mut queue = VecDeque::new();
            for at in 0..len {
                if child_of[at].is_none() {
                    depth[at] = 0;
                    queue.push_back(at);
                }
            }
            let mut found = false;
            while let Some(at) = queue.pop_front() {
                for below in reach[at].iter() {
                    match parent_of[below] {
                        None => found = true,
                        Some(next) if depth[next] == usize::MAX => {
                            depth[next] = depth[at] + 1;
                            queue.push_back(next);
                        }
                        Some(_) => {}
                    }
                }
            }
            if !found {
                return len - matched;
            }
            for at in 0..len {
                if child_of[at].is_none() && augment(at, &reach, &mut depth, &mut child_of, &mut parent_of) {
                    matched += 1;
                }
            }
        }
    }

    /// For each position, the set of positions that depend on it, directly or not.
    fn reachable(&self) -> Vec<Bits> {
        let mut reach = vec![Bits::new(self.len()); self.len()];
        for &at in self.sorted().iter().rev() {
            let mut all = Bits::new(self.len());
            for &child in self.children(at) {
                all.insert(child);
                all.extend(&reach[child]);
            }
            reach[at] = all;
        }
        reach
    }
}

/// Follows alternating paths from `start` without recursion: a path may be as long as the graph.
fn augment(
    start: usize,
    reach: &[Bits],
    depth: &mut [usize],
    child_of: &mut [Option<usize>],
    parent_of: &mut [Option<usize>],
) -> bool {
    // The path so far: each position with the next candidate to look at.
    let mut path: Vec<(usize, usize)> = vec![(start, 0)];
    let mut taken: Vec<usize> = Vec::new();
    while let Some(&mut (at, ref mut from)) = path.last_mut() {
        let mut step = None;
        for below in reach[at].iter_from(*from) {
            *from = below + 1;
            match parent_of[below] {
                None => {
                    step = Some((below, None));
                    break;
                }
                Some(next) if depth[next] == depth[at].saturating_add(1) => {
                    step = Some((below, Some(next)));
                    break;
                }
                Some(_) => {}
            }
        }
        match step {
            Some((below, None)) => {
                taken.push(below);
                for ((at, _), below) in path.iter().zip(&taken) {
                    child_of[*at] = Some(*below);
                    parent_of[*below] = Some(*at);
                }
                return true;
            }
            Some((below, Some(next))) => {
                taken.push(below);
                path.push((next, 0));
            }
            None => {
                // A dead end: no other path of this round needs to look at it again.
                depth[at] = usize::MAX;
                path.pop();
                taken.pop();
            }
        }
    }
    false
}

/// A set of positions.
#[derive(Debug, Clone)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn contains(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn extend(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.iter_from(0)
    }

    fn iter_from(&self, from: usize) -> impl Iterator<Item = usize> {
        let first = from / 64;
        self.0.iter().enumerate().skip(first).flat_map(move |(word, bits)| {
            let mut bits = if word == first { bits & (u64::MAX << (from % 64)) } else { *bits };
            std::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let at = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    word * 64 + at
                })
            })
        })
    }
}
