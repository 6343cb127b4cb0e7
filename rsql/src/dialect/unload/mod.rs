//! UNLOAD ('query') TO 's3://…'.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html>
//!
//! The statement is read here; `files` writes the files of its result, `record` a row in one of the formats.

mod files;
mod record;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::DialectError;
use super::copy::{authorization, character, excluded, switch, text_of, widths};
use super::expression::{Cursor, arguments, raw, rewrite};
use super::s3::{self, Packing, Place};
use super::scope;
use crate::lexer::quote::fold_identifier;
use crate::lexer::token::Token;
use files::UnloadFiles;
pub(crate) use record::UnloadColumn;
use record::{Format, Style};

/// The largest file that UNLOAD writes unless MAXFILESIZE says less: 6.2 GB.
const LARGEST_FILE: f64 = 6.2 * 1024.0 * 1024.0 * 1024.0;

/// An UNLOAD to be done into a directory.
#[derive(Debug)]
pub struct Unload {
    /// What is sent: COPY (…) TO STDOUT.
    pub(crate) statement: String,
    /// Asks for the result's columns.
    pub(crate) probe: String,
    /// `s3://…`, for messages.
    pub(crate) to: String,
    /// Options that have no meaning for files in a directory.
    pub(crate) ignored: Vec<String>,
    place: Place,
    style: Style,
    header: bool,
    packing: Packing,
    overwrite: bool,
    clean: bool,
    manifest: bool,
    verbose: bool,
    parallel: bool,
    largest: u64,
    extension: Option<String>,
    partition: Vec<String>,
    include: bool,
}

const CONFLICTS: &[(&str, &[&str])] = &[
    ("CSV", &["FIXEDWIDTH", "ADDQUOTES", "ESCAPE", "JSON"]),
    ("FIXEDWIDTH", &["DELIMITER", "HEADER", "ADDQUOTES", "ESCAPE"]),
    ("JSON", &["DELIMITER", "HEADER", "FIXEDWIDTH", "ADDQUOTES", "ESCAPE", "NULL"]),
    ("CLEANPATH", &["ALLOWOVERWRITE"]),
    ("GZIP", &["BZIP2", "ZSTD"]),
    ("BZIP2", &["ZSTD"]),
];

/// Reads an UNLOAD.
///
/// # Errors
/// If it asks for what a directory of files cannot give.
pub(super) fn parse(statement: &[Token], root: Option<&Path>) -> Result<Unload, DialectError> {
    let mut cursor = Cursor::new(statement);
    cursor.word("unload");
    let inner = cursor.group().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
    let query = Cursor::new(inner).text().ok_or_else(|| DialectError::Syntax("UNLOAD".into()))?;
    let query = scope::read(query.trim().trim_end_matches(';'));
    outer_limit(&query)?;
    let query = rewrite(&query)?;
    if !cursor.word("to") {
        return Err(DialectError::Syntax(cursor.near()));
    }
    let to = cursor.text().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
    let mut unload = Unload {
        statement: format!("COPY ({query}) TO STDOUT"),
        probe: format!("SELECT * FROM ({query}) AS unloaded LIMIT 0"),
        place: s3::place(&to, root)?,
        to,
        ignored: Vec::new(),
        style: Style { format: Format::Delimited, delimiter: None, null: None, quotes: false, escape: false },
        header: false,
        packing: Packing::None,
        overwrite: false,
        clean: false,
        manifest: false,
        verbose: false,
        parallel: true,
        largest: LARGEST_FILE as u64,
        extension: None,
        partition: Vec::new(),
        include: false,
    };
    let mut given = Vec::new();
    while cursor.peek().is_some_and(|t| !t.is_symbol(";")) {
        if !authorization(&mut cursor)? {
            option(&mut cursor, &mut unload, &mut given)?;
        }
    }
    excluded(&given, CONFLICTS)?;
    if given.iter().any(|o| o == "ROWGROUPSIZE") {
        return Err(DialectError::Refused("UNLOAD … ROWGROUPSIZE can be used only with PARQUET".into()));
    }
    if !unload.partition.is_empty() && !unload.place.key.ends_with('/') {
        // PARTITION BY adds the slash.
        unload.place.key.push('/');
    }
    Ok(unload)
}

/// Redshift refuses a LIMIT in the outer SELECT.
fn outer_limit(query: &[Token]) -> Result<(), DialectError> {
    let mut depth = 0_i32;
    for token in query {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if depth == 0 && token.is("limit") {
            return Err(DialectError::Refused(
                "UNLOAD: Limit clause is not supported in the outer SELECT".into(),
            ));
        }
    }
    Ok(())
}

fn option(cursor: &mut Cursor<'_>, unload: &mut Unload, given: &mut Vec<String>) -> Result<(), DialectError> {
    let name = cursor.next().map(|t| t.text.to_ascii_lowercase()).unwrap_or_default();
    let shown = name.to_ascii_uppercase();
    match name.as_str() {
        "format" => {
            cursor.word("as");
            return Ok(());
        }
        "csv" => unload.style.format = Format::Csv,
        "json" => unload.style.format = Format::Json,
        "fixedwidth" => unload.style.format = Format::Fixed(widths(&text_of(cursor)?)?),
        "delimiter" => {
            let delimiter = character(cursor, "DELIMITER")?;
            if !delimiter.is_ascii() {
                let reason = "one ASCII character expected".into();
                return Err(DialectError::Arguments { function: shown, reason });
            }
            unload.style.delimiter = Some(delimiter);
        }
        "header" => unload.header = true,
        "gzip" | "bzip2" | "zstd" => unload.packing = Packing::parse(&name).unwrap_or_default(),
        "null" => unload.style.null = Some(text_of(cursor)?),
        "addquotes" => unload.style.quotes = true,
        "escape" => unload.style.escape = true,
        "allowoverwrite" => unload.overwrite = true,
        "cleanpath" => unload.clean = true,
        "manifest" => {
            unload.manifest = true;
            unload.verbose = cursor.word("verbose");
        }
        "verbose" => {
            return Err(DialectError::Refused("UNLOAD … VERBOSE can stand only behind MANIFEST".into()));
        }
        "extension" => {
            let text = text_of(cursor)?;
            // It is part of a file's name here, and must not lead elsewhere.
            if text.contains('/') {
                return Err(DialectError::unsupported(format!("EXTENSION '{text}'")));
            }
            unload.extension = Some(text);
        }
        "parallel" => unload.parallel = switch(cursor),
        "maxfilesize" => unload.largest = size(cursor)?,
        "rowgroupsize" => {
            cursor.word("as");
            cursor.next();
            let _ = cursor.word("mb") || cursor.word("gb");
        }
        "partition" => {
            if !cursor.word("by") {
                return Err(DialectError::Syntax(cursor.near()));
            }
            let columns = cursor.group().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
            unload.partition = arguments(columns).iter().map(|c| fold_identifier(raw(c).trim())).collect();
            unload.include = cursor.word("include");
        }
        "encrypted" => {
            let auto = if cursor.word("auto") { " AUTO" } else { "" };
            unload.ignored.push(format!("ENCRYPTED{auto}"));
        }
        "kms_key_id" => {
            text_of(cursor)?;
            unload.ignored.push(shown.clone());
        }
        _ => return Err(DialectError::unsupported(format!("UNLOAD … {shown}"))),
    }
    given.push(shown);
    Ok(())
}

/// `[AS] size [MB | GB]`, between 5 MB and 6.2 GB.
fn size(cursor: &mut Cursor<'_>) -> Result<u64, DialectError> {
    cursor.word("as");
    let text = cursor.next().map(|t| t.text.clone()).unwrap_or_default();
    let unit = if cursor.word("gb") {
        1024.0 * 1024.0 * 1024.0
    } else {
        cursor.word("mb");
        1024.0 * 1024.0
    };
    let bytes = text.parse::<f64>().ok().map(|n| n * unit);
    let bytes = bytes.filter(|b| (5.0 * 1024.0 * 1024.0..=LARGEST_FILE).contains(b));
    bytes.map(|b| b as u64).ok_or_else(|| DialectError::Arguments {
        function: "MAXFILESIZE".into(),
        reason: "a size from 5 MB to 6.2 GB expected".into(),
    })
}

impl Unload {
    /// Whether the result's columns must be known.
    pub(crate) fn needs_columns(&self) -> bool {
        self.header
            || self.verbose
            || !self.partition.is_empty()
            || !matches!(self.style.format, Format::Delimited | Format::Csv)
    }

    /// Begins to write; `columns` are the result's.
    ///
    /// # Errors
    /// If something is there already, or the columns do not fit the options.
    pub(crate) fn open(&self, columns: Vec<UnloadColumn>) -> io::Result<UnloadFiles<'_>> {
        let wrong = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
        let mut partition = Vec::new();
        for name in &self.partition {
            let index = columns.iter().position(|c| c.name == *name);
            let missing = || wrong(format!("PARTITION BY: column \"{name}\" is not in the query's result"));
            partition.push(index.ok_or_else(missing)?);
        }
        if !partition.is_empty() && !self.include && partition.len() == columns.len() {
            return Err(wrong("PARTITION BY: at least one column must be left for the files".into()));
        }
        let kept = (0..columns.len()).filter(|i| self.include || !partition.contains(i)).collect();
        if self.style.format == Format::Json {
            for (index, column) in columns.iter().enumerate() {
                if columns[..index].iter().any(|c| c.name == column.name) {
                    return Err(wrong(format!(
                        "FORMAT JSON: the column name \"{}\" is not unique",
                        column.name
                    )));
                }
            }
        }
        if let Format::Fixed(widths) = &self.style.format
            && widths.len() != columns.len()
        {
            return Err(wrong(format!(
                "the FIXEDWIDTH specification has {} columns, but the query has {}",
                widths.len(),
                columns.len()
            )));
        }
        // With PARTITION BY, only the folders that are written to are cleaned.
        if !self.clean || self.partition.is_empty() {
            self.clear(&self.place)?;
        }
        Ok(UnloadFiles {
            unload: self,
            columns,
            partition,
            kept,
            parts: BTreeMap::new(),
            done: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// Makes sure that nothing is in the way.
    fn clear(&self, place: &Place) -> io::Result<()> {
        if self.clean {
            for file in place.existing()? {
                fs::remove_file(file)?;
            }
        } else if !self.overwrite && !place.existing()?.is_empty() {
            let text = format!(
                "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, \
                 manually removing the target files in S3, or using the ALLOWOVERWRITE option: {}",
                self.to
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(())
    }

    fn name(&self, number: usize) -> String {
        let part = if self.parallel { format!("0000_part_{number:02}") } else { format!("{number:03}") };
        match &self.extension {
            Some(extension) => format!("{part}.{extension}"),
            None => format!("{part}{}", self.packing.extension()),
        }
    }
}
