//! `fuzz SECONDS [TARGET…]`: gives each target inputs for so long. Ends with 1 where one fails; the input is kept as a
//! seed.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use rsqlflow_fuzz::inputs::folder;
use rsqlflow_fuzz::{TARGETS, Target, inputs};
use sha2::{Digest, Sha256};

/// Cases between two looks at the clock.
const ROUND: u32 = 500;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(Ok(seconds)) = args.next().map(|text| text.parse::<u64>()) else {
        eprintln!(
            "usage: fuzz SECONDS [TARGET…], with targets of {:?}",
            TARGETS.each_ref().map(|target| target.name)
        );
        return ExitCode::from(2);
    };
    let named: Vec<String> = args.collect();
    if let Some(unknown) = named.iter().find(|name| !TARGETS.iter().any(|target| target.name == **name)) {
        eprintln!("{unknown} is not one of {:?}", TARGETS.each_ref().map(|target| target.name));
        return ExitCode::from(2);
    }
    let seed = std::env::var("SEED").ok().unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        format!("{}", now.as_nanos())
    });
    println!("SEED={seed}");
    // Panics are expected, and told with the input.
    std::panic::set_hook(Box::new(|_| {}));
    let wanted =
        TARGETS.iter().filter(|target| named.is_empty() || named.iter().any(|name| name == target.name));
    let mut code = ExitCode::SUCCESS;
    for target in wanted {
        let began = Instant::now();
        match run(target, Duration::from_secs(seconds), &seed) {
            Ok(cases) => println!("{:10} {cases} inputs in {:.0?}", target.name, began.elapsed()),
            Err(failure) => {
                println!("{:10} FAILED: {failure}", target.name);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// How many inputs it was given; or what failed.
fn run(target: &Target, time: Duration, seed: &str) -> Result<u64, String> {
    let digest = Sha256::digest(format!("{} {seed}", target.name));
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &digest);
    let config = Config { cases: ROUND, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = inputs(target);
    let (began, mut cases) = (Instant::now(), 0);
    while began.elapsed() < time {
        let ran = runner.run(&strategy, |bytes| {
            (target.run)(&bytes);
            Ok(())
        });
        match ran {
            Ok(()) => cases += u64::from(ROUND),
            Err(TestError::Fail(reason, bytes)) => return Err(kept(target, &bytes, reason.message())),
            Err(TestError::Abort(reason)) => return Err(reason.message().to_owned()),
        }
    }
    Ok(cases)
}

/// Makes a seed of an input that fails.
fn kept(target: &Target, bytes: &[u8], reason: &str) -> String {
    let mut name = "failed-".to_owned();
    for byte in Sha256::digest(bytes).iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    let path = folder(target).join(name);
    let written =
        std::fs::write(&path, bytes).map_or_else(|e| format!("not kept: {e}"), |()| "kept".to_owned());
    format!("{reason}; the input is {written} as {}", path.display())
}
