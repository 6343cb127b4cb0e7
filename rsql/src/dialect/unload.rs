//! UNLOAD ('query') TO 's3://…'.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html>

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::DialectError;
use super::copy::{authorization, character, excluded, literal, switch, text_of, widths};
use super::expression::{Cursor, arguments, raw, rewrite};
use super::load::Type;
use super::s3::{self, Packing, Place};
use crate::lexer::quote::fold_identifier;
use crate::lexer::token::{Token, tokens};

/// The largest file that UNLOAD writes unless MAXFILESIZE says less: 6.2 GB.
const LARGEST_FILE: f64 = 6.2 * 1024.0 * 1024.0 * 1024.0;

/// As much of a file is packed and written at once.
const CHUNK: usize = 1024 * 1024;

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

#[derive(Debug, Clone, PartialEq, Eq)]
enum Format {
    Delimited,
    Csv,
    Json,
    Fixed(Vec<usize>),
}

#[derive(Debug, Clone)]
struct Style {
    format: Format,
    delimiter: Option<char>,
    null: Option<String>,
    quotes: bool,
    escape: bool,
}

/// A column of the result.
#[derive(Debug, Clone)]
pub(crate) struct UnloadColumn {
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
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
    let query = tokens(query.trim().trim_end_matches(';'), false);
    outer_limit(&query)?;
    let query = rewrite(&query)?;
    if !cursor.word("to") {
        return Err(DialectError::Syntax(cursor.near()));
    }
    let to = literal(&mut cursor).ok_or_else(|| DialectError::Syntax(cursor.near()))?;
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
            return Err(DialectError::Refused("UNLOAD … ROWGROUPSIZE can be used only with PARQUET".into()));
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

/// One file being written.
struct Part {
    path: PathBuf,
    partial: PathBuf,
    /// What is not packed yet.
    buffer: Vec<u8>,
    written: u64,
    rows: u64,
}

/// The current file of a folder.
struct Folder {
    place: Place,
    number: usize,
    part: Part,
}

/// Files being unloaded to; takes COPY's text format.
pub(crate) struct UnloadFiles<'a> {
    unload: &'a Unload,
    columns: Vec<UnloadColumn>,
    /// Indexes of the columns that partition.
    partition: Vec<usize>,
    /// Indexes of the columns that are written.
    kept: Vec<usize>,
    parts: BTreeMap<String, Folder>,
    done: Vec<Part>,
    pending: Vec<u8>,
}

impl UnloadFiles<'_> {
    /// Ends the files; they get their names only if `complete`.
    ///
    /// # Errors
    /// If one cannot be written.
    pub(crate) fn finish(mut self, complete: bool) -> io::Result<()> {
        if complete && self.parts.is_empty() && self.partition.is_empty() {
            self.folder("")?;
        }
        for (_, mut folder) in std::mem::take(&mut self.parts) {
            if complete {
                self.pack(&mut folder.part)?;
            }
            self.done.push(folder.part);
        }
        if !complete {
            // A part that was never packed has no file.
            self.done.iter().for_each(|part| drop(fs::remove_file(&part.partial)));
            return Ok(());
        }
        let mut entries = Vec::new();
        let (mut bytes, mut rows) = (0, 0);
        for part in &self.done {
            fs::rename(&part.partial, &part.path)?;
            let size = fs::metadata(&part.path)?.len();
            let mut meta = serde_json::json!({"content_length": size});
            if self.unload.verbose {
                meta["record_count"] = part.rows.into();
            }
            entries.push(serde_json::json!({"url": self.unload.place.url(&part.path), "meta": meta}));
            bytes += size;
            rows += part.rows;
        }
        if self.unload.manifest {
            let mut manifest = serde_json::json!({"entries": entries});
            if self.unload.verbose {
                let elements: Vec<_> = self.kept.iter().map(|i| element(&self.columns[*i])).collect();
                manifest["schema"] = serde_json::json!({"elements": elements});
                manifest["meta"] = serde_json::json!({"content_length": bytes, "record_count": rows});
                manifest["author"] = serde_json::json!({"name": "Amazon Redshift", "version": "1.0.0"});
            }
            let list = self.unload.place.file("manifest");
            self.unload.place.confine(&list)?;
            if let Some(parent) = list.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(list, manifest.to_string())?;
        }
        Ok(())
    }

    fn start(&self, place: &Place, number: usize) -> io::Result<Part> {
        let path = place.file(&self.unload.name(number));
        place.confine(&path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Nobody must find half a file under its name.
        let partial = path
            .with_file_name(format!(".{}.partial", path.file_name().unwrap_or_default().to_string_lossy()));
        place.confine(&partial)?;
        File::create(&partial)?;
        let mut part = Part { path, partial, buffer: Vec::new(), written: 0, rows: 0 };
        if self.unload.header {
            let names: Vec<Option<String>> =
                self.kept.iter().map(|i| Some(self.columns[*i].name.clone())).collect();
            let header = self.unload.style.record(&names, &[])?;
            part.buffer.extend_from_slice(header.as_bytes());
            part.rows = 1;
        }
        Ok(part)
    }

    fn folder(&mut self, name: &str) -> io::Result<&mut Folder> {
        if !self.parts.contains_key(name) {
            let mut place = self.unload.place.clone();
            place.key.push_str(name);
            if self.unload.clean && !name.is_empty() {
                self.unload.clear(&place)?;
            }
            let part = self.start(&place, 0)?;
            self.parts.insert(name.to_owned(), Folder { place, number: 0, part });
        }
        self.parts.get_mut(name).ok_or_else(|| io::Error::other("a folder that was just made"))
    }

    fn pack(&self, part: &mut Part) -> io::Result<()> {
        if !part.buffer.is_empty() {
            let packed = self.unload.packing.pack(&part.buffer)?;
            // Opened each time: there may be more partitions than a process may have open files.
            fs::OpenOptions::new().append(true).open(&part.partial)?.write_all(&packed)?;
            part.written += packed.len() as u64;
            part.buffer.clear();
        }
        Ok(())
    }

    fn row(&mut self, line: &str) -> io::Result<()> {
        let fields: Vec<Option<String>> =
            line.split('\t').map(|f| (f != "\\N").then(|| unescape(f))).collect();
        let mut name = String::new();
        for index in &self.partition {
            let column = &self.columns[*index].name;
            let value = fields.get(*index).cloned().flatten();
            let value = value.map_or_else(|| "__HIVE_DEFAULT_PARTITION__".to_owned(), |v| encoded(&v));
            name.push_str(&format!("{}={value}/", encoded(column)));
        }
        let kept: Vec<Option<String>> = match self.partition.is_empty() {
            true => fields,
            false => self.kept.iter().filter_map(|i| fields.get(*i).cloned()).collect(),
        };
        let columns: Vec<&UnloadColumn> = self.kept.iter().filter_map(|i| self.columns.get(*i)).collect();
        let record = self.unload.style.record(&kept, &columns)?;
        let largest = self.unload.largest;
        let folder = self.folder(&name)?;
        let size = folder.part.written + folder.part.buffer.len() as u64;
        if size > 0 && size + record.len() as u64 > largest {
            let (place, number) = (folder.place.clone(), folder.number + 1);
            let next = self.start(&place, number)?;
            if let Some(mut folder) = self.parts.remove(&name) {
                self.pack(&mut folder.part)?;
                self.done.push(folder.part);
            }
            self.parts.insert(name.clone(), Folder { place, number, part: next });
        }
        let part = &mut self.folder(&name)?.part;
        part.buffer.extend_from_slice(record.as_bytes());
        part.rows += 1;
        if part.buffer.len() >= CHUNK
            && let Some(mut folder) = self.parts.remove(&name)
        {
            self.pack(&mut folder.part)?;
            self.parts.insert(name, folder);
        }
        Ok(())
    }
}

impl Write for UnloadFiles<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(data);
        let mut pending = std::mem::take(&mut self.pending);
        let mut start = 0;
        while let Some(length) = pending[start..].iter().position(|b| *b == b'\n') {
            let line = String::from_utf8_lossy(&pending[start..start + length]).into_owned();
            self.row(&line)?;
            start += length + 1;
        }
        pending.drain(..start);
        self.pending = pending;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A column in a verbose manifest.
fn element(column: &UnloadColumn) -> serde_json::Value {
    let kind = Type::of(column.type_oid, column.type_modifier);
    let described = match kind {
        Type::Char(Some(length)) => serde_json::json!({"base": "character", "max_length": length}),
        Type::Varchar(length) => {
            serde_json::json!({"base": "character varying", "max_length": length.unwrap_or(65535)})
        }
        Type::Numeric(Some((precision, scale))) => {
            serde_json::json!({"base": "numeric", "precision": precision, "scale": scale})
        }
        _ => {
            let base = match (kind, column.type_oid) {
                (Type::Integer(2), _) => "smallint",
                (Type::Integer(4), _) => "integer",
                (Type::Integer(_), _) => "bigint",
                (Type::Numeric(_), _) => "numeric",
                (Type::Float, 700) => "real",
                (Type::Float, _) => "double precision",
                (Type::Boolean, _) => "boolean",
                (Type::Date, _) => "date",
                (Type::Timestamp, _) => "timestamp without time zone",
                (Type::TimestampTz, _) => "timestamp with time zone",
                (Type::Super, _) => "super",
                _ => "character varying",
            };
            serde_json::json!({"base": base})
        }
    };
    serde_json::json!({"name": column.name, "type": described})
}

/// A partition's value in a path, as Hive writes it: what has a meaning in paths is percent-encoded.
fn encoded(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        if c.is_ascii_control() || "\"#%'*/:=?\\{}[]^".contains(c) {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    // Neither may lead elsewhere.
    match out.as_str() {
        "." | ".." | "" => out.replace('.', "%2E"),
        _ => out,
    }
}

impl Style {
    /// A row in this style; `None` is NULL. Without columns it is the header.
    fn record(&self, fields: &[Option<String>], columns: &[&UnloadColumn]) -> io::Result<String> {
        let mut out = String::new();
        match &self.format {
            Format::Json => {
                let mut object = String::from("{");
                for (index, (column, field)) in columns.iter().zip(fields).enumerate() {
                    if index > 0 {
                        object.push(',');
                    }
                    object.push_str(&serde_json::to_string(&column.name)?);
                    object.push(':');
                    object.push_str(&member(column, field.as_deref())?);
                }
                out = object;
                out.push('}');
            }
            Format::Fixed(widths) => {
                for (index, (width, field)) in widths.iter().zip(fields).enumerate() {
                    self.fixed(*width, field.as_deref(), columns.get(index).copied(), &mut out)?;
                }
            }
            Format::Delimited | Format::Csv => {
                let delimiter = self.delimiter.unwrap_or(if self.format == Format::Csv { ',' } else { '|' });
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(delimiter);
                    }
                    match field {
                        Some(value) => self.value(value, delimiter, &mut out),
                        None => out.push_str(self.null.as_deref().unwrap_or_default()),
                    }
                }
            }
        }
        out.push('\n');
        Ok(out)
    }

    fn fixed(
        &self,
        width: usize,
        field: Option<&str>,
        column: Option<&UnloadColumn>,
        out: &mut String,
    ) -> io::Result<()> {
        let is_text = column.is_some_and(|c| matches!(c.type_oid, 25 | 1042 | 1043));
        let null = self.null.as_deref().unwrap_or_default();
        let value = match field {
            Some(value) => value,
            // A mark of NULL that does not fit is left out where it could not be data.
            None if null.len() > width && !is_text => "",
            None => null,
        };
        let length = value.chars().count();
        if length > width {
            let text = format!("FIXEDWIDTH: \"{value}\" is longer than the {width} characters of its column");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        out.push_str(value);
        out.extend(std::iter::repeat_n(' ', width - length));
        Ok(())
    }

    fn value(&self, value: &str, delimiter: char, out: &mut String) {
        if self.format == Format::Csv {
            if value.contains(['"', '\n', '\r', delimiter]) {
                out.push_str(&format!("\"{}\"", value.replace('"', "\"\"")));
            } else {
                out.push_str(value);
            }
            return;
        }
        let quote = if self.quotes { "\"" } else { "" };
        out.push_str(quote);
        for c in value.chars() {
            let special =
                matches!(c, '\\' | '\n' | '\r') || c == delimiter || (self.quotes && matches!(c, '"' | '\''));
            if self.escape && special {
                out.push('\\');
            }
            out.push(c);
        }
        out.push_str(quote);
    }
}

/// A value as JSON: booleans are `t` and `f`, as UNLOAD's page says, in quotes so that the file is JSON.
fn member(column: &UnloadColumn, field: Option<&str>) -> io::Result<String> {
    let Some(value) = field else { return Ok("null".into()) };
    let number = serde_json::from_str::<serde_json::Number>(value).is_ok();
    Ok(match Type::of(column.type_oid, column.type_modifier) {
        Type::Integer(_) | Type::Numeric(_) | Type::Float if number => value.to_owned(),
        Type::Super => value.to_owned(),
        _ => serde_json::to_string(value)?,
    })
}

/// A field of COPY's text format.
fn unescape(field: &str) -> String {
    let mut value = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => value.push('\n'),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some('b') => value.push('\u{8}'),
            Some('f') => value.push('\u{c}'),
            Some('v') => value.push('\u{b}'),
            Some(other) => value.push(other),
            None => value.push('\\'),
        }
    }
    value
}
