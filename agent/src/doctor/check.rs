//! A part that was looked at.

use serde::Serialize;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Worth a look; jobs run all the same.
    Look,
    /// Jobs fail, or are not run.
    Bad,
}

/// A part, what was found, and how it is mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which part.
    pub name: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it; none where nothing is to be done.
    pub mend: Option<String>,
}

impl Check {
    pub(super) fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), health: Health::Ok, found: found.into(), mend: None }
    }

    pub(super) fn look(name: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name: name.into(), health: Health::Look, found: found.into(), mend: Some(mend.into()) }
    }

    /// Also for settings that cannot be used, which leave nothing else to look at.
    pub fn bad(name: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { health: Health::Bad, ..Self::look(name, found, mend) }
    }
}
