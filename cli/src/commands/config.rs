//! `rsqlflow config`

use rsqlflow_core::env::{AWS_DEFAULT_REGION, AWS_PROFILE, AWS_REGION, DEPLOYMENT, OPERATOR, PREFIX};
use serde_json::json;

use crate::args::Anywhere;
use crate::args::Given;
use crate::failure::{Failure, exit};
use crate::output::JSON_VERSION;
use crate::output::table::Table;
use crate::output::{Printer, one_line};
use crate::place::{Place, Purpose, Site, choice_of, deployment, is_loopback, timing_of};

/// A setting.
struct Setting {
    name: &'static str,
    value: String,
    source: String,
}

/// Shows what the other commands would work with, and who says so. Reaches nothing beyond the AWS configuration files.
///
/// # Errors
/// Every problem of the environment.
pub(crate) async fn config(args: &Anywhere, printer: Printer) -> Result<u8, Failure> {
    let given = args.place.given();
    let mut settings = place(&args.place, &given).await?;
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

/// Where commands work.
async fn place(args: &crate::args::Location, given: &Given) -> Result<Vec<Setting>, Failure> {
    let choice = choice_of(given);
    let source = choice.source.to_owned();
    let place = match &choice.site {
        Site::StateDir(dir) => {
            return Ok(vec![setting("place: state directory", dir.display().to_string(), source)]);
        }
        Site::Endpoint(url) => setting("place: endpoint", url, source),
        Site::Aws => setting("place", "AWS", source),
    };
    let found = Place::find(args, Purpose::Look).await?;
    let region = found.sdk.region().map(ToString::to_string).unwrap_or_default();
    let profile = given.profile.clone().or_else(|| variable(AWS_PROFILE));
    let is_set = |name: &str| variable(name).is_some();
    let region_source = match &given.region {
        _ if matches!(&choice.site, Site::Endpoint(url) if is_loopback(url)) => "the endpoint's own",
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
        place,
        setting("region", region, region_source.to_owned()),
        setting("profile", profile.unwrap_or_else(|| "default".to_owned()), profile_source.to_owned()),
    ])
}

/// Names and times of the deployment, and the command's own variables.
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
