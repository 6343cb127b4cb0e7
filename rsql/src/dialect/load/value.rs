//! One field of a file as the value of a column, by the rules of Redshift's COPY.
//! <https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-conversion.html>

use super::{Layout, Reject};

/// What a column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// SMALLINT, INTEGER, BIGINT: the bytes of one.
    Integer(u8),
    /// DECIMAL with precision and scale, if it has them.
    Numeric(Option<(usize, usize)>),
    Float,
    Boolean,
    Date,
    Timestamp,
    TimestampTz,
    /// CHAR and its bytes.
    Char(Option<usize>),
    /// VARCHAR and its bytes.
    Varchar(Option<usize>),
    Super,
    /// What only the server can judge.
    Other,
}

impl Type {
    /// From a type's OID and modifier. <https://www.postgresql.org/docs/current/catalog-pg-type.html>
    pub(in crate::dialect) fn of(oid: u32, modifier: i32) -> Self {
        let length = usize::try_from(modifier - 4).ok();
        match oid {
            21 => Self::Integer(2),
            23 => Self::Integer(4),
            20 => Self::Integer(8),
            1700 => Self::Numeric(length.map(|m| (m >> 16, m & 0x7ff))),
            700 | 701 => Self::Float,
            16 => Self::Boolean,
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1184 => Self::TimestampTz,
            1042 => Self::Char(length),
            1043 | 25 | 19 => Self::Varchar(length),
            3802 | 114 => Self::Super,
            _ => Self::Other,
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_))
    }
}

/// A column that COPY fills.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(super) kind: Type,
    /// The type's name, as stl_load_errors has it.
    pub(super) type_name: String,
    pub(super) not_null: bool,
}

impl Target {
    /// A column.
    pub(in crate::dialect) fn new(name: &str, kind: Type, type_name: &str, not_null: bool) -> Self {
        Self { name: name.to_owned(), kind, type_name: type_name.to_owned(), not_null }
    }

    /// What it takes.
    pub(in crate::dialect) fn kind(&self) -> Type {
        self.kind
    }

    /// A refusal of a value for this column.
    pub(super) fn reject(&self, value: &str, code: i32, reason: impl Into<String>) -> Box<Reject> {
        let length = match self.kind {
            Type::Char(Some(n)) | Type::Varchar(Some(n)) => n.to_string(),
            Type::Numeric(Some((precision, scale))) => format!("{precision}, {scale}"),
            _ => "0".into(),
        };
        Box::new(Reject {
            column: self.name.clone(),
            type_name: self.type_name.clone(),
            length,
            value: value.to_owned(),
            code,
            reason: reason.into(),
        })
    }

    /// Writes NULL.
    ///
    /// # Errors
    /// If the column takes none.
    pub(super) fn null(&self, value: &str, out: &mut String) -> Result<(), Box<Reject>> {
        if self.not_null {
            return Err(self.reject(value, 1213, "Missing data for not-null field"));
        }
        out.push_str("\\N");
        Ok(())
    }

    /// Writes a value for COPY's text format.
    ///
    /// # Errors
    /// If the column does not take it.
    pub(super) fn value(&self, text: &str, layout: &Layout, out: &mut String) -> Result<(), Box<Reject>> {
        let trimmed = text.trim();
        match self.kind {
            Type::Char(length) => self.characters(text, length, layout, out),
            Type::Varchar(length) => {
                let text = if layout.trim { text.trim_end() } else { text };
                self.characters(text, length, layout, out)
            }
            Type::Integer(bytes) => {
                self.integer(trimmed, bytes)?;
                out.push_str(trimmed);
                Ok(())
            }
            Type::Numeric(size) => {
                out.push_str(self.numeric(trimmed, size, layout.round)?);
                Ok(())
            }
            Type::Float => match trimmed.parse::<f64>() {
                Ok(_) => {
                    out.push_str(trimmed);
                    Ok(())
                }
                Err(_) => Err(self.reject(text, 1208, format!("Invalid value for a FLOAT: {trimmed}"))),
            },
            Type::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "1" => {
                    out.push('t');
                    Ok(())
                }
                "f" | "false" | "n" | "no" | "0" => {
                    out.push('f');
                    Ok(())
                }
                _ => Err(self.reject(text, 1210, "Unknown boolean format")),
            },
            Type::Date => {
                let read = layout.date_format.read_date(trimmed);
                self.moment(text, read, layout, 1205, "Invalid Date Format - length must be 10 or more", out)
            }
            Type::Timestamp | Type::TimestampTz => {
                let read = layout.time_format.read(trimmed, self.kind == Type::TimestampTz);
                let reason = "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]";
                self.moment(text, read, layout, 1206, reason, out)
            }
            Type::Super | Type::Other => {
                escape(trimmed, out);
                Ok(())
            }
        }
    }

    fn moment(
        &self,
        text: &str,
        read: Option<String>,
        layout: &Layout,
        code: i32,
        reason: &str,
        out: &mut String,
    ) -> Result<(), Box<Reject>> {
        match read {
            Some(value) => {
                escape(&value, out);
                Ok(())
            }
            None if layout.accept_any_date => self.null(text, out),
            None => Err(self.reject(text, code, reason)),
        }
    }

    /// Text within its size, which is in bytes; CHAR holds single-byte characters only.
    fn characters(
        &self,
        text: &str,
        length: Option<usize>,
        layout: &Layout,
        out: &mut String,
    ) -> Result<(), Box<Reject>> {
        if matches!(self.kind, Type::Char(_)) && !text.is_ascii() {
            let reason = "Multibyte character not supported for CHAR (Hint: try using VARCHAR)";
            return Err(self.reject(text, 1220, reason));
        }
        let fitting = match length {
            Some(length) if text.len() > length => {
                let mut end = length;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                let (kept, lost) = text.split_at(end);
                // Blanks at the end are no data.
                if !layout.truncate && lost.chars().any(|c| c != ' ') {
                    return Err(self.reject(text, 1204, "String length exceeds DDL length"));
                }
                kept
            }
            _ => text,
        };
        escape(fitting, out);
        Ok(())
    }

    fn integer(&self, text: &str, bytes: u8) -> Result<(), Box<Reject>> {
        let name = match bytes {
            2 => "Short",
            4 => "Integer",
            _ => "Long",
        };
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sign = text.len() - digits.len();
        if let Some((at, bad)) = digits.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            let reason = format!("Invalid digit, Value '{bad}', Pos {}, Type: {name}", at + sign);
            return Err(self.reject(text, 1207, reason));
        }
        let fits = match bytes {
            2 => text.parse::<i16>().is_ok(),
            4 => text.parse::<i32>().is_ok(),
            _ => text.parse::<i64>().is_ok(),
        };
        if fits {
            Ok(())
        } else {
            Err(self.reject(text, 1207, format!("Overflow, Value '{text}', Type: {name}")))
        }
    }

    /// A number without the decimals that the column has no place for: COPY cuts them off, unless ROUNDEC is given.
    fn numeric<'a>(
        &self,
        text: &'a str,
        size: Option<(usize, usize)>,
        round: bool,
    ) -> Result<&'a str, Box<Reject>> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sign = text.len() - digits.len();
        let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !plain {
            // An exponent is the server's to apply.
            if text.parse::<f64>().is_ok_and(f64::is_finite) {
                return Ok(text);
            }
            let (at, bad) =
                digits.char_indices().find(|(_, c)| !c.is_ascii_digit() && *c != '.').unwrap_or((0, ' '));
            let reason = format!("Invalid digit, Value '{bad}', Pos {}, Type: Decimal", at + sign);
            return Err(self.reject(text, 1207, reason));
        }
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() + decimals.len() == 0 || decimals.contains('.') {
            return Err(self.reject(text, 1209, format!("Invalid value for a DECIMAL: {text}")));
        }
        let Some((precision, scale)) = size else { return Ok(text) };
        if whole.trim_start_matches('0').len() > precision.saturating_sub(scale) {
            return Err(self.reject(text, 1204, format!("Overflow for NUMERIC({precision},{scale})")));
        }
        if round || decimals.len() <= scale {
            return Ok(text);
        }
        let kept = text.len() - (decimals.len() - scale);
        Ok(text[..kept].trim_end_matches('.'))
    }
}

/// Escapes a value for COPY's text format.
pub(super) fn escape(text: &str, out: &mut String) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(oid: u32, modifier: i32, text: &str, layout: &Layout) -> Result<String, (i32, String)> {
        let column = Target {
            name: "c".into(),
            kind: Type::of(oid, modifier),
            type_name: "t".into(),
            not_null: false,
        };
        let mut out = String::new();
        column.value(text, layout, &mut out).map(|()| out).map_err(|r| (r.code, r.reason))
    }

    #[test]
    fn sizes_are_bytes() {
        let layout = Layout::default();
        assert_eq!(value(1043, 8, "abcd", &layout).as_deref(), Ok("abcd"));
        assert_eq!(value(1043, 8, "äöü", &layout).unwrap_err().0, 1204);
        assert_eq!(value(1043, 8, "abc   ", &layout).as_deref(), Ok("abc "));
        assert_eq!(value(1042, 8, "ä", &layout).unwrap_err().0, 1220);
        let truncate = Layout { truncate: true, ..Layout::default() };
        assert_eq!(value(1043, 7, "äöü", &truncate).as_deref(), Ok("ä"));
    }

    #[test]
    fn numbers() {
        let layout = Layout::default();
        let round = Layout { round: true, ..Layout::default() };
        let decimal = (8 << 16) + 2 + 4;
        assert_eq!(value(1700, decimal, "20.259", &layout).as_deref(), Ok("20.25"));
        assert_eq!(value(1700, decimal, "20.259", &round).as_deref(), Ok("20.259"));
        assert_eq!(value(1700, decimal, "-.5", &layout).as_deref(), Ok("-.5"));
        assert_eq!(value(1700, (8 << 16) + 4, "7.9", &layout).as_deref(), Ok("7"));
        assert_eq!(value(1700, decimal, "1234567", &layout).unwrap_err().0, 1204);
        assert_eq!(value(1700, decimal, ".", &layout).unwrap_err().0, 1209);
        let (code, reason) = value(23, -1, "1x", &layout).unwrap_err();
        assert_eq!((code, reason.as_str()), (1207, "Invalid digit, Value 'x', Pos 1, Type: Integer"));
        assert_eq!(value(21, -1, "40000", &layout).unwrap_err().0, 1207);
        assert_eq!(value(16, -1, "Yes", &layout).as_deref(), Ok("t"));
        assert_eq!(value(16, -1, "on", &layout).unwrap_err().0, 1210);
        assert_eq!(value(701, -1, "1e3", &layout).as_deref(), Ok("1e3"));
    }
}
