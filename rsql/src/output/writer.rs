//! A result on its way to the screen or a file.

use std::io::{self, Write};

use super::{Expanded, Format, PrintOptions, Row, RowStore, aligned, csv, html, report, unaligned};

/// How many bytes of rows are held back before rows are streamed or spilled.
const HOLD_BACK: usize = 8 * 1024 * 1024;

/// A column's title, and whether its values go to the right.
#[derive(Debug, Clone)]
pub(crate) struct HeadColumn {
    /// Title.
    pub(crate) name: String,
    /// Numbers go to the right.
    pub(crate) right: bool,
}

/// What stands around the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// Columns.
    pub(crate) columns: Vec<HeadColumn>,
    /// Title; the option's title if there is none.
    pub(crate) title: Option<String>,
    /// Lines under the table. `None`: `(N rows)`, if that is not switched off.
    pub(crate) footers: Option<Vec<String>>,
}

impl Head {
    /// The footers of a table of so many rows.
    pub(super) fn footers(&self, options: &PrintOptions, rows: u64) -> Vec<String> {
        match &self.footers {
            Some(footers) => footers.clone(),
            None if options.footer => {
                vec![if rows == 1 { "(1 row)".to_owned() } else { format!("({rows} rows)") }]
            }
            None => Vec::new(),
        }
    }
}

/// A format that needs to see one row at a time only.
pub(super) trait Streaming {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()>;
    fn row(&mut self, row: Row<'_>, out: &mut dyn Write) -> io::Result<()>;
    fn end(&mut self, rows: u64, out: &mut dyn Write) -> io::Result<()>;
}

/// Takes rows and prints them. See the module's head.
pub(crate) struct TableWriter {
    head: Head,
    options: PrintOptions,
    store: RowStore,
    measures: aligned::Measures,
    streaming: Option<Box<dyn Streaming>>,
    begun: bool,
    rows: u64,
}

impl TableWriter {
    /// A table with that head.
    pub(crate) fn new(mut head: Head, options: &PrintOptions) -> Self {
        if head.title.is_none() {
            head.title.clone_from(&options.title);
        }
        let streaming = streaming(&head, options);
        Self {
            store: RowStore::new(head.columns.len()),
            measures: aligned::Measures::new(&head),
            options: options.clone(),
            head,
            streaming,
            begun: false,
            rows: 0,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If `out` or the temporary file cannot be written.
    pub(crate) fn row(&mut self, row: Row<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.rows += 1;
        match &mut self.streaming {
            Some(format) if self.begun => return format.row(row, out),
            Some(_) => {}
            None => self.measures.row(row, &self.options),
        }
        self.store.push(row)?;
        if self.store.memory() > HOLD_BACK {
            match &mut self.streaming {
                None => self.store.spill()?,
                Some(format) => {
                    format.begin(out)?;
                    self.store.drain(|row| format.row(row, out))?;
                    self.begun = true;
                }
            }
        }
        Ok(())
    }

    /// How many rows there were.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Prints what is held back, and the end.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(crate) fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.streaming {
            None => aligned::print(&self.head, &self.options, &self.measures, &mut self.store, out),
            Some(format) => {
                if !self.begun {
                    format.begin(out)?;
                    self.store.drain(|row| format.row(row, out))?;
                }
                format.end(self.rows, out)
            }
        }
    }
}

fn streaming(head: &Head, options: &PrintOptions) -> Option<Box<dyn Streaming>> {
    if options.report.exporting {
        return Some(Box::new(report::Report::new(head, options)));
    }
    // `auto` needs widths to decide, and only the aligned formats have them.
    let expanded = options.expanded == Expanded::On;
    Some(match options.format {
        Format::Aligned | Format::Wrapped => return None,
        Format::Unaligned => Box::new(unaligned::Unaligned::new(head, options, expanded)),
        Format::Csv => Box::new(csv::Csv::new(head, options, expanded)),
        Format::Html => Box::new(html::Html::new(head, options, expanded)),
    })
}
