//! COPY … FROM 's3://…'.

use std::io;
use std::path::{Path, PathBuf};

use super::DialectError;
use super::expression::{Cursor, raw};
use super::load::{self, Layout};
use super::s3::{self, Place};
use crate::connection::Column;
use crate::lexer::token::{Kind, Token};

/// A COPY to be done with files of a directory.
#[derive(Debug)]
pub(crate) struct CopyFrom {
    /// What is sent: COPY … FROM STDIN.
    pub(crate) statement: String,
    /// Asks for the columns' names and types, in order.
    pub(crate) probe: String,
    /// `s3://…`, for messages.
    pub(crate) from: String,
    place: Place,
    layout: Layout,
    gzip: bool,
    manifest: bool,
}

impl CopyFrom {
    /// Sends the files' rows in COPY's text format.
    ///
    /// # Errors
    /// If a file cannot be read or does not have the layout that it should.
    pub(crate) fn feed(
        &self,
        columns: &[Column],
        send: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let files: Vec<PathBuf> = if self.manifest { self.place.manifest()? } else { self.place.files()? };
        for file in files {
            let reader = s3::open(&file, self.gzip)?;
            load::feed(reader, &self.layout, columns, send).map_err(|e| {
                io::Error::new(e.kind(), format!("{}: {e}", file.file_name().unwrap_or_default().display()))
            })?;
        }
        Ok(())
    }
}

/// Whether a COPY reads from S3 (or what only Redshift knows), and not from PostgreSQL's ends.
pub(super) fn is_from_s3(statement: &[Token]) -> bool {
    let mut from = statement.iter().skip_while(|t| !t.is("from"));
    from.next();
    from.find(|t| !t.is_quiet()).is_some_and(|t| t.kind == Kind::Text && t.text.contains("://"))
}

/// Reads a COPY.
///
/// # Errors
/// If it asks for what a directory of files cannot give.
pub(super) fn parse(statement: &[Token], root: Option<&Path>) -> Result<CopyFrom, DialectError> {
    let mut cursor = Cursor::new(statement);
    cursor.word("copy");
    let table = cursor.name()?;
    let columns = cursor.group().map(|inner| raw(inner).trim().to_owned());
    if !cursor.word("from") {
        return Err(DialectError::Syntax(cursor.near()));
    }
    let from = cursor.text().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
    let mut copy = CopyFrom {
        statement: match &columns {
            Some(columns) => format!("COPY {table} ({columns}) FROM STDIN"),
            None => format!("COPY {table} FROM STDIN"),
        },
        probe: format!("SELECT {} FROM {table} LIMIT 0", columns.as_deref().unwrap_or("*")),
        place: s3::place(&from, root)?,
        from,
        layout: Layout::default(),
        gzip: false,
        manifest: false,
    };
    while cursor.peek().is_some_and(|t| !t.is_symbol(";")) {
        option(&mut cursor, &mut copy)?;
    }
    Ok(copy)
}

/// `[AS] 'text'`.
pub(super) fn text_of(cursor: &mut Cursor<'_>) -> Result<String, DialectError> {
    cursor.word("as");
    cursor.text().ok_or_else(|| DialectError::Syntax(cursor.near()))
}

/// The one character that an option takes.
pub(super) fn character(cursor: &mut Cursor<'_>, option: &str) -> Result<char, DialectError> {
    let text = text_of(cursor)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => {
            Err(DialectError::Arguments { function: option.into(), reason: "one character expected".into() })
        }
    }
}

/// Passes over who may read: files here need no permission of AWS. False if the next words are none.
pub(super) fn authorization(cursor: &mut Cursor<'_>) -> Result<bool, DialectError> {
    if cursor.word("iam_role") {
        if !cursor.word("default") {
            text_of(cursor)?;
        }
        return Ok(true);
    }
    for word in ["credentials", "access_key_id", "secret_access_key", "session_token", "region", "kms_key_id"]
    {
        if cursor.word(word) {
            text_of(cursor)?;
            return Ok(true);
        }
    }
    // WITH CREDENTIALS …
    Ok(cursor.word("with"))
}

fn option(cursor: &mut Cursor<'_>, copy: &mut CopyFrom) -> Result<(), DialectError> {
    if authorization(cursor)? {
        return Ok(());
    }
    let name = cursor.next().map(|t| t.text.to_ascii_lowercase()).unwrap_or_default();
    let layout = &mut copy.layout;
    match name.as_str() {
        "format" => {
            cursor.word("as");
        }
        "csv" => layout.kind = load::Kind::Csv,
        "quote" => layout.quote = character(cursor, "QUOTE")?,
        "delimiter" => layout.delimiter = character(cursor, "DELIMITER")?,
        "gzip" => copy.gzip = true,
        "manifest" => copy.manifest = true,
        "ignoreheader" => {
            cursor.word("as");
            let count = cursor.next().map(|t| t.text.clone()).unwrap_or_default();
            layout.skip = count.parse().map_err(|_| DialectError::Syntax(count))?;
        }
        "null" => layout.null = text_of(cursor)?,
        "removequotes" => layout.remove_quotes = true,
        "escape" => layout.escape = true,
        "emptyasnull" => layout.empty_as_null = true,
        "blanksasnull" => layout.blanks_as_null = true,
        "trimblanks" => layout.trim = true,
        "ignoreblanklines" => layout.ignore_blank_lines = true,
        "fillrecord" => layout.fill = true,
        "json" => {
            let how = text_of(cursor)?;
            if !how.eq_ignore_ascii_case("auto") {
                return Err(DialectError::unsupported(format!("COPY … JSON '{how}'")));
            }
            layout.kind = load::Kind::Json;
        }
        "dateformat" | "timeformat" => {
            let how = text_of(cursor)?;
            let iso = ["auto", "yyyy-mm-dd", "yyyy-mm-dd hh:mi:ss", "yyyy-mm-dd hh24:mi:ss"];
            if !iso.contains(&how.to_ascii_lowercase().as_str()) {
                return Err(DialectError::unsupported(format!(
                    "COPY … {} '{how}'",
                    name.to_ascii_uppercase()
                )));
            }
        }
        "encoding" => {
            cursor.word("as");
            let how = cursor.next();
            if !how.is_some_and(|t| t.is("utf8") || t.text.eq_ignore_ascii_case("'utf8'")) {
                return Err(DialectError::unsupported("COPY … ENCODING other than UTF8"));
            }
        }
        // How a cluster compresses and plans, and how fast it reads.
        "compupdate" | "statupdate" => {
            let _ = cursor.word("on") || cursor.word("off") || cursor.word("preset");
        }
        "comprows" => {
            cursor.next();
        }
        _ => return Err(DialectError::unsupported(format!("COPY … {}", name.to_ascii_uppercase()))),
    }
    Ok(())
}
