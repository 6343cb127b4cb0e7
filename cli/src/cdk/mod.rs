//! The CDK app, run as its users run it: with `npx cdk` in its folder. Nothing goes through a shell.
//!
//! [`app`] finds it and reads its settings, [`tools`] looks whether it can run, [`run`] runs it.

mod app;
mod run;
mod tools;

pub(crate) use app::{App, Removal};
pub(crate) use run::Cdk;
pub(crate) use tools::{check as check_tools, install};
