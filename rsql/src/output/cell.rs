//! How wide text is on a screen, and how odd characters are shown.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// A value's lines, each made printable, with its width.
pub(super) type Lines = Vec<(String, usize)>;

fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| (0x20..0x7f).contains(b))
}

fn decode(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Width of the widest line, and the number of lines.
pub(super) fn measure(bytes: &[u8]) -> (usize, usize) {
    if is_plain(bytes) {
        return (bytes.len(), 1);
    }
    let (mut widest, mut width, mut lines) = (0, 0, 1);
    for c in decode(bytes).chars() {
        if c == '\n' {
            widest = widest.max(width);
            width = 0;
            lines += 1;
        } else {
            width += char_width(c, width);
        }
    }
    (widest.max(width), lines)
}

/// The width of a character as it is shown, at a column (a tab goes to the next multiple of eight).
fn char_width(c: char, at: usize) -> usize {
    match c {
        '\t' => 8 - at % 8,
        '\r' => 2,
        c if c.is_ascii_control() => 4,
        c => c.width().unwrap_or(6),
    }
}

/// The lines of a value, printable.
pub(super) fn lines(bytes: &[u8]) -> Lines {
    if is_plain(bytes) {
        return vec![(decode(bytes).into_owned(), bytes.len())];
    }
    let mut all = Vec::new();
    let (mut line, mut width) = (String::new(), 0);
    for c in decode(bytes).chars() {
        let wide = char_width(c, width);
        match c {
            '\n' => {
                all.push((std::mem::take(&mut line), width));
                width = 0;
                continue;
            }
            '\t' => line.extend(std::iter::repeat_n(' ', wide)),
            '\r' => line.push_str("\\r"),
            c if c.is_ascii_control() => line.push_str(&format!("\\x{:02X}", u32::from(c))),
            c if c.width().is_none() => line.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => line.push(c),
        }
        width += wide;
    }
    all.push((line, width));
    all
}

/// How much of `text` fits into `limit` columns: bytes and width. At least one character is taken.
pub(super) fn fit(text: &str, limit: usize) -> (usize, usize) {
    let (mut bytes, mut width) = (0, 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if width + wide > limit && bytes > 0 {
            break;
        }
        bytes += c.len_utf8();
        width += wide;
        if width > limit {
            break;
        }
    }
    (bytes, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        assert_eq!(measure(b"abc"), (3, 1));
        assert_eq!(measure("日本\nx".as_bytes()), (4, 2));
        assert_eq!(measure(b"a\tb"), (9, 1));
        assert_eq!(lines(b"a\x01"), vec![("a\\x01".to_owned(), 5)]);
        assert_eq!(fit("日本", 3), (3, 2));
    }
}
