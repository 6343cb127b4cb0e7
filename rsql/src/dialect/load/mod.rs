//! Reading files as Redshift's COPY reads them, into the text format of PostgreSQL's COPY.
//!
//! [`text`] reads delimited, CSV and fixed-width files, [`json`] JSON; [`value`] is the conversion of a field to its
//! column, [`date`] the formats of dates and times, [`encoding`] files that are not UTF-8.

mod date;
mod encoding;
mod json;
mod text;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

pub(super) use date::DateFormat;
pub(super) use encoding::Encoding;
pub(super) use json::Mapping;
pub(crate) use value::{Target, Type};

/// The size of a row, or of a JSON object, that Redshift accepts: 4 MB.
const LARGEST_RECORD: usize = 4 * 1024 * 1024;

/// Stands in text for a byte that is not UTF-8. It is no character, so that files have it seldom.
const INVALID: char = '\u{fdd0}';

/// What kind of file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Delimited,
    Csv,
    /// The columns' widths in characters.
    Fixed(Vec<usize>),
    Json(Mapping),
}

/// What COPY's options say about files.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) kind: Kind,
    /// Set by DELIMITER; until then the kind's own: `|`, and `,` for CSV.
    pub(super) delimiter: Option<String>,
    pub(super) quote: char,
    pub(super) null: String,
    pub(super) skip: u64,
    pub(super) remove_quotes: bool,
    pub(super) escape: bool,
    pub(super) empty_as_null: bool,
    pub(super) blanks_as_null: bool,
    pub(super) trim: bool,
    pub(super) fill: bool,
    pub(super) ignore_blank_lines: bool,
    pub(super) encoding: Encoding,
    /// ACCEPTINVCHARS: what replaces a byte that is not UTF-8.
    pub(super) replacement: Option<char>,
    pub(super) accept_any_date: bool,
    pub(super) date_format: DateFormat,
    pub(super) time_format: DateFormat,
    pub(super) round: bool,
    pub(super) truncate: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            kind: Kind::Delimited,
            delimiter: None,
            quote: '"',
            null: "\\N".into(),
            skip: 0,
            remove_quotes: false,
            escape: false,
            empty_as_null: false,
            blanks_as_null: false,
            trim: false,
            fill: false,
            ignore_blank_lines: false,
            encoding: Encoding::Utf8,
            replacement: None,
            accept_any_date: false,
            date_format: DateFormat::Iso,
            time_format: DateFormat::Iso,
            round: false,
            truncate: false,
        }
    }
}

impl Layout {
    fn delimiter(&self) -> &str {
        match (&self.delimiter, &self.kind) {
            (Some(given), _) => given,
            (None, Kind::Csv) => ",",
            (None, _) => "|",
        }
    }
}

/// Why a record is not loaded: a row of stl_load_errors, without its place.
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    /// The column, if it is one column's fault.
    pub(crate) column: String,
    /// Its type.
    pub(crate) type_name: String,
    /// Its length, `0` where it has none.
    pub(crate) length: String,
    /// The field's value.
    pub(crate) value: String,
    /// The error's code.
    pub(crate) code: i32,
    /// The error in words.
    pub(crate) reason: String,
}

impl Reject {
    /// What the server said of a value.
    pub(crate) fn of_server(column: Option<&Target>, value: &str, code: i32, reason: &str) -> Box<Self> {
        let mut reject = column.map_or_else(|| Self::record(code, reason), |c| c.reject(value, code, reason));
        value.clone_into(&mut reject.value);
        reject
    }

    /// A refusal of a whole record.
    fn record(code: i32, reason: &str) -> Box<Self> {
        Box::new(Self {
            column: String::new(),
            type_name: String::new(),
            length: String::new(),
            value: String::new(),
            code,
            reason: reason.into(),
        })
    }
}

/// A record that was not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadError {
    /// The file, as `s3://…`.
    pub(crate) file: String,
    /// The record's last line, from 1.
    pub(crate) line: u64,
    /// The record's first byte in the file.
    pub(crate) offset: u64,
    /// The record as it stands in the file.
    pub(crate) raw: String,
    /// Why.
    pub(crate) reject: Box<Reject>,
}

/// A row in which ACCEPTINVCHARS replaced something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replacement {
    /// The file, as `s3://…`.
    pub(crate) file: String,
    /// The record's last line, from 1.
    pub(crate) line: u64,
    /// The column.
    pub(crate) column: String,
    /// The record, with U+FFFD for what was not UTF-8.
    pub(crate) raw: String,
}

/// What the server refused when the files were read before. Records that pass the client's rules are counted from 1.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Records that the server does not take.
    pub(crate) rejects: BTreeMap<u64, Box<Reject>>,
    /// Fields that are NULL for ACCEPTANYDATE: record and index of the column.
    pub(crate) nulls: BTreeSet<(u64, usize)>,
}

/// What came of reading the files.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Records that are not loaded.
    pub(crate) errors: Vec<LoadError>,
    /// How many these are.
    pub(crate) failed: u64,
    /// Rows in which something was replaced, at most 100.
    pub(crate) replacements: Vec<Replacement>,
    /// How many these are.
    pub(crate) replaced: u64,
    /// There were as many errors as end the load.
    pub(crate) stopped: bool,
}

/// stl_load_errors need not hold more of one COPY; MAXERROR's limit is the same.
const MOST_ERRORS: usize = 100_000;

/// stl_replacements holds up to 100 rows of a COPY on each slice.
const MOST_REPLACEMENTS: usize = 100;

/// As much of a record or field as the system tables hold.
const RAW_LENGTH: usize = 1024;

fn shortened(text: &str) -> String {
    text.replace('\0', " ").replace(INVALID, "\u{fffd}").chars().take(RAW_LENGTH).collect()
}

/// Where a record stands.
struct Place<'a> {
    line: u64,
    offset: u64,
    raw: &'a str,
}

/// Takes records, sends the good ones, and keeps account of the others.
pub(super) struct Loader<'a> {
    pub(super) layout: &'a Layout,
    pub(super) columns: &'a [Target],
    pub(super) known: &'a Known,
    /// So many errors end the load.
    pub(super) most: u64,
    pub(super) send: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
    pub(super) outcome: Outcome,
    /// The file being read, as `s3://…`.
    pub(super) file: String,
    /// The row being written.
    pub(super) row: String,
    /// Columns of it in which something was replaced.
    pub(super) replaced_columns: Vec<usize>,
    /// Records that passed the client's rules.
    pub(super) passed: u64,
}

impl<'a> Loader<'a> {
    /// A loader for these columns.
    pub(super) fn new(
        layout: &'a Layout,
        columns: &'a [Target],
        known: &'a Known,
        most: u64,
        send: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Self {
        Self {
            layout,
            columns,
            known,
            most,
            send,
            outcome: Outcome::default(),
            file: String::new(),
            row: String::new(),
            replaced_columns: Vec::new(),
            passed: 0,
        }
    }

    /// Reads one file.
    ///
    /// # Errors
    /// If it cannot be read, or the server has gone.
    pub(super) fn file(&mut self, name: String, reader: Box<dyn Read>) -> io::Result<()> {
        self.file = name;
        let layout = self.layout;
        let reader = encoding::decoded(reader, layout.encoding);
        match &layout.kind {
            Kind::Json(mapping) => json::read(self, reader, mapping),
            Kind::Delimited | Kind::Csv | Kind::Fixed(_) => text::read(self, reader),
        }
    }

    /// Writes one field of the row; `text` is `None` where the record has none. `plain` says that it may stand for NULL.
    fn field(&mut self, index: usize, text: Option<&str>, plain: bool) -> Result<(), Box<Reject>> {
        let columns = self.columns;
        let Some(column) = columns.get(index) else { return Ok(()) };
        if index > 0 {
            self.row.push('\t');
        }
        let layout = self.layout;
        let forced = !self.known.nulls.is_empty() && self.known.nulls.contains(&(self.passed + 1, index));
        let Some(text) = text.filter(|_| !forced) else { return column.null("", &mut self.row) };
        if text.contains(INVALID) {
            return self.replaced(index, text);
        }
        if text.contains('\0') && !(plain && text == layout.null) {
            return Err(column.reject(text, 1220, "PostgreSQL cannot hold the character NUL (0x00)"));
        }
        let is_text = column.kind.is_text();
        let blank = text.trim().is_empty();
        let null = (plain && text == layout.null)
            || (blank && !is_text)
            || (text.is_empty() && layout.empty_as_null)
            || (blank && !text.is_empty() && layout.blanks_as_null);
        if null { column.null(text, &mut self.row) } else { column.value(text, layout, &mut self.row) }
    }

    /// A field with bytes that are not UTF-8.
    fn replaced(&mut self, index: usize, text: &str) -> Result<(), Box<Reject>> {
        let columns = self.columns;
        let column = &columns[index];
        match (self.layout.replacement, column.kind) {
            (Some(by), Type::Varchar(_)) => {
                self.replaced_columns.push(index);
                let text = text.replace(INVALID, by.encode_utf8(&mut [0; 4]));
                column.value(&text, self.layout, &mut self.row)
            }
            _ => {
                let reason = "String contains invalid or unsupported UTF8 codepoints";
                Err(column.reject(&shortened(text), 1220, reason))
            }
        }
    }

    /// Ends a record; false if the load ends with it.
    fn end(&mut self, built: Result<(), Box<Reject>>, place: &Place<'_>) -> io::Result<bool> {
        let built = match built {
            Ok(()) => {
                self.passed += 1;
                self.known.rejects.get(&self.passed).cloned().map_or(Ok(()), Err)
            }
            error => error,
        };
        let replaced = std::mem::take(&mut self.replaced_columns);
        match built {
            Ok(()) => {
                if let Some(column) = replaced.first().and_then(|index| self.columns.get(*index)) {
                    self.outcome.replaced += 1;
                    if self.outcome.replacements.len() < MOST_REPLACEMENTS {
                        self.outcome.replacements.push(Replacement {
                            file: self.file.clone(),
                            line: place.line,
                            column: column.name.clone(),
                            raw: shortened(place.raw),
                        });
                    }
                }
                self.row.push('\n');
                (self.send)(self.row.as_bytes())?;
            }
            Err(mut reject) => {
                reject.value = shortened(&reject.value);
                self.outcome.failed += 1;
                if self.outcome.errors.len() < MOST_ERRORS {
                    self.outcome.errors.push(LoadError {
                        file: self.file.clone(),
                        line: place.line,
                        offset: place.offset,
                        raw: shortened(place.raw),
                        reject,
                    });
                }
                self.outcome.stopped = self.outcome.failed >= self.most;
            }
        }
        self.row.clear();
        Ok(!self.outcome.stopped)
    }
}

/// Text with [`INVALID`] for each byte that is not UTF-8.
fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| INVALID));
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn load(content: &[u8], layout: &Layout, most: u64) -> (String, Outcome) {
        let column = |name: &str, kind: Type| Target {
            name: name.into(),
            kind,
            type_name: "t".into(),
            not_null: name == "id",
        };
        let columns = [column("id", Type::Integer(4)), column("name", Type::Varchar(Some(10)))];
        let mut out = Vec::new();
        let mut send = |data: &[u8]| {
            out.extend_from_slice(data);
            Ok(())
        };
        let known = Known::default();
        let mut loader = Loader::new(layout, &columns, &known, most, &mut send);
        let reader = Box::new(io::Cursor::new(content.to_vec()));
        loader.file("s3://b/f".into(), reader).expect("readable");
        let outcome = std::mem::take(&mut loader.outcome);
        (String::from_utf8(out).expect("UTF-8"), outcome)
    }

    fn rows(content: &str, layout: &Layout) -> String {
        let (rows, outcome) = load(content.as_bytes(), layout, 1);
        assert_eq!(outcome.errors, [], "{content}");
        rows
    }

    fn reason(content: &str, layout: &Layout) -> (i32, String) {
        let (_, mut outcome) = load(content.as_bytes(), layout, 1);
        let error = outcome.errors.pop().expect("an error");
        (error.reject.code, error.reject.reason)
    }

    #[test]
    fn delimited() {
        let layout = Layout::default();
        assert_eq!(rows("1|a\n3|\\N\n4|\n5|x|\n", &layout), "1\ta\n3\t\\N\n4\t\n5\tx\n");
        assert_eq!(reason("1\n", &layout).0, 1214);
        assert_eq!(reason("1|a|b\n", &layout).0, 1202);
        assert_eq!(reason("|a\n", &layout).0, 1213);
        let fill = Layout { fill: true, ..Layout::default() };
        assert_eq!(rows("1\n", &fill), "1\t\n", "VARCHAR is filled with an empty text");
        let fill = Layout { fill: true, empty_as_null: true, ..Layout::default() };
        assert_eq!(rows("1\n", &fill), "1\t\\N\n");
        let wide = Layout { delimiter: Some("|~|".into()), ..Layout::default() };
        assert_eq!(rows("1|~|a|b\n", &wide), "1\ta|b\n");
        let escape = Layout { escape: true, ..Layout::default() };
        assert_eq!(rows("1|a\\|b\\\\\n2|x\\\ny\n3|\\N\n", &escape), "1\ta|b\\\\\n2\tx\\ny\n3\t\\N\n");
    }

    #[test]
    fn quotes() {
        let csv = Layout { kind: Kind::Csv, skip: 1, ..Layout::default() };
        assert_eq!(rows("id,name\n1,\"a,\"\"b\nc\"\r\n2, \"x\" \n", &csv), "1\ta,\"b\\nc\n2\tx\n");
        assert_eq!(reason("x\n1,\"open\n", &csv).0, 1214);
        assert_eq!(reason("x\n1,a\"b\n", &csv).1, "Invalid quote formatting for CSV");
        let remove = Layout { remove_quotes: true, ..Layout::default() };
        assert_eq!(
            rows("1|\"a|b\"\n2|'Black'\n3|Blue'\n4|' 'B' '\n5|' '\n", &remove),
            "1\ta|b\n2\tBlack\n3\tBlue'\n4\t 'B' \n5\t \n"
        );
        assert_eq!(reason("1|'Blue\n", &remove).1, "Delimited value missing end quote");
    }

    #[test]
    fn nulls() {
        let layout = Layout { blanks_as_null: true, null: "-".into(), ..Layout::default() };
        assert_eq!(rows("1|\n2|  \n3|-\n", &layout), "1\t\n2\t\\N\n3\t\\N\n");
        let layout = Layout { null: "\0".into(), ..Layout::default() };
        assert_eq!(rows("1|\0\n", &layout), "1\t\\N\n");
        assert_eq!(reason("1|a\0\n", &layout).0, 1220);
    }

    #[test]
    fn fixed_width() {
        let layout = Layout { kind: Kind::Fixed(vec![3, 5]), ..Layout::default() };
        assert_eq!(rows("  1ab   \n2  äöü\n", &layout), "1\tab   \n2\täöü\n");
        assert_eq!(reason("  1abcdefg\n", &layout).0, 1202);
        assert_eq!(reason("  1\n", &layout).0, 1203);
    }

    #[test]
    fn what_is_not_utf_8() {
        let (_, outcome) = load(b"1|a\xe4b\n", &Layout::default(), 1);
        assert_eq!(outcome.errors[0].reject.code, 1220);
        assert_eq!(outcome.errors[0].reject.column, "name");
        let accept = Layout { replacement: Some('^'), ..Layout::default() };
        let (rows, outcome) = load(b"1|a\xed\xa0\x80b\n", &accept, 1);
        assert_eq!((rows.as_str(), outcome.replaced), ("1\ta^^^b\n", 1));
        let utf16 = Layout { encoding: Encoding::Utf16, ..Layout::default() };
        let bytes: Vec<u8> = "\u{feff}1|ä😀\n".encode_utf16().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(load(&bytes, &utf16, 1).0, "1\tä😀\n");
        let latin = Layout { encoding: Encoding::Latin1, ..Layout::default() };
        assert_eq!(load(b"1|\xe4\n", &latin, 1).0, "1\tä\n");
    }

    #[test]
    fn errors_are_counted() {
        let (rows, outcome) = load(b"1|a\nx|b\n|c\n4|d\n", &Layout::default(), 3);
        assert_eq!((rows.as_str(), outcome.failed, outcome.stopped), ("1\ta\n4\td\n", 2, false));
        let places: Vec<_> = outcome.errors.iter().map(|e| (e.line, e.offset, e.raw.as_str())).collect();
        assert_eq!(places, [(2, 4, "x|b"), (3, 8, "|c")]);
        let (rows, outcome) = load(b"1|a\nx|b\n|c\n4|d\n", &Layout::default(), 2);
        assert_eq!((rows.as_str(), outcome.failed, outcome.stopped), ("1\ta\n", 2, true));
    }

    #[test]
    fn json() {
        let by = |mapping| Layout { kind: Kind::Json(mapping), ..Layout::default() };
        let auto = by(Mapping::Auto { ignore_case: false });
        let text = "{\"id\": 1, \"name\": \"a\\tb\"}\n{\"name\": [1, \n2.10], \"id\": 2, \"x\": null}";
        assert_eq!(rows(text, &auto), "1\ta\\tb\n2\t[1,2.10]\n");
        assert_eq!(reason("{\"name\": \"a\"}", &auto).0, 1213, "a missing key is NULL");
        let (rows_, outcome) = load(b"{\"id\": 1}\n, {\"id\": 2}\n{\"id\": }\n[1]", &auto, 9);
        assert_eq!(rows_, "1\t\\N\n2\t\\N\n");
        assert_eq!(outcome.errors.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(rows("{\"ID\": 3, \"Name\": \"x\"}", &by(Mapping::Auto { ignore_case: true })), "3\tx\n");
        let paths = Mapping::paths("{\"jsonpaths\": [\"$['a']['b'][1]\", \"$['n']\"]}").expect("paths");
        assert_eq!(rows("{\"a\": {\"b\": [0, 7]}}", &by(paths.clone())), "7\t\\N\n");
        let (code, text) = reason("{\"a\": {\"b\": [0]}}", &by(paths));
        assert_eq!(
            (code, text.as_str()),
            (1216, "Invalid JSONPath format: Not an array or index out of range.")
        );
        for bad in [
            "[]",
            "{\"jsonpaths\": [\"\"]}",
            "{\"jsonpaths\": [1]}",
            "{\"jsonpaths\": [\"$.a['b']\"]}",
            "{} {}",
        ] {
            assert!(Mapping::paths(bad).is_err(), "{bad}");
        }
    }
}
