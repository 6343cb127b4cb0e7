//! A session: its variables and settings, the loop over a script, statements and their results.
//!
//! `script` reads a [`Source`] line by line and decides with [`Control`] what runs; meta commands go to
//! [`crate::meta`], statements to `execute`, results to [`crate::output`]. `client` is a session for other programs,
//! with the named parameters of `parameter`.

mod client;
mod condition;
mod control;
mod copy;
mod dialect;
mod execute;
mod halt;
mod parameter;
mod query;
mod script;
mod settings;
mod sink;
mod source;
mod state;
mod system;
mod variables;

pub use client::{Client, Ended, Origin, Rows};
pub(crate) use condition::evaluate;
pub(crate) use control::{Arrival, Control, ControlError, Mark};
pub(crate) use execute::QueryTarget;
pub(crate) use halt::Halt;
pub use parameter::{Parameter, parameter_names};
pub(crate) use query::Table;
pub(crate) use script::{Buffer, run};
pub(crate) use settings::{Echo, Settings};
pub(crate) use sink::Sink;
pub(crate) use source::Source;
pub(crate) use state::Session;
pub(crate) use variables::{SetError, Variables, parse_bool};
