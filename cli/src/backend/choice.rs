//! Selects the backend of a command: a state directory on this machine, an endpoint, or an AWS account.

use std::path::{Path, PathBuf};

use rsqlflow_core::env::{
    AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_PROFILE, AWS_REGION, STATE_DIR as STATE_DIR_VARIABLE,
};

use crate::args::Given;

/// The default state directory.
pub(crate) const DEFAULT_STATE_DIR: &str = ".rsqlflow";

/// A backend to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BackendKind {
    /// The endpoint of a state directory: the one that serves it, or one in this process.
    StateDir(PathBuf),
    /// The endpoint at this address.
    Endpoint(String),
    /// AWS.
    Aws,
}

/// A backend, and the source of the selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The backend.
    pub site: BackendKind,
    /// The source, as `rsqlflow config` shows it.
    pub source: &'static str,
}

/// Selects the backend. The first line that applies decides, so that options take precedence over variables:
///
/// | given | works on |
/// | --- | --- |
/// | `--state-dir DIR` | the endpoint of that directory |
/// | `--endpoint-url URL` | that endpoint |
/// | `--profile` or `--region` | AWS; with `AWS_ENDPOINT_URL` set, that endpoint |
/// | `RSQLFLOW_STATE_DIR` | the endpoint of that directory |
/// | `AWS_ENDPOINT_URL` | that endpoint |
/// | a directory `.rsqlflow` here | its endpoint |
/// | `AWS_PROFILE`, `AWS_REGION` or `AWS_DEFAULT_REGION` | AWS |
/// | nothing | the directory `.rsqlflow`, which then does not exist |
pub(crate) fn choose(
    given: &Given,
    variable: impl Fn(&str) -> Option<String>,
    is_dir: impl Fn(&Path) -> bool,
) -> Choice {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let choice = |site, source| Choice { site, source };
    if let Some(dir) = &given.state_dir {
        return choice(BackendKind::StateDir(dir.clone()), "--state-dir");
    }
    if let Some(url) = &given.endpoint_url {
        return choice(BackendKind::Endpoint(url.clone()), "--endpoint-url");
    }
    let endpoint = variable(AWS_ENDPOINT_URL).map(BackendKind::Endpoint);
    if given.profile.is_some() || given.region.is_some() {
        return match endpoint {
            Some(site) => choice(site, AWS_ENDPOINT_URL),
            None if given.profile.is_some() => choice(BackendKind::Aws, "--profile"),
            None => choice(BackendKind::Aws, "--region"),
        };
    }
    if let Some(dir) = variable(STATE_DIR_VARIABLE) {
        return choice(BackendKind::StateDir(dir.into()), STATE_DIR_VARIABLE);
    }
    if let Some(site) = endpoint {
        return choice(site, AWS_ENDPOINT_URL);
    }
    let default = PathBuf::from(DEFAULT_STATE_DIR);
    if is_dir(&default) {
        return choice(BackendKind::StateDir(default), "default");
    }
    for name in [AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION] {
        if variable(name).is_some() {
            return choice(BackendKind::Aws, name);
        }
    }
    choice(BackendKind::StateDir(default), "default")
}

/// Whether the address of an endpoint is on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host =
        if host.starts_with('[') { host } else { host.rsplit_once(':').map_or(host, |(host, _)| host) };
    host == "localhost" || host.starts_with("127.") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(given: &Given, variables: &[(&str, &str)], has_dir: bool) -> (BackendKind, &'static str) {
        let get =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let choice = choose(given, get, |dir| has_dir && dir == Path::new(DEFAULT_STATE_DIR));
        (choice.site, choice.source)
    }

    #[test]
    fn what_is_typed_goes_before_what_is_set_and_that_before_what_lies_about() {
        let all = [
            (STATE_DIR_VARIABLE, "/env"),
            (AWS_ENDPOINT_URL, "http://env"),
            (AWS_PROFILE, "p"),
            (AWS_REGION, "r"),
        ];
        let dir = |name: &str| BackendKind::StateDir(name.into());
        let url = |name: &str| BackendKind::Endpoint(name.into());
        let none = Given::default();
        let state_dir = Given { state_dir: Some("/typed".into()), ..Given::default() };
        let endpoint = Given { endpoint_url: Some("http://typed".into()), ..Given::default() };
        let profile = Given { profile: Some("prod".into()), ..Given::default() };
        let region = Given { region: Some("eu-west-1".into()), ..Given::default() };

        assert_eq!(chosen(&state_dir, &all, true), (dir("/typed"), "--state-dir"));
        assert_eq!(chosen(&endpoint, &all, true), (url("http://typed"), "--endpoint-url"));
        assert_eq!(chosen(&profile, &all, true), (url("http://env"), "AWS_ENDPOINT_URL"));
        assert_eq!(chosen(&profile, &all[..1], true), (BackendKind::Aws, "--profile"));
        assert_eq!(chosen(&region, &[], true), (BackendKind::Aws, "--region"));
        assert_eq!(chosen(&none, &all, true), (dir("/env"), "RSQLFLOW_STATE_DIR"));
        assert_eq!(chosen(&none, &all[1..], true), (url("http://env"), "AWS_ENDPOINT_URL"));
        assert_eq!(chosen(&none, &all[2..], true), (dir(".rsqlflow"), "default"));
        assert_eq!(chosen(&none, &all[2..], false), (BackendKind::Aws, "AWS_PROFILE"));
        assert_eq!(
            chosen(&none, &[(AWS_DEFAULT_REGION, "r")], false),
            (BackendKind::Aws, "AWS_DEFAULT_REGION")
        );
        assert_eq!(chosen(&none, &[(AWS_PROFILE, "")], false), (dir(".rsqlflow"), "default"));
    }

    #[test]
    fn loopback_is_this_machine() {
        for url in ["http://127.0.0.1:4566", "http://localhost", "http://localhost:1/x", "http://[::1]:80"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://states.eu-west-1.amazonaws.com", "http://10.0.0.1:4566", "http://127x.example"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
