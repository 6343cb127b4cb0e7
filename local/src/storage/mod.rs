//! Where the endpoint keeps its state: one locked directory, one database a service, one thread a database.

pub(crate) mod damage;
mod database;
mod regular;
mod state_dir;
mod worker;

pub(crate) use database::Schema;
pub(crate) use regular::regularly;
pub(crate) use state_dir::StateDir;
pub(crate) use worker::{Worker, WorkerGone};
