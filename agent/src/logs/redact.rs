//! Removes a secret from a stream, even if it is split across writes.

use super::forms;

/// Replaces every occurrence of one secret, in any of its forms.
#[derive(Default)]
pub struct Redactor {
    /// The forms, longest first.
    forms: Vec<Vec<u8>>,
    /// A bit for each byte with which a form starts.
    begins: [u64; 4],
    /// The end of the input, if it may be the start of a form. Shorter than the longest form.
    held: Vec<u8>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(…)")
    }
}

/// The result for a position in the stream.
enum Found {
    /// A form of this length.
    Form(usize),
    /// Possibly a form, or a longer one: the next bytes decide.
    Perhaps,
    /// No form.
    Nothing,
}

impl Redactor {
    /// The replacement.
    pub const MARK: &'static [u8] = b"********";

    /// A shorter text is not redacted, because the output would be unreadable. Redshift's own passwords have at least 8
    /// characters (Redshift database developer guide, `CREATE USER`).
    pub const SHORTEST: usize = 4;

    /// For a secret, if it is long enough.
    #[must_use]
    pub fn new(secret: Option<&str>) -> Self {
        let secret = secret.filter(|secret| secret.len() >= Self::SHORTEST);
        let mut redactor = Self { forms: secret.map(forms::of).unwrap_or_default(), ..Self::default() };
        for first in redactor.forms.iter().filter_map(|form| form.first()) {
            if let Some(bits) = redactor.begins.get_mut(usize::from(first / 64)) {
                *bits |= 1 << (first % 64);
            }
        }
        redactor
    }

    /// Processes the next bytes, and passes on the redacted output.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        if self.forms.is_empty() {
            out(bytes);
        } else if self.held.is_empty() {
            self.scan(bytes, false, out);
        } else {
            let joined = [std::mem::take(&mut self.held).as_slice(), bytes].concat();
            self.scan(&joined, false, out);
        }
    }

    /// Passes on the pending bytes at the end of the stream.
    pub fn finish(&mut self, out: &mut dyn FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        self.scan(&held, true, out);
    }

    fn scan(&mut self, bytes: &[u8], last: bool, out: &mut dyn FnMut(&[u8])) {
        let mut show = |part: Option<&[u8]>| {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                out(part);
            }
        };
        let (mut shown, mut at) = (0, 0);
        while let Some(found) =
            bytes.get(at..).and_then(|tail| tail.iter().position(|&byte| self.may_begin(byte)))
        {
            let start = at + found;
            let tail = bytes.get(start..).unwrap_or_default();
            match self.find(tail, last) {
                Found::Form(length) => {
                    show(bytes.get(shown..start));
                    show(Some(Self::MARK));
                    shown = start + length;
                    at = shown;
                }
                Found::Perhaps => {
                    show(bytes.get(shown..start));
                    self.held = tail.to_vec();
                    return;
                }
                Found::Nothing => at = start + 1,
            }
        }
        show(bytes.get(shown..));
    }

    fn may_begin(&self, byte: u8) -> bool {
        self.begins.get(usize::from(byte / 64)).is_some_and(|bits| bits >> (byte % 64) & 1 == 1)
    }

    fn find(&self, tail: &[u8], last: bool) -> Found {
        for form in &self.forms {
            if tail.starts_with(form) {
                return Found::Form(form.len());
            }
            if !last && form.starts_with(tail) {
                return Found::Perhaps;
            }
        }
        Found::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through(secret: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let mut redactor = Redactor::new(Some(secret));
        let mut all = Vec::new();
        for piece in pieces {
            redactor.push(piece, &mut |bytes| all.extend_from_slice(bytes));
        }
        redactor.finish(&mut |bytes| all.extend_from_slice(bytes));
        all
    }

    #[test]
    fn a_secret_split_across_writes_is_found() {
        assert_eq!(through("hunter22", &[b"a hun", b"ter", b"22 b hunt"]), b"a ******** b hunt");
        assert_eq!(through("aaab", &[b"aaaa", b"b"]), b"a********");
        assert_eq!(through("pw", &[b"pw"]), b"pw", "too short to be one");
    }

    #[test]
    fn the_longest_form_wins_and_what_is_left_at_the_end_is_looked_at() {
        // As it is, and with the last character escaped, which is longer.
        assert_eq!(through("abcd\"", &[b"abcd", b"\"", b"abcd\\\""]), b"****************");
        assert_eq!(through("ab'cd'", &[b"x ab''", b"cd'"]), b"x ab''cd'", "half of a form is none");
        assert_eq!(through("ab'cd'", &[b"x ab'cd'"]), b"x ********", "the longer form did not come");
    }

    #[test]
    fn encoded_forms_are_hidden() {
        let secret = "s3cr/t pass'w";
        for (text, shown) in [
            ("PGPASSWORD='s3cr/t pass'\\''w' psql", "PGPASSWORD='********' psql"),
            ("postgres://u:s3cr%2Ft%20pass%27w@h/db", "postgres://u:********@h/db"),
            ("{\"password\":\"s3cr\\/t pass'w\"}", "{\"password\":\"********\"}"),
            ("alter user u password 's3cr/t pass''w'", "alter user u password '********'"),
            // base64 of "u:s3cr/t pass'w": its ends are shared with the neighbours.
            ("Authorization: Basic dTpzM2NyL3QgcGFzcyd3", "Authorization: Basic dTp********"),
        ] {
            assert_eq!(String::from_utf8_lossy(&through(secret, &[text.as_bytes()])), shown);
        }
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_result_is_that_of_the_whole(
            text in "[ab\n]{0,60}", secret in "[ab]{4,6}", size in 1usize..9,
        ) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let got = String::from_utf8(through(&secret, &pieces)).unwrap();
            prop_assert_eq!(&got, &text.replace(&secret, "********"));
            prop_assert!(!got.contains(&secret));
        }

        #[test]
        fn forms_are_found_however_they_are_cut(
            secret in "[a/' ]{4,8}", picks in proptest::collection::vec((any::<usize>(), any::<usize>()), 0..6),
            size in 1usize..9,
        ) {
            let all = forms::of(&secret);
            // Forms and beginnings of forms, one after another.
            let mut text = Vec::new();
            for (form, length) in picks {
                let form = &all[form % all.len()];
                text.extend_from_slice(&form[..=length % form.len()]);
            }
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let got = through(&secret, &pieces);
            prop_assert_eq!(&got, &through(&secret, &[&text]));
            prop_assert!(!all.iter().any(|form| got.windows(form.len()).any(|part| part == form)));
        }
    }
}
