//! The deployment with local ARNs.

use rsqlflow_core::Deployment;
use rsqlflow_core::config::{Target, Warehouse};

use crate::endpoint::agents;
use crate::services::stepfunctions::machine_arn;

/// The deployment with local ARNs, with the endpoint's instances where it names no target, and with its servers as
/// warehouses: a workflow that names one runs here as it does on AWS.
pub(super) fn localised(deployment: &Deployment, servers: &[crate::Warehouse]) -> Deployment {
    let mut here = deployment.clone();
    for machine in [&mut here.machines.master, &mut here.machines.sequential, &mut here.machines.parallel] {
        machine.arn = Some(machine_arn(&machine.name));
    }
    here.defaults.target.get_or_insert_with(|| Target::Tags(agents::own_tags().into()));
    for server in servers {
        let at = Warehouse {
            cluster: None,
            workgroup: Some(server.name.clone()),
            database: server.target.database.clone(),
            secret: None,
            db_user: None,
        };
        here.defaults.warehouses.insert(server.name.clone(), at);
    }
    here
}
