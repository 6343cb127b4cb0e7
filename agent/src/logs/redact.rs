//! Takes a secret out of a stream, also where it is split across writes.

/// Replaces every occurrence of one secret.
#[derive(Default)]
pub struct Redactor {
    secret: Vec<u8>,
    /// The end of what came so far, if it may be the beginning of the secret. Shorter than the secret.
    held: Vec<u8>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(…)")
    }
}

impl Redactor {
    /// What stands where the secret stood.
    pub const MARK: &'static [u8] = b"********";

    /// Shorter than this is no secret, and replacing it would leave nothing readable. Redshift's own passwords
    /// have at least 8 characters (Redshift database developer guide, `CREATE USER`).
    pub const SHORTEST: usize = 4;

    /// For a secret, if it is one.
    #[must_use]
    pub fn new(secret: Option<&str>) -> Self {
        let secret = secret.filter(|secret| secret.len() >= Self::SHORTEST).unwrap_or_default();
        Self { secret: secret.as_bytes().to_vec(), held: Vec::new() }
    }

    /// Takes the next bytes and passes on what is safe to show.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        let Some((&first, _)) = self.secret.split_first() else {
            out(bytes);
            return;
        };
        let joined;
        let mut rest = if self.held.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.held).as_slice(), bytes].concat();
            joined.as_slice()
        };
        let mut shown = 0;
        let mut at = 0;
        while let Some(found) = rest.get(at..).and_then(|tail| tail.iter().position(|&byte| byte == first)) {
            let start = at + found;
            let candidate = rest.get(start..).unwrap_or_default();
            if candidate.starts_with(&self.secret) {
                out(rest.get(shown..start).unwrap_or_default());
                out(Self::MARK);
                shown = start + self.secret.len();
                at = shown;
            } else if self.secret.starts_with(candidate) {
                self.held = candidate.to_vec();
                rest = rest.get(..start).unwrap_or_default();
                break;
            } else {
                at = start + 1;
            }
        }
        let tail = rest.get(shown..).unwrap_or_default();
        if !tail.is_empty() {
            out(tail);
        }
    }

    /// Passes on what was held back: the stream has ended, so it is not the secret.
    pub fn finish(&mut self, out: &mut dyn FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            out(&held);
        }
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
    }
}
