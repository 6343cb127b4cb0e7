//! A row in one of UNLOAD's formats.

use std::io;

use crate::dialect::load::Type;

/// The layout of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    Delimited,
    Csv,
    Json,
    Fixed(Vec<usize>),
}

/// How a row is written.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub(super) format: Format,
    pub(super) delimiter: Option<char>,
    pub(super) null: Option<String>,
    pub(super) quotes: bool,
    pub(super) escape: bool,
}

/// A column of the result.
#[derive(Debug, Clone)]
pub(crate) struct UnloadColumn {
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
}

impl Style {
    /// A row in this style; `None` is NULL. Without columns it is the header.
    pub(super) fn record(&self, fields: &[Option<String>], columns: &[&UnloadColumn]) -> io::Result<String> {
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
pub(super) fn unescape(field: &str) -> String {
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
