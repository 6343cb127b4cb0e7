//! Storage of the endpoint: one locked directory, a database for each service, a thread for each database.

pub(crate) mod damage;
mod database;
mod regular;
mod state_dir;
mod worker;

pub(crate) use database::Schema;
pub(crate) use regular::regularly;
pub(crate) use state_dir::StateDir;
pub(crate) use worker::{Worker, WorkerGone};
