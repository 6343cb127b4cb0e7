//! Values as typed fields, and what a result says about its columns.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rsql::{Column, Origin};
use serde_json::{Value, json};

/// A type of PostgreSQL's catalogue (<https://www.postgresql.org/docs/current/catalog-pg-type.html>), as far as an
/// answer differs by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Long,
    Double,
    Blob,
    Text,
}

fn kind(type_oid: u32) -> Kind {
    match type_oid {
        16 => Kind::Boolean,
        // int8, int2, int4, oid
        20 | 21 | 23 | 26 => Kind::Long,
        700 | 701 => Kind::Double,
        17 => Kind::Blob,
        _ => Kind::Text,
    }
}

/// Redshift's name of a type.
fn type_name(type_oid: u32) -> &'static str {
    match type_oid {
        16 => "bool",
        17 => "varbyte",
        18 | 1042 => "bpchar",
        19 => "name",
        20 => "int8",
        21 => "int2",
        23 => "int4",
        26 => "oid",
        700 => "float4",
        701 => "float8",
        1082 => "date",
        1083 => "time",
        1114 => "timestamp",
        1184 => "timestamptz",
        1186 => "interval",
        1266 => "timetz",
        1700 => "numeric",
        // json, jsonb
        114 | 3802 => "super",
        2278 => "void",
        _ => "varchar",
    }
}

/// A value as the answer has it.
fn field(type_oid: u32, value: Option<&[u8]>) -> Value {
    let Some(value) = value else { return json!({ "isNull": true }) };
    let text = String::from_utf8_lossy(value);
    let typed = match kind(type_oid) {
        Kind::Boolean => Some(json!({ "booleanValue": value == b"t" })),
        Kind::Long => text.parse::<i64>().ok().map(|number| json!({ "longValue": number })),
        Kind::Double => double(&text).map(|number| json!({ "doubleValue": number })),
        Kind::Blob => unhex(&text).map(|bytes| json!({ "blobValue": BASE64.encode(bytes) })),
        Kind::Text => None,
    };
    typed.unwrap_or_else(|| json!({ "stringValue": text }))
}

/// A number; what JSON has none for is a text, by the names of the protocol.
fn double(text: &str) -> Option<Value> {
    match text {
        "NaN" | "Infinity" | "-Infinity" => Some(json!(text)),
        text => text.parse::<f64>().ok().map(|number| json!(number)),
    }
}

/// The bytes of `\x0aff`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

/// Appends a row as a JSON list of fields.
pub(super) fn write_json(columns: &[Column], values: &[Option<&[u8]>], out: &mut String) {
    let type_of = |index: usize| columns.get(index).map_or(0, |column| column.type_oid);
    let row: Vec<Value> = values.iter().enumerate().map(|(i, value)| field(type_of(i), *value)).collect();
    // Writing to a `String` cannot fail.
    let _ = write!(out, "{}", Value::Array(row));
}

/// Appends a row as a line of CSV (RFC 4180). NULL is nothing, an empty text is `""`.
pub(super) fn write_csv(values: &[Option<&[u8]>], out: &mut String) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let Some(value) = value else { continue };
        let text = String::from_utf8_lossy(value);
        if text.is_empty() || text.contains([',', '"', '\r', '\n']) {
            let _ = write!(out, "\"{}\"", text.replace('"', "\"\""));
        } else {
            out.push_str(&text);
        }
    }
    out.push_str("\r\n");
}

/// `ColumnMetadata`.
pub(super) fn metadata(columns: &[Column], origins: &[Option<Origin>]) -> Value {
    let one = |(index, column): (usize, &Column)| {
        let origin = origins.get(index).and_then(Option::as_ref);
        let (precision, scale) = digits(column);
        let long = matches!(kind(column.type_oid), Kind::Text) && column.type_oid != 1700;
        json!({
            "name": column.name,
            "label": column.name,
            "typeName": type_name(column.type_oid),
            "schemaName": origin.map_or("", |origin| origin.schema.as_str()),
            "tableName": origin.map_or("", |origin| origin.table.as_str()),
            "nullable": i32::from(!origin.is_some_and(|origin| origin.not_null)),
            "precision": precision,
            "scale": scale,
            "length": 0,
            "isCaseSensitive": long,
            "isCurrency": false,
            "isSigned": matches!(kind(column.type_oid), Kind::Long | Kind::Double) || column.type_oid == 1700,
        })
    };
    columns.iter().enumerate().map(one).collect()
}

/// Precision, or length of what is not a number, and scale.
fn digits(column: &Column) -> (i32, i32) {
    // A modifier counts the four bytes of a length.
    let modifier = column.type_modifier - 4;
    match column.type_oid {
        16 => (1, 0),
        21 => (5, 0),
        23 | 26 => (10, 0),
        20 => (19, 0),
        700 => (8, 8),
        701 => (17, 17),
        1700 if modifier >= 0 => ((modifier >> 16) & 0xffff, modifier & 0x7ff),
        1082 => (13, 0),
        1114 => (29, 6),
        1184 => (35, 6),
        _ if modifier >= 0 => (modifier, 0),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_types() {
        for (oid, value, expected) in [
            (23, None, json!({"isNull": true})),
            (16, Some("t"), json!({"booleanValue": true})),
            (20, Some("-9223372036854775808"), json!({"longValue": i64::MIN})),
            (701, Some("1.5"), json!({"doubleValue": 1.5})),
            (701, Some("NaN"), json!({"doubleValue": "NaN"})),
            (1700, Some("1.50"), json!({"stringValue": "1.50"})),
            (17, Some("\\x00ff"), json!({"blobValue": "AP8="})),
            (25, Some(""), json!({"stringValue": ""})),
            (1082, Some("2026-01-31"), json!({"stringValue": "2026-01-31"})),
        ] {
            assert_eq!(field(oid, value.map(str::as_bytes)), expected, "{oid} {value:?}");
        }
    }

    proptest::proptest! {
        /// What is written is what a reader of CSV finds.
        #[test]
        fn csv_can_be_read(values in proptest::collection::vec(proptest::option::of("[a,\"\r\n ä]{0,4}"), 1..5)) {
            let mut text = String::new();
            let bytes: Vec<Option<&[u8]>> = values.iter().map(|v| v.as_deref().map(str::as_bytes)).collect();
            write_csv(&bytes, &mut text);
            proptest::prop_assert_eq!(read_csv(&text), values);
        }
    }

    /// One line, with NULL apart from an empty text.
    fn read_csv(text: &str) -> Vec<Option<String>> {
        let mut letters = text.strip_suffix("\r\n").unwrap().chars().peekable();
        let mut found = Vec::new();
        loop {
            let mut value = String::new();
            let quoted = letters.next_if_eq(&'"').is_some();
            while let Some(letter) = letters.next_if(|c| quoted || *c != ',') {
                if quoted && letter == '"' && letters.next_if_eq(&'"').is_none() {
                    break;
                }
                value.push(letter);
            }
            found.push((quoted || !value.is_empty()).then_some(value));
            if letters.next().is_none() {
                return found;
            }
        }
    }

    #[test]
    fn precision_and_scale_come_from_the_modifier() {
        let column = |type_oid, type_modifier| Column {
            name: "a".into(),
            type_oid,
            type_modifier,
            table_oid: 0,
            number: 0,
        };
        assert_eq!(digits(&column(1700, ((12 << 16) | 2) + 4)), (12, 2));
        assert_eq!(digits(&column(1043, 24)), (20, 0));
        assert_eq!(digits(&column(1043, -1)), (0, 0));
    }
}
