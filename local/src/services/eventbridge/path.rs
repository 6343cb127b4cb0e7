//! The paths of `InputPath` and `InputPathsMap`: dots, indices and `*`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>

use serde_json::Value;

/// A path into an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    /// Every element or member.
    All,
}

impl Path {
    /// Reads `$.detail.items[0].name`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, tail) = after.split_at_checked(end)?;
                steps.push(match name {
                    "" => return None,
                    "*" => Step::All,
                    name => Step::Field(name.to_owned()),
                });
                rest = tail;
            } else {
                let (inside, tail) = rest.strip_prefix('[')?.split_once(']')?;
                let quoted = |quote: char| inside.strip_prefix(quote)?.strip_suffix(quote);
                steps.push(match quoted('\'').or_else(|| quoted('"')) {
                    Some(name) => Step::Field(name.to_owned()),
                    None if inside == "*" => Step::All,
                    None => Step::Index(inside.parse().ok()?),
                });
                rest = tail;
            }
        }
        Some(Self(steps))
    }

    /// What the path leads to. With `*` it is the list of all that it leads to.
    pub(super) fn find(&self, event: &Value) -> Option<Value> {
        let mut found = vec![event];
        for step in &self.0 {
            found = found
                .into_iter()
                .flat_map(|value| match (step, value) {
                    (Step::Field(name), value) => value.get(name).into_iter().collect(),
                    (Step::Index(index), value) => value.get(index).into_iter().collect(),
                    (Step::All, Value::Array(elements)) => elements.iter().collect(),
                    (Step::All, Value::Object(members)) => members.values().collect(),
                    (Step::All, _) => Vec::new(),
                })
                .collect();
        }
        if self.0.contains(&Step::All) {
            return Some(found.into_iter().cloned().collect());
        }
        found.into_iter().next().cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_into_events() {
        let event = json!({"detail-type": "t", "detail": {"a b": [{"c": 1}, {"c": 2}]}});
        let find = |path: &str| Path::parse(path).unwrap().find(&event);
        assert_eq!(find("$"), Some(event.clone()));
        assert_eq!(find("$.detail-type"), Some(json!("t")));
        assert_eq!(find("$.detail['a b'][1].c"), Some(json!(2)));
        assert_eq!(find("$.detail.a b[*].c"), Some(json!([1, 2])));
        assert_eq!(find("$.detail.*[0].c"), Some(json!([1])));
        assert_eq!(find("$.nobody.c"), None);
        for bad in ["", "detail", "$detail", "$.", "$..a", "$[", "$[x]", "$.a[1"] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }
}
