//! Columns lined up, and folded (`wrapped`).

use std::io::{self, Write};

use super::cell::{Lines, fit, lines, measure};
use super::line_style::Rule;
use super::{Expanded, Format, Head, PrintOptions, Row, RowStore, expanded};

/// The width that `wrapped` folds to when none is set: RSQL's default of `\rset width`.
const DEFAULT_WIDTH: usize = 75;

/// What the first pass over the rows found out.
#[derive(Debug, Clone)]
pub(super) struct Measures {
    pub(super) header: Vec<usize>,
    pub(super) header_lines: bool,
    /// Widest value of each column.
    pub(super) widest: Vec<usize>,
    pub(super) sum: Vec<u64>,
    pub(super) data_lines: bool,
}

impl Measures {
    pub(super) fn new(head: &Head) -> Self {
        let sizes: Vec<_> = head.columns.iter().map(|c| measure(c.name.as_bytes())).collect();
        Self {
            header: sizes.iter().map(|s| s.0).collect(),
            header_lines: sizes.iter().any(|s| s.1 > 1),
            widest: vec![0; sizes.len()],
            sum: vec![0; sizes.len()],
            data_lines: false,
        }
    }

    pub(super) fn row(&mut self, row: Row<'_>, options: &PrintOptions) {
        for index in 0..self.widest.len() {
            let (width, lines) = measure(row.get(index).unwrap_or(options.null.as_bytes()));
            self.widest[index] = self.widest[index].max(width);
            self.sum[index] += width as u64;
            self.data_lines |= lines > 1;
        }
    }
}

/// The width to fold to, 0 for none.
pub(super) fn target_width(options: &PrintOptions) -> usize {
    if options.columns > 0 {
        options.columns
    } else if options.format == Format::Wrapped {
        DEFAULT_WIDTH
    } else {
        0
    }
}

/// Prints the whole table.
pub(super) fn print(
    head: &Head,
    options: &PrintOptions,
    measures: &Measures,
    store: &mut RowStore,
    out: &mut dyn Write,
) -> io::Result<()> {
    if options.expanded == Expanded::On {
        return expanded::print(head, options, measures, store, out);
    }
    let count = head.columns.len();
    let rows = store.rows();
    let mut widths: Vec<usize> =
        measures.header.iter().zip(&measures.widest).map(|(a, b)| *a.max(b)).collect();
    let frame = match options.border {
        0 => count,
        1 => (count * 3).saturating_sub(1),
        _ => count * 3 + 1,
    };
    let header_total = frame + measures.header.iter().sum::<usize>();
    let mut total = frame + widths.iter().sum::<usize>();
    let target = target_width(options);
    if options.format == Format::Wrapped && target >= header_total {
        fold(&mut widths, &mut total, measures, rows, target);
    }
    if options.expanded == Expanded::Auto && target > 0 && (target < header_total || target < total) {
        return expanded::print(head, options, measures, store, out);
    }
    let mut table = Table { head, options, widths, out, blank: String::new() };
    if !options.tuples_only {
        if let Some(title) = &head.title {
            let width = measure(title.as_bytes()).0;
            let pad = total.saturating_sub(width) / 2;
            writeln!(table.out, "{:pad$}{title}", "")?;
        }
        if options.border >= 2 {
            table.rule(options.line_style.top)?;
        }
        table.header()?;
        if options.title_dashes {
            table.rule(options.line_style.middle)?;
        }
    }
    store.drain(|row| table.row(row))?;
    if options.border >= 2 {
        table.rule(options.line_style.bottom)?;
    }
    if !options.tuples_only {
        for footer in head.footers(options, rows) {
            writeln!(table.out, "{footer}")?;
        }
    }
    writeln!(table.out)
}

/// Takes from the column that loses least until the table fits: psql's rule, a wide value in a
/// column of short ones pays first.
fn fold(widths: &mut [usize], total: &mut usize, measures: &Measures, rows: u64, target: usize) {
    let natural = widths.to_vec();
    #[expect(clippy::cast_precision_loss, reason = "a heuristic ratio")]
    while *total > target {
        let worst = (0..widths.len())
            .filter(|i| widths[*i] > measures.header[*i])
            .filter_map(|i| {
                let average = measures.sum[i].checked_div(rows).filter(|a| *a > 0)?;
                Some((i, widths[i] as f64 / average as f64 + natural[i] as f64 * 0.01))
            })
            .fold(None, |best: Option<(usize, f64)>, next| match best {
                Some(best) if best.1 >= next.1 => Some(best),
                _ => Some(next),
            });
        let Some((column, _)) = worst else { return };
        widths[column] -= 1;
        *total -= 1;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    None,
    Wrap,
    Newline,
}

struct Table<'a> {
    head: &'a Head,
    options: &'a PrintOptions,
    widths: Vec<usize>,
    out: &'a mut dyn Write,
    blank: String,
}

impl Table<'_> {
    fn spaces(&mut self, count: usize) -> io::Result<()> {
        while self.blank.len() < count {
            self.blank.push_str("                ");
        }
        self.out.write_all(&self.blank.as_bytes()[..count])
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    fn rule(&mut self, rule: Rule) -> io::Result<()> {
        let border = self.options.border;
        match border {
            0 => {}
            1 => self.put(rule.line)?,
            _ => self.put(&format!("{}{}", rule.left, rule.line))?,
        }
        for index in 0..self.widths.len() {
            self.put(&rule.line.repeat(self.widths[index]))?;
            if index + 1 < self.widths.len() {
                if border == 0 {
                    self.put(" ")?;
                } else {
                    self.put(&format!("{}{}{}", rule.line, rule.mid, rule.line))?;
                }
            }
        }
        match border {
            0 => {}
            1 => self.put(rule.line)?,
            _ => self.put(&format!("{}{}", rule.line, rule.right))?,
        }
        self.put("\n")
    }

    fn header(&mut self) -> io::Result<()> {
        let style = self.options.line_style;
        let border = self.options.border;
        let columns: Vec<Lines> = self.head.columns.iter().map(|c| lines(c.name.as_bytes())).collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            if border >= 2 {
                self.put(style.bar)?;
            }
            for (index, column) in columns.iter().enumerate() {
                if border != 0 || (!style.right_marks && index > 0) {
                    self.put(if at > 0 { style.header_newline_left } else { " " })?;
                }
                match column.get(at) {
                    Some((text, width)) => {
                        let space = self.widths[index].saturating_sub(*width);
                        self.spaces(space / 2)?;
                        self.put(text)?;
                        self.spaces(space.div_ceil(2))?;
                    }
                    None => self.spaces(self.widths[index])?,
                }
                if border != 0 || style.right_marks {
                    let more = at + 1 < column.len();
                    self.put(if more { style.header_newline_right } else { " " })?;
                }
                if border != 0 && index + 1 < columns.len() {
                    self.put(style.bar)?;
                }
            }
            if border >= 2 {
                self.put(style.bar)?;
            }
            self.put("\n")?;
        }
        Ok(())
    }

    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        if self.widths.is_empty() {
            return Ok(());
        }
        if self.simple(row)? {
            return Ok(());
        }
        let style = self.options.line_style;
        let border = self.options.border;
        let count = self.widths.len();
        let cells: Vec<Lines> =
            (0..count).map(|i| lines(row.get(i).unwrap_or(self.options.null.as_bytes()))).collect();
        // Of each column: which of its lines, and from which byte of it.
        let mut at = vec![(0_usize, 0_usize); count];
        let mut marks = vec![Mark::None; count];
        loop {
            let mut more = false;
            if border >= 2 {
                self.put(style.bar)?;
            }
            for j in 0..count {
                let final_spaces = border >= 2 || j + 1 < count;
                if border != 0 {
                    self.put(match marks[j] {
                        Mark::Wrap => style.wrap_left,
                        Mark::Newline => style.newline_left,
                        Mark::None => " ",
                    })?;
                }
                let width = self.widths[j];
                let right = self.head.columns[j].right;
                let mut used = width;
                match cells[j].get(at[j].0) {
                    None => {
                        if final_spaces {
                            self.spaces(width)?;
                        }
                    }
                    Some((text, _)) => {
                        let rest = &text[at[j].1..];
                        let (bytes, taken) = fit(rest, width);
                        used = taken.min(width);
                        if right {
                            self.spaces(width - used)?;
                        }
                        self.put(&rest[..bytes])?;
                        at[j].1 += bytes;
                        if at[j].1 < text.len() {
                            more = true;
                        } else {
                            at[j] = (at[j].0 + 1, 0);
                            more |= at[j].0 < cells[j].len();
                        }
                    }
                }
                let ended = at[j].0 >= cells[j].len();
                marks[j] = match at[j] {
                    _ if ended => Mark::None,
                    (_, offset) if offset != 0 => Mark::Wrap,
                    (line, _) if line != 0 => Mark::Newline,
                    _ => Mark::None,
                };
                if !right && (final_spaces || marks[j] != Mark::None) && used < width {
                    self.spaces(width - used)?;
                }
                match marks[j] {
                    Mark::Wrap => self.put(style.wrap_right)?,
                    Mark::Newline => self.put(style.newline_right)?,
                    Mark::None if final_spaces => self.put(" ")?,
                    Mark::None => {}
                }
                if border != 0 && j + 1 < count {
                    self.put(match marks[j + 1] {
                        Mark::Wrap => style.bar_wrap,
                        Mark::Newline => style.bar_newline,
                        Mark::None if at[j + 1].0 >= cells[j + 1].len() => style.bar_blank,
                        Mark::None => style.bar,
                    })?;
                }
            }
            if border >= 2 {
                self.put(style.bar)?;
            }
            self.put("\n")?;
            if !more {
                return Ok(());
            }
        }
    }

    /// The usual row, printable one-line values that fit: as above, without copying them.
    fn simple(&mut self, row: Row<'_>) -> io::Result<bool> {
        let count = self.widths.len();
        for index in 0..count {
            let value = row.get(index).unwrap_or(self.options.null.as_bytes());
            if value.len() > self.widths[index] || !value.iter().all(|b| (0x20..0x7f).contains(b)) {
                return Ok(false);
            }
        }
        let border = self.options.border;
        let bar = self.options.line_style.bar;
        if border >= 2 {
            self.put(bar)?;
        }
        for index in 0..count {
            let value = row.get(index).unwrap_or(self.options.null.as_bytes());
            let space = self.widths[index] - value.len();
            let last = index + 1 == count;
            if border != 0 {
                self.put(" ")?;
            }
            if self.head.columns[index].right {
                self.spaces(space)?;
                self.out.write_all(value)?;
            } else {
                self.out.write_all(value)?;
                if !last || border >= 2 {
                    self.spaces(space)?;
                }
            }
            if !last || border >= 2 {
                self.put(" ")?;
            }
            if border != 0 && !last {
                self.put(bar)?;
            }
        }
        if border >= 2 {
            self.put(bar)?;
        }
        self.put("\n")?;
        Ok(true)
    }
}
