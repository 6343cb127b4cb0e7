//! `{{ name }}` in arguments and environment.
//!
//! A name is a parameter of the workflow or one of [`BUILT_IN`]; spaces around it do not matter. What is put in
//! is not read again, so a value with `{{` in it stays as it is. Four braces stand for two: `{{{{` gives `{{`.
//! `}}` alone is only text.

use std::collections::BTreeMap;
use std::fmt;

use crate::problem::{of_unknown, quoted};

/// Names that every workflow has: the date and moment of its start, its own id and the run's.
pub(crate) const BUILT_IN: [&str; 4] = ["ds", "ts", "workflow_id", "workflow_execution_id"];

/// The names that a template may use.
#[derive(Debug, Clone)]
pub(crate) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    pub(crate) fn with_parameters(parameters: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = BUILT_IN.into_iter().chain(parameters).collect();
        names.sort_unstable();
        Self(names)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().copied()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.binary_search(&name).is_ok()
    }
}

/// What is wrong with a template. It shows the placeholder, never the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemplateProblem {
    Unclosed,
    NotAName(String),
    Unknown(String),
}

impl TemplateProblem {
    pub(crate) fn hint(&self, names: &Names<'_>) -> String {
        match self {
            Self::Unclosed => "close it, or write `{{{{` for two braces".into(),
            Self::NotAName(_) => "a name is letters, digits and _; write `{{{{` for two braces".into(),
            Self::Unknown(name) => {
                // There are always those that are built in.
                let known = of_unknown(name, names.iter()).unwrap_or_default();
                format!("{known}; add others to `parameters`")
            }
        }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("has a `{{` without its `}}`"),
            Self::NotAName(text) => write!(f, "has `{{{{ }}}}` around {}, which is not a name", quoted(text)),
            Self::Unknown(name) => write!(f, "uses {}, which nobody defines", quoted(name)),
        }
    }
}

enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
}

/// Takes a template apart; the first malformed placeholder ends it.
fn parts(template: &str) -> impl Iterator<Item = Result<Part<'_>, TemplateProblem>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(tail) = rest.strip_prefix("{{{{") {
            rest = tail;
            return Some(Ok(Part::Text("{{")));
        }
        if let Some(tail) = rest.strip_prefix("{{") {
            let Some((inside, tail)) = tail.split_once("}}") else {
                rest = "";
                return Some(Err(TemplateProblem::Unclosed));
            };
            rest = tail;
            let name = inside.trim();
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            return Some(if is_name {
                Ok(Part::Name(name))
            } else {
                Err(TemplateProblem::NotAName(name.into()))
            });
        }
        let (text, tail) = rest.split_at(rest.find("{{").unwrap_or(rest.len()));
        rest = tail;
        Some(Ok(Part::Text(text)))
    })
}

/// Everything wrong with a template.
pub(crate) fn check(template: &str, names: &Names<'_>) -> Vec<TemplateProblem> {
    let mut problems: Vec<TemplateProblem> = Vec::new();
    for part in parts(template) {
        let problem = match part {
            Err(problem) => problem,
            Ok(Part::Name(name)) if !names.contains(name) => TemplateProblem::Unknown(name.to_owned()),
            Ok(_) => continue,
        };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// Puts the values in.
pub(crate) fn render(template: &str, values: &BTreeMap<&str, &str>) -> Result<String, TemplateProblem> {
    let mut rendered = String::with_capacity(template.len());
    for part in parts(template) {
        match part? {
            Part::Text(text) => rendered.push_str(text),
            Part::Name(name) => {
                let unknown = || TemplateProblem::Unknown(name.to_owned());
                rendered.push_str(values.get(name).ok_or_else(unknown)?);
            }
        }
    }
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered(template: &str) -> Result<String, TemplateProblem> {
        render(template, &BTreeMap::from([("ds", "2026-11-21"), ("table", "{{ ds }}"), ("empty", "")]))
    }

    #[test]
    fn names_are_replaced_once() {
        assert_eq!(rendered("--day={{ ds }}").unwrap(), "--day=2026-11-21");
        assert_eq!(rendered("{{ds}}{{  ds }}").unwrap(), "2026-11-212026-11-21");
        assert_eq!(rendered("{{ table }}").unwrap(), "{{ ds }}", "a value is not a template");
        assert_eq!(rendered("a{{ empty }}b}} {c} $(d)").unwrap(), "ab}} {c} $(d)");
        assert_eq!(rendered("{{{{ ds }}").unwrap(), "{{ ds }}");
        assert_eq!(rendered("{{{{{{ ds }}").unwrap(), "{{2026-11-21");
    }

    #[test]
    fn what_cannot_be_replaced_is_a_problem() {
        assert_eq!(rendered("{{ ds"), Err(TemplateProblem::Unclosed));
        assert_eq!(rendered("{{ }}"), Err(TemplateProblem::NotAName(String::new())));
        assert_eq!(rendered("{{ ds | upper }}"), Err(TemplateProblem::NotAName("ds | upper".into())));
        assert_eq!(rendered("{{{ds}}}"), Err(TemplateProblem::NotAName("{ds".into())));
        assert_eq!(rendered("{{ dss }}"), Err(TemplateProblem::Unknown("dss".into())));
    }

    proptest! {
        #[test]
        fn what_passes_the_check_renders(template in "([a-c{} ]|\\{\\{ (ds|table|other) \\}\\})*") {
            let names = Names::with_parameters(["table", "empty"]);
            prop_assert_eq!(check(&template, &names).is_empty(), rendered(&template).is_ok());
        }

        #[test]
        fn a_text_with_doubled_braces_renders_as_itself(text in "[a-c{} ]*") {
            prop_assume!(!text.contains("{{{"));
            prop_assert_eq!(rendered(&text.replace("{{", "{{{{")).unwrap(), text);
        }
    }
}
