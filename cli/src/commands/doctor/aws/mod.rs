//! `rsqlflow doctor --aws`: everything that a deployment has, as this version of it should be.
//!
//! What may not be looked at is said as such, and holds nothing else up.

mod functions;
mod instances;
mod permissions;
mod state_machines;
mod tables;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rsqlflow_core::config::Target;

use super::checks::{Check, Health, log_group, runs};
use crate::failure::Failure;
use crate::place::Place;

/// Where the deployment is, as ARNs say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArnBase {
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
}

impl ArnBase {
    /// From the caller's own ARN.
    pub(super) fn of(arn: &str, account: &str, region: &str) -> Self {
        let partition = arn.split(':').nth(1).filter(|part| !part.is_empty()).unwrap_or("aws");
        Self { partition: partition.to_owned(), region: region.to_owned(), account: account.to_owned() }
    }

    pub(super) fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }
}

/// What the functions say of the deployment, which this command's own environment need not.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    pub(super) default_target: Option<Target>,
    pub(super) topic_arn: Option<String>,
    /// A role each, by the part's name: `function rsql-invoke`.
    pub(super) roles: Vec<(Part, String)>,
}

/// Who has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A function, by its handler.
    Function(&'static str),
    /// A machine: `master`.
    Machine(&'static str),
    /// The instances.
    Agent,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(name) => write!(f, "function {name}"),
            Self::Machine(name) => write!(f, "machine {name}"),
            Self::Agent => f.write_str("instances"),
        }
    }
}

/// Every check after that of the credentials.
pub(super) async fn all(place: &Place, site: &ArnBase, instance_role: Option<&str>) -> Vec<Check> {
    let mut described = Described {
        default_target: place.deployment.defaults.target.clone(),
        topic_arn: place.deployment.topic_arn.clone(),
        roles: Vec::new(),
    };
    let mut checks = tables::checks(place).await;
    checks.extend(functions::checks(place, site, &mut described).await);
    checks.extend(state_machines::checks(place, site, &mut described).await);
    checks.push(instances::document(place).await);
    checks.extend(instances::checks(place, described.default_target.as_ref()).await);
    if let Some(role) = instance_role {
        let arn = if role.starts_with("arn:") {
            role.to_owned()
        } else {
            // IAM has no region.
            format!("arn:{}:iam::{}:role/{role}", site.partition, site.account)
        };
        described.roles.push((Part::Agent, arn));
    }
    checks.extend(permissions::checks(place, site, &described).await);
    checks.push(log_group(place).await);
    checks.push(runs(place).await);
    checks
}

/// A call that failed: not looked at, where that was not allowed or is not known there; else `mend`.
pub(super) fn failed<E>(
    name: impl Into<String>,
    error: &SdkError<E, HttpResponse>,
    action: &str,
    mend: &str,
) -> Check
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let failure = Failure::of_sdk(error, action.rsplit(':').next().unwrap_or(action).to_owned());
    if !is_unseen(error) {
        return Check::failed(name, failure, mend);
    }
    let (why, mend) = if is_unknown_there(error) {
        ("that is not known there".to_owned(), "nothing: an endpoint need not have it".to_owned())
    } else {
        (Check::text_of(failure), format!("ask for {action}"))
    };
    Check::not_good(Health::Unseen, name, format!("may not be looked at: {why}"), mend)
}

/// Whether nothing is known, because the caller may not ask or the endpoint cannot answer.
fn is_unseen<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    matches!(code(error), "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized")
        || is_unknown_there(error)
}

/// Whether it is an endpoint that has no such operation.
fn is_unknown_there<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    status == Some(501) || matches!(code(error), "InvalidAction" | "UnknownOperation" | "NotImplemented")
}

fn code<E>(error: &SdkError<E, HttpResponse>) -> &str
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    code.strip_suffix("Exception").unwrap_or(code)
}
