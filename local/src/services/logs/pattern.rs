//! Filter patterns for unstructured log events: terms, quoted phrases, `?optional` and `-excluded` terms.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

use crate::http::AwsError;
use crate::services::logs::rows;

/// A filter pattern. Matching is case-sensitive, as in the service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// Parses a pattern. Patterns for JSON and space-delimited events, and regular expressions, are refused.
    pub(super) fn parse(text: &str) -> Result<Self, AwsError> {
        let mut rest = text.trim();
        if rest.starts_with(['{', '[', '%']) {
            return Err(AwsError::not_implemented(
                "a filterPattern for JSON, for fields, or with a regular expression",
            ));
        }
        let mut pattern = Self::default();
        while !rest.is_empty() {
            let (list, after) = match rest.strip_prefix('?') {
                Some(after) => (&mut pattern.any, after),
                None => match rest.strip_prefix('-') {
                    Some(after) => (&mut pattern.none, after),
                    None => (&mut pattern.all, rest),
                },
            };
            let (term, after) = term(after)?;
            list.push(term);
            rest = after.trim_start();
        }
        // With a required term, optional terms have no effect.
        if !pattern.all.is_empty() {
            pattern.any.clear();
        }
        Ok(pattern)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        self.all.iter().all(has)
            && (self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}

/// One term or quoted phrase, and the rest of the text.
fn term(text: &str) -> Result<(String, &str), AwsError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (term, rest) = text.split_at(end);
        if term.is_empty() {
            return Err(rows::invalid("Invalid filter pattern: a term is missing"));
        }
        return Ok((term.to_owned(), rest));
    };
    let mut term = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((term, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => term.extend(characters.next().map(|(_, escaped)| escaped)),
            c => term.push(c),
        }
    }
    Err(rows::invalid("Invalid filter pattern: a quote is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_phrases_and_signs() {
        let matches = |pattern: &str, message: &str| Pattern::parse(pattern).unwrap().matches(message);
        assert!(matches("", "anything"));
        assert!(matches("ERROR", "an ERROR here") && !matches("ERROR", "an error here"));
        assert!(matches("a b", "b then a") && !matches("a b", "a only"));
        assert!(matches(r#""a b""#, "x a b") && !matches(r#""a b""#, "b a"));
        assert!(matches("?a ?b", "b") && !matches("?a ?b", "c"));
        assert!(matches("a -b", "a") && !matches("a -b", "a b"));
        assert!(matches(r#""say \"hi\"""#, r#"say "hi""#));
    }

    #[test]
    fn what_it_cannot_match_is_refused() {
        assert_eq!(Pattern::parse("{ $.a = 1 }").unwrap_err().status, 501);
        assert_eq!(Pattern::parse("[a, b]").unwrap_err().status, 501);
        assert_eq!(Pattern::parse(r#""open"#).unwrap_err().status, 400);
        assert_eq!(Pattern::parse("a ? b").unwrap_err().status, 400);
    }
}
