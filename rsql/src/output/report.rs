//! The report layout of `\export report` and `\rset rformat`.

use std::io::{self, Write};

use super::writer::Streaming;
use super::{Head, PrintOptions, Row, RowStore, aligned};

/// What `\rset` sets for reports.
#[derive(Debug, Clone)]
pub(crate) struct ReportOptions {
    /// Whether results go to a report file now.
    pub(crate) exporting: bool,
    /// Whether formatting commands apply (`\rset rformat`).
    pub(crate) formatting: bool,
    /// `\rset heading`.
    pub(crate) heading: Option<String>,
    /// `\rset rtitle`.
    pub(crate) title: Option<String>,
    /// The client's date, put before `rtitle`.
    pub(crate) date: String,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { exporting: false, formatting: true, heading: None, title: None, date: String::new() }
    }
}

impl ReportOptions {
    /// The lines above a report: `//` splits lines, `||` splits columns, `&DATE` is the date.
    pub(crate) fn lines(&self) -> Vec<String> {
        if !self.formatting {
            return Vec::new();
        }
        let title = self.title.as_ref().map(|t| format!("&DATE||{t}"));
        let render = |text: &String| {
            let columns = |line: &str| line.split("||").map(str::trim).collect::<Vec<_>>().join("    ");
            text.replace("&DATE", &self.date).split("//").map(columns).collect::<Vec<_>>()
        };
        [title.as_ref(), self.heading.as_ref()].into_iter().flatten().flat_map(render).collect()
    }
}

/// Columns under their titles, no bars, no footer: what BTEQ's REPORT format looks like.
pub(super) struct Report {
    head: Head,
    options: PrintOptions,
    store: RowStore,
    measures: aligned::Measures,
}

impl Report {
    pub(super) fn new(head: &Head, options: &PrintOptions) -> Self {
        let options = PrintOptions {
            border: 0,
            footer: false,
            format: super::Format::Aligned,
            expanded: super::Expanded::Off,
            ..options.clone()
        };
        Self {
            store: RowStore::new(head.columns.len()),
            measures: aligned::Measures::new(head),
            head: head.clone(),
            options,
        }
    }
}

impl Streaming for Report {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for line in self.options.report.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn row(&mut self, row: Row<'_>, _: &mut dyn Write) -> io::Result<()> {
        self.measures.row(row, &self.options);
        self.store.push(row)?;
        // The widths need all rows first; a report beyond a few megabytes waits on disk.
        const HOLD_BACK: usize = 8 * 1024 * 1024;
        if self.store.memory() > HOLD_BACK { self.store.spill() } else { Ok(()) }
    }

    fn end(&mut self, _: u64, out: &mut dyn Write) -> io::Result<()> {
        aligned::print(&self.head, &self.options, &self.measures, &mut self.store, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_heading() {
        let mut options = ReportOptions {
            heading: Some("a||b//second".into()),
            title: Some("Sales".into()),
            date: "2026-01-02".into(),
            formatting: false,
            ..ReportOptions::default()
        };
        assert!(options.lines().is_empty(), "rformat is off");
        options.formatting = true;
        assert_eq!(options.lines(), ["2026-01-02    Sales", "a    b", "second"]);
    }
}
