//! How clients of this process reach the endpoint.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::place;

/// Credentials that agents and clients use. The endpoint does not check them, but clients must have some.
pub(crate) const ACCESS_KEY: &str = "local";
pub(crate) const SECRET_KEY: &str = "local";

/// A configuration for the endpoint at `url`. It reads nothing from the user's environment or profile: a client
/// of the endpoint must never reach AWS by mistake. All clients made from it share one pool of connections.
pub(crate) fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "rsqlflow-local");
    // Without TLS there are no root certificates to be loaded, which would be half of the start's time.
    let http = aws_smithy_http_client::Builder::new().build_http();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(place::REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(http)
        .build()
}
