//! Comma-separated values.

use std::io::{self, Write};

use super::writer::Streaming;
use super::{Head, PrintOptions, Row};

pub(super) struct Csv {
    head: Head,
    options: PrintOptions,
    separator: Vec<u8>,
    expanded: bool,
}

impl Csv {
    pub(super) fn new(head: &Head, options: &PrintOptions, expanded: bool) -> Self {
        let separator = options.csv_separator.to_string().into_bytes();
        Self { head: head.clone(), options: options.clone(), separator, expanded }
    }

    fn field(&self, value: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let special = |b: &u8| matches!(b, b'"' | b'\n' | b'\r') || self.separator.contains(b);
        // `\.` alone would end COPY's data.
        if value != b"\\." && !value.iter().any(special) {
            return out.write_all(value);
        }
        out.write_all(b"\"")?;
        for (index, part) in value.split(|b| *b == b'"').enumerate() {
            if index > 0 {
                out.write_all(b"\"\"")?;
            }
            out.write_all(part)?;
        }
        out.write_all(b"\"")
    }
}

impl Streaming for Csv {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.expanded || self.options.tuples_only {
            return Ok(());
        }
        for (index, column) in self.head.columns.iter().enumerate() {
            if index > 0 {
                out.write_all(&self.separator)?;
            }
            self.field(column.name.as_bytes(), out)?;
        }
        out.write_all(b"\n")
    }

    fn row(&mut self, row: Row<'_>, out: &mut dyn Write) -> io::Result<()> {
        for (index, column) in self.head.columns.iter().enumerate() {
            if self.expanded {
                self.field(column.name.as_bytes(), out)?;
                out.write_all(&self.separator)?;
            } else if index > 0 {
                out.write_all(&self.separator)?;
            }
            self.field(row.get(index).unwrap_or(self.options.null.as_bytes()), out)?;
            if self.expanded {
                out.write_all(b"\n")?;
            }
        }
        if self.expanded { Ok(()) } else { out.write_all(b"\n") }
    }

    fn end(&mut self, _: u64, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
