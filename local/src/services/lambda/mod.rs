//! Lambda: functions of this process, invoked by path or by Step Functions.

mod function;
mod invoke;
mod rest;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use function::{Function, FunctionError};

/// The embedded Lambda. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lambda {
    functions: Arc<HashMap<String, Function>>,
}

impl Lambda {
    /// With these functions.
    pub(crate) fn new(functions: impl IntoIterator<Item = Function>) -> Self {
        let by_name = functions.into_iter().map(|function| (function.name.clone(), function));
        Self { functions: Arc::new(by_name.collect()) }
    }
}
