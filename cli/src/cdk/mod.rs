//! The CDK app, run as its users run it: with `npx cdk` in its folder. Nothing goes through a shell.
//!
//! [`app`] finds it and reads its settings, [`tools`] looks whether it can run, [`process`] runs it.

mod app;
mod process;
mod tools;

pub(crate) use app::{App, Removal};
pub(crate) use process::Cdk;
pub(crate) use tools::{check as check_tools, install};
