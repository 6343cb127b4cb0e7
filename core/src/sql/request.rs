//! What identifies the statement of an attempt to the Data API.

use sha2::{Digest, Sha256};

use super::Bound;
use crate::{ExecutionId, JobId};

/// `StatementName` of an attempt. `ListStatements` filters by prefix, and `…/1` is one of `…/10`: compare it whole.
#[must_use]
pub fn statement_name(run: &ExecutionId, job: JobId, attempt: u32) -> String {
    format!("{run}/{job}/{attempt}")
}

/// `ClientToken` of an attempt: the same for each of its sendings, and for nothing else. 64 characters, the longest
/// that the service takes.
#[must_use]
pub fn client_token(run: &ExecutionId, job: JobId, attempt: u32) -> String {
    hex(Sha256::digest(statement_name(run, job, attempt)).as_slice())
}

/// SHA-256 of a job's statements and their values in hexadecimal: what a row holds in the place of their text. Where one
/// text ends and the next begins counts.
#[must_use]
pub fn digest(statements: &[Bound]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    for statement in statements {
        add(&statement.sql);
        for (name, value) in &statement.parameters {
            add(name);
            add(value);
        }
    }
    hex(hash.finalize().as_slice())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_a_name_and_a_token_of_its_own() {
        let run = ExecutionId::new("nightly-1").unwrap();
        let job = JobId::new(3, 17);
        assert_eq!(statement_name(&run, job, 1), "nightly-1/0003#00017/1");
        let tokens = [1, 2, 10].map(|attempt| client_token(&run, job, attempt));
        assert!(tokens.iter().all(|token| token.len() == 64));
        assert!(tokens[0] != tokens[1] && tokens[0] != tokens[2]);
        assert_eq!(tokens[0], client_token(&run, job, 1));
        let other = ExecutionId::new("nightly-10").unwrap();
        assert_ne!(client_token(&other, job, 1), tokens[0]);
    }

    #[test]
    fn a_digest_knows_where_statements_end() {
        let of = |statements: &[(&str, &[(&str, &str)])]| {
            let bound: Vec<Bound> = statements
                .iter()
                .map(|(sql, values)| Bound {
                    sql: (*sql).to_owned(),
                    parameters: values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                })
                .collect();
            digest(&bound)
        };
        assert_ne!(of(&[("ab", &[]), ("c", &[])]), of(&[("a", &[]), ("bc", &[])]));
        assert_ne!(of(&[("a", &[])]), of(&[("a", &[]), ("", &[])]));
        assert_ne!(of(&[("a", &[("b", "c")])]), of(&[("a", &[("b", "d")])]));
        assert_eq!(of(&[("a", &[])]), of(&[("a", &[])]));
        assert_eq!(of(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
