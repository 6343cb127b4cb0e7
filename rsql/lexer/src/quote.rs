//! Quoting a value for SQL.

/// `value` as a string literal, as libpq's `PQescapeLiteral` writes it: a backslash makes it ` E'…'`.
pub fn literal(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    let backslash = value.contains('\\');
    text.push_str(if backslash { " E'" } else { "'" });
    for c in value.chars() {
        if c == '\'' || c == '\\' {
            text.push(c);
        }
        text.push(c);
    }
    text.push('\'');
    text
}

/// `value` as a quoted identifier.
pub fn identifier(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// A word as an identifier argument of a meta command: folded to lower case unless quoted.
pub fn fold_identifier(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut inside = false;
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '"' {
            if inside && chars.peek() == Some(&'"') {
                chars.next();
                text.push('"');
            } else {
                inside = !inside;
            }
        } else if inside {
            text.push(c);
        } else {
            text.push(c.to_ascii_lowercase());
        }
    }
    text
}
