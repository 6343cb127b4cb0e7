//! SDK configuration for clients in this process.

use aws_config::{BehaviorVersion, Region, SdkConfig};

use crate::http::Within;
use crate::{Credentials, place};

/// A configuration for the endpoint at `url`. It reads nothing from the user's environment or profile: a client
/// of the endpoint must never reach AWS by mistake.
pub(crate) fn config(url: &str, keys: &Credentials, within: Within) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(place::REGION))
        .credentials_provider(keys.provider())
        .endpoint_url(url)
        .http_client(within)
        .build()
}
