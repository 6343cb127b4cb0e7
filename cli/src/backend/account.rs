//! Checks region and profile before a service is called.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rsqlflow_core::of_unknown;

use crate::failure::Failure;

/// Where the SDKs read profiles (AWS SDKs and Tools Reference Guide, "Location of the shared files").
const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
const CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";

/// Checks a profile of the command line.
///
/// # Errors
/// Neither file has it. If a file cannot be read, the check is left to the SDK.
pub(super) fn check_profile(profile: &str) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = variable("HOME");
    let read = |name: &str, default: &str| {
        contents(&expanded(&variable(name).unwrap_or_else(|| default.to_owned()), home.as_deref()))
    };
    let (Ok(config), Ok(credentials)) =
        (read(CONFIG_FILE, "~/.aws/config"), read(CREDENTIALS_FILE, "~/.aws/credentials"))
    else {
        return Ok(());
    };
    let mut known = profiles(&config, true);
    known.extend(profiles(&credentials, false));
    known.sort();
    known.dedup();
    if known.iter().any(|known| known == profile) {
        return Ok(());
    }
    let hint = of_unknown(profile, known.iter().map(String::as_str));
    let hint = hint.unwrap_or_else(|| "neither ~/.aws/config nor ~/.aws/credentials has profiles".to_owned());
    Err(Failure::input(
        format!("the profile {profile:?} does not exist"),
        format!("{hint}; `aws configure --profile NAME` and `aws configure sso` create one"),
    ))
}

/// A path as the SDK resolves it: a first component `~` is the home directory. `~name` has no special meaning.
fn expanded(path: &str, home: Option<&str>) -> PathBuf {
    match (Path::new(path).strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// The text of a file. A missing file has no profiles.
fn contents(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// The profiles of a file. In `config`, all but the default are named `[profile NAME]`, and there are sections of other
/// kinds. In `credentials`, each section is a profile (same guide, "Shared config and credentials files").
fn profiles(text: &str, is_config: bool) -> Vec<String> {
    let section = |line: &str| {
        let name = line.trim().strip_prefix('[')?.split_once(']')?.0.trim().to_owned();
        if !is_config || name == "default" {
            return Some(name);
        }
        let name = name.strip_prefix("profile")?.strip_prefix(char::is_whitespace)?.trim();
        Some(name.trim_matches(['"', '\'']).to_owned())
    };
    text.lines().filter_map(section).collect()
}

/// Checks a region's name, from any source.
///
/// # Errors
/// The name is not valid.
pub(super) fn check_region(region: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = region.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_one = match parts.as_slice() {
        [words @ .., number] => {
            words.len() >= 2
                && words.iter().all(is_word)
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        [] => false,
    };
    if is_one {
        return Ok(());
    }
    Err(Failure::input(
        format!("{region:?} is not the name of an AWS region"),
        "use a name such as eu-west-1; the region comes from --region, else AWS_REGION, else the profile in \
         ~/.aws/config",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_in_both_files() {
        let config = "[default]\nregion = x\n[profile prod]\n [profile  \"night ly\"] # c\n[sso-session s]\n[profiles]\n";
        assert_eq!(profiles(config, true), ["default", "prod", "night ly"]);
        assert_eq!(profiles("[default]\n[prod]\naws_access_key_id = x\n", false), ["default", "prod"]);
    }

    #[test]
    fn files_are_where_the_sdk_looks() {
        for (path, home, expected) in [
            ("~/aws/config", Some("/home/a"), "/home/a/aws/config"),
            ("~", Some("/home/a"), "/home/a"),
            ("~b/config", Some("/home/a"), "~b/config"),
            ("/etc/aws/~/config", Some("/home/a"), "/etc/aws/~/config"),
            ("~/aws/config", None, "~/aws/config"),
        ] {
            assert_eq!(expanded(path, home), Path::new(expected));
        }
    }

    #[test]
    fn a_file_that_is_missing_is_empty_and_one_that_cannot_be_read_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        assert_eq!(contents(&path).unwrap(), "");
        std::fs::write(&path, b"[profile caf\xe9]").unwrap();
        assert!(contents(&path).is_err(), "not UTF-8");
        assert!(contents(dir.path()).is_err(), "no file");
    }

    #[test]
    fn regions_look_like_regions() {
        for good in ["eu-west-1", "us-gov-west-1", "ap-southeast-5", "us-isob-east-1", "eusc-de-east-1"] {
            check_region(good).unwrap();
        }
        for bad in
            ["", "eu", "eu-west", "EU-WEST-1", "eu_west_1", "eu-west-1a", "eu-west-", "-west-1", "eu-west-1 "]
        {
            assert!(check_region(bad).is_err(), "{bad:?}");
        }
    }
}
