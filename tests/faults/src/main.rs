//! `make faults`: many small workflows, each with something that goes wrong at a certain call, and after each the check
//! of what docs/once.md promises.
//!
//! `spec` names cases, `catalogue` lists them, `run` runs one in a `world`, `check` judges it. Between the clients and
//! the endpoint stands `proxy`; `functions` runs the real `bootstrap` as Lambda does.

mod case;
mod catalogue;
mod check;
mod disk;
mod endpoint;
mod functions;
mod http;
mod processes;
mod proxy;
mod report;
mod run;
mod spec;
mod tables;
mod times;
mod world;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use fastrand::Rng;

use case::lock;
use report::Report;
use run::Outcome;
use spec::{Action, Shape, Spec};
use world::{Programs, World};

/// Runs small workflows under faults, and checks that each ended as it must.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// What chance is made of; another one each time, if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How long new cases are begun.
    #[arg(long, default_value_t = 1_140)]
    seconds: u64,
    /// Only this case; may be given several times.
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// How often each case of `--only` is run.
    #[arg(long, default_value_t = 1)]
    times: usize,
    /// Cases with one fault whose text contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    matching: String,
    /// Lists the cases with one fault, and runs none.
    #[arg(long)]
    list: bool,
    /// Cases at once.
    #[arg(long, default_value_t = 24)]
    jobs: usize,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Keeps the logs and tables in this directory.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Where the programs are; beside this one, if it is not given.
    #[arg(long)]
    programs: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The endpoint's process. The suite starts it itself.
    #[command(hide = true)]
    Endpoint {
        /// JSON.
        start: String,
    },
}

/// Cases of the endpoint's own faults at once: each of them befalls all.
const AT_THE_ENDPOINT: usize = 6;

/// Of the time, how much is for single faults, if they do not all fit.
const SINGLES: f64 = 0.7;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.context("no runtime").and_then(|runtime| {
        let done = runtime.block_on(async {
            match &args.part {
                Some(Part::Endpoint { start }) => endpoint::serve(start).await.map(|()| true),
                None => suite(&args).await,
            }
        });
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Cases under way, and what came of those that were.
struct Work {
    queue: Mutex<VecDeque<Spec>>,
    at_the_endpoint: Mutex<VecDeque<Spec>>,
    singles: Vec<Spec>,
    random: Mutex<Rng>,
    report: Mutex<Report>,
    outcomes: Mutex<Vec<(Arc<World>, Outcome)>>,
    number: AtomicUsize,
    singles_until: Instant,
    until: Instant,
    combine: bool,
    output: Output,
    began: Instant,
}

async fn suite(args: &Args) -> Result<bool> {
    let began = Instant::now();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
    let only = args.only.iter().map(|text| text.parse()).collect::<Result<Vec<Spec>>>()?;
    let temporary = tempfile::Builder::new().prefix("rsqlflow-faults-").tempdir()?;
    let dir = args.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&dir)?;
    ensure!(dir.read_dir()?.next().is_none(), "{} is not empty", dir.display());
    let programs = programs(args, &dir)?;
    let root = nix::unistd::geteuid().is_root();
    if args.output == Output::Text {
        println!("seed {seed}");
        if !root {
            println!("full disks are left out: only root can mount them");
        }
        if programs.clock.is_none() {
            println!("jumps of the wall clock are left out: there is no C compiler");
        }
    }
    let main = World::start(dir.join("main"), programs.clone(), args.jobs).await?;
    let mut random = Rng::with_seed(seed);

    let mut work = Work {
        queue: Mutex::default(),
        at_the_endpoint: Mutex::default(),
        singles: Vec::new(),
        random: Mutex::default(),
        report: Mutex::default(),
        outcomes: Mutex::default(),
        number: AtomicUsize::new(0),
        singles_until: began + Duration::from_secs(args.seconds).mul_f64(SINGLES),
        until: began + Duration::from_secs(args.seconds),
        combine: only.is_empty() && args.matching.is_empty(),
        output: args.output,
        began,
    };
    let mut specs: Vec<Spec> =
        only.iter().flat_map(|spec| std::iter::repeat_n(spec.clone(), args.times)).collect();
    if only.is_empty() {
        work.singles = record(&main, root, programs.clock.is_some(), &work).await?;
        if args.list {
            work.singles.iter().for_each(|spec| println!("{spec}"));
            main.end().await;
            return Ok(true);
        }
        specs =
            work.singles.iter().filter(|spec| spec.to_string().contains(&args.matching)).cloned().collect();
        random.shuffle(&mut specs);
    }
    ensure!(!specs.is_empty(), "there is no such case");
    let (endpoint, others): (Vec<Spec>, Vec<Spec>) = specs.into_iter().partition(Spec::is_of_endpoint);
    let other = match endpoint.is_empty() {
        true => None,
        false => Some(World::start(dir.join("endpoint"), programs, AT_THE_ENDPOINT).await?),
    };
    work.queue = Mutex::new(others.into());
    work.at_the_endpoint = Mutex::new(endpoint.into());
    work.random = Mutex::new(random);

    let work = Arc::new(work);
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..args.jobs {
        workers.spawn(worker(Arc::clone(&work), Arc::clone(&main), false));
    }
    if let Some(other) = &other {
        for _ in 0..AT_THE_ENDPOINT {
            workers.spawn(worker(Arc::clone(&work), Arc::clone(other), true));
        }
    }
    while let Some(ended) = workers.join_next().await {
        ended.context("a worker")?;
    }
    unchanged(&work).await?;
    main.end().await;
    if let Some(other) = other {
        other.end().await;
    }
    let report = lock(&work.report);
    match args.output {
        Output::Text => {
            print!("\n{}", report.text());
            println!("seed {seed}, {:.0} s", began.elapsed().as_secs_f64());
        }
        Output::Json => println!("{:#}", report.json(seed, began.elapsed())),
    }
    Ok(report.violations() == 0)
}

/// The programs under test, and the library for their clock.
fn programs(args: &Args, dir: &Path) -> Result<Programs> {
    let beside = std::env::current_exe()?.parent().context("a program is in a directory")?.to_owned();
    let place = args.programs.clone().unwrap_or(beside);
    let find = |name: &str| {
        let path = place.join(name);
        ensure!(path.is_file(), "{} is missing: run `make build` first", path.display());
        Ok(path)
    };
    let (source, library) = (dir.join("clock.c"), dir.join("clock.so"));
    std::fs::write(&source, include_str!("clock.c"))?;
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .is_ok_and(|status| status.success());
    Ok(Programs {
        agent: find("rsqlflow-agent")?,
        bootstrap: find("bootstrap")?,
        clock: compiled.then_some(library),
    })
}

/// Runs every shape without faults, and lists the faults that can befall it.
async fn record(world: &Arc<World>, disks: bool, clock: bool, work: &Work) -> Result<Vec<Spec>> {
    let mut runs = tokio::task::JoinSet::new();
    for shape in Shape::all() {
        let (world, run) = (Arc::clone(world), work.next_run());
        runs.spawn(async move { run::run(&world, Spec::faultless(shape), run).await });
    }
    let mut outcomes = runs.join_all().await;
    outcomes.sort_by_key(|outcome| outcome.spec.shape);
    let mut specs = Vec::new();
    for outcome in outcomes {
        ensure!(outcome.violations.is_empty(), "without any fault: {}", report::violation(&outcome));
        let mut singles = catalogue::single(outcome.spec.shape, &outcome.counts, disks);
        singles.retain(|spec| clock || !(spec.has(Action::ClockAhead) || spec.has(Action::ClockBack)));
        specs.extend(singles);
        work.keep(world, outcome);
    }
    Ok(specs)
}

impl Work {
    fn next_run(&self) -> String {
        // Two suites at once must not see each other's processes.
        format!("f{}-{:05}", std::process::id(), self.number.fetch_add(1, Ordering::Relaxed))
    }

    fn next(&self, of_endpoint: bool) -> Option<Spec> {
        let now = Instant::now();
        if now >= self.until {
            return None;
        }
        let queue = if of_endpoint { &self.at_the_endpoint } else { &self.queue };
        if (now < self.singles_until || !self.combine)
            && let Some(spec) = lock(queue).pop_front()
        {
            return Some(spec);
        }
        if !self.combine {
            return None;
        }
        let mut random = lock(&self.random);
        (0..1_000)
            .filter_map(|_| catalogue::combination(&self.singles, &mut random))
            .find(|spec| spec.is_of_endpoint() == of_endpoint)
    }

    fn keep(&self, world: &Arc<World>, outcome: Outcome) {
        if !outcome.violations.is_empty() && self.output == Output::Text {
            println!("{}", report::violation(&outcome));
        }
        let mut report = lock(&self.report);
        report.add(&outcome);
        if report.runs().is_multiple_of(100) && self.output == Output::Text {
            println!(
                "{:5.0} s: {} runs, {} with a fault, {} with violations",
                self.began.elapsed().as_secs_f64(),
                report.runs(),
                report.faulted(),
                report.violations()
            );
        }
        drop(report);
        lock(&self.outcomes).push((Arc::clone(world), outcome));
    }
}

async fn worker(work: Arc<Work>, world: Arc<World>, of_endpoint: bool) {
    while let Some(spec) = work.next(of_endpoint) {
        world.wait_for_room().await;
        let outcome = run::run(&world, spec, work.next_run()).await;
        work.keep(&world, outcome);
    }
}

/// Every row that was seen closed is as it was.
async fn unchanged(work: &Work) -> Result<()> {
    let outcomes = std::mem::take(&mut *lock(&work.outcomes));
    for (world, outcome) in outcomes {
        let mut runs: Vec<&str> = outcome.closed.keys().filter_map(|key| key.split(' ').next()).collect();
        runs.dedup();
        for run in runs {
            for job in world.tables.jobs(run).await? {
                let Some(before) = outcome.closed.get(&format!("{run} {}", job.id)) else { continue };
                if *before != job.result() {
                    let what =
                        format!("the closed row of {run} {} changed: {before:?}, {:?}", job.id, job.result());
                    println!("VIOLATION in {}\n  {what}", outcome.spec);
                    lock(&work.report).violate(&outcome, what);
                }
            }
        }
        let starts = check::starts(&world.witnesses(&outcome.run)).len();
        if starts != outcome.starts {
            let what = format!("scripts were started {} times after the end", starts - outcome.starts);
            println!("VIOLATION in {}\n  {what}", outcome.spec);
            lock(&work.report).violate(&outcome, what);
        }
    }
    Ok(())
}
