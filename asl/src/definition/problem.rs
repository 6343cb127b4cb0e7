//! Problems of a definition.

use std::fmt;

/// One problem of a definition. The parser reports all problems at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Name of the state. `None` for the state machine's own fields.
    pub state: Option<String>,
    /// The field, with its parents in the state: `Catch[0]/Next`. Empty for the state as a whole.
    pub field: String,
    /// The message.
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
