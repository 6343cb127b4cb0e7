//! Single rules, and comparisons with naive versions on random graphs.

use proptest::prelude::*;

use super::*;
use crate::config::OnFailure;

fn graph(len: usize, edges: &[(usize, usize)]) -> Graph {
    Graph::new(len, edges.iter().copied()).unwrap()
}

/// Random acyclic graphs: edges lead from lower to higher positions, then positions are shuffled.
fn graphs(most: usize) -> impl Strategy<Value = Graph> {
    (1..=most).prop_flat_map(|len| {
        let edges = proptest::collection::vec((0..len, 0..len), 0..len * 3);
        let names = Just((0..len).collect::<Vec<_>>()).prop_shuffle();
        (edges, names).prop_map(move |(edges, names)| {
            let edges = edges.into_iter().filter(|(a, b)| a < b).map(|(a, b)| (names[a], names[b]));
            Graph::new(len, edges).unwrap()
        })
    })
}

/// Reachability by repeated squaring of nothing: plain search from each position.
fn naive_reach(graph: &Graph) -> Vec<Vec<bool>> {
    (0..graph.len())
        .map(|start| {
            let mut seen = vec![false; graph.len()];
            let mut open: Vec<usize> = graph.children(start).to_vec();
            while let Some(at) = open.pop() {
                if !std::mem::replace(&mut seen[at], true) {
                    open.extend(graph.children(at));
                }
            }
            seen
        })
        .collect()
}

#[test]
fn an_edge_outside_is_refused() {
    assert_eq!(Graph::new(2, [(0, 2)]), Err(GraphError::OutOfRange { position: 2, len: 2 }));
}

#[test]
fn the_shortest_of_two_cycles_is_named() {
    // 0 → 1 → 2 → 3 → 0, and 5 → 6 → 5.
    let edges = [(0, 1), (1, 2), (2, 3), (3, 0), (5, 6), (6, 5), (3, 5)];
    assert_eq!(Graph::new(7, edges), Err(GraphError::Cycle(vec![5, 6])));
    assert_eq!(Graph::new(1, [(0, 0)]), Err(GraphError::Cycle(vec![0])));
}

#[test]
fn a_cycle_of_5_among_300_is_named() {
    let mut edges: Vec<_> = (0..299).map(|at| (at, at + 1)).collect();
    edges.push((204, 200));
    assert_eq!(Graph::new(300, edges), Err(GraphError::Cycle(vec![200, 201, 202, 203, 204])));
}

#[test]
fn levels_and_parent_levels() {
    // 0 → 1 → 2, and 3 → 2, and 4 alone.
    let graph = graph(5, &[(0, 1), (1, 2), (3, 2)]);
    assert_eq!(graph.levels(), [0, 1, 2, 0, 0]);
    assert_eq!(graph.parent_levels(), [0, 1, 2, 1, 2]);
    assert_eq!(graph.steps(DagOrder::Level).unwrap(), [vec![0, 3, 4], vec![1], vec![2]]);
    assert_eq!(graph.steps(DagOrder::ParentLevel).unwrap(), [vec![0], vec![1, 3], vec![2, 4]]);
    assert_eq!(graph.steps(DagOrder::Ready), None);
}

#[test]
fn the_reduction_leaves_out_what_a_path_replaces() {
    let reduced = graph(4, &[(0, 1), (1, 2), (0, 2), (0, 3), (2, 3)]).reduction();
    assert_eq!(reduced.edges().collect::<Vec<_>>(), [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn the_critical_path_is_the_heaviest() {
    let graph = graph(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
    let path = graph.critical_path(&[1, 5, 7, 1]);
    assert_eq!((path.positions.as_slice(), path.weight), ([0, 2, 3].as_slice(), 9));
    assert_eq!(Graph::new(0, []).unwrap().critical_path(&[]), CriticalPath::default());
}

#[test]
fn ready_order_beats_levels_where_a_level_waits_for_its_slowest_job() {
    // 0 (long), and 1 → 2 (short, then long).
    let graph = graph(3, &[(1, 2)]);
    let weights = [10, 1, 10];
    let makespan = |order| simulate(&graph, order, &weights, 2).makespan;
    assert_eq!((makespan(DagOrder::Ready), makespan(DagOrder::Level)), (11, 20));
}

#[test]
fn two_thousand_jobs_and_ten_thousand_edges_are_planned() {
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    let edges: Vec<_> = (0..10_000)
        .map(|_| {
            let child = 1 + random(1999);
            (random(child), child)
        })
        .collect();
    let graph = Graph::new(2000, edges).unwrap();
    assert!(graph.width(DagOrder::Ready) >= graph.width(DagOrder::Level));
    assert!(graph.reduction().edges().count() <= 10_000);
}

mod advancing {
    use super::*;

    fn next(graph: &Graph, states: &[JobState], run_if: &[RunIf], on_failure: OnFailure) -> Advance {
        advance(graph, states, Rules { run_if, on_failure })
    }

    use JobState::{Done, Failed, Running, Skipped, Waiting};

    #[test]
    fn a_job_waits_for_all_its_parents() {
        let graph = graph(3, &[(0, 2), (1, 2)]);
        let advance = next(&graph, &[Done, Running, Waiting], &[], OnFailure::Finish);
        assert_eq!((advance.ready, advance.finished), (vec![], false));
        let advance = next(&graph, &[Done, Done, Waiting], &[], OnFailure::Finish);
        assert_eq!(advance.ready, [2]);
    }

    #[test]
    fn a_failure_ends_what_depends_on_it_and_nothing_else() {
        // 0 → 1 → 2, and 3 → 4.
        let graph = graph(5, &[(0, 1), (1, 2), (3, 4)]);
        let advance = next(&graph, &[Failed, Waiting, Waiting, Done, Waiting], &[], OnFailure::Finish);
        let not_run = [NotRun { position: 1, because_of: 0 }, NotRun { position: 2, because_of: 1 }];
        assert_eq!((advance.not_run.as_slice(), advance.ready.as_slice()), (&not_run[..], &[4][..]));
        assert!(!advance.finished);
    }

    #[test]
    fn a_stage_that_stops_starts_nothing_more() {
        let graph = graph(3, &[(0, 1)]);
        let advance = next(&graph, &[Failed, Waiting, Waiting], &[], OnFailure::Stop);
        assert_eq!((advance.ready, advance.finished), (vec![], true));
    }

    #[test]
    fn a_stage_that_continues_counts_a_failure_as_done() {
        let graph = graph(2, &[(0, 1)]);
        let advance = next(&graph, &[Failed, Waiting], &[], OnFailure::Continue);
        assert_eq!((advance.ready, advance.not_run), (vec![1], vec![]));
    }

    #[test]
    fn run_if_ended_runs_after_a_failure_and_ends_its_effect() {
        let graph = graph(3, &[(0, 1), (1, 2)]);
        let run_if = [RunIf::Success, RunIf::Ended, RunIf::Success];
        let advance = next(&graph, &[Failed, Waiting, Waiting], &run_if, OnFailure::Finish);
        assert_eq!((advance.ready, advance.not_run), (vec![1], vec![]));
        let advance = next(&graph, &[Failed, Done, Waiting], &run_if, OnFailure::Finish);
        assert_eq!(advance.ready, [2]);
    }

    #[test]
    fn a_skipped_job_passes_its_parents_on() {
        let graph = graph(3, &[(0, 1), (1, 2)]);
        let advance = next(&graph, &[Running, Skipped, Waiting], &[], OnFailure::Finish);
        assert_eq!(advance.ready, [0usize; 0]);
        let advance = next(&graph, &[Failed, Skipped, Waiting], &[], OnFailure::Finish);
        assert_eq!(advance.not_run, [NotRun { position: 2, because_of: 0 }]);
        let advance = next(&graph, &[Done, Skipped, Waiting], &[], OnFailure::Finish);
        assert_eq!(advance.ready, [2]);
    }
}

proptest! {
    #[test]
    fn levels_are_longest_paths(graph in graphs(24)) {
        // Relaxation until nothing changes.
        let mut naive = vec![0; graph.len()];
        for _ in 0..graph.len() {
            for (parent, child) in graph.edges() {
                naive[child] = naive[child].max(naive[parent] + 1);
            }
        }
        prop_assert_eq!(graph.levels(), naive);
    }

    #[test]
    fn every_order_keeps_every_edge(graph in graphs(24)) {
        for of in [graph.levels(), graph.parent_levels()] {
            for (parent, child) in graph.edges() {
                prop_assert!(of[parent] < of[child]);
            }
        }
        for order in [DagOrder::Level, DagOrder::ParentLevel] {
            let mut all: Vec<usize> = graph.steps(order).unwrap().concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..graph.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_reduction_orders_the_same_and_is_minimal(graph in graphs(16)) {
        let reduced = graph.reduction();
        prop_assert_eq!(naive_reach(&reduced), naive_reach(&graph));
        for left_out in reduced.edges() {
            let fewer = Graph::new(graph.len(), reduced.edges().filter(|edge| *edge != left_out)).unwrap();
            prop_assert_ne!(naive_reach(&fewer), naive_reach(&graph));
        }
    }

    #[test]
    fn the_width_is_the_widest_set_without_order(graph in graphs(11)) {
        let reach = naive_reach(&graph);
        let widest = (0u32..1 << graph.len())
            .filter(|set| {
                let members: Vec<usize> = (0..graph.len()).filter(|at| set & (1 << at) != 0).collect();
                members.iter().all(|a| members.iter().all(|b| !reach[*a][*b]))
            })
            .map(u32::count_ones)
            .max();
        prop_assert_eq!(Some(graph.width(DagOrder::Ready)), widest.map(|w| w as usize));
    }

    #[test]
    fn a_simulation_lies_between_its_bounds(
        graph in graphs(16),
        weights in proptest::collection::vec(0u64..20, 16),
        slots in 1usize..6,
    ) {
        let weights = &weights[..graph.len()];
        let path = graph.critical_path(weights).weight;
        let total: u64 = weights.iter().sum();
        for order in [DagOrder::Ready, DagOrder::Level, DagOrder::ParentLevel] {
            let simulation = simulate(&graph, order, weights, slots);
            prop_assert!(simulation.makespan >= path);
            prop_assert!(simulation.makespan >= total.div_ceil(slots as u64));
            prop_assert!(simulation.makespan <= total);
            prop_assert!(simulation.at_once <= slots.min(graph.width(order)));
        }
        prop_assert_eq!(simulate(&graph, DagOrder::Ready, weights, usize::MAX).makespan, path);
    }

    /// Starting what is ready until nothing is left runs each job once, after its parents.
    #[test]
    fn advancing_runs_every_job_once_and_in_order(graph in graphs(16), fails in proptest::collection::vec(any::<bool>(), 16)) {
        let mut states = vec![JobState::Waiting; graph.len()];
        loop {
            let step = advance(&graph, &states, Rules { run_if: &[], on_failure: OnFailure::Finish });
            for at in &step.ready {
                prop_assert!(graph.parents(*at).iter().all(|parent| states[*parent] == JobState::Done));
            }
            for not_run in &step.not_run {
                states[not_run.position] = JobState::Failed;
            }
            for at in &step.ready {
                states[*at] = if fails[*at] { JobState::Failed } else { JobState::Done };
            }
            if step.finished {
                break;
            }
            prop_assert!(!step.ready.is_empty());
        }
        prop_assert!(!states.contains(&JobState::Waiting));
    }
}
