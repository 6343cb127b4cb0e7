//! `rsqlflow config`

use rsqlflow_core::env::{AWS_DEFAULT_REGION, AWS_PROFILE, AWS_REGION, DEPLOYMENT, OPERATOR, PREFIX};
use serde_json::json;

use crate::args::Anywhere;
use crate::args::Given;
use crate::backend::{Backend, BackendKind, Purpose, choice_of, deployment, is_loopback, timing_of};
use crate::failure::{Failure, exit};
use crate::output::JSON_VERSION;
use crate::output::table::Table;
use crate::output::{Printer, one_line};

/// A setting.
struct Setting {
    name: &'static str,
    value: String,
    source: String,
}

/// Shows the settings that the other commands would use, each with its source. Reads only the environment and the AWS
/// configuration files.
///
/// # Errors
/// Every problem of the environment.
pub(crate) async fn config(args: &Anywhere, printer: Printer) -> Result<u8, Failure> {
    let given = args.backend.given();
    let mut settings = backend(&args.backend, &given).await?;
    settings.extend(names(&given)?);
    if printer.is_json() {
        let settings: Vec<_> = settings
            .iter()
            .map(|s| json!({ "name": s.name, "value": s.value, "source": s.source }))
            .collect();
        printer.json(&json!({ "version": JSON_VERSION, "settings": settings }));
        return Ok(exit::OK);
    }
    let mut table = Table::new(&["SETTING", "VALUE", "SOURCE"]).wrapping("SOURCE");
    for setting in settings {
        table.add_row([setting.name.to_owned(), one_line(&setting.value), setting.source]);
    }
    printer.page(&table.shown());
    Ok(exit::OK)
}

/// The backend.
async fn backend(args: &crate::args::Location, given: &Given) -> Result<Vec<Setting>, Failure> {
    let choice = choice_of(given);
    let source = choice.source.to_owned();
    let backend = match &choice.site {
        BackendKind::StateDir(dir) => {
            return Ok(vec![setting("backend: state directory", dir.display().to_string(), source)]);
        }
        BackendKind::Endpoint(url) => setting("backend: endpoint", url, source),
        BackendKind::Aws => setting("backend", "AWS", source),
    };
    let found = Backend::find(args, Purpose::Read).await?;
    let region = found.sdk.region().map(ToString::to_string).unwrap_or_default();
    let profile = given.profile.clone().or_else(|| variable(AWS_PROFILE));
    let is_set = |name: &str| variable(name).is_some();
    let region_source = match &given.region {
        _ if matches!(&choice.site, BackendKind::Endpoint(url) if is_loopback(url)) => "the endpoint's own",
        Some(_) => "--region",
        None if !found.is_aws() => "endpoint",
        None if is_set(AWS_REGION) => AWS_REGION,
        None if is_set(AWS_DEFAULT_REGION) => AWS_DEFAULT_REGION,
        None => "~/.aws/config",
    };
    let profile_source = match &given.profile {
        Some(_) => "--profile",
        None if profile.is_some() => AWS_PROFILE,
        None => "default",
    };
    found.close().await;
    Ok(vec![
        backend,
        setting("region", region, region_source.to_owned()),
        setting("profile", profile.unwrap_or_else(|| "default".to_owned()), profile_source.to_owned()),
    ])
}

/// Names and times of the deployment, and the variables of the command.
fn names(given: &Given) -> Result<Vec<Setting>, Failure> {
    let site = choice_of(given).site;
    let read = deployment(timing_of(&site))?.to_env();
    let value = |name: &str| read.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
    let prefix = variable(PREFIX).is_some();
    let of_deployment = DEPLOYMENT.iter().map(|known| {
        let source = match variable(known.name) {
            Some(_) => "environment".to_owned(),
            None if prefix && known.name.ends_with("_TABLE") => format!("from {PREFIX}"),
            None if prefix && known.name.ends_with("_FUNCTION") => format!("from {PREFIX}"),
            None if prefix && known.name.ends_with("_MACHINE") => format!("from {PREFIX}"),
            None => "default".to_owned(),
        };
        setting(known.name, value(known.name).unwrap_or_else(|| "(not set)".to_owned()), source)
    });
    let own = OPERATOR.iter().map(|known| match variable(known.name) {
        Some(value) => setting(known.name, value, "environment".to_owned()),
        None => setting(known.name, "(not set)", "default".to_owned()),
    });
    Ok(of_deployment.chain(own).collect())
}

fn setting(name: &'static str, value: impl Into<String>, source: String) -> Setting {
    Setting { name, value: value.into(), source }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
