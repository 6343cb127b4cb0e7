//! Reading files as Redshift's COPY reads them, into COPY's text format.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::Value;

use crate::connection::Column;

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Delimited,
    Csv,
    Json,
}

/// What COPY's options say about files.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) kind: Kind,
    pub(super) delimiter: char,
    pub(super) quote: char,
    pub(super) null: String,
    pub(super) skip: usize,
    pub(super) remove_quotes: bool,
    pub(super) escape: bool,
    pub(super) empty_as_null: bool,
    pub(super) blanks_as_null: bool,
    pub(super) trim: bool,
    pub(super) fill: bool,
    pub(super) ignore_blank_lines: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            kind: Kind::Delimited,
            // Set by DELIMITER; until then the kind's own: `|`, and `,` for CSV.
            delimiter: '\0',
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
        }
    }
}

impl Layout {
    fn delimiter(&self) -> char {
        match (self.delimiter, self.kind) {
            ('\0', Kind::Csv) => ',',
            ('\0', _) => '|',
            (given, _) => given,
        }
    }
}

/// Whether a type holds text: an empty field of any other is NULL.
/// text, bpchar, varchar, char, name.
fn is_text(column: &Column) -> bool {
    matches!(column.type_oid, 25 | 1042 | 1043 | 18 | 19)
}

fn bad(line: usize, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line}: {what}"))
}

/// Reads a file and sends its rows.
///
/// # Errors
/// If it does not have the layout.
pub(super) fn feed(
    reader: Box<dyn Read>,
    layout: &Layout,
    columns: &[Column],
    send: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    match layout.kind {
        Kind::Json => json(reader, columns, send),
        Kind::Csv | Kind::Delimited => lines(reader, layout, columns, send),
    }
}

fn lines(
    reader: Box<dyn Read>,
    layout: &Layout,
    columns: &[Column],
    send: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut number = 0;
    let mut out = String::new();
    loop {
        let mut record = String::new();
        // A record goes on over line breaks that are quoted or escaped.
        loop {
            if reader.read_line(&mut record)? == 0 {
                break;
            }
            number += 1;
            if complete(&record, layout) {
                break;
            }
        }
        if record.is_empty() {
            return Ok(());
        }
        let record = record.strip_suffix('\n').unwrap_or(&record);
        let record = record.strip_suffix('\r').unwrap_or(record);
        if number <= layout.skip || (layout.ignore_blank_lines && record.trim().is_empty()) {
            continue;
        }
        let fields = fields(record, layout).map_err(|what| bad(number, what))?;
        out.clear();
        row(&fields, layout, columns, &mut out).map_err(|what| bad(number, &what))?;
        send(out.as_bytes())?;
    }
}

/// Whether a record ends here.
fn complete(record: &str, layout: &Layout) -> bool {
    if layout.kind == Kind::Csv || layout.remove_quotes {
        return record.chars().filter(|c| *c == layout.quote).count() % 2 == 0;
    }
    if layout.escape {
        let body = record.trim_end_matches(['\n', '\r']);
        return body.chars().rev().take_while(|c| *c == '\\').count() % 2 == 0;
    }
    true
}

/// A field, and whether it was quoted.
type Field = (String, bool);

fn fields(record: &str, layout: &Layout) -> Result<Vec<Field>, &'static str> {
    let delimiter = layout.delimiter();
    let quoting = layout.kind == Kind::Csv || layout.remove_quotes;
    let mut all = Vec::new();
    let (mut field, mut quoted, mut inside) = (String::new(), false, false);
    let mut chars = record.chars().peekable();
    while let Some(c) = chars.next() {
        if inside {
            // In CSV two quotes stand for one.
            let ends =
                c == layout.quote && !(layout.kind == Kind::Csv && chars.next_if_eq(&layout.quote).is_some());
            if ends {
                inside = false;
            } else {
                field.push(c);
            }
        } else if quoting && c == layout.quote && field.is_empty() && !quoted {
            inside = true;
            quoted = true;
        } else if layout.escape && c == '\\' {
            match chars.next() {
                // The mark of NULL is not an escape.
                Some('N') if field.is_empty() => field.push_str("\\N"),
                Some(escaped) => field.push(escaped),
                None => field.push('\\'),
            }
        } else if c == delimiter {
            all.push((std::mem::take(&mut field), quoted));
            quoted = false;
        } else {
            field.push(c);
        }
    }
    if inside {
        return Err("Delimited value missing end quote");
    }
    all.push((field, quoted));
    Ok(all)
}

fn row(fields: &[Field], layout: &Layout, columns: &[Column], out: &mut String) -> Result<(), String> {
    // A delimiter at the end of the line closes the last field and opens none.
    let trailing = fields.len() == columns.len() + 1 && fields.last().is_some_and(|f| f.0.is_empty() && !f.1);
    let fields = if trailing { &fields[..columns.len()] } else { fields };
    if fields.len() > columns.len() {
        return Err("Extra column(s) found".into());
    }
    if fields.len() < columns.len() && !layout.fill {
        return Err(format!("Delimiter not found: {} of {} columns", fields.len(), columns.len()));
    }
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push('\t');
        }
        let Some((text, quoted)) = fields.get(index) else {
            out.push_str("\\N");
            continue;
        };
        let text = if layout.trim && is_text(column) { text.trim_end_matches(' ') } else { text };
        let blank = text.trim().is_empty();
        let null = (!quoted && *text == layout.null)
            || (text.is_empty() && (!is_text(column) || layout.empty_as_null))
            || (layout.blanks_as_null && blank && (!text.is_empty() || !is_text(column)));
        if null {
            out.push_str("\\N");
        } else {
            escape(if is_text(column) { text } else { text.trim() }, out);
        }
    }
    out.push('\n');
    Ok(())
}

/// Escapes a value for COPY's text format.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
}

/// Objects, one after another or in an array; keys are matched to column names.
fn json(
    reader: Box<dyn Read>,
    columns: &[Column],
    send: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut number = 0;
    for value in serde_json::Deserializer::from_reader(reader).into_iter::<Value>() {
        let value = value.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))?;
        let objects = match value {
            Value::Array(all) => all,
            one => vec![one],
        };
        for object in objects {
            number += 1;
            let Value::Object(object) = object else { return Err(bad(number, "not a JSON object")) };
            let mut out = String::new();
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.push('\t');
                }
                match object.get(&column.name) {
                    None | Some(Value::Null) => out.push_str("\\N"),
                    Some(Value::String(text)) if text.is_empty() && !is_text(column) => out.push_str("\\N"),
                    Some(Value::String(text)) => escape(text, &mut out),
                    Some(other) => escape(&other.to_string(), &mut out),
                }
            }
            out.push('\n');
            send(out.as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, layout: &Layout) -> io::Result<String> {
        let columns =
            [Column { name: "id".into(), type_oid: 23 }, Column { name: "name".into(), type_oid: 1043 }];
        let mut out = Vec::new();
        let reader = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
        feed(reader, layout, &columns, &mut |data| {
            out.extend_from_slice(data);
            Ok(())
        })?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn delimited() {
        let layout = Layout::default();
        assert_eq!(load("1|a\n|b|\n3|\\N\n4|\n", &layout).expect("loads"), "1\ta\n\\N\tb\n3\t\\N\n4\t\n");
        assert!(load("1\n", &layout).is_err());
        assert!(load("1|a|b\n", &layout).is_err());
        let fill = Layout { fill: true, ..Layout::default() };
        assert_eq!(load("1\n", &fill).expect("loads"), "1\t\\N\n");
    }

    #[test]
    fn quotes_and_nulls() {
        let csv = Layout { kind: Kind::Csv, skip: 1, ..Layout::default() };
        assert_eq!(load("id,name\n1,\"a,\"\"b\nc\"\r\n", &csv).expect("loads"), "1\ta,\"b\\nc\n");
        let remove = Layout { remove_quotes: true, delimiter: ',', ..Layout::default() };
        assert_eq!(load("1,\"a,b\"\n", &remove).expect("loads"), "1\ta,b\n");
        let nulls =
            Layout { empty_as_null: true, blanks_as_null: true, null: "-".into(), ..Layout::default() };
        assert_eq!(load("1|\n2|  \n3|-\n", &nulls).expect("loads"), "1\t\\N\n2\t\\N\n3\t\\N\n");
        assert!(load("x\n1,\"open\n", &csv).is_err());
        let escape = Layout { escape: true, ..Layout::default() };
        assert_eq!(load("1|a\\|b\\\\\n", &escape).expect("loads"), "1\ta|b\\\\\n");
    }

    #[test]
    fn json_auto() {
        let layout = Layout { kind: Kind::Json, ..Layout::default() };
        let text = "{\"id\": 1, \"name\": \"a\\tb\"}\n{\"name\": [1, 2]}";
        assert_eq!(load(text, &layout).expect("loads"), "1\ta\\tb\n\\N\t[1,2]\n");
        assert!(load("{", &layout).is_err());
    }
}
