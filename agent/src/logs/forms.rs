//! The forms of a secret in the output of scripts and their tools.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter parts of Base64 may occur in any text by chance.
const SHORTEST_BASE64: usize = 8;

/// The secret itself, and as shells, SQL, JSON, URLs and Base64 write it. Each form once, the longest first.
///
/// Base64 has three forms, because the position of the secret determines how its bits are split into characters. Each form
/// contains only the characters that depend only on the secret.
pub(super) fn of(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.to_owned(),
        // Inside of '…': SQL, and a shell such as `bash -x`.
        secret.replace('\'', "''"),
        secret.replace('\'', r"'\''"),
        // Inside of "…".
        backslashed(secret, |c| "\"\\$`!".contains(c)),
        backslashed(secret, |c| "'\"\\".contains(c)),
        // `printf %q`.
        backslashed(secret, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+,".contains(c)),
    ];
    if let Ok(json) = serde_json::to_string(secret) {
        let inner = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default();
        forms.extend([inner.to_owned(), inner.replace('/', r"\/")]);
    }
    // RFC 3986 leaves `-._~`; Python's `quote` also `/`, JavaScript's `encodeURIComponent` also `!*'()`.
    for also in ["", "/", "!*'()"] {
        for upper in [true, false] {
            let url = percent(secret, also, upper);
            // HTML forms.
            forms.extend([url.replace("%20", "+"), url]);
        }
    }
    for before in 0..3 {
        // The bits before the secret do not matter: none of its characters starts with them.
        let bytes = [&vec![0; before], secret.as_bytes()].concat();
        let (from, to) = ((8 * before).div_ceil(6), 8 * bytes.len() / 6);
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.extend(text.get(from..to).filter(|run| run.len() >= SHORTEST_BASE64).map(str::to_owned));
        }
    }
    forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

fn backslashed(secret: &str, special: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(secret.len());
    for c in secret.chars() {
        if special(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn percent(secret: &str, also: &str, upper: bool) -> String {
    let mut text = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        let c = char::from(byte);
        // Writing to a String cannot fail.
        let _ = match (c.is_ascii_alphanumeric() || "-._~".contains(c) || also.contains(c), upper) {
            (true, _) => write!(text, "{c}"),
            (false, true) => write!(text, "%{byte:02X}"),
            (false, false) => write!(text, "%{byte:02x}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(secret: &str, form: &str) -> bool {
        of(secret).contains(&form.as_bytes().to_vec())
    }

    #[test]
    fn forms_are_those_of_the_tools() {
        let secret = "p'a/s s\"w$ö";
        for form in [
            secret,
            "p''a/s s\"w$ö",
            "p'\\''a/s s\"w$ö",
            // printf %q, python's json.dumps(ensure_ascii=False), PHP's json_encode.
            "p\\'a/s\\ s\\\"w\\$ö",
            "p'a/s s\\\"w$ö",
            "p'a\\/s s\\\"w$ö",
            // jq @uri, Python's quote, encodeURIComponent, a form.
            "p%27a%2Fs%20s%22w%24%C3%B6",
            "p%27a/s%20s%22w%24%C3%B6",
            "p'a%2Fs%20s%22w%24%C3%B6",
            "p%27a%2Fs+s%22w%24%C3%B6",
            "p%27a%2fs%20s%22w%24%c3%b6",
        ] {
            assert!(has(secret, form), "{form}");
        }
    }

    #[test]
    fn base64_is_found_whatever_stands_around_it() {
        let secret = "hunter22>>?";
        let forms = of(secret);
        for before in ["", "u:", "user:", "another:", "x"] {
            for after in ["", "\n", "@host", "ab"] {
                for text in
                    [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|e| e.encode(format!("{before}{secret}{after}")))
                {
                    let run = forms.iter().filter_map(|form| {
                        let form = std::str::from_utf8(form).unwrap();
                        text.contains(form).then_some(form.len())
                    });
                    // 88 bits, of which at most one character's at either end are shared with a neighbour.
                    assert!(run.max().is_some_and(|length| length >= 13), "{before:?} {after:?} {text}");
                }
            }
        }
        assert!(!of("short").iter().any(|form| form.starts_with(b"c2h")), "a short run is no proof");
    }

    #[test]
    fn a_plain_word_has_few_forms() {
        assert_eq!(of("hunter22").len(), 4, "itself, and three of Base64");
    }
}
