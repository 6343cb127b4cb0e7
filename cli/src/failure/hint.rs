//! Hints for errors of services.

use std::path::Path;
use std::sync::OnceLock;

use rsqlflow_core::env::AWS_PROFILE;

/// The hint for an error of a service.
pub(crate) fn hint_of(code: Option<&str>, reason: &str) -> Option<String> {
    // The messages of the endpoint's own services, and of its DynamoDB (SQLite's result code SQLITE_FULL).
    if reason.contains("disk is full") || reason.contains("state directory is full") {
        return Some(
            "free some space on the disk of the state directory, and try again; nothing was changed"
                .to_owned(),
        );
    }
    // The message of SQLite, which the embedded DynamoDB passes on.
    if reason.contains("disk image is malformed") || reason.contains("file is not a database") {
        return Some(format!("a database of the state directory is damaged: {}", replace_state_dir(None)));
    }
    let code = code.map(|code| code.strip_suffix("Exception").unwrap_or(code));
    let hint = match code {
        Some("ExpiredToken" | "RequestExpired") => return Some(sign_in("the credentials have expired")),
        Some(
            "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationToken",
        ) => match PLACE.get() {
            Some(backend) if !backend.is_aws => {
                "the endpoint takes only its own keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as `rsqlflow \
                 local` prints them, or name its state directory with --state-dir"
            }
            _ => "AWS does not know these credentials: check the profile and the region",
        },
        Some("AccessDenied" | "NotAuthorized") => {
            "request the permission that the message names; docs/cli.md lists the permissions of each command"
        }
        Some("ResourceNotFound") => {
            "check region, endpoint and RSQLFLOW_PREFIX; `rsqlflow config` shows them"
        }
        Some(_) => return None,
        None if is_of_credentials(reason) && is_sso(reason) => {
            return Some(sign_in("there is no sign-in session"));
        }
        None if is_of_credentials(reason) => {
            "add `--profile`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws configure` and `aws configure sso` \
             create profiles"
        }
        None => return unreachable(reason, PLACE.get().unwrap_or(&Called::unknown())),
    };
    Some(hint.to_owned())
}

/// The hint for a damaged state directory, with its path if it is known.
pub(crate) fn replace_state_dir(dir: Option<&Path>) -> String {
    let such_as = dir.map(Path::display).map(|dir| format!(", for example with `mv {dir} {dir}.damaged`,"));
    format!(
        "move the state directory away{} and start with a new one: it contains only runs of this machine; store the \
                 workflows again with `rsqlflow put`",
        such_as.unwrap_or_default()
    )
}

/// Whether an error without a code says that credentials are missing or expired. If they could not be fetched because
/// a service did not answer, that is the error.
pub(crate) fn is_of_credentials(reason: &str) -> bool {
    let lower = reason.to_ascii_lowercase();
    let is_silence = [NO_NAME, NO_ANSWER, &["connect"]].concat().iter().any(|part| lower.contains(part));
    (lower.contains("credentials") || is_sso(reason)) && !is_silence
}

/// Whether the session of IAM Identity Center is missing or expired. The SDK has no code for it.
fn is_sso(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["sso token", "sso session", "token cache", "cached token", "sso/cache"]
        .iter()
        .any(|part| reason.contains(part))
}

/// How to sign in again, with the profile in use.
fn sign_in(why: &str) -> String {
    let profile = PROFILE.get().cloned().or_else(|| std::env::var(AWS_PROFILE).ok());
    match profile.filter(|profile| !profile.is_empty()) {
        Some(profile) => {
            format!("{why}: run `aws sso login --profile {profile}`, or renew the keys of the profile")
        }
        None => format!("{why}: sign in again, for example with `aws sso login --profile NAME`"),
    }
}

/// How HTTP and TLS clients report a name that cannot be resolved, in lower case.
const NO_NAME: &[&str] = &["dns error", "lookup address", "name or service not known"];
/// How they report that no answer arrived.
const NO_ANSWER: &[&str] = &["timeout", "timed out", "unreachable", "no route"];

/// What to check if a service did not answer, by the kind of error.
fn unreachable(reason: &str, backend: &Called) -> Option<String> {
    let reason = reason.to_ascii_lowercase();
    let Called { name: backend, is_aws } = backend;
    let is_aws = *is_aws;
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    Some(if has(NO_NAME) {
        let region =
            if is_aws { ", and that the region exists (`rsqlflow config` shows its source)" } else { "" };
        format!("the host name of {backend} cannot be resolved: check the network, the DNS{region}")
    } else if has(&["connection refused"]) {
        let what =
            if is_aws { "a proxy or firewall" } else { "the address, and that the endpoint is running" };
        format!("{backend} refused the connection: check {what}; run `rsqlflow doctor` for details")
    } else if has(NO_ANSWER) {
        let what = if is_aws {
            "network, VPN and proxy, and in a VPC the endpoints of the services"
        } else {
            "network and address"
        };
        format!("{backend} did not answer: check {what}; run `rsqlflow doctor` for details")
    } else if has(&["dispatch failure", "connect"]) {
        format!(
            "{backend} cannot be reached: check the network and the address; run `rsqlflow doctor` for details"
        )
    } else if has(&["unhandled error", "response error"]) {
        format!("the server at {backend} does not answer like AWS: check the address and any proxy")
    } else {
        return None;
    })
}

/// The backend of the command, for hints.
static PLACE: OnceLock<Called> = OnceLock::new();

/// A backend, as hints name it.
struct Called {
    name: String,
    /// Whether it is AWS itself.
    is_aws: bool,
}

impl Called {
    /// Before the backend is known.
    fn unknown() -> Self {
        Self { name: "the service".to_owned(), is_aws: false }
    }
}

/// Sets the backend.
pub(crate) fn set_backend(name: &str, is_aws: bool) {
    let _ = PLACE.set(Called { name: name.to_owned(), is_aws });
}

/// The profile of the command line, for hints.
static PROFILE: OnceLock<String> = OnceLock::new();

/// Sets the profile.
pub(crate) fn of_profile(profile: &str) {
    let _ = PROFILE.set(profile.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_the_backend_and_what_to_check() {
        let called = |name: &str, is_aws| Called { name: name.to_owned(), is_aws };
        let aws = &called("AWS in mars-north-1, profile prod", true);
        let dns = "dispatch failure: io error: client error (Connect): dns error: failed to lookup address information";
        let hint = unreachable(dns, aws).unwrap();
        assert!(
            hint.contains(&aws.name) && hint.contains("DNS") && hint.contains("the region exists"),
            "{hint}"
        );
        let endpoint = &called("the endpoint http://127.0.0.1:1", false);
        let hint =
            unreachable("dispatch failure: tcp connect error: Connection refused (os error 111)", endpoint);
        assert!(
            hint.unwrap()
                .starts_with("the endpoint http://127.0.0.1:1 refused the connection: check the address")
        );
        let hint =
            unreachable("dispatch failure: timeout: HTTP connect timeout occurred after 5s", aws).unwrap();
        assert!(
            hint.starts_with("AWS in mars-north-1, profile prod did not answer") && hint.contains("VPC"),
            "{hint}"
        );
        let hint = unreachable("unhandled error: Error", endpoint).unwrap();
        assert!(hint.contains("http://127.0.0.1:1 does not answer like AWS"), "{hint}");
        assert_eq!(unreachable("construction failure", aws), None);
    }

    #[test]
    fn a_network_error_is_not_missing_credentials() {
        let missing = "dispatch failure: other: no providers in chain provided credentials";
        let hint = hint_of(None, missing).unwrap();
        assert!(is_of_credentials(missing) && hint.starts_with("add `--profile`"), "{hint}");
        let over =
            "dispatch failure: other: an error occurred while loading credentials: the SSO token has expired";
        let hint = hint_of(None, over).unwrap();
        assert!(is_of_credentials(over) && hint.starts_with("there is no sign-in session"), "{hint}");
        let offline =
            "dispatch failure: other: an error occurred while loading credentials: dns error: no such name";
        let hint = hint_of(None, offline).unwrap();
        assert!(!is_of_credentials(offline) && hint.contains("check the network"), "{hint}");
    }

    #[test]
    fn a_damaged_database_has_one_hint() {
        let hint = hint_of(Some("InternalServerError"), "backend: file is not a database").unwrap();
        assert!(hint.ends_with(&replace_state_dir(None)), "{hint}");
        let named = replace_state_dir(Some(Path::new("/var/a")));
        assert!(named.contains("away, for example with `mv /var/a /var/a.damaged`, and start"), "{named}");
    }

    #[test]
    fn a_full_disk_has_a_hint_for_each_service() {
        for reason in [
            "InternalServerError: backend: database or disk is full",
            "InternalFailure: the disk of the endpoint's state directory is full; nothing was changed",
        ] {
            let hint = hint_of(Some("InternalServerError"), reason).unwrap();
            assert!(hint.starts_with("free some space on the disk"), "{hint}");
        }
        assert_eq!(hint_of(Some("InternalServerError"), "InternalServerError: other"), None);
    }
}
