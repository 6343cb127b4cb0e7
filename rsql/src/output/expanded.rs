//! Each record as a list of name and value, lined up.

use std::io::{self, Write};

use super::aligned::{Measures, target_width};
use super::cell::{Lines, fit, lines};
use super::line_style::Rule;
use super::{Format, Head, LineStyle, PrintOptions, Row, RowStore};

/// Prints the whole table.
pub(super) fn print(
    head: &Head,
    options: &PrintOptions,
    measures: &Measures,
    store: &mut RowStore,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = store.rows();
    if rows == 0 {
        if !options.tuples_only {
            for footer in head.footers(options, 0) {
                writeln!(out, "{footer}")?;
            }
        }
        return writeln!(out);
    }
    if let Some(title) = head.title.as_ref().filter(|_| !options.tuples_only) {
        writeln!(out, "{title}")?;
    }
    // More than 2 is 2 here; psql's plain tables differ.
    let options = &PrintOptions { border: options.border.min(2), ..options.clone() };
    let style = options.line_style;
    let old = style == LineStyle::OLD_ASCII;
    let mut list = List {
        options,
        names: head.columns.iter().map(|c| lines(c.name.as_bytes())).collect(),
        name_width: measures.header.iter().copied().max().unwrap_or(0),
        data_width: measures.widest.iter().copied().max().unwrap_or(0),
        name_lines: measures.header_lines,
        data_lines: measures.data_lines,
        old,
        out,
    };
    if options.format == Format::Wrapped {
        list.fold(rows, target_width(options));
    }
    let mut record = 0;
    store.drain(|row| {
        record += 1;
        list.record(record, row)
    })?;
    if options.border >= 2 {
        let width = list.name_width;
        list.rule(0, width, style.bottom)?;
    }
    if let Some(footers) = head.footers.as_ref().filter(|f| !options.tuples_only && !f.is_empty()) {
        if options.border < 2 {
            writeln!(list.out)?;
        }
        for footer in footers {
            writeln!(list.out, "{footer}")?;
        }
    }
    writeln!(list.out)
}

struct List<'a> {
    options: &'a PrintOptions,
    names: Vec<Lines>,
    name_width: usize,
    data_width: usize,
    name_lines: bool,
    data_lines: bool,
    old: bool,
    out: &'a mut dyn Write,
}

impl List<'_> {
    /// Makes the values as narrow as the target asks, but not narrower than the record's head.
    fn fold(&mut self, rows: u64, target: usize) {
        let border = self.options.border;
        let mut frame = match border {
            0 => 1,
            1 => 3,
            _ => 7,
        };
        if border < 2 && self.name_lines && self.old {
            frame += 1;
        }
        if border == 0 && self.name_lines && !self.old {
            frame += 1;
        }
        if border < 2 && self.data_lines && !self.old {
            frame += 1;
        }
        let digits = rows.to_string().len();
        let head = match border {
            0 => 9 + digits,
            1 => 12 + digits,
            _ => 15 + digits,
        };
        loop {
            let width = (self.name_width + frame + self.data_width).max(head);
            let least = (self.name_width + frame + 3).max(head);
            let chosen = if target == 0 || target >= width { width } else { target.max(least) };
            let data = chosen - self.name_width - frame;
            // A folded value needs room for its mark.
            if !self.data_lines && data < self.data_width && border < 2 && !self.old {
                self.data_lines = true;
                frame += 1;
                continue;
            }
            self.data_width = data;
            return;
        }
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    fn spaces(&mut self, count: usize) -> io::Result<()> {
        write!(self.out, "{:count$}", "")
    }

    fn rule(&mut self, record: u64, name_width: usize, rule: Rule) -> io::Result<()> {
        let border = self.options.border;
        match border {
            0 => {}
            1 => self.put(rule.line)?,
            _ => self.put(&format!("{}{}", rule.left, rule.line))?,
        }
        let title = match (record, border) {
            (0, _) => String::new(),
            (_, 0) => format!("* Record {record}"),
            _ => format!("[ RECORD {record} ]"),
        };
        self.put(&title)?;
        let fill = if border > 0 { rule.line } else { " " };
        let mut used = title.len();
        if border < 2 {
            used += 1;
        }
        self.put(&fill.repeat(name_width.saturating_sub(used)))?;
        // How far the title reaches behind the names' column.
        let mut over = isize::try_from(used).unwrap_or(0) - isize::try_from(name_width).unwrap_or(0);
        let middle: &[&str] = if border > 0 { &[rule.line, rule.mid, rule.line] } else { &[" "] };
        for part in middle {
            if over <= 0 {
                self.put(part)?;
            }
            over -= 1;
        }
        let over = usize::try_from(over).unwrap_or(0);
        self.put(&fill.repeat(self.data_width.saturating_sub(over)))?;
        if border >= 2 {
            self.put(&format!("{}{}", rule.line, rule.right))?;
        }
        self.put("\n")
    }

    fn record(&mut self, number: u64, row: Row<'_>) -> io::Result<()> {
        let border = self.options.border;
        let style = self.options.line_style;
        let width = self.name_width + usize::from(border < 2 && self.name_lines && self.old);
        let rule = if number == 1 { style.top } else { style.middle };
        if !self.options.tuples_only {
            self.rule(number, width, rule)?;
        } else if number > 1 || border >= 2 {
            self.rule(0, width, rule)?;
        }
        for index in 0..self.names.len() {
            let value = lines(row.get(index).unwrap_or(self.options.null.as_bytes()));
            let name = self.names[index].clone();
            self.field(&name, &value)?;
        }
        Ok(())
    }

    fn field(&mut self, name: &Lines, value: &Lines) -> io::Result<()> {
        let border = self.options.border;
        let style = self.options.line_style;
        let (mut name_at, mut line, mut offset) = (0, 0, 0);
        let mut value_done = false;
        while name_at < name.len() || !value_done {
            if border >= 2 {
                self.put(style.bar)?;
            }
            self.name(name, &mut name_at)?;
            if border > 0 {
                let bar = match (offset, line) {
                    (0, 0) => style.bar,
                    (0, _) => style.bar_newline,
                    _ => style.bar_wrap,
                };
                self.put(bar)?;
            }
            if value_done {
                if border >= 2 {
                    self.spaces(self.data_width + 2)?;
                    self.put(style.bar)?;
                }
                self.put("\n")?;
                continue;
            }
            self.put(if offset == 0 { " " } else { style.wrap_left })?;
            let text = &value[line].0[offset..];
            let (bytes, used) = fit(text, self.data_width);
            self.put(&text[..bytes])?;
            offset += bytes;
            let space = self.data_width.saturating_sub(used);
            let marks = border > 1 || (self.data_lines && !self.old);
            if offset < value[line].0.len() {
                if marks {
                    self.spaces(space)?;
                    self.put(style.wrap_right)?;
                }
            } else if line + 1 < value.len() {
                if marks {
                    self.spaces(space)?;
                    self.put(style.newline_right)?;
                }
                line += 1;
                offset = 0;
            } else {
                if border > 1 {
                    self.spaces(space)?;
                    self.put(" ")?;
                }
                value_done = true;
            }
            if border >= 2 {
                self.put(style.bar)?;
            }
            self.put("\n")?;
        }
        Ok(())
    }

    fn name(&mut self, name: &Lines, at: &mut usize) -> io::Result<()> {
        let border = self.options.border;
        let style = self.options.line_style;
        let Some((text, width)) = name.get(*at) else {
            let mut space = self.name_width + usize::from(border);
            space += usize::from(border < 2 && self.name_lines && self.old);
            space += usize::from(border == 0 && self.name_lines && !self.old);
            // psql prints at least one.
            return self.spaces(space.max(1));
        };
        if border >= 2 || (self.name_lines && self.old) {
            self.put(if *at > 0 { style.header_newline_left } else { " " })?;
        }
        self.put(text)?;
        self.spaces(self.name_width - width)?;
        if border > 0 || (self.name_lines && !self.old) {
            let more = *at + 1 < name.len();
            self.put(if more { style.header_newline_right } else { " " })?;
        }
        *at += 1;
        Ok(())
    }
}
