//! Variables, and those that are settings.

use std::collections::BTreeMap;

/// Variables that only take a Boolean.
const BOOLEANS: &[&str] = &["AUTOCOMMIT", "ON_ERROR_STOP", "QUIET", "SINGLELINE"];

/// Settings of psql that this client does not have; switching them on must not pass unnoticed.
const UNSUPPORTED: &[&str] = &["ON_ERROR_ROLLBACK", "SINGLESTEP"];

/// A variable that cannot be set so.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SetError {
    /// Names are letters, digits and underscores.
    #[error("invalid variable name: \"{0}\"")]
    Name(String),
    /// It only takes on or off.
    #[error("unrecognized value \"{value}\" for \"{name}\": Boolean expected")]
    Boolean {
        /// The variable.
        name: String,
        /// What was given.
        value: String,
    },
    /// It only takes these.
    #[error("unrecognized value \"{value}\" for \"{name}\"\nAvailable values are: {choices}.")]
    Choice {
        /// The variable.
        name: String,
        /// What was given.
        value: String,
        /// What it takes.
        choices: &'static str,
    },
    /// It is a setting that this client does not have.
    #[error("{0} is not supported")]
    Unsupported(String),
}

/// The variables of a session.
#[derive(Debug, Clone)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

impl Default for Variables {
    fn default() -> Self {
        let initial = [
            ("AUTOCOMMIT", "on"),
            ("ECHO", "none"),
            ("ENCODING", "UTF8"),
            ("ERROR", "false"),
            ("ERRORCODE", "00000"),
            ("SQLSTATE", "00000"),
            ("ROW_COUNT", "0"),
            ("ACTIVITYCOUNT", "0"),
            ("LAST_ERROR_MESSAGE", ""),
            ("LAST_ERROR_SQLSTATE", "00000"),
            ("ON_ERROR_STOP", "off"),
            ("QUIET", "off"),
            ("SHOW_CONTEXT", "errors"),
            ("VERBOSITY", "default"),
        ];
        Self { values: initial.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() }
    }
}

impl Variables {
    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether a Boolean variable is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).and_then(parse_bool).unwrap_or(false)
    }

    /// Sets a variable as a script does.
    ///
    /// # Errors
    /// If the name is none, or a setting does not take the value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), SetError> {
        if !crate::lexer::is_name(name) {
            return Err(SetError::Name(name.into()));
        }
        let refused = || (name.to_owned(), value.to_owned());
        let choices = match name {
            "ECHO" => Some("none, errors, queries, all"),
            "VERBOSITY" => Some("default, verbose, terse, sqlstate"),
            "SHOW_CONTEXT" => Some("never, errors, always"),
            _ => None,
        };
        let mut value = value;
        if BOOLEANS.contains(&name) {
            // As in psql, setting such a variable to nothing switches it on.
            value = if value.is_empty() { "on" } else { value };
            if parse_bool(value).is_none() {
                let (name, value) = refused();
                return Err(SetError::Boolean { name, value });
            }
        } else if UNSUPPORTED.contains(&name) && parse_bool(value) != Some(false) {
            return Err(SetError::Unsupported(name.into()));
        } else if let Some(choices) = choices {
            let known = choices.split(", ").find(|c| c.eq_ignore_ascii_case(value));
            let Some(known) = known else {
                let (name, value) = refused();
                return Err(SetError::Choice { name, value, choices });
            };
            value = known;
        }
        self.put(name, value);
        Ok(())
    }

    /// Sets a variable without looking at what it means.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        // The status variables are set after every statement: do not allocate anew each time.
        match self.values.get_mut(name) {
            Some(old) => value.clone_into(old),
            None => {
                self.values.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Removes a variable; settings fall back to off.
    ///
    /// # Errors
    /// If the name is none.
    pub(crate) fn unset(&mut self, name: &str) -> Result<(), SetError> {
        if !crate::lexer::is_name(name) {
            return Err(SetError::Name(name.into()));
        }
        match name {
            _ if BOOLEANS.contains(&name) => self.put(name, "off"),
            "ECHO" => self.put(name, "none"),
            "VERBOSITY" => self.put(name, "default"),
            "SHOW_CONTEXT" => self.put(name, "errors"),
            _ => {
                self.values.remove(name);
            }
        }
        Ok(())
    }

    /// All variables, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

/// A Boolean as psql reads it: `on`, `off`, 0, 1, and unique beginnings of true, false, yes, no.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| lower.len() >= least && word.starts_with(&lower);
    match lower.as_str() {
        "1" | "on" => Some(true),
        "0" => Some(false),
        _ if begins("true", 1) || begins("yes", 1) => Some(true),
        _ if begins("false", 1) || begins("no", 1) || begins("off", 2) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, value) in
            [("T", Some(true)), ("of", Some(false)), ("o", None), ("", None), ("2", None), ("n", Some(false))]
        {
            assert_eq!(parse_bool(text), value, "{text}");
        }
    }

    #[test]
    fn settings_are_checked() {
        let mut variables = Variables::default();
        assert!(variables.set("ON_ERROR_STOP", "maybe").is_err());
        assert_eq!(variables.set("ON_ERROR_STOP", ""), Ok(()));
        assert!(variables.is_on("ON_ERROR_STOP"));
        assert_eq!(variables.unset("ON_ERROR_STOP"), Ok(()));
        assert!(!variables.is_on("ON_ERROR_STOP"));
        assert!(variables.set("a-b", "1").is_err());
        assert!(variables.set("ON_ERROR_ROLLBACK", "on").is_err());
    }
}
