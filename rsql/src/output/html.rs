//! An HTML table.

use std::io::{self, Write};

use super::writer::Streaming;
use super::{Head, PrintOptions, Row};

pub(super) struct Html {
    head: Head,
    options: PrintOptions,
    expanded: bool,
    record: u64,
}

impl Html {
    pub(super) fn new(head: &Head, options: &PrintOptions, expanded: bool) -> Self {
        Self { head: head.clone(), options: options.clone(), expanded, record: 0 }
    }

    fn cell(&self, index: usize, row: Row<'_>, out: &mut dyn Write) -> io::Result<()> {
        let align = if self.head.columns[index].right { "right" } else { "left" };
        write!(out, "    <td align=\"{align}\">")?;
        let value = row.get(index).unwrap_or(self.options.null.as_bytes());
        if value.iter().all(|b| matches!(b, b' ' | b'\t')) {
            out.write_all(b"&nbsp; ")?;
        } else {
            escaped(value, out)?;
        }
        out.write_all(b"</td>\n")
    }
}

impl Streaming for Html {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "<table border=\"{}\"", self.options.border)?;
        if let Some(attributes) = &self.options.table_attributes {
            write!(out, " {attributes}")?;
        }
        out.write_all(b">\n")?;
        if let Some(title) = self.head.title.as_ref().filter(|_| !self.options.tuples_only) {
            out.write_all(b"  <caption>")?;
            escaped(title.as_bytes(), out)?;
            out.write_all(b"</caption>\n")?;
        }
        if !self.expanded && !self.options.tuples_only {
            out.write_all(b"  <tr>\n")?;
            for column in &self.head.columns {
                out.write_all(b"    <th align=\"center\">")?;
                escaped(column.name.as_bytes(), out)?;
                out.write_all(b"</th>\n")?;
            }
            out.write_all(b"  </tr>\n")?;
        }
        Ok(())
    }

    fn row(&mut self, row: Row<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.record += 1;
        if !self.expanded {
            out.write_all(b"  <tr valign=\"top\">\n")?;
            for index in 0..self.head.columns.len() {
                self.cell(index, row, out)?;
            }
            return out.write_all(b"  </tr>\n");
        }
        if self.options.tuples_only {
            out.write_all(b"\n  <tr><td colspan=\"2\">&nbsp;</td></tr>\n")?;
        } else {
            writeln!(out, "\n  <tr><td colspan=\"2\" align=\"center\">Record {}</td></tr>", self.record)?;
        }
        for (index, column) in self.head.columns.iter().enumerate() {
            out.write_all(b"  <tr valign=\"top\">\n    <th>")?;
            escaped(column.name.as_bytes(), out)?;
            out.write_all(b"</th>\n")?;
            self.cell(index, row, out)?;
            out.write_all(b"  </tr>\n")?;
        }
        Ok(())
    }

    fn end(&mut self, rows: u64, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"</table>\n")?;
        let footers = if self.expanded {
            self.head.footers.clone().unwrap_or_default()
        } else {
            self.head.footers(&self.options, rows)
        };
        if !self.options.tuples_only && !footers.is_empty() {
            out.write_all(b"<p>")?;
            for footer in footers {
                escaped(footer.as_bytes(), out)?;
                out.write_all(b"<br />\n")?;
            }
            out.write_all(b"</p>")?;
        }
        out.write_all(b"\n")
    }
}

fn escaped(value: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let mut leading = true;
    for byte in value {
        match byte {
            b'&' => out.write_all(b"&amp;")?,
            b'<' => out.write_all(b"&lt;")?,
            b'>' => out.write_all(b"&gt;")?,
            b'"' => out.write_all(b"&quot;")?,
            b'\n' => out.write_all(b"<br />\n")?,
            b' ' if leading => out.write_all(b"&nbsp;")?,
            other => out.write_all(&[*other])?,
        }
        leading &= *byte == b' ';
    }
    Ok(())
}
