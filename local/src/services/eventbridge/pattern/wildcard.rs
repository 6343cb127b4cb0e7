//! `*` for any characters; `\*` and `\\` for the characters themselves.

/// A compiled wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::services::eventbridge) struct Wildcard {
    /// The texts between the wildcards; one more than there are wildcards.
    parts: Vec<String>,
}

impl Wildcard {
    /// Reads a wildcard.
    ///
    /// # Errors
    /// Two wildcards that touch, which the service refuses, and unknown escapes.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut part = String::new();
        let mut after_wildcard = false;
        let mut characters = text.char_indices();
        while let Some((at, c)) = characters.next() {
            let wildcard = c == '*';
            match c {
                '*' if after_wildcard => {
                    return Err(format!("Consecutive wildcard characters at pos {}", at - 1));
                }
                '*' => parts.push(std::mem::take(&mut part)),
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => part.push(escaped),
                    _ => return Err(format!("Invalid escape character at pos {at}")),
                },
                other => part.push(other),
            }
            after_wildcard = wildcard;
        }
        parts.push(part);
        Ok(Self { parts })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            // Without a wildcard there is one part.
            return self.parts.iter().any(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        // The leftmost place of each part leaves the most for those after it.
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        rest.ends_with(last.as_str())
    }
}
