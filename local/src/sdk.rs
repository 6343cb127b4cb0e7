//! How clients of this process reach the endpoint: without its port.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::http::Within;
use crate::place;

/// Credentials that agents and clients use. The endpoint does not check them, but clients must have some.
pub(crate) const ACCESS_KEY: &str = "local";
pub(crate) const SECRET_KEY: &str = "local";

/// A configuration for the endpoint at `url`. It reads nothing from the user's environment or profile: a client
/// of the endpoint must never reach AWS by mistake.
pub(crate) fn config(url: &str, within: Within) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "rsqlflow-local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(place::REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(within)
        .build()
}
