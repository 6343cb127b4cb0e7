//! `rsqlflow graph PATH`

use rsqlflow_core::timing::Timing;
use serde_json::json;

use crate::args::Graph;
use crate::failure::{Failure, exit};
use crate::graph::{Cycle, JobOrder, Jobs, Source, render};
use crate::input::file;
use crate::output::{JSON_VERSION, Printer};

/// Reads which tables the jobs read and write, and shows the order that follows.
///
/// # Errors
/// A file that cannot be read, every problem of a workflow file, or jobs that depend on each other in a circle.
pub(crate) fn graph(args: &Graph, printer: Printer) -> Result<u8, Failure> {
    let source = Source {
        default_schema: args.default_schema.clone(),
        variables: args.variables.iter().cloned().collect(),
    };
    let unreadable = |error: std::io::Error| {
        Failure::input(
            format!("the input cannot be read: {error}"),
            "check that the file exists and is readable",
        )
    };
    let jobs = if args.path.is_dir() {
        Jobs::of_directory(&args.path, &source).map_err(unreadable)?
    } else {
        let (_, workflow) = file::read_workflow(&args.path, &Timing::default())?;
        let scripts = args.scripts.clone().unwrap_or_else(|| file::scripts_beside(&args.path));
        Jobs::of_workflow(&workflow, &scripts, &source).map_err(unreadable)?
    };
    if jobs.accesses.is_empty() {
        return Err(Failure::input(
            format!("{} has no jobs", args.path.display()),
            "name a workflow file, or a directory with .sql, .rsql or .sh files",
        ));
    }
    let order = JobOrder::of(jobs).map_err(|Cycle(names)| {
        let circle: Vec<&str> = names.iter().chain(names.first()).map(String::as_str).collect();
        Failure::input(
            format!("the dependencies of the jobs form a cycle: {}", circle.join(" -> ")),
            "split the job that both reads from and writes for the other jobs",
        )
    })?;
    if printer.is_json() {
        let mut document = order.to_json();
        document["version"] = json!(JSON_VERSION);
        printer.json(&document);
    } else {
        printer.data(&render(&order, args.format, args.full, args.why));
        for warning in order.jobs.accesses.iter().flat_map(|job| &job.lineage.warnings) {
            printer.notice(&format!("warning: {warning}\nhint: {}", warning.hint()));
        }
        for problem in &order.problems {
            printer.notice(&format!("error: {}\nhint: {}", problem.message, problem.hint));
        }
    }
    Ok(if order.problems.is_empty() { exit::OK } else { exit::PROBLEMS })
}
