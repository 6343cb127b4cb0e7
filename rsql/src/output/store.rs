//! Rows of a result, in memory or in a temporary file.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// A row: its bytes, and where in them each value is (`None` is NULL).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The bytes.
    pub(crate) data: &'a [u8],
    /// The values.
    pub(crate) cells: &'a [Option<Range<usize>>],
}

impl<'a> Row<'a> {
    /// The value of a column.
    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        let range = self.cells.get(index)?.clone()?;
        self.data.get(range)
    }

    /// The value of a column as text; what is not UTF-8 is replaced.
    pub(crate) fn text(&self, index: usize) -> Option<String> {
        self.get(index).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Kept rows, in the encoding of DataRow: each value is a length (−1 is NULL) and its bytes.
#[derive(Default)]
pub(crate) struct RowStore {
    memory: Vec<u8>,
    spilled: Option<BufWriter<File>>,
    rows: u64,
    columns: usize,
}

impl RowStore {
    /// An empty store for rows of so many columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// How many bytes are held in memory.
    pub(crate) fn memory(&self) -> usize {
        self.memory.len()
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub(crate) fn push(&mut self, row: Row<'_>) -> io::Result<()> {
        self.rows += 1;
        for index in 0..self.columns {
            let value = row.get(index);
            let length = value.map_or(-1_i32, |v| i32::try_from(v.len()).unwrap_or(i32::MAX));
            self.memory.extend_from_slice(&length.to_le_bytes());
            self.memory.extend_from_slice(value.unwrap_or_default());
        }
        if let Some(file) = &mut self.spilled {
            file.write_all(&self.memory)?;
            self.memory.clear();
        }
        Ok(())
    }

    /// Moves what is in memory to a temporary file, where further rows go too.
    ///
    /// # Errors
    /// If the file cannot be made or written.
    pub(crate) fn spill(&mut self) -> io::Result<()> {
        if self.spilled.is_none() {
            let mut file = BufWriter::with_capacity(256 * 1024, tempfile::tempfile()?);
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.spilled = Some(file);
        }
        Ok(())
    }

    /// Reads all rows, once.
    ///
    /// # Errors
    /// If the temporary file cannot be read, or `each` fails.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(Row<'_>) -> io::Result<()>) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        match self.spilled.take() {
            None => {
                let memory = std::mem::take(&mut self.memory);
                read_rows(&mut memory.as_slice(), rows, self.columns, &mut each)
            }
            Some(writer) => {
                let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.seek(SeekFrom::Start(0))?;
                let mut reader = BufReader::with_capacity(256 * 1024, file);
                read_rows(&mut reader, rows, self.columns, &mut each)
            }
        }
    }
}

fn read_rows(
    from: &mut dyn Read,
    rows: u64,
    columns: usize,
    each: &mut dyn FnMut(Row<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut data = Vec::new();
    let mut cells = Vec::with_capacity(columns);
    for _ in 0..rows {
        data.clear();
        cells.clear();
        for _ in 0..columns {
            let mut length = [0; 4];
            from.read_exact(&mut length)?;
            cells.push(match usize::try_from(i32::from_le_bytes(length)) {
                Err(_) => None,
                Ok(length) => {
                    let start = data.len();
                    data.resize(start + length, 0);
                    from.read_exact(&mut data[start..])?;
                    Some(start..start + length)
                }
            });
        }
        each(Row { data: &data, cells: &cells })?;
    }
    Ok(())
}
