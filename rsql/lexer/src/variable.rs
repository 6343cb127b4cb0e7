//! References to variables: `:name`, `:'name'`, `:"name"`, `:{?name}`.

/// How a reference is written, hence how its value is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `:name`: the value as it is.
    Plain,
    /// `:'name'`: as a string literal.
    Literal,
    /// `:"name"`: as an identifier.
    Identifier,
    /// `:{?name}`: TRUE or FALSE, whether it is set.
    Test,
}

/// A reference at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The variable.
    pub name: &'a str,
    /// How it is written.
    pub style: Style,
    /// Its length in bytes, colon included.
    pub length: usize,
}

impl Reference<'_> {
    /// What stands in its place; `None` leaves the reference as it is, as psql does with unset variables.
    pub fn render(&self, value: Option<&str>) -> Option<String> {
        match self.style {
            Style::Test => Some(if value.is_some() { "TRUE" } else { "FALSE" }.to_owned()),
            Style::Plain => value.map(str::to_owned),
            Style::Literal => value.map(super::quote::literal),
            Style::Identifier => value.map(super::quote::identifier),
        }
    }
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

/// Whether `name` may name a variable.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_name_byte)
}

fn name_length(text: &str) -> usize {
    text.bytes().take_while(|b| is_name_byte(*b)).count()
}

/// The reference that `text` (which begins with a colon) begins with.
pub fn read_reference(text: &str) -> Option<Reference<'_>> {
    let rest = text.strip_prefix(':')?;
    let (open, close, style) = match rest.as_bytes().first()? {
        b'\'' => ("'", "'", Style::Literal),
        b'"' => ("\"", "\"", Style::Identifier),
        b'{' => ("{?", "}", Style::Test),
        b if is_name_byte(*b) => {
            let length = name_length(rest);
            return Some(Reference { name: &rest[..length], style: Style::Plain, length: length + 1 });
        }
        _ => return None,
    };
    let inner = rest.strip_prefix(open)?;
    let length = name_length(inner);
    if length == 0 || !inner[length..].starts_with(close) {
        return None;
    }
    Some(Reference { name: &inner[..length], style, length: 1 + open.len() + length + close.len() })
}
