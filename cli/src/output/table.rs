//! Tables that fit the terminal. Words are never broken, so that ids can be copied into the next command.

use console::measure_text_width as width_of;

/// Smallest width of a column that wraps, if its text is longer.
const NARROWEST: usize = 16;
/// Gap between columns, and between the cells on one line of a row that takes several.
const GAP: &str = "  ";
/// Indentation of the further lines of such a row.
const INDENT: &str = "   ";

/// Rows with headings.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

struct Column {
    head: &'static str,
    /// Whether the column is free text, which may wrap between words. Other columns do not wrap.
    wraps: bool,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        let columns = heads.iter().map(|head| Column { head, wraps: false }).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Marks the column with this heading as free text.
    #[must_use]
    pub(crate) fn wrapping(mut self, head: &str) -> Self {
        for column in self.columns.iter_mut().filter(|column| column.head == head) {
            column.wraps = true;
        }
        self
    }

    /// Adds a row with one cell for each column. Cells have one line.
    pub(crate) fn add_row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    /// The table for the terminal on standard output, or of any width if there is none.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        let terminal = console::Term::stdout();
        let size = terminal.is_term().then(|| terminal.size_checked()).flatten();
        self.shown_in(size.map(|(_, columns)| usize::from(columns)))
    }

    /// The table for a width: free text wraps, or else each row takes several lines.
    fn shown_in(&self, width: Option<usize>) -> String {
        let natural = self.widths(|_, width, _| width);
        let Some(width) = width.filter(|width| span(&natural) > *width) else { return self.grid(&natural) };
        let mut widths = self
            .widths(|column, width, word| if column.wraps { width.min(NARROWEST).max(word) } else { width });
        let Some(mut left) = width.checked_sub(span(&widths)) else {
            // Without rows, only the headings show what was queried.
            return if self.rows.is_empty() { self.grid(&natural) } else { self.flow(width) };
        };
        for (own, natural) in widths.iter_mut().zip(&natural) {
            let more = left.min(natural - *own);
            *own += more;
            left -= more;
        }
        self.grid(&widths)
    }

    /// The width of each column by its widest cell and its longest word.
    fn widths(&self, width: impl Fn(&Column, usize, usize) -> usize) -> Vec<usize> {
        let of = |(i, column): (usize, &Column)| {
            let cells = || self.rows.iter().filter_map(move |row| row.get(i)).map(String::as_str);
            let head = width_of(column.head);
            let widest = cells().map(width_of).max().unwrap_or_default().max(head);
            let word = cells().flat_map(|cell| cell.split(' ')).map(width_of).max().unwrap_or_default();
            width(column, widest, word.max(head))
        };
        self.columns.iter().enumerate().map(of).collect()
    }

    fn grid(&self, widths: &[usize]) -> String {
        let heads: Vec<String> = self.columns.iter().map(|column| column.head.to_owned()).collect();
        let mut lines = Vec::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let cells = row.iter().zip(widths).zip(&self.columns);
            let cells: Vec<Vec<String>> = cells
                .map(|((cell, width), column)| match column.wraps {
                    true => wrapped(cell, *width),
                    false => vec![cell.clone()],
                })
                .collect();
            for i in 0..cells.iter().map(Vec::len).max().unwrap_or_default() {
                let mut line = String::new();
                for (cell, width) in cells.iter().zip(widths) {
                    let text = cell.get(i).map(String::as_str).unwrap_or_default();
                    let padding = width.saturating_sub(width_of(text));
                    line.push_str(&format!(" {text}{:padding$} ", ""));
                }
                lines.push(line.trim_end().to_owned());
            }
        }
        lines.join("\n")
    }

    /// Each row on as many lines as needed, with named cells. In a table of two columns, the first cell names the second.
    fn flow(&self, width: usize) -> String {
        let is_pairs = self.columns.len() == 2;
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut line = String::new();
            for (i, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
                if i == 0 {
                    line = format!(" {cell}");
                    continue;
                }
                if cell.is_empty() {
                    continue;
                }
                let item = match is_pairs {
                    true => cell.clone(),
                    false => format!("{}: {cell}", column.head.to_lowercase()),
                };
                if width_of(&line) + GAP.len() + width_of(&item) <= width {
                    line.push_str(GAP);
                    line.push_str(&item);
                    continue;
                }
                lines.push(std::mem::take(&mut line));
                let mut parts = match column.wraps {
                    true => wrapped(&item, width.saturating_sub(INDENT.len())),
                    false => vec![item],
                };
                line = format!("{INDENT}{}", parts.pop().unwrap_or_default());
                lines.extend(parts.into_iter().map(|part| format!("{INDENT}{part}")));
            }
            lines.push(line);
        }
        lines.join("\n")
    }
}

/// The total width of columns, with a space before the first and two between them.
fn span(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + (widths.len() * GAP.len()).saturating_sub(1)
}

/// Lines of at most this width, broken between words. A longer word gets its own line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if width_of(line) + 1 + width_of(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;
    use proptest::prelude::*;

    use super::*;
    use crate::output::styled;

    const RUN: &str = "nightly_sales-20261121T020000-1a2b3c4d";
    const ERROR: &str = "2 of 5 jobs did not complete: load_returns (0001#00001)";

    fn history() -> Table {
        let mut table = Table::new(&["EXECUTION", "STATUS", "START", "ERROR"]).wrapping("ERROR");
        let failed = styled(AnsiColor::Red.on_default(), "Failed");
        let start = "2026-11-21T02:00:00.000Z";
        table.add_row([RUN.to_owned(), failed, start.to_owned(), ERROR.to_owned()]);
        table.add_row(["monday".to_owned(), "Completed".to_owned(), start.to_owned(), String::new()]);
        table
    }

    fn plain(table: &Table, width: Option<usize>) -> String {
        anstream::adapter::strip_str(&table.shown_in(width)).to_string()
    }

    #[test]
    fn what_fits_is_a_line_a_row() {
        let shown = plain(&history(), None);
        assert_eq!(shown, plain(&history(), Some(200)));
        assert_eq!(shown.lines().count(), 3);
        assert_eq!(
            shown.lines().last().unwrap(),
            " monday                                  Completed  2026-11-21T02:00:00.000Z"
        );
    }

    #[test]
    fn free_text_wraps_before_anything_else_gives_way() {
        let shown = plain(&history(), Some(110));
        assert_eq!(
            shown.lines().take(3).collect::<Vec<_>>(),
            [
                " EXECUTION                               STATUS     START                     ERROR",
                " nightly_sales-20261121T020000-1a2b3c4d  Failed     2026-11-21T02:00:00.000Z  2 of 5 jobs did not complete:",
                "                                                                              load_returns (0001#00001)",
            ]
        );
    }

    #[test]
    fn on_narrow_terminals_a_row_takes_several_lines_and_ids_stay_whole() {
        assert_eq!(
            plain(&history(), Some(80)),
            " nightly_sales-20261121T020000-1a2b3c4d  status: Failed\n   start: 2026-11-21T02:00:00.000Z\n   \
             error: 2 of 5 jobs did not complete: load_returns (0001#00001)\n \
             monday  status: Completed  start: 2026-11-21T02:00:00.000Z"
        );
        assert_eq!(
            plain(&history(), Some(60)),
            " nightly_sales-20261121T020000-1a2b3c4d  status: Failed\n   start: 2026-11-21T02:00:00.000Z\n   \
             error: 2 of 5 jobs did not complete: load_returns\n   (0001#00001)\n \
             monday  status: Completed  start: 2026-11-21T02:00:00.000Z"
        );
        assert_eq!(
            plain(&history(), Some(40)),
            " nightly_sales-20261121T020000-1a2b3c4d\n   status: Failed\n   start: 2026-11-21T02:00:00.000Z\n   \
             error: 2 of 5 jobs did not complete:\n   load_returns (0001#00001)\n \
             monday  status: Completed\n   start: 2026-11-21T02:00:00.000Z"
        );
    }

    #[test]
    fn pairs_are_not_named_and_a_table_without_rows_has_its_heads() {
        let arn = format!("arn:aws:states:eu-west-1:123456789012:execution:{}", "rsqlflow".repeat(7));
        let mut table = Table::new(&["COLUMN", "VALUE"]).wrapping("VALUE");
        assert_eq!(plain(&table, Some(8)), " COLUMN  VALUE");
        table.add_row(["execution_status".to_owned(), "Completed".to_owned()]);
        table.add_row(["state_machine_execution_arn".to_owned(), arn.clone()]);
        assert_eq!(
            plain(&table, Some(100)),
            format!(" execution_status  Completed\n state_machine_execution_arn\n   {arn}")
        );
    }

    proptest! {
        #[test]
        fn nothing_is_broken_or_lost_at_any_width(
            rows in proptest::collection::vec(("[a-z0-9#-]{1,60}", "[a-z]{0,12}", "[a-zä ]{0,90}"), 1..5),
            width in 1..160_usize,
        ) {
            let mut table = Table::new(&["ID", "STATUS", "ERROR"]).wrapping("ERROR");
            for (id, status, error) in &rows {
                table.add_row([id.clone(), status.clone(), error.clone()]);
            }
            let shown = table.shown_in(Some(width));
            for (id, status, error) in &rows {
                for word in [id, status].into_iter().map(String::as_str).chain(error.split(' ')) {
                    prop_assert!(shown.contains(word), "{word:?} in {shown}");
                }
            }
            // Only a word that is longer than the width of the terminal exceeds it.
            for line in shown.lines().filter(|line| width_of(line) > width) {
                let words = line.split_whitespace().map(width_of);
                let named = INDENT.len() + "status: ".len();
                prop_assert!(words.max().unwrap_or_default() + named > width, "{line:?} in {width}");
            }
        }
    }
}
