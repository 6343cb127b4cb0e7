//! Values that are passed between states.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::value::exceeds;

/// A JSON value that is passed between states: an input or output, a request or an answer. Copies share it.
///
/// Its JSON text is created once and shared as well. A history keeps only texts: a text needs a fraction of the memory of
/// its value, and a history may be read until the execution ends. `Debug` shows nothing, because of task tokens.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    value: Value,
    text: OnceLock<Arc<str>>,
}

impl Payload {
    /// Its JSON text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        self.0.text.get_or_init(|| Arc::from(self.0.value.to_string()))
    }

    /// Whether its JSON text is longer than `limit` bytes. Does not create the text, which may be very large.
    pub(crate) fn exceeds(&self, limit: usize) -> bool {
        match self.0.text.get() {
            Some(text) => text.len() > limit,
            None => exceeds(&self.0.value, limit),
        }
    }

    /// Whether both are the same shared value, not only equal.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Its value, copied if it is shared.
    pub(crate) fn into_value(self) -> Value {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.value.clone(), |own| own.value)
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self(Arc::new(Inner { value, text: OnceLock::new() }))
    }
}

impl Deref for Payload {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0.value
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.0.value == other.0.value
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").finish_non_exhaustive()
    }
}
