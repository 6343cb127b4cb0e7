//! What to do about an error of a service.

use std::path::Path;
use std::sync::OnceLock;

use rsqlflow_core::env::AWS_PROFILE;

/// What to do about an error of a service.
pub(crate) fn hint_of(code: Option<&str>, reason: &str) -> Option<String> {
    // As the endpoint's own services say it, and as its DynamoDB does (SQLite's result code SQLITE_FULL).
    if reason.contains("disk is full") || reason.contains("state directory is full") {
        return Some(
            "make room on the disk of the state directory, and try again; nothing was changed".to_owned(),
        );
    }
    // As the embedded DynamoDB passes on what SQLite says.
    if reason.contains("disk image is malformed") || reason.contains("file is not a database") {
        return Some(format!("a database of the state directory is damaged: {}", begin_anew(None)));
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
            Some(place) if !place.is_aws => {
                "the endpoint takes only its own keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as `rsqlflow \
                 local` prints them, or name its state directory with --state-dir"
            }
            _ => "AWS does not know these credentials: check the profile and the region",
        },
        Some("AccessDenied" | "NotAuthorized") => {
            "ask for the permission that the message names; docs/cli.md lists what each command needs"
        }
        Some("ResourceNotFound") => {
            "it does not exist there: check region, endpoint and RSQLFLOW_PREFIX; `rsqlflow config` shows them"
        }
        Some(_) => return None,
        None if is_of_credentials(reason) && is_sso(reason) => return Some(sign_in("nobody is signed in")),
        None if is_of_credentials(reason) => {
            "give --profile or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws configure` and `aws configure sso` \
             write profiles"
        }
        None => return unreachable(reason, PLACE.get().unwrap_or(&Called::unknown())),
    };
    Some(hint.to_owned())
}

/// What to do about a state directory whose databases are damaged, by its path where that is known.
pub(crate) fn begin_anew(dir: Option<&Path>) -> String {
    let such_as = dir.map(Path::display).map(|dir| format!(", such as with `mv {dir} {dir}.damaged`,"));
    format!(
        "move the state directory away{} and begin with a new one: it holds only what ran on this machine, and `rsqlflow \
         put` puts workflows into the new one",
        such_as.unwrap_or_default()
    )
}

/// Whether an error without a code is that there are no credentials, or none that are still good. Where they could not
/// be fetched because nobody answered, it is that.
pub(crate) fn is_of_credentials(reason: &str) -> bool {
    let lower = reason.to_ascii_lowercase();
    let is_silence = [NO_NAME, NO_ANSWER, &["connect"]].concat().iter().any(|part| lower.contains(part));
    (lower.contains("credentials") || is_sso(reason)) && !is_silence
}

/// Whether it is a session of IAM Identity Center that is missing or over. The SDK has no code for it.
fn is_sso(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["sso token", "sso session", "token cache", "cached token", "sso/cache"]
        .iter()
        .any(|part| reason.contains(part))
}

/// How to sign in again, with the profile that is meant.
fn sign_in(why: &str) -> String {
    let profile = PROFILE.get().cloned().or_else(|| std::env::var(AWS_PROFILE).ok());
    match profile.filter(|profile| !profile.is_empty()) {
        Some(profile) => format!("{why}: aws sso login --profile {profile}, or renew the profile's keys"),
        None => format!("{why}: sign in again, such as with aws sso login --profile NAME"),
    }
}

/// How HTTP and TLS clients say that a name was not found, in lower case.
const NO_NAME: &[&str] = &["dns error", "lookup address", "name or service not known"];
/// How they say that nothing came back.
const NO_ANSWER: &[&str] = &["timeout", "timed out", "unreachable", "no route"];

/// What to check where nobody answered, by how it was tried.
fn unreachable(reason: &str, place: &Called) -> Option<String> {
    let reason = reason.to_ascii_lowercase();
    let Called { name: place, is_aws } = place;
    let is_aws = *is_aws;
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    Some(if has(NO_NAME) {
        let region = if is_aws {
            ", and that the region exists (`rsqlflow config` shows where it is from)"
        } else {
            ""
        };
        format!("the name of {place} was not found: check the network, its DNS{region}")
    } else if has(&["connection refused"]) {
        let what = if is_aws { "a proxy or firewall" } else { "the address, and that the endpoint runs" };
        format!("nothing answers there, {place}: check {what}; `rsqlflow doctor` looks closer")
    } else if has(NO_ANSWER) {
        let what = if is_aws {
            "network, VPN and proxy, and within a VPC the endpoints of the services"
        } else {
            "network and address"
        };
        format!("no answer came from {place}: check {what}; `rsqlflow doctor` looks closer")
    } else if has(&["dispatch failure", "connect"]) {
        format!(
            "nothing answers there, {place}: check the network and the address; `rsqlflow doctor` looks closer"
        )
    } else if has(&["unhandled error", "response error"]) {
        format!(
            "what answers there, {place}, does not answer as AWS does: check the address, and the proxy between"
        )
    } else {
        return None;
    })
}

/// The place where the command works, for hints.
static PLACE: OnceLock<Called> = OnceLock::new();

/// A place as hints speak of it.
struct Called {
    name: String,
    /// Whether it is AWS itself.
    is_aws: bool,
}

impl Called {
    /// Before it is known which is meant.
    fn unknown() -> Self {
        Self { name: "the service".to_owned(), is_aws: false }
    }
}

/// Notes it.
pub(crate) fn of_place(name: &str, is_aws: bool) {
    let _ = PLACE.set(Called { name: name.to_owned(), is_aws });
}

/// The profile that the command line names, for hints.
static PROFILE: OnceLock<String> = OnceLock::new();

/// Notes it.
pub(crate) fn of_profile(profile: &str) {
    let _ = PROFILE.set(profile.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_named_with_what_to_check() {
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
                .starts_with("nothing answers there, the endpoint http://127.0.0.1:1: check the address")
        );
        let hint =
            unreachable("dispatch failure: timeout: HTTP connect timeout occurred after 5s", aws).unwrap();
        assert!(
            hint.starts_with("no answer came from AWS in mars-north-1") && hint.contains("VPC"),
            "{hint}"
        );
        let hint = unreachable("unhandled error: Error", endpoint).unwrap();
        assert!(hint.contains("http://127.0.0.1:1, does not answer as AWS does"), "{hint}");
        assert_eq!(unreachable("construction failure", aws), None);
    }

    #[test]
    fn credentials_that_nobody_answered_for_are_not_missing() {
        let missing = "dispatch failure: other: no providers in chain provided credentials";
        let hint = hint_of(None, missing).unwrap();
        assert!(is_of_credentials(missing) && hint.starts_with("give --profile"), "{hint}");
        let over =
            "dispatch failure: other: an error occurred while loading credentials: the SSO token has expired";
        let hint = hint_of(None, over).unwrap();
        assert!(is_of_credentials(over) && hint.starts_with("nobody is signed in"), "{hint}");
        let offline =
            "dispatch failure: other: an error occurred while loading credentials: dns error: no such name";
        let hint = hint_of(None, offline).unwrap();
        assert!(!is_of_credentials(offline) && hint.contains("check the network"), "{hint}");
    }

    #[test]
    fn a_damaged_database_has_one_advice() {
        let hint = hint_of(Some("InternalServerError"), "backend: file is not a database").unwrap();
        assert!(hint.ends_with(&begin_anew(None)), "{hint}");
        let named = begin_anew(Some(Path::new("/var/a")));
        assert!(named.contains("away, such as with `mv /var/a /var/a.damaged`, and begin"), "{named}");
    }

    #[test]
    fn a_full_disk_is_told_however_a_service_says_it() {
        for reason in [
            "InternalServerError: backend: database or disk is full",
            "InternalFailure: the disk of the endpoint's state directory is full; nothing was changed",
        ] {
            let hint = hint_of(Some("InternalServerError"), reason).unwrap();
            assert!(hint.starts_with("make room on the disk"), "{hint}");
        }
        assert_eq!(hint_of(Some("InternalServerError"), "InternalServerError: other"), None);
    }
}
