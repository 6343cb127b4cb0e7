//! What is wrong with a definition.

use std::fmt;

/// One problem of a definition. Parsing reports all of them at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Name of the state it is in; `None` for the machine's own fields.
    pub state: Option<String>,
    /// The field, with its parents inside the state: `Catch[0]/Next`. Empty if the state as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(state) = &self.state {
            write!(f, "state \"{state}\"")?;
            if !self.field.is_empty() {
                f.write_str(", ")?;
            }
        }
        if !self.field.is_empty() {
            write!(f, "field \"{}\"", self.field)?;
        }
        if self.state.is_none() && self.field.is_empty() {
            f.write_str("definition")?;
        }
        write!(f, ": {}", self.message)
    }
}
