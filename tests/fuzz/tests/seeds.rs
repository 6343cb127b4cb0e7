//! Every seed, and as many inputs beside them as take a moment, always the same ones.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rsqlflow_fuzz::{TARGETS, inputs, seeds};

fn replay(name: &str, cases: u32) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    for (file, seed) in seeds(target) {
        eprintln!("{name}/{file}");
        (target.run)(&seed);
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new_with_rng(config, rng).run(&inputs(target), |bytes| {
        (target.run)(&bytes);
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{name}: {error}");
    }
}

#[test]
fn workflow() {
    replay("workflow", 500);
}

#[test]
fn asl() {
    replay("asl", 500);
}

#[test]
fn endpoint() {
    replay("endpoint", 300);
}

#[test]
fn guard() {
    replay("guard", 2_000);
}

#[test]
fn log() {
    replay("log", 1_000);
}

#[test]
fn redact() {
    replay("redact", 2_000);
}

#[test]
fn spool() {
    replay("spool", 500);
}

#[test]
fn every_target_is_replayed() {
    let source = include_str!("seeds.rs");
    for target in &TARGETS {
        assert!(source.contains(&format!("replay(\"{}\", ", target.name)), "{}", target.name);
    }
}
