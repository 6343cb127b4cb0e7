//! `rsqlflow deploy` and `rsqlflow destroy`

use anyhow::Context;
use rsqlflow_core::of_unknown;
use serde_json::{Value, json};

use crate::args::{Account, Deploy, Destroy};
use crate::backend::Backend;
use crate::cdk::{App, Cdk, Removal, check_tools, install};
use crate::failure::{Failure, exit};
use crate::input::confirm::agree;
use crate::output::{JSON_VERSION, Printer};

/// The parameter in which `cdk bootstrap` stores its version (AWS CDK developer guide, "Bootstrapping").
const BOOTSTRAP_VERSION: &str = "/cdk-bootstrap/hnb659fds/version";

/// An account, as GetCallerIdentity reported it.
struct Target {
    backend: Backend,
    account: String,
    region: String,
}

/// Deploys, or updates a deployment. Checks all inputs before it creates anything.
///
/// # Errors
/// Node.js, packages, credentials, bootstrap or the confirmation is missing, or the settings have problems.
pub(crate) async fn deploy(args: &Deploy, printer: Printer) -> Result<u8, Failure> {
    let app = App::find(&args.app)?;
    packages(&app)?;
    check_tools()?;
    // Before the packages are installed, which takes minutes.
    let target = target(&args.account).await?;
    install(&app.dir, printer)?;
    let cdk = Cdk::new(&app, &args.account, &target.region, printer.is_json());
    printer.progress("checking the settings: cdk list");
    let stacks = wanted(&args.stacks, cdk.stacks()?)?;
    if args.dry_run {
        cdk.run(&["synth", "--all", "--quiet"])?;
        report(printer, &json!({ "deployed": false, "stacks": stacks }), || {
            format!(
                "nothing was deployed; without --dry-run, the command deploys {} into {}",
                stacks.join(", "),
                target.name()
            )
        });
        return Ok(exit::OK);
    }
    bootstrap(args, &target, &cdk, printer).await?;
    agree(args.consent, printer, &format!("Deploy {} into {}?", stacks.join(", "), target.name())).await?;
    let outputs = outputs_file()?;
    let path = outputs.path.display().to_string();
    // --yes also approves changes of permissions. Without it, the CDK asks about those.
    let approval = if args.consent.yes { "never" } else { "broadening" };
    let mut command = vec!["deploy"];
    match args.stacks.is_empty() {
        true => command.push("--all"),
        false => command.extend(stacks.iter().map(String::as_str)),
    }
    command.extend(["--require-approval", approval, "--outputs-file", &path]);
    cdk.run(&command)?;
    let outputs = outputs.read();
    report(printer, &json!({ "deployed": true, "stacks": stacks, "outputs": outputs }), || {
        next(&app, &outputs)
    });
    Ok(exit::OK)
}

/// The named stacks, or all stacks.
fn wanted(named: &[String], all: Vec<String>) -> Result<Vec<String>, Failure> {
    if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
        let hint = of_unknown(unknown, all.iter().map(String::as_str));
        let hint = hint.unwrap_or_else(|| "the settings define no stacks".to_owned());
        return Err(Failure::input(format!("stack {unknown:?} does not exist"), hint));
    }
    Ok(if named.is_empty() { all } else { named.to_vec() })
}

/// Removes a deployment.
///
/// # Errors
/// As [`deploy`].
pub(crate) async fn destroy(args: &Destroy, printer: Printer) -> Result<u8, Failure> {
    let app = App::find(&args.app)?;
    check_tools()?;
    // Before the packages are installed, which takes minutes.
    let target = target(&args.account).await?;
    install(&app.dir, printer)?;
    let cdk = Cdk::new(&app, &args.account, &target.region, printer.is_json());
    printer.progress("checking the settings: cdk list");
    let stacks = cdk.stacks()?;
    let data = match app.removal() {
        Removal::Retain => {
            "with these settings the tables and the scripts' log group are retained. The settings of the LAST deployment \
                 decide: if they say \"destroy\", deploy these settings first"
        }
        Removal::Destroy => {
            "removal_policy is \"destroy\": the tables and the scripts' log group are deleted too, with ALL WORKFLOWS AND HISTORY"
        }
    };
    printer.notice(data);
    agree(args.consent, printer, &format!("Remove {} from {}?", stacks.join(", "), target.name())).await?;
    cdk.run(&["destroy", "--all", "--force"])?;
    let kept = app.removal() == Removal::Retain;
    report(printer, &json!({ "destroyed": true, "stacks": stacks, "data_kept": kept }), || {
        let kept = if kept {
            format!(
                "\nretained, with these settings: the tables of {prefix} and the scripts' log group. `aws dynamodb delete-table` and \
                 `aws logs delete-log-group` delete them; docs/deploy.md describes how to deploy with the existing tables",
                prefix = app.prefix()
            )
        } else {
            String::new()
        };
        format!(
            "removed {} from {}{kept}\nthe agent is still installed on the instances: remove its package there",
            stacks.join(", "),
            target.name()
        )
    });
    Ok(exit::OK)
}

impl Target {
    fn name(&self) -> String {
        let Self { backend, account, region } = self;
        if backend.is_aws() {
            format!("account {account}, {region}")
        } else {
            format!("{}, account {account}, {region}", backend.name())
        }
    }
}

/// The packages that the settings name.
fn packages(app: &App) -> Result<(), Failure> {
    let missing = app.missing_packages();
    if missing.is_empty() {
        return Ok(());
    }
    let listed: Vec<String> =
        missing.iter().map(|(setting, path)| format!("{} ({setting})", path.display())).collect();
    Err(Failure::environment(
        anyhow::anyhow!("not built: {}", listed.join(", ")),
        "run `make package` in the checkout, or set the setting to the path of the package; `false` leaves an agent's \
         package out",
    ))
}

/// The account and caller. Checked before the settings, which takes longer.
async fn target(account: &Account) -> Result<Target, Failure> {
    let backend = Backend::of_account(&account.given()).await?;
    let identity = aws_sdk_sts::Client::new(&backend.sdk).get_caller_identity().send().await;
    let identity = identity.map_err(|error| {
        Failure::of_sdk(&error, "cannot read the caller's identity (GetCallerIdentity)".to_owned())
    })?;
    let account = identity.account().context("GetCallerIdentity returned no account")?.to_owned();
    let region = backend.sdk.region().map(ToString::to_string).unwrap_or_default();
    Ok(Target { backend, account, region })
}

/// Bootstraps the account and region, if requested.
async fn bootstrap(args: &Deploy, target: &Target, cdk: &Cdk<'_>, printer: Printer) -> Result<(), Failure> {
    let asked =
        aws_sdk_ssm::Client::new(&target.backend.sdk).get_parameter().name(BOOTSTRAP_VERSION).send().await;
    let missing = match asked {
        Ok(_) => false,
        Err(error) if error.as_service_error().is_some_and(|e| e.is_parameter_not_found()) => true,
        // A principal that may deploy may lack the permission to read this parameter. CDK itself reports a missing bootstrap.
        Err(_) => false,
    };
    if !missing {
        return Ok(());
    }
    if !args.bootstrap {
        return Err(Failure::input(
            format!("{} is not bootstrapped for the CDK", target.name()),
            "add --bootstrap: it creates a bucket, roles and the stack CDKToolkit, once for each account and region",
        ));
    }
    let question = format!("Bootstrap {} for the CDK (bucket, roles, stack CDKToolkit)?", target.name());
    agree(args.consent, printer, &question).await?;
    cdk.run(&["bootstrap", &format!("aws://{}/{}", target.account, target.region)])
}

/// A file for the outputs of the stacks. Deleted when the value is dropped.
struct Outputs {
    path: std::path::PathBuf,
}

fn outputs_file() -> Result<Outputs, Failure> {
    let name =
        format!("rsqlflow-outputs-{}-{}.json", std::process::id(), jiff::Timestamp::now().as_nanosecond());
    let path = std::env::temp_dir().join(name);
    // `create_new`, so that an existing file of this name is not overwritten.
    std::fs::File::create_new(&path).with_context(|| format!("{} cannot be created", path.display()))?;
    Ok(Outputs { path })
}

impl Outputs {
    fn read(&self) -> Value {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn report(printer: Printer, document: &Value, text: impl FnOnce() -> String) {
    if printer.is_json() {
        let mut document = document.clone();
        document["version"] = json!(JSON_VERSION);
        printer.json(&document);
    } else {
        printer.data(&text());
    }
}

/// The next steps after the first deployment.
fn next(app: &App, outputs: &Value) -> String {
    let prefix = app.prefix();
    let stacks = outputs.as_object().into_iter().flatten();
    let profile = stacks.filter_map(|(_, outputs)| outputs["InstanceProfileName"].as_str()).next();
    let mut lines = vec!["deployed; next steps:".to_owned()];
    if prefix != rsqlflow_core::DEFAULT_PREFIX {
        lines.push(format!("  export RSQLFLOW_PREFIX={prefix}"));
    }
    if let Some(profile) = profile {
        lines.push(format!(
            "  give the instances the instance profile {profile} and the tags of default_target"
        ));
    }
    lines.push("  rsqlflow doctor --aws          checks every part of the deployment".to_owned());
    lines.push("  rsqlflow put workflow.json     stores a workflow".to_owned());
    lines.push("  rsqlflow start ID --watch      runs it".to_owned());
    lines.join("\n")
}
