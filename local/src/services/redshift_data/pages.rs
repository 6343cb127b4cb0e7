//! Rows of a result as pages of an answer.

use rsql::{Column, Rows};

use crate::services::redshift_data::record;

/// The largest result and the largest row in bytes (Redshift management guide, "Considerations when calling the Amazon
/// Redshift Data API").
const LARGEST_RESULT: i64 = 500 * 1024 * 1024;
const LARGEST_ROW: usize = 64 * 1024;

/// A page ends at whichever comes first. The service does not say where its pages end; an answer is at most some MB.
const PAGE_ROWS: usize = 1_000;
const PAGE_BYTES: usize = 1024 * 1024;

/// Takes rows, and hands over each page when it is full: its number, and its `Records` as JSON.
pub(super) struct Pages<W> {
    csv: bool,
    write: W,
    page: i64,
    /// Rows of the page as text.
    buffer: String,
    in_page: usize,
    rows: i64,
    size: i64,
}

impl<W: FnMut(i64, String) -> Result<(), String>> Pages<W> {
    pub(super) fn new(csv: bool, write: W) -> Self {
        Self { csv, write, page: 0, buffer: String::new(), in_page: 0, rows: 0, size: 0 }
    }

    /// How many there were.
    pub(super) fn rows(&self) -> i64 {
        self.rows
    }

    /// Bytes of their values.
    pub(super) fn size(&self) -> i64 {
        self.size
    }

    /// Hands over the last page.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        if self.in_page == 0 {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.buffer);
        let records = match self.csv {
            true => serde_json::json!([{ "CSVRecords": rows }]).to_string(),
            false => format!("[{rows}]"),
        };
        self.in_page = 0;
        self.page += 1;
        (self.write)(self.page, records)
    }
}

impl<W: FnMut(i64, String) -> Result<(), String>> Rows for Pages<W> {
    fn row(&mut self, columns: &[Column], values: &[Option<&[u8]>]) -> Result<(), String> {
        let bytes: usize = values.iter().flatten().map(|value| value.len()).sum();
        if bytes > LARGEST_ROW {
            return Err(format!("A row of the result is larger than {LARGEST_ROW} bytes"));
        }
        self.size = self.size.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        if self.size > LARGEST_RESULT {
            return Err(format!("The result is larger than {LARGEST_RESULT} bytes"));
        }
        if self.csv {
            record::write_csv(values, &mut self.buffer);
        } else {
            if self.in_page > 0 {
                self.buffer.push(',');
            }
            record::write_json(columns, values, &mut self.buffer);
        }
        self.rows += 1;
        self.in_page += 1;
        if self.in_page >= PAGE_ROWS || self.buffer.len() >= PAGE_BYTES { self.finish() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column() -> Vec<Column> {
        vec![Column { name: "a".into(), type_oid: 25, type_modifier: -1, table_oid: 0, number: 0 }]
    }

    #[test]
    fn pages_hold_every_row_once() {
        for csv in [false, true] {
            let mut all = Vec::new();
            let mut pages = Pages::new(csv, |page, records| {
                all.push((page, records));
                Ok(())
            });
            for number in 0..2_500 {
                pages.row(&column(), &[Some(number.to_string().as_bytes())]).unwrap();
            }
            pages.finish().unwrap();
            assert_eq!(pages.rows(), 2_500);
            assert_eq!(all.iter().map(|page| page.0).collect::<Vec<_>>(), [1, 2, 3]);
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            let last = read(&all[2].1);
            match csv {
                false => assert_eq!(last[499][0]["stringValue"], "2499"),
                true => assert!(last[0]["CSVRecords"].as_str().unwrap().ends_with("\r\n2499\r\n")),
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut pages = Pages::new(false, |_, _| Ok(()));
        let row = vec![b'x'; LARGEST_ROW + 1];
        assert!(pages.row(&column(), &[Some(&row)]).unwrap_err().contains("65536"));
        pages.size = LARGEST_RESULT;
        assert!(pages.row(&column(), &[Some(b"x")]).unwrap_err().contains("524288000"));
        assert_eq!(pages.rows(), 0);
    }
}
