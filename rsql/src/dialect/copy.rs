//! COPY … FROM 's3://…'.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html>

use std::io;
use std::path::{Path, PathBuf};

use super::DialectError;
use super::expression::{Cursor, arguments, raw};
use super::load::{self, DateFormat, Encoding, Known, Layout, Loader, Mapping, Outcome, Target, Type};
use super::s3::{self, Packing, Place};
use crate::lexer::quote;
use crate::lexer::quote::fold_identifier;
use crate::lexer::token::{Kind, Token};

/// A COPY to be done with files of a directory.
#[derive(Debug)]
pub struct CopyFrom {
    /// The table as the statement names it.
    pub(crate) table: String,
    /// `s3://…`, for messages.
    pub(crate) from: String,
    /// NOLOAD: the files are checked and nothing is loaded.
    pub(crate) no_load: bool,
    /// So many errors end the load; `u64::MAX` with IGNOREALLERRORS.
    pub(crate) most: u64,
    columns: Option<Vec<String>>,
    explicit_ids: bool,
    place: Place,
    layout: Layout,
    paths: Option<Place>,
    packing: Packing,
    manifest: bool,
}

impl CopyFrom {
    /// Asks for the table's columns: name, type's OID and modifier, type's name, whether NULL is refused, and how it is
    /// an identity. Of a domain, its base type.
    pub(crate) fn probe(&self) -> String {
        format!(
            "SELECT a.attname, coalesce(b.oid, t.oid)::int8, \
             CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END, \
             CASE coalesce(b.typname, t.typname) WHEN 'bpchar' THEN 'char' WHEN 'jsonb' THEN 'super' \
             ELSE coalesce(b.typname, t.typname) END, \
             a.attnotnull OR t.typnotnull, a.attidentity \
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid \
             LEFT JOIN pg_catalog.pg_type b ON b.oid OPERATOR(pg_catalog.=) t.typbasetype \
             WHERE a.attrelid OPERATOR(pg_catalog.=) {}::pg_catalog.regclass AND a.attnum OPERATOR(pg_catalog.>) 0 \
             AND NOT a.attisdropped ORDER BY a.attnum",
            quote::literal(&self.table)
        )
    }

    /// The columns that are filled, from the answer to [`Self::probe`].
    ///
    /// # Errors
    /// If the statement names a column that the table does not have, or the options do not fit the columns.
    pub(crate) fn targets(&self, rows: &[Vec<Option<String>>]) -> Result<Vec<Target>, DialectError> {
        let read = |row: &[Option<String>]| {
            let at = |index: usize| row.get(index).and_then(|v| v.as_deref()).unwrap_or_default();
            let target = Target::new(
                at(0),
                Type::of(at(1).parse().unwrap_or(0), at(2).parse().unwrap_or(-1)),
                at(3),
                at(4) == "t",
            );
            (target, at(5) == "a")
        };
        let all: Vec<(Target, bool)> = rows.iter().map(|row| read(row)).collect();
        let targets = match &self.columns {
            None => all
                .into_iter()
                .filter(|(_, identity)| !identity || self.explicit_ids)
                .map(|(target, _)| target)
                .collect(),
            Some(names) => {
                let mut chosen = Vec::new();
                for name in names {
                    let (target, identity) = all.iter().find(|(t, _)| t.name == *name).ok_or_else(|| {
                        DialectError::Refused(format!(
                            "column \"{name}\" of relation \"{}\" does not exist",
                            self.table
                        ))
                    })?;
                    if *identity && !self.explicit_ids {
                        return Err(DialectError::Refused(format!(
                            "cannot set an identity column to a value: \"{name}\" (use EXPLICIT_IDS)"
                        )));
                    }
                    chosen.push(target.clone());
                }
                chosen
            }
        };
        match &self.layout.kind {
            load::Kind::Fixed(widths) if widths.len() != targets.len() => {
                Err(DialectError::Refused(format!(
                    "the FIXEDWIDTH specification has {} columns, but {} are loaded",
                    widths.len(),
                    targets.len()
                )))
            }
            load::Kind::Json(Mapping::NoShred) if targets.len() != 1 || targets[0].kind() != Type::Super => {
                Err(DialectError::Refused("JSON 'noshred' loads one column of type SUPER".into()))
            }
            _ => Ok(targets),
        }
    }

    /// What is sent for these columns.
    pub(crate) fn statement(&self, targets: &[Target]) -> String {
        let columns: Vec<String> = targets.iter().map(|t| quote::identifier(&t.name)).collect();
        format!("COPY {} ({}) FROM STDIN", self.table, columns.join(", "))
    }

    /// What `--dry-run` shows.
    pub(super) fn shown(&self) -> String {
        let columns = self.columns.as_ref().map_or(String::new(), |c| format!(" ({})", c.join(", ")));
        format!("COPY {}{columns} FROM STDIN -- from {}", self.table, self.from)
    }

    /// Whether a row that the server refuses may be left out, so that the load must be repeatable.
    pub(crate) fn forgives(&self) -> bool {
        self.most > 1 || self.layout.accept_any_date
    }

    /// Whether a date that the server refuses is loaded as NULL.
    pub(crate) fn forgives_dates(&self) -> bool {
        self.layout.accept_any_date
    }

    /// Sends the files' rows in COPY's text format.
    ///
    /// # Errors
    /// If a file cannot be read, or the rows cannot be sent.
    pub(crate) fn feed(
        &self,
        targets: &[Target],
        known: &Known,
        send: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Outcome> {
        let files: Vec<PathBuf> = if self.manifest { self.place.manifest()? } else { self.place.files()? };
        let mut layout = self.layout.clone();
        if let Some(paths) = &self.paths {
            let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
            let mapping = Mapping::paths(&paths.text()?).map_err(wrong)?;
            if let Mapping::Paths(all) = &mapping
                && all.len() != targets.len()
            {
                return Err(wrong(format!(
                    "Number of jsonpaths and the number of columns should match. JSONPath size: {}, \
                     Number of columns in table or column list: {}",
                    all.len(),
                    targets.len()
                )));
            }
            layout.kind = load::Kind::Json(mapping);
        }
        let mut loader = Loader::new(&layout, targets, known, self.most, send);
        for file in files {
            let name = self.place.url(&file);
            let read = s3::open(&file, self.packing).and_then(|reader| loader.file(name.clone(), reader));
            read.map_err(|e| io::Error::new(e.kind(), format!("{name}: {e}")))?;
            if loader.outcome.stopped {
                break;
            }
        }
        Ok(loader.outcome)
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
    let columns = cursor.group().map(|inner| {
        arguments(inner).iter().map(|part| fold_identifier(raw(part).trim())).collect::<Vec<_>>()
    });
    if !cursor.word("from") {
        return Err(DialectError::Syntax(cursor.near()));
    }
    let from = cursor.text().ok_or_else(|| DialectError::Syntax(cursor.near()))?;
    let mut copy = CopyFrom {
        table,
        place: s3::place(&from, root)?,
        from,
        no_load: false,
        most: 1,
        columns,
        explicit_ids: false,
        layout: Layout::default(),
        paths: None,
        packing: Packing::None,
        manifest: false,
    };
    let mut given = Vec::new();
    while cursor.peek().is_some_and(|t| !t.is_symbol(";")) {
        option(&mut cursor, &mut copy, root, &mut given)?;
    }
    excluded(&given, CONFLICTS)?;
    if given.iter().any(|o| o == "QUOTE") && copy.layout.kind != load::Kind::Csv {
        return Err(DialectError::Refused("QUOTE can be used only with CSV".into()));
    }
    Ok(copy)
}

/// Options that exclude each other.
const CONFLICTS: &[(&str, &[&str])] = &[
    ("CSV", &["FIXEDWIDTH", "REMOVEQUOTES", "ESCAPE"]),
    ("FIXEDWIDTH", &["DELIMITER", "ESCAPE"]),
    (
        "JSON",
        &[
            "CSV",
            "DELIMITER",
            "ESCAPE",
            "FILLRECORD",
            "FIXEDWIDTH",
            "IGNOREBLANKLINES",
            "NULL",
            "REMOVEQUOTES",
        ],
    ),
    ("IGNOREALLERRORS", &["MAXERROR"]),
    ("GZIP", &["BZIP2", "ZSTD"]),
    ("BZIP2", &["ZSTD"]),
];

/// Refuses options that exclude each other.
///
/// # Errors
/// If two of them are given.
pub(super) fn excluded(given: &[String], conflicts: &[(&str, &[&str])]) -> Result<(), DialectError> {
    for (option, others) in conflicts {
        if !given.iter().any(|o| o == option) {
            continue;
        }
        if let Some(other) = others.iter().find(|other| given.iter().any(|o| o == *other)) {
            return Err(DialectError::Refused(format!("{option} is not compatible with {other}")));
        }
    }
    Ok(())
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

/// `[AS] number`, between these.
pub(super) fn number(
    cursor: &mut Cursor<'_>,
    option: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, DialectError> {
    cursor.word("as");
    let text = cursor.next().map(|t| t.text.clone()).unwrap_or_default();
    text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| DialectError::Arguments {
        function: option.into(),
        reason: format!("a number from {} to {} expected, but is \"{text}\"", range.start(), range.end()),
    })
}

/// Labels and widths of a FIXEDWIDTH specification: `'a:3,b:5'`.
pub(super) fn widths(text: &str) -> Result<Vec<usize>, DialectError> {
    text.split(',')
        .map(|column| {
            let width = column.rsplit_once(':').and_then(|(_, width)| width.trim().parse().ok());
            width.filter(|w| *w > 0).ok_or_else(|| DialectError::Arguments {
                function: "FIXEDWIDTH".into(),
                reason: format!("label:width expected, but is \"{}\"", column.trim()),
            })
        })
        .collect()
}

/// Passes over who may read: files here need no permission of AWS. False if the next words are none.
pub(super) fn authorization(cursor: &mut Cursor<'_>) -> Result<bool, DialectError> {
    if cursor.word("iam_role") {
        if !cursor.word("default") {
            text_of(cursor)?;
        }
        return Ok(true);
    }
    let names = ["credentials", "access_key_id", "secret_access_key", "session_token", "token", "region"];
    for word in names {
        if cursor.word(word) {
            text_of(cursor)?;
            return Ok(true);
        }
    }
    // WITH CREDENTIALS …
    Ok(cursor.word("with"))
}

/// Passes over ON or TRUE, OFF or FALSE; whether it is on.
pub(super) fn switch(cursor: &mut Cursor<'_>) -> bool {
    let off = cursor.word("off") || cursor.word("false");
    let _ = cursor.word("on") || cursor.word("true");
    !off
}

fn option(
    cursor: &mut Cursor<'_>,
    copy: &mut CopyFrom,
    root: Option<&Path>,
    given: &mut Vec<String>,
) -> Result<(), DialectError> {
    if authorization(cursor)? {
        return Ok(());
    }
    let name = cursor.next().map(|t| t.text.to_ascii_lowercase()).unwrap_or_default();
    let shown = name.to_ascii_uppercase();
    let layout = &mut copy.layout;
    match name.as_str() {
        "format" => {
            cursor.word("as");
            return Ok(());
        }
        "csv" => layout.kind = load::Kind::Csv,
        "quote" => layout.quote = character(cursor, "QUOTE")?,
        "delimiter" => {
            let text = text_of(cursor)?;
            if text.is_empty() || !text.is_ascii() {
                let reason = "one or more ASCII characters expected".into();
                return Err(DialectError::Arguments { function: shown, reason });
            }
            layout.delimiter = Some(text);
        }
        "fixedwidth" => layout.kind = load::Kind::Fixed(widths(&text_of(cursor)?)?),
        "gzip" | "bzip2" | "zstd" => copy.packing = Packing::parse(&name).unwrap_or_default(),
        "manifest" => copy.manifest = true,
        "ignoreheader" => layout.skip = number(cursor, "IGNOREHEADER", 0..=u64::MAX)?,
        "null" => layout.null = text_of(cursor)?,
        "removequotes" => layout.remove_quotes = true,
        "escape" => layout.escape = true,
        "emptyasnull" => layout.empty_as_null = true,
        "blanksasnull" => layout.blanks_as_null = true,
        "trimblanks" => layout.trim = true,
        "ignoreblanklines" => layout.ignore_blank_lines = true,
        "fillrecord" => layout.fill = true,
        "truncatecolumns" => layout.truncate = true,
        "roundec" => layout.round = true,
        "explicit_ids" => copy.explicit_ids = true,
        "acceptanydate" => layout.accept_any_date = true,
        "acceptinvchars" => {
            cursor.word("as");
            let is_text = cursor.peek().is_some_and(|t| t.kind == Kind::Text);
            let by = if is_text { character(cursor, "ACCEPTINVCHARS")? } else { '?' };
            if !by.is_ascii() || by == '\0' {
                let reason = "one ASCII character expected".into();
                return Err(DialectError::Arguments { function: shown, reason });
            }
            layout.replacement = Some(by);
        }
        "json" => {
            cursor.word("as");
            let is_text = cursor.peek().is_some_and(|t| t.kind == Kind::Text);
            let how = if is_text { text_of(cursor)? } else { "auto".into() };
            layout.kind = load::Kind::Json(match how.as_str() {
                "noshred" => Mapping::NoShred,
                "auto ignorecase" => Mapping::Auto { ignore_case: true },
                "auto" => Mapping::Auto { ignore_case: false },
                url if url.starts_with("s3://") => {
                    copy.paths = Some(s3::place(url, root)?);
                    Mapping::Auto { ignore_case: false }
                }
                _ => return Err(DialectError::unsupported(format!("COPY … JSON '{how}'"))),
            });
        }
        "dateformat" | "timeformat" => {
            let how = text_of(cursor)?;
            let time = name == "timeformat";
            let format = DateFormat::parse(&how, time)
                .ok_or_else(|| DialectError::unsupported(format!("COPY … {shown} '{how}'")))?;
            *(if time { &mut layout.time_format } else { &mut layout.date_format }) = format;
        }
        "encoding" => {
            cursor.word("as");
            let how = cursor.text().or_else(|| cursor.next().map(|t| t.text.clone())).unwrap_or_default();
            layout.encoding = Encoding::parse(&how)
                .ok_or_else(|| DialectError::unsupported(format!("COPY … ENCODING {how}")))?;
        }
        "maxerror" => copy.most = number(cursor, "MAXERROR", 0..=100_000)?.max(1),
        "ignoreallerrors" => copy.most = u64::MAX,
        "noload" => copy.no_load = true,
        // How a cluster compresses and plans, and how fast it reads.
        "compupdate" | "statupdate" => {
            if !cursor.word("preset") {
                switch(cursor);
            }
        }
        "comprows" => {
            number(cursor, "COMPROWS", 0..=u64::MAX)?;
        }
        _ => return Err(DialectError::unsupported(format!("COPY … {shown}"))),
    }
    given.push(shown);
    Ok(())
}
