//! Patterns of names: `*`, `?`, quotes, and a schema before a dot.

use crate::lexer::quote::literal;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    schema: Option<String>,
    name: String,
}

impl Pattern {
    /// Reads a pattern as psql does: folded to lower case outside of quotes.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = vec![String::new()];
        let mut quoted = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let Some(part) = parts.last_mut() else { break };
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    part.push('"');
                }
                '"' => quoted = !quoted,
                '.' if !quoted => parts.push(String::new()),
                '*' if !quoted => part.push_str(".*"),
                '?' if !quoted => part.push('.'),
                '$' => part.push_str("\\$"),
                c if quoted && "|*+?()[]{}.^\\".contains(c) => part.extend(['\\', c]),
                c if quoted => part.push(c),
                c => part.extend(c.to_lowercase()),
            }
        }
        let name = parts.pop().unwrap_or_default();
        Self { schema: parts.pop(), name }
    }

    fn test(column: &str, regex: &str) -> String {
        // No literal of ours has a backslash that a server could read in two ways.
        let quoted = literal(&format!("^({regex})$"));
        format!("{column} ~ {}", quoted.trim_start())
    }

    /// A condition on a schema column and a name column. Without a schema, what is visible.
    pub(super) fn condition(&self, schema: &str, name: &str, visible: &str) -> String {
        let name = Self::test(name, &self.name);
        match &self.schema {
            Some(pattern) => format!("{name} AND {}", Self::test(schema, pattern)),
            None if visible.is_empty() => name,
            None => format!("{name} AND {visible}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let condition = |text: &str| Pattern::parse(text).condition("n", "c", "v");
        assert_eq!(condition("Foo*"), "c ~ '^(foo.*)$' AND v");
        assert_eq!(condition("s.\"A.b\""), "c ~ E'^(A\\\\.b)$' AND n ~ '^(s)$'");
    }
}
