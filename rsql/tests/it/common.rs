//! The clients of a cluster.

use std::process::Command;

pub(crate) use rsqlflow_tests_postgres::{Cluster, feed, text};

/// The client under test, connected as [`Cluster::psql`] is.
pub(crate) fn rsql(cluster: &Cluster) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rsql"));
    cluster.arguments(&mut command);
    for name in ["RSQL_PORT", "RSQL_S3_ROOT"] {
        command.env_remove(name);
    }
    command
}
