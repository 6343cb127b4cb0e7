//! Runs the CDK app as its users do: with `npx cdk` in its folder, and without a shell.
//!
//! [`app`] finds it and reads its settings, [`tools`] checks whether it can run, [`process`] runs it.

mod app;
mod process;
mod tools;

pub(crate) use app::{App, Removal};
pub(crate) use process::Cdk;
pub(crate) use tools::{check as check_tools, install};
