//! Delimited, CSV and fixed-width files.

use std::io::{self, BufRead, BufReader, Read};

use super::{INVALID, Kind, LARGEST_RECORD, Layout, Loader, Place, Reject, Type, lossy};

/// Reads a file's records.
///
/// # Errors
/// If it cannot be read, or a row cannot be sent.
pub(super) fn read(loader: &mut Loader<'_>, reader: Box<dyn Read>) -> io::Result<()> {
    let mut reader = BufReader::new(reader);
    let layout = loader.layout;
    let (mut line, mut offset) = (0_u64, 0_u64);
    let mut record = Vec::new();
    loop {
        record.clear();
        let mut quotes = Quotes::default();
        // A record goes on over line breaks that are quoted or escaped.
        loop {
            let before = record.len();
            if reader.read_until(b'\n', &mut record)? == 0 {
                break;
            }
            line += 1;
            let ended = match layout.kind {
                Kind::Csv => quotes.closed(&record[before..], layout),
                _ => !(layout.escape && ends_in_escape(&record)),
            };
            if ended || line <= layout.skip || record.len() > LARGEST_RECORD {
                break;
            }
        }
        if record.is_empty() {
            return Ok(());
        }
        let start = offset;
        offset += record.len() as u64;
        let bytes = record.strip_suffix(b"\n").unwrap_or(&record);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if line <= layout.skip || (layout.ignore_blank_lines && bytes.is_empty()) {
            continue;
        }
        let bytes = if start == 0 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        let text = lossy(bytes);
        let built = row(loader, &text);
        if !loader.end(built, &Place { line, offset: start, raw: &text })? {
            return Ok(());
        }
    }
}

fn ends_in_escape(record: &[u8]) -> bool {
    let body = record.strip_suffix(b"\n").unwrap_or(record);
    body.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

/// Where in a CSV record the reader is, kept over its lines.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    Plain,
    Quoted,
    Behind,
}

#[derive(Default)]
struct Quotes {
    at: At,
}

impl Quotes {
    /// Reads one more line; true if no quote is open behind it.
    fn closed(&mut self, line: &[u8], layout: &Layout) -> bool {
        let mut quote = [0; 4];
        let quote = layout.quote.encode_utf8(&mut quote).as_bytes();
        let delimiter = layout.delimiter().as_bytes();
        let mut rest = line;
        while let Some(byte) = rest.first() {
            let (quoted, separated) = (rest.starts_with(quote), rest.starts_with(delimiter));
            let length = match self.at {
                At::Quoted if quoted && rest[quote.len()..].starts_with(quote) => quote.len() * 2,
                _ if quoted => quote.len(),
                At::Start | At::Plain | At::Behind if separated => delimiter.len(),
                _ => 1,
            };
            self.at = match self.at {
                At::Quoted if quoted && length == quote.len() => At::Behind,
                At::Quoted => At::Quoted,
                _ if separated => At::Start,
                At::Start if quoted => At::Quoted,
                At::Start if matches!(byte, b' ' | b'\t') => At::Start,
                At::Start => At::Plain,
                at => at,
            };
            rest = &rest[length..];
        }
        self.at != At::Quoted
    }
}

/// Writes a record's row.
fn row(loader: &mut Loader<'_>, record: &str) -> Result<(), Box<Reject>> {
    let layout = loader.layout;
    if record.len() > LARGEST_RECORD {
        return Err(Reject::record(1216, "The record is larger than 4 MB"));
    }
    let fields = match &layout.kind {
        Kind::Csv => csv(record, layout)?,
        Kind::Fixed(widths) => return fixed(loader, record, widths),
        _ => delimited(record, layout)?,
    };
    let columns = loader.columns;
    // A delimiter at the end of the line closes the last field and opens none.
    let trailing = fields.len() == columns.len() + 1 && fields.last().is_some_and(|f| f.0.is_empty() && !f.1);
    let fields = if trailing { &fields[..columns.len()] } else { &fields[..] };
    if fields.len() > columns.len() {
        return Err(Reject::record(1202, "Extra column(s) found"));
    }
    for (index, column) in columns.iter().enumerate() {
        match fields.get(index) {
            Some((text, quoted)) => loader.field(index, Some(text), !quoted)?,
            None if !layout.fill => return Err(column.reject("", 1214, "Delimiter not found")),
            None => missing(loader, index)?,
        }
    }
    Ok(())
}

/// FILLRECORD: a VARCHAR is filled with an empty text, everything else with NULL.
fn missing(loader: &mut Loader<'_>, index: usize) -> Result<(), Box<Reject>> {
    let columns = loader.columns;
    let text = matches!(columns.get(index).map(|c| c.kind), Some(Type::Varchar(_)));
    loader.field(index, text.then_some(""), false)
}

fn fixed(loader: &mut Loader<'_>, record: &str, widths: &[usize]) -> Result<(), Box<Reject>> {
    let columns = loader.columns;
    let mut rest = record;
    for (index, width) in widths.iter().enumerate() {
        if rest.is_empty() {
            if !loader.layout.fill {
                let reason = "Input data had fewer columns than the FIXEDWIDTH specification";
                return Err(columns
                    .get(index)
                    .map_or_else(|| Reject::record(1203, reason), |column| column.reject("", 1203, reason)));
            }
            missing(loader, index)?;
            continue;
        }
        let end = rest.char_indices().nth(*width).map_or(rest.len(), |(at, _)| at);
        loader.field(index, Some(&rest[..end]), true)?;
        rest = &rest[end..];
    }
    if rest.trim_end_matches(' ').is_empty() {
        Ok(())
    } else {
        Err(Reject::record(1202, "Extra column(s) found"))
    }
}

/// A field, and whether it was quoted.
type Field = (String, bool);

fn delimited(record: &str, layout: &Layout) -> Result<Vec<Field>, Box<Reject>> {
    let delimiter = layout.delimiter();
    let mut all = Vec::new();
    let mut rest = record;
    loop {
        let (field, behind) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) if layout.remove_quotes => {
                let (text, behind) = unquoted(&rest[1..], quote, layout)?;
                ((text, true), behind)
            }
            _ => {
                let (text, behind) = unescaped(rest, layout);
                ((text, false), behind)
            }
        };
        all.push(field);
        match behind.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None => return Ok(all),
        }
    }
}

/// A field up to its delimiter, which is left.
fn unescaped<'a>(rest: &'a str, layout: &Layout) -> (String, &'a str) {
    let delimiter = layout.delimiter();
    if !layout.escape {
        let end = rest.find(delimiter).unwrap_or(rest.len());
        return (rest[..end].to_owned(), &rest[end..]);
    }
    let mut text = String::new();
    let mut at = 0;
    while at < rest.len() && !rest[at..].starts_with(delimiter) {
        let mut chars = rest[at..].chars();
        let Some(c) = chars.next() else { break };
        at += c.len_utf8();
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            // The mark of NULL is not an escape.
            Some('N') if text.is_empty() && layout.null == "\\N" => {
                text.push_str("\\N");
                at += 1;
            }
            Some(escaped) => {
                text.push(escaped);
                at += escaped.len_utf8();
            }
            None => text.push('\\'),
        }
    }
    (text, &rest[at..])
}

/// REMOVEQUOTES: up to the quote that stands before a delimiter or at the end.
fn unquoted<'a>(rest: &'a str, quote: char, layout: &Layout) -> Result<(String, &'a str), Box<Reject>> {
    let delimiter = layout.delimiter();
    let mut text = String::new();
    let mut at = 0;
    while let Some(c) = rest[at..].chars().next() {
        at += c.len_utf8();
        let behind = &rest[at..];
        if c == quote && (behind.is_empty() || behind.starts_with(delimiter)) {
            return Ok((text, behind));
        }
        match behind.chars().next() {
            Some(escaped) if c == '\\' && layout.escape => {
                text.push(escaped);
                at += escaped.len_utf8();
            }
            _ => text.push(c),
        }
    }
    Err(Reject::record(1214, "Delimited value missing end quote"))
}

fn csv(record: &str, layout: &Layout) -> Result<Vec<Field>, Box<Reject>> {
    let delimiter = layout.delimiter();
    let formatting = || Reject::record(1216, "Invalid quote formatting for CSV");
    // Blanks around quotes are no data, unless they separate.
    let blank = |c: char| matches!(c, ' ' | '\t') && !delimiter.starts_with(c);
    let mut all = Vec::new();
    let mut rest = record;
    loop {
        let inner = rest.trim_start_matches(blank);
        let behind = if let Some(mut inside) = inner.strip_prefix(layout.quote) {
            let mut text = String::new();
            loop {
                let Some(end) = inside.find(layout.quote) else {
                    return Err(Reject::record(1214, "Delimited value missing end quote"));
                };
                text.push_str(&inside[..end]);
                inside = &inside[end + layout.quote.len_utf8()..];
                match inside.strip_prefix(layout.quote) {
                    Some(next) => {
                        text.push(layout.quote);
                        inside = next;
                    }
                    None => break,
                }
            }
            all.push((text, true));
            inside.trim_start_matches(blank)
        } else {
            let end = rest.find(delimiter).unwrap_or(rest.len());
            if rest[..end].contains(layout.quote) {
                return Err(formatting());
            }
            all.push((rest[..end].to_owned(), false));
            &rest[end..]
        };
        debug_assert!(!delimiter.contains(INVALID));
        match behind.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(all),
            None => return Err(formatting()),
        }
    }
}
