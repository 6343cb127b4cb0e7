//! Fields with a separator between them.

use std::io::{self, Write};

use super::writer::Streaming;
use super::{Head, PrintOptions, Row};

pub(super) struct Unaligned {
    head: Head,
    options: PrintOptions,
    expanded: bool,
    pending: bool,
}

impl Unaligned {
    pub(super) fn new(head: &Head, options: &PrintOptions, expanded: bool) -> Self {
        Self { head: head.clone(), options: options.clone(), expanded, pending: false }
    }

    fn separate(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.pending) {
            out.write_all(self.options.record_separator.as_bytes())?;
        }
        Ok(())
    }

    fn last(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.options.record_separator == "\0" { b"\0" } else { b"\n" })
    }

    fn record(&mut self, row: Row<'_>, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.pending) {
            // A blank record keeps lists apart.
            out.write_all(self.options.record_separator.as_bytes())?;
            out.write_all(self.options.record_separator.as_bytes())?;
        }
        for (index, column) in self.head.columns.iter().enumerate() {
            if index > 0 {
                out.write_all(self.options.record_separator.as_bytes())?;
            }
            out.write_all(column.name.as_bytes())?;
            out.write_all(self.options.field_separator.as_bytes())?;
            out.write_all(row.get(index).unwrap_or(self.options.null.as_bytes()))?;
        }
        self.pending = true;
        Ok(())
    }
}

impl Streaming for Unaligned {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.options.tuples_only {
            return Ok(());
        }
        if let Some(title) = &self.head.title {
            out.write_all(title.as_bytes())?;
            if self.expanded {
                self.pending = true;
            } else {
                out.write_all(self.options.record_separator.as_bytes())?;
            }
        }
        if !self.expanded {
            for (index, column) in self.head.columns.iter().enumerate() {
                if index > 0 {
                    out.write_all(self.options.field_separator.as_bytes())?;
                }
                out.write_all(column.name.as_bytes())?;
            }
            self.pending = true;
        }
        Ok(())
    }

    fn row(&mut self, row: Row<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.expanded {
            return self.record(row, out);
        }
        self.separate(out)?;
        for index in 0..self.head.columns.len() {
            if index > 0 {
                out.write_all(self.options.field_separator.as_bytes())?;
            }
            out.write_all(row.get(index).unwrap_or(self.options.null.as_bytes()))?;
        }
        self.pending = true;
        Ok(())
    }

    fn end(&mut self, rows: u64, out: &mut dyn Write) -> io::Result<()> {
        if self.expanded {
            if let Some(footers) = &self.head.footers
                && !self.options.tuples_only
                && !footers.is_empty()
            {
                out.write_all(self.options.record_separator.as_bytes())?;
                for footer in footers {
                    out.write_all(self.options.record_separator.as_bytes())?;
                    out.write_all(footer.as_bytes())?;
                }
                self.pending = true;
            }
        } else if !self.options.tuples_only {
            for footer in self.head.footers(&self.options, rows) {
                self.separate(out)?;
                out.write_all(footer.as_bytes())?;
                self.pending = true;
            }
        }
        if self.pending { self.last(out) } else { Ok(()) }
    }
}
