//! The differences between two versions of a workflow.

use std::fmt;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::output::{one_line, styled};

/// Lines of context around a change.
const AROUND: usize = 2;

/// The changed lines with their context. Both sides are written with fields in alphabetical order, so that only
/// meaningful differences show.
pub(crate) struct Changes(Vec<(ChangeTag, String)>);

impl Changes {
    /// The changes from `old` to `new`.
    #[must_use]
    pub(crate) fn between(old: &Value, new: &Value) -> Self {
        let (old, new) = (text(old), text(new));
        let diff = TextDiff::from_lines(&old, &new);
        let mut lines = Vec::new();
        for (i, group) in diff.grouped_ops(AROUND).iter().enumerate() {
            if i > 0 {
                lines.push((ChangeTag::Equal, "…".to_owned()));
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                lines.push((change.tag(), one_line(change.value().trim_end_matches('\n'))));
            }
        }
        Self(lines)
    }

    /// Whether both are the same.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines without colours, each with its sign.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(tag, line)| format!("{} {line}", sign(*tag))).collect()
    }
}

/// An item with its fields in alphabetical order. Tables return them in any order.
#[must_use]
pub(crate) fn text(item: &Value) -> String {
    let mut item = item.clone();
    item.sort_all_objects();
    format!("{item:#}")
}

const fn sign(tag: ChangeTag) -> char {
    match tag {
        ChangeTag::Equal => ' ',
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (tag, line)) in self.0.iter().enumerate() {
            let style = match tag {
                ChangeTag::Equal => Style::new(),
                ChangeTag::Delete => AnsiColor::Red.on_default(),
                ChangeTag::Insert => AnsiColor::Green.on_default(),
            };
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{}", styled(style, format!("{} {line}", sign(*tag))))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_means_something_differs() {
        let old: Value = serde_json::from_str(r#"{ "b": 1, "a": [1, 2] }"#).unwrap();
        let same: Value = serde_json::from_str(r#"{ "a": [1, 2], "b": 1 }"#).unwrap();
        assert!(Changes::between(&old, &same).is_empty());
        let changes = Changes::between(&old, &json!({ "a": [1, 2], "b": 2 }));
        assert_eq!(changes.lines(), ["      2", "    ],", "-   \"b\": 1", "+   \"b\": 2", "  }"]);
    }
}
