//! The SSM document that starts the agent.

use aws_sdk_ssm::Client;
use rsqlflow_core::RUN_JOB_PARAMETERS;

use super::super::checks::{Check, Health};
use super::failed;
use crate::place::Place;

pub(super) async fn check(place: &Place) -> Check {
    let document = &place.deployment.ssm_document;
    let name = format!("SSM document {document}");
    let found = match Client::new(&place.sdk).describe_document().name(document).send().await {
        Ok(found) => found.document,
        Err(error) => {
            let mend = "check region and RSQLFLOW_PREFIX, or `rsqlflow deploy`";
            return failed(name, &error, "ssm:DescribeDocument", mend);
        }
    };
    let has = |wanted: &&str| {
        let parameters = found.iter().flat_map(|document| document.parameters());
        parameters.filter_map(|parameter| parameter.name()).any(|name| name == *wanted)
    };
    let missing: Vec<&str> =
        RUN_JOB_PARAMETERS.iter().map(|one| one.name).filter(|wanted| !has(wanted)).collect();
    let status =
        found.as_ref().and_then(|document| document.status()).map_or("unknown", |status| status.as_str());
    if !missing.is_empty() {
        let found = format!("it does not take {}", missing.join(", "));
        return Check::not_good(Health::Bad, name, found, "`rsqlflow deploy` puts it back");
    }
    match status {
        "Active" => Check::good(name, "Active, takes what the launcher gives"),
        status => Check::not_good(Health::Bad, name, status, "wait until it is Active, or `rsqlflow deploy`"),
    }
}
