//! AWS, or an endpoint that somebody else runs.

use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use rsqlflow_core::env::{AWS_PROFILE, AWS_REGION};
use rsqlflow_local::Credentials;

use super::account::{check_profile, check_region};
use super::choice::{Site, is_loopback};
use super::{Place, deployment, keys, timing_of};
use crate::args::Given;
use crate::failure::Failure;
use crate::output;

/// Region of an embedded endpoint.
const LOCAL_REGION: &str = "us-east-1";

/// A place that is not there is told soon.
const CONNECT: Duration = Duration::from_secs(5);

/// An endpoint at an address. One of this machine needs no region, and has its own keys.
///
/// # Errors
/// Where the environment is not valid, or nothing listens there.
pub(super) async fn endpoint(url: &str, given: &Given) -> Result<Place, Failure> {
    let deployment = deployment(timing_of(&Site::Endpoint(url.to_owned())))?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Failure::input(
            format!("{url:?} is not an endpoint's address"),
            "write it as http://127.0.0.1:4566, with --endpoint-url or in AWS_ENDPOINT_URL",
        ));
    }
    let sdk = if is_loopback(url) {
        not_looked_at(url, given);
        local_sdk(url, &keys::of_endpoint(url))
    } else {
        if let Some(profile) = &given.profile {
            check_profile(profile)?;
        }
        if let Some(region) = &given.region {
            check_region(region)?;
        }
        loader(given).await.endpoint_url(url).load().await
    };
    Ok(Place::over(sdk, deployment, format!("the endpoint {url}"), url.to_owned()))
}

/// Says what of the command line means nothing to an endpoint of this machine: who names another region, or a profile,
/// may believe to work on AWS.
fn not_looked_at(url: &str, given: &Given) {
    let region = given.region.as_ref().filter(|region| *region != LOCAL_REGION);
    let parts = [
        region.map(|name| format!("--region {name}")),
        given.profile.as_ref().map(|name| format!("--profile {name}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        output::remark(&format!(
            "note: {url} is an endpoint of this machine, in {LOCAL_REGION} and with its own keys; {} is not looked at",
            parts.join(" with ")
        ));
    }
}

/// AWS with the user's profile, region and credentials.
///
/// # Errors
/// Where the environment is not valid, or no region is known.
pub(super) async fn aws(given: &Given) -> Result<Place, Failure> {
    let deployment = deployment(timing_of(&Site::Aws))?;
    // One that is only set may be meant for other programs, and keys in the environment go before it.
    if let Some(profile) = &given.profile {
        check_profile(profile)?;
    }
    let sdk = loader(given).await.load().await;
    let Some(region) = sdk.region() else {
        return Err(Failure::input(
            "which AWS region is meant is not known",
            format!("give --region, set {AWS_REGION}, or write `region` into the profile in ~/.aws/config"),
        ));
    };
    check_region(region.as_ref())?;
    let profile = given.profile.clone().or_else(|| std::env::var(AWS_PROFILE).ok());
    let profile = profile.map(|profile| format!(", profile {profile}")).unwrap_or_default();
    let name = format!("AWS in {region}{profile}");
    Ok(Place::over(sdk, deployment, name, String::new()))
}

/// What is typed goes before what is set: the SDK's own chain would take the keys of the environment, whatever profile
/// was named, and a command would reach another account than the one it names.
async fn loader(given: &Given) -> aws_config::ConfigLoader {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    if let Some(profile) = &given.profile {
        crate::failure::hint::of_profile(profile);
        let region = match &given.region {
            Some(region) => Some(Region::new(region.clone())),
            None => DefaultRegionChain::builder().profile_name(profile).build().region().await,
        };
        let with = ProviderConfig::without_region().with_region(region);
        let keys = ProfileFileCredentialsProvider::builder().configure(&with).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(keys);
    }
    if let Some(region) = &given.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader
}

/// For an endpoint of this machine. It reads none of the user's AWS profiles: what is meant for the endpoint
/// must never reach AWS by mistake.
pub(super) fn local_sdk(url: &str, keys: &Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(LOCAL_REGION))
        .endpoint_url(url)
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
        .credentials_provider(keys.provider())
        .build()
}
