//! The results of a diagnostic command (`rsqlflow doctor`, `rsqlflow-agent doctor`): what was checked, what was found,
//! and what to do about it.

use std::fmt::Write as _;

use serde::Serialize;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Not as it should be, but jobs run.
    Warning,
    /// It could not be checked, for example without permission.
    Unknown,
    /// Jobs fail or do not start.
    Failed,
}

impl Health {
    /// The word that text output shows, padded to one width.
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok     ",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Failed => "FAILED ",
        }
    }
}

/// One check and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked, for example `table rsqlflow-config-table`.
    pub name: String,
    /// The result.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it. `None` where there is nothing to do.
    pub hint: Option<String>,
}

impl Check {
    /// A check without a finding.
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), health: Health::Ok, found: found.into(), hint: None }
    }

    /// A finding that does not stop jobs.
    pub fn warning(name: impl Into<String>, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name: name.into(), health: Health::Warning, found: found.into(), hint: Some(hint.into()) }
    }

    /// A check that could not be made; `found` says why.
    pub fn unknown(name: impl Into<String>, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { health: Health::Unknown, ..Self::warning(name, found, hint) }
    }

    /// A finding that stops jobs.
    pub fn failed(name: impl Into<String>, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { health: Health::Failed, ..Self::warning(name, found, hint) }
    }
}

/// How many checks have this result.
#[must_use]
pub fn count(checks: &[Check], health: Health) -> usize {
    checks.iter().filter(|check| check.health == health).count()
}

/// The checks as text: one line each, its hint below, and a summary. `paint` may colour the word of a result.
#[must_use]
pub fn text(checks: &[Check], paint: impl Fn(Health, &'static str) -> String) -> String {
    let mut out = String::new();
    for check in checks {
        // The answer of a service can have several lines, and the bytes of a terminal's control sequence.
        let found: String = check.found.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = found.replace(char::is_control, "\u{fffd}");
        let _ = writeln!(out, "  {}  {}: {found}", paint(check.health, check.health.word()), check.name);
        if let Some(hint) = &check.hint {
            let _ = writeln!(out, "           hint: {hint}");
        }
    }
    let problems = match count(checks, Health::Failed) {
        0 => "no problems found".to_owned(),
        1 => "1 problem found".to_owned(),
        problems => format!("{problems} problems found"),
    };
    let _ = match count(checks, Health::Unknown) {
        0 => writeln!(out, "{problems}"),
        1 => writeln!(out, "{problems}; 1 check could not be made"),
        unknown => writeln!(out, "{problems}; {unknown} checks could not be made"),
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_a_line_and_its_hint_the_next() {
        let checks = [
            Check::ok("disk", "1 GB free"),
            Check::failed("table a", "not\nfound \u{1b}[2J", "deploy it"),
            Check::unknown("role", "access denied", "ask for iam:GetRole"),
        ];
        let expected = "  ok       disk: 1 GB free\n  \
                          FAILED   table a: not found \u{fffd}[2J\n           hint: deploy it\n  \
                          unknown  role: access denied\n           hint: ask for iam:GetRole\n\
                        1 problem found; 1 check could not be made\n";
        assert_eq!(text(&checks, |_, word| word.to_owned()), expected);
        assert_eq!(text(&[], |_, word| word.to_owned()), "no problems found\n");
    }
}
