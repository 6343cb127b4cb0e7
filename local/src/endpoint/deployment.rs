//! The deployment as it is here.

use rsqlflow_core::Deployment;
use rsqlflow_core::config::Target;

use crate::endpoint::agents;
use crate::services::stepfunctions::machine_arn;

/// The deployment with local ARNs, and with the endpoint's instances where it names no target.
pub(super) fn localised(deployment: &Deployment) -> Deployment {
    let mut here = deployment.clone();
    for machine in [&mut here.machines.master, &mut here.machines.sequential, &mut here.machines.parallel] {
        machine.arn = Some(machine_arn(&machine.name));
    }
    here.defaults.target.get_or_insert_with(|| Target::Tags(agents::own_tags().into()));
    here
}
