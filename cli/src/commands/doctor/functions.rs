//! The functions: whether they exist, have one package, and know the names that this command uses.

use std::collections::HashMap;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use rsqlflow_core::check::Check;
use rsqlflow_core::{Deployment, Function, env};

use super::failed::failed;
use super::{ArnBase, DEPLOY, Described, Part};
use crate::backend::Backend;

pub(super) async fn checks(backend: &Backend, site: &ArnBase, described: &mut Described) -> Vec<Check> {
    let client = Client::new(&backend.sdk);
    let mut checks = Vec::new();
    let mut packages: Vec<(String, String)> = Vec::new();
    for function in Function::ALL {
        let function_name = function.name_in(&backend.deployment);
        let name = format!("function {function_name}");
        match client.get_function_configuration().function_name(function_name).send().await {
            Ok(found) => {
                checks.push(check(&name, function, &found, backend, site));
                learn(&found, function, described);
                if let Some(sha256) = found.code_sha256() {
                    packages.push((function_name.to_owned(), sha256.to_owned()));
                }
            }
            Err(error) => checks.push(failed(name, &error, "lambda:GetFunctionConfiguration", DEPLOY)),
        }
    }
    checks.extend(one_package(&packages));
    checks
}

fn check(
    name: &str,
    function: Function,
    found: &GetFunctionConfigurationOutput,
    backend: &Backend,
    site: &ArnBase,
) -> Check {
    let empty = HashMap::new();
    let variables = found.environment().and_then(|e| e.variables()).unwrap_or(&empty);
    let mut wrong = Vec::new();
    if found.handler() != Some(function.as_str()) {
        wrong.push(format!("its handler is {}, expected {function}", found.handler().unwrap_or("none")));
    }
    if let Some(state) = found.state().filter(|state| state.as_str() != "Active") {
        wrong.push(format!("its state is {}", state.as_str()));
    }
    // The embedded endpoint runs functions in its own process, which needs no variables.
    if backend.is_aws() || !variables.is_empty() {
        wrong.extend(differences(&backend.deployment, variables, site));
    }
    if wrong.is_empty() {
        return Check::ok(name, "deployed as expected");
    }
    Check::failed(
        name,
        wrong.join("; "),
        "set the same names for this command, or restore those of the function with `rsqlflow deploy`",
    )
}

/// Where a function's variables differ from the names that this command uses. Times and defaults belong to the
/// deployment: this command does not need them.
pub(super) fn differences(
    deployment: &Deployment,
    variables: &HashMap<String, String>,
    site: &ArnBase,
) -> Vec<String> {
    let mut deployment = deployment.clone();
    for machine in deployment.machines.all_mut() {
        machine.arn = Some(site.arn("states", format_args!("stateMachine:{}", machine.name)));
    }
    let differs = |(name, expected): (&'static str, String)| match variables.get(name) {
        Some(found) if *found == expected => None,
        Some(found) => Some(format!("its {name} is {found}, expected {expected}")),
        None => Some(format!("it has no {name}")),
    };
    deployment.name_variables().into_iter().filter_map(differs).collect()
}

fn learn(found: &GetFunctionConfigurationOutput, function: Function, described: &mut Described) {
    let variables = found.environment().and_then(|e| e.variables());
    let variable = |name: &str| variables.and_then(|v| v.get(name)).filter(|value| !value.is_empty());
    if described.default_target.is_none() {
        described.default_target =
            variable(env::DEFAULT_TARGET).and_then(|json| serde_json::from_str(json).ok());
    }
    if described.topic_arn.is_none() {
        described.topic_arn = variable(env::TOPIC_ARN).cloned();
    }
    if let Some(role) = found.role() {
        described.roles.push((Part::Function(function.as_str()), role.to_owned()));
    }
}

/// The functions share types and tables, so they are deployed together.
fn one_package(packages: &[(String, String)]) -> Option<Check> {
    let (_, first) = packages.first()?;
    let others: Vec<&str> =
        packages.iter().filter(|(_, sha256)| sha256 != first).map(|(name, _)| name.as_str()).collect();
    Some(if others.is_empty() {
        Check::ok("package of the functions", "the same for every function")
    } else {
        Check::failed(
            "package of the functions",
            format!("not the same for every function: {} differ", others.join(", ")),
            "deploy one version with `rsqlflow deploy`",
        )
    })
}

#[cfg(test)]
mod tests {
    use rsqlflow_core::check::Health;

    use super::*;

    fn variables(deployment: &Deployment, site: &ArnBase) -> HashMap<String, String> {
        let mut deployment = deployment.clone();
        for machine in deployment.machines.all_mut() {
            machine.arn = Some(site.arn("states", format_args!("stateMachine:{}", machine.name)));
        }
        deployment.to_env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn a_variable_that_differs_is_named() {
        let site = ArnBase::of("arn:aws:iam::123456789012:user/ada", "123456789012", "eu-west-1");
        let deployment = Deployment::default();
        let mut right = variables(&deployment, &site);
        assert_eq!(differences(&deployment, &right, &site), Vec::<String>::new());

        right.insert(env::JOB_AUDIT_TABLE.to_owned(), "jobs".to_owned());
        right.remove(env::SSM_DOCUMENT);
        let mut wrong = differences(&deployment, &right, &site);
        wrong.sort();
        assert_eq!(
            wrong,
            [
                "it has no RSQLFLOW_SSM_DOCUMENT",
                "its RSQLFLOW_JOB_AUDIT_TABLE is jobs, expected rsqlflow-job-audit-table"
            ]
        );
        let elsewhere = ArnBase { region: "us-east-1".to_owned(), ..site };
        assert_eq!(
            differences(&deployment, &variables(&deployment, &elsewhere), &elsewhere),
            Vec::<String>::new()
        );
    }

    #[test]
    fn functions_of_two_versions_are_reported() {
        let package = |name: &str, sha: &str| (name.to_owned(), sha.to_owned());
        assert!(one_package(&[]).is_none());
        let mixed = one_package(&[package("a", "1"), package("b", "2"), package("c", "1")]).unwrap();
        assert!(mixed.health == Health::Failed && mixed.found.contains(": b differ"), "{}", mixed.found);
    }
}
