//! UNLOAD ('query') TO 's3://…'.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::DialectError;
use super::copy::{authorization, character, text_of};
use super::expression::{Cursor, rewrite};
use super::s3::{self, Place};
use crate::lexer::token::{Token, tokens};

/// An UNLOAD to be done into a directory.
#[derive(Debug)]
pub(crate) struct Unload {
    /// What is sent: COPY (…) TO STDOUT.
    pub(crate) statement: String,
    /// `s3://…`, for messages.
    pub(crate) to: String,
    place: Place,
    style: Style,
    gzip: bool,
    overwrite: bool,
    clean: bool,
    manifest: bool,
    parallel: bool,
    extension: Option<String>,
}

#[derive(Debug, Clone)]
struct Style {
    csv: bool,
    delimiter: char,
    null: String,
    quotes: bool,
    escape: bool,
}

/// Reads an UNLOAD.
///
/// # Errors
/// If it asks for what a directory of files cannot give.
pub(super) fn parse(statement: &[Token], root: Option<&Path>) -> Result<Unload, DialectError> {
    let mut cursor = Cursor::new(statement);
    cursor.word("unload");
    let inner = cursor.group().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
    let query = Cursor::new(inner).text().ok_or_else(|| DialectError::Syntax("UNLOAD".into()))?;
    let query = rewrite(&tokens(query.trim().trim_end_matches(';'), false))?;
    if !cursor.word("to") {
        return Err(DialectError::Syntax(cursor.near()));
    }
    let to = cursor.text().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
    let mut unload = Unload {
        statement: String::new(),
        place: s3::place(&to, root)?,
        to,
        style: Style { csv: false, delimiter: '\0', null: String::new(), quotes: false, escape: false },
        gzip: false,
        overwrite: false,
        clean: false,
        manifest: false,
        parallel: true,
        extension: None,
    };
    let mut header = false;
    while cursor.peek().is_some_and(|t| !t.is_symbol(";")) {
        if authorization(&mut cursor)? {
            continue;
        }
        let name = cursor.next().map(|t| t.text.to_ascii_lowercase()).unwrap_or_default();
        match name.as_str() {
            "format" => {
                cursor.word("as");
            }
            "csv" => unload.style.csv = true,
            "delimiter" => unload.style.delimiter = character(&mut cursor, "DELIMITER")?,
            "header" => header = true,
            "gzip" => unload.gzip = true,
            "null" => unload.style.null = text_of(&mut cursor)?,
            "addquotes" => unload.style.quotes = true,
            "escape" => unload.style.escape = true,
            "allowoverwrite" => unload.overwrite = true,
            "cleanpath" => unload.clean = true,
            "manifest" => unload.manifest = true,
            "extension" => {
                let text = text_of(&mut cursor)?;
                // It is part of a file's name here, and must not lead elsewhere.
                if text.contains('/') {
                    return Err(DialectError::unsupported(format!("EXTENSION '{text}'")));
                }
                unload.extension = Some(text);
            }
            "parallel" => {
                unload.parallel = !(cursor.word("off") || cursor.word("false"));
                let _ = cursor.word("on") || cursor.word("true");
            }
            _ => return Err(DialectError::unsupported(format!("UNLOAD … {}", name.to_ascii_uppercase()))),
        }
    }
    let head = if header { ", HEADER" } else { "" };
    unload.statement = format!("COPY ({query}) TO STDOUT WITH (FORMAT text{head})");
    Ok(unload)
}

impl Unload {
    fn file(&self) -> PathBuf {
        let part = if self.parallel { "0000_part_00" } else { "000" };
        let extension = match &self.extension {
            Some(extension) => format!(".{extension}"),
            None if self.gzip => ".gz".into(),
            None => String::new(),
        };
        self.place.file(&format!("{part}{extension}"))
    }

    /// Opens the file.
    ///
    /// # Errors
    /// If something is there already, or it cannot be made.
    pub(crate) fn open(&self) -> io::Result<UnloadFile<'_>> {
        if self.clean {
            for file in self.place.existing()? {
                fs::remove_file(file)?;
            }
        } else if !self.overwrite && !self.place.existing()?.is_empty() {
            let text = format!(
                "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, \
                 manually removing the target files in S3, or using the ALLOWOVERWRITE option: {}",
                self.to
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        let path = self.file();
        self.place.confine(&path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Nobody must find half a file under its name.
        let partial = path
            .with_file_name(format!(".{}.partial", path.file_name().unwrap_or_default().to_string_lossy()));
        self.place.confine(&partial)?;
        let file = BufWriter::new(File::create(&partial)?);
        let output = if self.gzip {
            Output::Gzip(GzEncoder::new(file, Compression::default()))
        } else {
            Output::Plain(file)
        };
        Ok(UnloadFile { unload: self, path, partial, output, pending: Vec::new() })
    }
}

enum Output {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

/// A file being unloaded to; takes COPY's text format.
pub(crate) struct UnloadFile<'a> {
    unload: &'a Unload,
    path: PathBuf,
    partial: PathBuf,
    output: Output,
    pending: Vec<u8>,
}

impl UnloadFile<'_> {
    /// Ends the file; it gets its name only if `complete`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn finish(self, rows: u64, complete: bool) -> io::Result<()> {
        let mut file = match self.output {
            Output::Plain(file) => file,
            Output::Gzip(encoder) => encoder.finish()?,
        };
        file.flush()?;
        if !complete {
            return fs::remove_file(self.partial);
        }
        fs::rename(&self.partial, &self.path)?;
        if self.unload.manifest {
            let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let parent = self.unload.to.rsplit_once('/').map_or("", |(p, _)| p);
            let size = fs::metadata(&self.path)?.len();
            let manifest = serde_json::json!({"entries": [{
                "url": format!("{parent}/{name}"),
                "meta": {"content_length": size, "record_count": rows},
            }]});
            let list = self.unload.place.file("manifest");
            self.unload.place.confine(&list)?;
            fs::write(list, manifest.to_string())?;
        }
        Ok(())
    }
}

impl Write for UnloadFile<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(data);
        while let Some(end) = self.pending.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line[..end]);
            let record = self.unload.style.record(&text);
            match &mut self.output {
                Output::Plain(file) => file.write_all(record.as_bytes())?,
                Output::Gzip(encoder) => encoder.write_all(record.as_bytes())?,
            }
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Style {
    /// A row of COPY's text format in this style.
    fn record(&self, row: &str) -> String {
        let delimiter = match (self.delimiter, self.csv) {
            ('\0', true) => ',',
            ('\0', false) => '|',
            (given, _) => given,
        };
        let mut out = String::new();
        for (index, field) in row.split('\t').enumerate() {
            if index > 0 {
                out.push(delimiter);
            }
            if field == "\\N" {
                out.push_str(&self.null);
            } else {
                self.value(&unescape(field), delimiter, &mut out);
            }
        }
        out.push('\n');
        out
    }

    fn value(&self, value: &str, delimiter: char, out: &mut String) {
        if self.csv {
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
            let special = matches!(c, '\\' | '\n' | '\r') || c == delimiter || (self.quotes && c == '"');
            if self.escape && special {
                out.push('\\');
            }
            out.push(c);
        }
        out.push_str(quote);
    }
}

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
