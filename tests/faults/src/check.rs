//! What must hold after every case, from the scripts' witnesses, the tables, and `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use anyhow::Result;

use crate::case::Case;
use crate::spec::{Action, Shape};
use crate::tables::{Item, Job, text};
use crate::times::SLOW_MILLIS;

/// What was seen of a case.
#[derive(Debug, Default)]
pub struct Seen {
    violations: BTreeSet<String>,
    /// Jobs that were seen closed: their results.
    pub closed: BTreeMap<String, Vec<(&'static str, String)>>,
}

/// A witness: a script that began or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// `start`, `end` or `overlap`.
    pub what: String,
    /// The job's id.
    pub job: String,
    /// The attempt.
    pub attempt: u32,
    /// When, in seconds since 1970.
    pub at: f64,
    /// The exit code of an end.
    pub code: String,
}

/// All that the scripts of a run said.
pub fn witnesses(text: &str) -> Vec<Witness> {
    let read = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, job, attempt, _, at, ..] = words[..] else { return None };
        Some(Witness {
            what: what.to_owned(),
            job: job.to_owned(),
            attempt: attempt.parse().ok()?,
            at: at.replace(',', ".").parse().ok()?,
            code: words.get(5).copied().unwrap_or_default().to_owned(),
        })
    };
    text.lines().filter_map(read).collect()
}

/// The starts among them.
pub fn starts(text: &str) -> Vec<Witness> {
    witnesses(text).into_iter().filter(|witness| witness.what == "start").collect()
}

impl Seen {
    /// Notes a violation.
    pub fn violate(&mut self, what: String) {
        self.violations.insert(what);
    }

    /// All of them.
    pub fn violations(&self, case: &Case) -> Vec<String> {
        self.violations.iter().cloned().chain(case.violations()).collect()
    }

    /// Looks at a row that is open.
    pub fn open(&mut self, what: &str, item: &Item) {
        if item.contains_key("expires_at") {
            self.violate(format!("the row of {what} is open and may expire"));
        }
    }

    /// Looks at jobs: what was closed once must be as it was.
    pub fn jobs(&mut self, case: &Case, run: &str, jobs: &[Job]) {
        for job in jobs {
            let key = format!("{run} {}", job.id);
            if !job.is_closed() {
                self.open(&format!("job {}", job.id), &job.item);
                if self.closed.contains_key(&key) {
                    self.violate(format!(
                        "job {} was closed and is {}",
                        job.id,
                        job.text("execution_status")
                    ));
                }
                continue;
            }
            let result = job.result();
            match self.closed.get(&key) {
                Some(before) if *before != result => {
                    self.violate(format!("the closed row of {} changed: {before:?}, {result:?}", job.id));
                }
                Some(_) => {}
                None => {
                    case.tell(format!(
                        "job {} is {} in attempt {}: {}",
                        job.id,
                        job.text("execution_status"),
                        job.text("attempt"),
                        job.text("error_message")
                    ));
                    self.closed.insert(key, result);
                }
            }
        }
    }
}

/// Checks a run that is over.
pub async fn run(case: &Case, row: Option<&Item>, jobs: &[Job], seen: &mut Seen) -> Result<()> {
    let world = &case.world;
    let Some(row) = row else {
        seen.violate("the run has no row".to_owned());
        return Ok(());
    };
    seen.jobs(case, &case.run, jobs);
    for job in jobs.iter().filter(|job| !job.is_closed()) {
        seen.violate(format!("job {} is {}, and its run is over", job.id, job.text("execution_status")));
    }
    let said = witnesses(&world.witnesses(&case.run));
    for witness in said.iter().filter(|witness| witness.what == "overlap") {
        seen.violate(format!("two scripts of {} ran at one time", witness.job));
    }
    for job in jobs {
        script(case, job, &said, seen);
        log(case, job, &said, seen).await;
    }
    if case.spec.is_harmless() && !case.too_slow.load(Ordering::Relaxed) {
        expected(case, row, jobs, seen);
        for job in jobs {
            let starts = said.iter().filter(|w| w.what == "start" && w.job == job.id).count();
            if starts > 1 {
                seen.violate(format!("{} was taken from an agent that was at work", job.id));
            }
        }
    }
    Ok(())
}

/// What the scripts of a job may have done.
fn script(case: &Case, job: &Job, said: &[Witness], seen: &mut Seen) {
    let of_job = |what: &'static str| said.iter().filter(move |w| w.what == what && w.job == job.id);
    let attempt: u32 = job.text("attempt").parse().unwrap_or(0);
    let (status, starts) = (job.text("execution_status"), of_job("start").count());
    if !case.spec.shape.reruns() && starts > 1 {
        seen.violate(format!("{} may not run again when it is lost, and was started {starts} times", job.id));
    }
    let mut attempts = BTreeSet::new();
    for start in of_job("start") {
        if !attempts.insert(start.attempt) {
            seen.violate(format!("{} was started twice in attempt {}", job.id, start.attempt));
        }
        if start.attempt > attempt {
            seen.violate(format!(
                "{} was started in attempt {}, and its row says {attempt}",
                job.id, start.attempt
            ));
        }
    }
    let ended = of_job("end").any(|end| end.attempt == attempt && end.code == "0");
    if status == "Completed" && !ended {
        seen.violate(format!("{} is Completed, and its script did not end in attempt {attempt}", job.id));
    }
    // A clock that jumped wrote the end.
    if case.spec.has(Action::ClockAhead) || case.spec.has(Action::ClockBack) {
        return;
    }
    let Some(closed) = moment(&job.text("execution_end_ts")) else { return };
    for late in said.iter().filter(|w| w.job == job.id && w.at > closed + 0.1) {
        seen.violate(format!(
            "{} was {status} {:.3} s before its script's {} in attempt {}",
            job.id,
            late.at - closed,
            late.what,
            late.attempt
        ));
    }
}

fn moment(text: &str) -> Option<f64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond() as f64 / 1_000.0)
}

/// Where the row says that the log is whole, it is, and has no line twice. What an agent was sending when it died, or
/// whose answer it could not read, is sent again: nobody knows whether it arrived. So is what had no answer and arrives
/// later.
async fn log(case: &Case, job: &Job, said: &[Witness], seen: &mut Seen) {
    if job.text("log_complete") != "true" || job.text("attempt") == "0" {
        return;
    }
    let of_attempt = |what: &str| {
        said.iter().any(|w| w.what == what && w.job == job.id && w.attempt.to_string() == job.text("attempt"))
    };
    if !of_attempt("start") {
        return;
    }
    let lines = match case.world.tables.log(&job.text("log_group"), &job.text("log_stream")).await {
        Ok(lines) => lines,
        Err(error) => {
            seen.violate(format!("the log of {} is whole, and cannot be read: {error:#}", job.id));
            return;
        }
    };
    let begins = format!("{} {} ", job.id, job.text("attempt"));
    let millis = match case.spec.shape {
        Shape::Long | Shape::Once => 3_500,
        Shape::Slow => SLOW_MILLIS,
        _ => 0,
    };
    let whole: Vec<String> = (1..=7)
        .map(|i| format!("line {i}"))
        .chain((0..millis).step_by(100).map(|i| format!("at {i}")))
        .collect();
    let mut own: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(&begins)).collect();
    let repeated = [
        Action::KillAgent,
        Action::KillBoth,
        Action::Vanish,
        Action::VanishBack,
        Action::Garbage,
        // The answer came while the agent was stopped, and its time was over.
        Action::StopAgentLong,
        Action::StopAgentOvertaken,
    ];
    if repeated.into_iter().any(|action| case.spec.has(action)) {
        let mut seen = BTreeSet::new();
        own.retain(|line| seen.insert(*line));
        own.sort_by_key(|line| whole.iter().position(|one| one == line));
    }
    let is_whole = own == whole;
    // A script that was ended wrote less.
    let is_beginning = own.len() <= whole.len() && own.iter().zip(&whole).all(|(own, all)| own == all);
    let ended = of_attempt("end");
    if !(is_whole || !ended && is_beginning) {
        seen.violate(format!("the log of {} is whole, and has {own:?}", job.id));
    }
}

/// What no fault of this kind may change.
fn expected(case: &Case, row: &Item, jobs: &[Job], seen: &mut Seen) {
    let (run, wanted): (&str, &[&str]) = match case.spec.shape {
        Shape::Failing => ("Failed", &["Failed", "Cancelled"]),
        Shape::Long | Shape::Once | Shape::Slow => ("Completed", &["Completed"]),
        _ => ("Completed", &["Completed", "Completed"]),
    };
    let found: Vec<String> = jobs.iter().map(|job| job.text("execution_status")).collect();
    if text(row, "execution_status") != run || found != wanted {
        let why: Vec<String> = jobs.iter().map(|job| job.text("error_message")).collect();
        seen.violate(format!(
            "the run is {}, its jobs are {found:?}: {} {why:?}",
            text(row, "execution_status"),
            text(row, "error_message")
        ));
    }
}
