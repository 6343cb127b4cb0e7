//! Whether each role allows what its part does, by IAM's policy simulator.
//!
//! The expectations are `cdk-config/permissions.json`, which the CDK app writes from the statements that it deploys.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};
use futures::stream::{self, StreamExt};
use rsqlflow_core::Deployment;
use rsqlflow_core::check::{Check, Health};
use rsqlflow_core::config::Target;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::failed::{failed, is_not_offered};
use super::{ArnBase, Described, Part};
use crate::backend::Backend;

/// What is deployed, with placeholders.
const EXPECTED: &str = include_str!("../../../../cdk-config/permissions.json");

/// Questions at once: IAM answers few a second.
const AT_ONCE: usize = 4;

/// What every role may do.
#[derive(Debug, Deserialize)]
struct Expected {
    functions: BTreeMap<String, Vec<Statement>>,
    machines: BTreeMap<String, Vec<Statement>>,
    agent: Vec<Statement>,
}

/// Actions on resources.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    context: BTreeMap<String, Vec<String>>,
}

/// A question for the simulator: may the role do these things to this?
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    actions: Vec<String>,
    resource: String,
    context: BTreeMap<String, Vec<String>>,
}

pub(super) async fn checks(backend: &Backend, site: &ArnBase, described: &Described) -> Vec<Check> {
    let expected: Expected = match serde_json::from_str(EXPECTED) {
        Ok(expected) => expected,
        Err(error) => {
            let found = format!("the list in this program cannot be read: {error}");
            return vec![Check::failed("permissions", found, "build the program again")];
        }
    };
    let client = Client::new(&backend.sdk);
    let values = Values::of(&backend.deployment, site, described);
    let mut checks = Vec::new();
    for (part, role) in &described.roles {
        let statements = match part {
            Part::Function(name) => expected.functions.get(*name),
            Part::Machine(name) => expected.machines.get(*name),
            Part::Agent => Some(&expected.agent),
        };
        let questions: Vec<Question> =
            statements.into_iter().flatten().flat_map(|statement| values.questions(statement)).collect();
        match ask(&client, role, &questions).await {
            Ok(missing) => checks.push(judge(part, role, &missing)),
            Err(check) => {
                // The simulator that refuses one role refuses all. A role that is missing says nothing of the others.
                let goes_on = check.as_ref().is_some_and(|check| check.health != Health::Unknown);
                checks.extend(check.map(|check| *check));
                if !goes_on {
                    break;
                }
            }
        }
    }
    if !described.roles.iter().any(|(part, _)| *part == Part::Agent) && backend.is_aws() {
        checks.push(Check::unknown(
            "permissions of instances",
            "not checked: their role is not known here",
            "name it: --instance-role ROLE",
        ));
    }
    checks
}

fn judge(part: &Part, role: &str, missing: &[String]) -> Check {
    let name = format!("permissions of {part}");
    let role = role.rsplit('/').next().unwrap_or(role);
    if missing.is_empty() {
        return Check::ok(name, format!("{role} allows what it must"));
    }
    Check::failed(
        name,
        format!("{role} does not allow {}", missing.join("; ")),
        "restore its policy with `rsqlflow deploy`; if the policy is there, a permissions boundary or a policy of the \
         organization denies it",
    )
}

/// What the role does not allow. The error is the check to report, or `None` on an endpoint without the simulator.
async fn ask(client: &Client, role: &str, questions: &[Question]) -> Result<Vec<String>, Option<Box<Check>>> {
    let answers: Vec<Result<Vec<String>, Option<Box<Check>>>> = stream::iter(questions)
        .map(|question| simulate(client, role, question))
        .buffered(AT_ONCE)
        .collect()
        .await;
    answers.into_iter().collect::<Result<Vec<_>, _>>().map(|answers| answers.into_iter().flatten().collect())
}

async fn simulate(
    client: &Client,
    role: &str,
    question: &Question,
) -> Result<Vec<String>, Option<Box<Check>>> {
    let context = question.context.iter().map(|(key, values)| {
        let kind = if values.len() > 1 { ContextKeyTypeEnum::StringList } else { ContextKeyTypeEnum::String };
        ContextEntry::builder()
            .context_key_name(key)
            .set_context_key_values(Some(values.clone()))
            .context_key_type(kind)
            .build()
    });
    let mut call = client
        .simulate_principal_policy()
        .policy_source_arn(role)
        .set_action_names(Some(question.actions.clone()))
        .set_context_entries(Some(context.collect()));
    if question.resource != "*" {
        call = call.resource_arns(&question.resource);
    }
    let answer = call.send().await.map_err(|error| {
        let hint = "check that the role exists; `rsqlflow deploy` creates it";
        let name = format!("permissions of {role}");
        (!is_not_offered(&error)).then(|| Box::new(failed(name, &error, "iam:SimulatePrincipalPolicy", hint)))
    })?;
    let denied = answer.evaluation_results().iter().filter(|one| {
        // A condition whose value the simulator does not know denies nothing by itself.
        one.eval_decision().as_str() != "allowed" && one.missing_context_values().is_empty()
    });
    Ok(denied.map(|one| format!("{} on {}", one.eval_action_name(), question.resource)).collect())
}

/// What stands for the placeholders.
struct Values {
    plain: Vec<(&'static str, String)>,
    target: Option<Target>,
}

impl Values {
    fn of(deployment: &Deployment, site: &ArnBase, described: &Described) -> Self {
        let default_topic = || site.arn("sns", format_args!("{}-notifications", deployment.prefix));
        let plain = vec![
            ("${Partition}", site.partition.clone()),
            ("${Region}", site.region.clone()),
            ("${Account}", site.account.clone()),
            ("${Prefix}", deployment.prefix.clone()),
            ("${ConfigTable}", deployment.tables.config.clone()),
            ("${WorkflowAuditTable}", deployment.tables.workflow_audit.clone()),
            ("${JobAuditTable}", deployment.tables.job_audit.clone()),
            ("${LogGroup}", deployment.log_group.clone()),
            ("${TopicArn}", described.topic_arn.clone().unwrap_or_else(default_topic)),
        ];
        Self { plain, target: described.default_target.clone() }
    }

    /// The questions of a statement, one for each resource. What is about targets of a kind that the default target is
    /// not is left out.
    fn questions(&self, statement: &Statement) -> Vec<Question> {
        let by_tag = statement.context.keys().any(|key| key.contains("${TagKey}"));
        let context = match (&self.target, by_tag) {
            (Some(Target::Tags(tags)), true) => tags
                .iter()
                .flat_map(|(key, value)| {
                    let fill = |text: &str| text.replace("${TagKey}", key).replace("${TagValue}", value);
                    statement.context.iter().map(move |(name, values)| {
                        (fill(name), values.iter().map(|value| fill(value)).collect())
                    })
                })
                .collect(),
            (_, true) => return Vec::new(),
            (_, false) => {
                let filled = |values: &[String]| values.iter().map(|value| self.fill(value)).collect();
                statement.context.iter().map(|(name, values)| (self.fill(name), filled(values))).collect()
            }
        };
        let context: BTreeMap<String, Vec<String>> = context;
        let resources = statement.resources.iter().flat_map(|resource| self.resources(resource));
        resources
            .map(|resource| Question {
                actions: statement.actions.clone(),
                resource,
                context: context.clone(),
            })
            .collect()
    }

    fn resources(&self, resource: &str) -> Vec<String> {
        let filled = concrete(&self.fill(resource));
        if !filled.contains("${InstanceId}") {
            return vec![filled];
        }
        match &self.target {
            Some(Target::InstanceIds(ids)) => {
                ids.iter().map(|id| filled.replace("${InstanceId}", id)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn fill(&self, text: &str) -> String {
        self.plain.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// The simulator wants one resource, not a pattern: the end of a pattern becomes a name that fits it.
fn concrete(resource: &str) -> String {
    if resource == "*" {
        return resource.to_owned();
    }
    let example = if resource.contains(":log-group:") {
        "log-stream:doctor"
    } else if resource.contains("managed-instance/") {
        "mi-00000000000000000"
    } else if resource.contains(":instance/") {
        "i-00000000000000000"
    } else {
        "doctor"
    };
    resource.replace('*', example).replace("??????", "AbCdEf")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> ArnBase {
        ArnBase::of("arn:aws-cn:iam::123456789012:user/ada", "123456789012", "cn-north-1")
    }

    fn questions(target: Option<Target>) -> Vec<Question> {
        let expected: Expected = serde_json::from_str(EXPECTED).unwrap();
        let described = Described { default_target: target, ..Described::default() };
        let values = Values::of(&Deployment::named("team"), &site(), &described);
        let functions = expected.functions.into_values().chain(expected.machines.into_values());
        functions.flatten().chain(expected.agent).flat_map(|one| values.questions(&one)).collect()
    }

    #[test]
    fn nothing_is_left_open_in_what_is_asked() {
        let tags =
            Target::Tags([("Role".to_owned(), "etl".to_owned()), ("Team".to_owned(), "a".to_owned())].into());
        let ids = Target::InstanceIds(vec!["i-1".to_owned(), "i-2".to_owned()]);
        for target in [None, Some(tags.clone()), Some(ids.clone())] {
            for question in questions(target) {
                let text = format!("{question:?}");
                assert!(!text.contains("${"), "{text}");
                assert!(question.resource == "*" || !question.resource.contains('*'), "{text}");
            }
        }
        let sends = |target| {
            let asked = questions(target).into_iter();
            asked.filter(|q| q.actions == ["ssm:SendCommand"]).collect::<Vec<_>>()
        };
        let by_tag = sends(Some(tags));
        assert!(by_tag.iter().any(|q| q.context.get("ssm:resourceTag/Team") == Some(&vec!["a".to_owned()])));
        let by_id = sends(Some(ids));
        assert!(by_id.iter().any(|q| q.resource.ends_with(":instance/i-2")), "{by_id:?}");
        assert!(by_id.iter().all(|q| q.context.is_empty()));
    }

    #[test]
    fn names_and_place_are_those_of_the_deployment() {
        let asked = questions(None);
        let has = |resource: &str| asked.iter().any(|question| question.resource == resource);
        assert!(has("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/team-job-audit-table"));
        assert!(has("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:team-master"));
        assert!(has("arn:aws-cn:sns:cn-north-1:123456789012:team-notifications"));
    }

    #[test]
    fn what_is_denied_is_named_with_action_and_resource() {
        let missing = ["states:StartExecution on arn:aws:states:…:stateMachine:rsqlflow-master".to_owned()];
        let check = judge(&Part::Function("workflow-trigger"), "arn:aws:iam::1:role/trigger", &missing);
        assert_eq!(check.name, "permissions of function workflow-trigger");
        assert!(
            check.health == Health::Failed
                && check.found.contains("trigger does not allow states:StartExecution on arn")
        );
        assert!(judge(&Part::Agent, "r", &[]).health == Health::Ok);
    }
}
