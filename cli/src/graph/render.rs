//! The order as text, as DOT, and as a Mermaid chart.

use std::fmt::Write as _;

use clap::ValueEnum;
use rsqlflow_core::graph::{DagOrder, Graph};
use rsqlflow_lineage::Reason;

use super::JobOrder;

/// Format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text with levels, critical path and connections.
    Text,
    /// The language of Graphviz.
    Dot,
    /// A flowchart for Markdown.
    Mermaid,
}

/// Renders the order. Without `full`, edges that a longer path implies are left out. With `why`, the text shows the file
/// and line of each edge.
pub(crate) fn render(order: &JobOrder, format: Format, full: bool, why: bool) -> String {
    let reduced;
    let graph = if full {
        &order.graph
    } else {
        reduced = order.graph.reduction();
        &reduced
    };
    // Writing to a String cannot fail.
    let mut out = String::new();
    let _ = match format {
        Format::Text => text(order, why, &mut out),
        Format::Dot => dot(order, graph, &mut out),
        Format::Mermaid => mermaid(order, graph, &mut out),
    };
    out.truncate(out.trim_end().len());
    out
}

fn text(order: &JobOrder, why: bool, out: &mut String) -> std::fmt::Result {
    let (jobs, graph) = (&order.jobs, &order.graph);
    let levels = graph.steps(DagOrder::Level).unwrap_or_default();
    writeln!(out, "jobs: {}, dependencies: {}, levels: {}", graph.len(), order.edges.len(), levels.len())?;
    for (level, positions) in levels.iter().enumerate() {
        let names: Vec<&str> = positions.iter().map(|at| jobs.name(*at)).collect();
        writeln!(out, "  level {level}: {}", names.join(", "))?;
    }
    let critical = graph.critical_path(&vec![1; graph.len()]);
    let names: Vec<&str> = critical.positions.iter().map(|at| jobs.name(*at)).collect();
    writeln!(out, "longest path: {}", names.join(" -> "))?;
    writeln!(
        out,
        "maximum of concurrent jobs: {} in ready order, {} in level order, {} in parent_level order",
        graph.width(DagOrder::Ready),
        graph.width(DagOrder::Level),
        graph.width(DagOrder::ParentLevel)
    )?;
    if why {
        for edge in &order.edges {
            writeln!(out, "{} waits for {}", jobs.name(edge.child), jobs.name(edge.parent))?;
            for why in &edge.reasons {
                writeln!(out, "  {}", reason(why))?;
            }
        }
    }
    Ok(())
}

/// A reason as a sentence, with its locations.
pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Stated => "it is in depends_on".to_owned(),
        Reason::Table { table, written, read } => {
            format!("{table} is written at {written} and read at {read}")
        }
        Reason::Created { table, created, written } => {
            format!("{table} is created at {created} and filled at {written}")
        }
        Reason::Location { unloaded, written, copied, read } => {
            format!("{unloaded} is unloaded at {written} and {copied} is loaded at {read}")
        }
    }
}

fn dot(order: &JobOrder, graph: &Graph, out: &mut String) -> std::fmt::Result {
    writeln!(out, "digraph jobs {{\n  rankdir=LR;\n  node [shape=box];")?;
    for at in 0..graph.len() {
        writeln!(
            out,
            "  n{at} [label=\"{}\"];",
            order.jobs.name(at).replace('\\', "\\\\").replace('"', "\\\"")
        )?;
    }
    for (parent, child) in graph.edges() {
        writeln!(out, "  n{parent} -> n{child};")?;
    }
    writeln!(out, "}}")
}

fn mermaid(order: &JobOrder, graph: &Graph, out: &mut String) -> std::fmt::Result {
    writeln!(out, "flowchart LR")?;
    for at in 0..graph.len() {
        // Characters that would end a label are written as Mermaid's entities.
        let name = order.jobs.name(at).replace('#', "#35;").replace('"', "#quot;");
        writeln!(out, "  n{at}[\"{}\"]", name.replace('<', "#lt;").replace('>', "#gt;"))?;
    }
    for (parent, child) in graph.edges() {
        writeln!(out, "  n{parent} --> n{child}")?;
    }
    Ok(())
}
