//! AWS, or an endpoint of another process.

use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use rsqlflow_core::env::{AWS_PROFILE, AWS_REGION};
use rsqlflow_local::Credentials;

use super::account::{check_profile, check_region};
use super::choice::{BackendKind, is_loopback};
use super::{Backend, deployment, keys, timing_of};
use crate::args::Given;
use crate::failure::Failure;
use crate::output;

/// Region of an embedded endpoint.
const LOCAL_REGION: &str = "us-east-1";

/// Connect timeout, so that an unreachable endpoint is reported soon.
const CONNECT: Duration = Duration::from_secs(5);

/// An endpoint at an address. One of this machine needs no region, and has its own keys.
///
/// # Errors
/// The environment is not valid, or the endpoint cannot be reached.
pub(super) async fn endpoint(url: &str, given: &Given) -> Result<Backend, Failure> {
    let deployment = deployment(timing_of(&BackendKind::Endpoint(url.to_owned())))?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Failure::input(
            format!("{url:?} is not the address of an endpoint"),
            "use an address such as http://127.0.0.1:4566, with --endpoint-url or in AWS_ENDPOINT_URL",
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
    Ok(Backend::over(sdk, deployment, format!("the endpoint {url}"), url.to_owned()))
}

/// Reports options that an endpoint on this machine ignores. A user who gives a region or a profile may expect to work
/// with AWS.
fn not_looked_at(url: &str, given: &Given) {
    let region = given.region.as_ref().filter(|region| *region != LOCAL_REGION);
    let parts = [
        region.map(|name| format!("--region {name}")),
        given.profile.as_ref().map(|name| format!("--profile {name}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        output::remark(&format!(
            "note: {url} is an endpoint of this machine, in {LOCAL_REGION} and with its own keys; {} is ignored",
            parts.join(" with ")
        ));
    }
}

/// Connects to AWS with the user's profile, region and credentials.
///
/// # Errors
/// The environment is not valid, or the region is not known.
pub(super) async fn aws(given: &Given) -> Result<Backend, Failure> {
    let deployment = deployment(timing_of(&BackendKind::Aws))?;
    // AWS_PROFILE may be set for other programs, and keys in the environment take precedence over it.
    if let Some(profile) = &given.profile {
        check_profile(profile)?;
    }
    let sdk = loader(given).await.load().await;
    let Some(region) = sdk.region() else {
        return Err(Failure::input(
            "the AWS region is missing",
            format!("add `--region`, set {AWS_REGION}, or set `region` in the profile in ~/.aws/config"),
        ));
    };
    check_region(region.as_ref())?;
    let profile = given.profile.clone().or_else(|| std::env::var(AWS_PROFILE).ok());
    let profile = profile.map(|profile| format!(", profile {profile}")).unwrap_or_default();
    let name = format!("AWS in {region}{profile}");
    Ok(Backend::over(sdk, deployment, name, String::new()))
}

/// Options take precedence over variables. The SDK's own chain would use the keys of the environment whatever profile was
/// given, and a command would reach another account than the one it names.
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
