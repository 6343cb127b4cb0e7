//! Finds the CDK app, and reads the settings that the command needs. The app itself validates its settings.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::args;
use crate::failure::Failure;
use crate::input::file;

/// The settings that name packages, with their defaults, relative to the app.
const PACKAGES: [(&str, &str); 3] = [
    ("lambda_zip", "../target/package/lambda.zip"),
    ("agent_rpm", "../target/package/rsqlflow-agent.rpm"),
    ("agent_deb", "../target/package/rsqlflow-agent.deb"),
];

/// What happens to tables and logs when a deployment is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// They are retained.
    Retain,
    /// They are deleted, with all their data.
    Destroy,
}

/// The app.
#[derive(Debug)]
pub(crate) struct App {
    /// Its folder.
    pub dir: PathBuf,
    /// Settings that replace those in `cdk.json`.
    pub given: Option<Value>,
    settings: Value,
}

impl App {
    /// Finds the app: in the directory of the command line, in the current directory, or in the checkout of this program.
    ///
    /// # Errors
    /// The app is not found, or its settings are not JSON.
    pub(crate) fn find(args: &args::App) -> Result<Self, Failure> {
        let dir = match &args.app {
            Some(dir) if is_app(dir) => dir.clone(),
            Some(dir) => {
                return Err(Failure::input(
                    format!("{} is not the CDK app: cdk.json or bin/app.ts is missing", dir.display()),
                    "name the folder `cdk-config` of a checkout",
                ));
            }
            None => candidates().into_iter().find(|dir| is_app(dir)).ok_or_else(|| {
                Failure::input(
                    "the CDK app was not found in the current directory or beside this program",
                    "run the command in a checkout, or name the folder `cdk-config` with --app",
                )
            })?,
        };
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        let given = args.settings.as_deref().map(file::read).transpose()?;
        if given.as_ref().is_some_and(|given| !given.is_object()) {
            return Err(Failure::input(
                "the file of --settings must be a JSON object",
                r#"write an object such as {"prefix": "team"}"#,
            ));
        }
        let own = file::read(&dir.join("cdk.json"))?;
        let settings = given.clone().unwrap_or_else(|| own["context"]["rsqlflow"].clone());
        Ok(Self { dir, given, settings })
    }

    /// Prefix of every name. Only the app can validate it.
    #[must_use]
    pub(crate) fn prefix(&self) -> &str {
        self.text("prefix").unwrap_or(rsqlflow_core::DEFAULT_PREFIX)
    }

    /// What happens to tables and logs.
    #[must_use]
    pub(crate) fn removal(&self) -> Removal {
        match self.text("removal_policy") {
            Some("destroy") => Removal::Destroy,
            _ => Removal::Retain,
        }
    }

    /// Packages that do not exist, each with the setting that names it.
    #[must_use]
    pub(crate) fn missing_packages(&self) -> Vec<(&'static str, PathBuf)> {
        let named = PACKAGES.into_iter().filter_map(|(setting, default)| {
            let path = match self.settings.get(setting) {
                Some(Value::Bool(false)) => return None,
                Some(Value::String(path)) => path.as_str(),
                _ => default,
            };
            Some((setting, self.dir.join(path)))
        });
        named.filter(|(_, path)| !path.exists()).collect()
    }

    fn text(&self, setting: &str) -> Option<&str> {
        self.settings.get(setting).and_then(Value::as_str)
    }
}

/// Where to search, in this order.
fn candidates() -> Vec<PathBuf> {
    let mut dirs = vec![PathBuf::from("cdk-config"), PathBuf::from(".")];
    if let Ok(program) = std::env::current_exe() {
        dirs.extend(program.ancestors().skip(1).map(|dir| dir.join("cdk-config")));
    }
    dirs
}

fn is_app(dir: &Path) -> bool {
    dir.join("cdk.json").is_file() && dir.join("bin/app.ts").is_file()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(settings: &Value) -> (tempfile::TempDir, App) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("cdk-config");
        std::fs::create_dir_all(dir.join("bin")).unwrap();
        std::fs::write(dir.join("bin/app.ts"), "").unwrap();
        std::fs::write(dir.join("cdk.json"), json!({ "context": { "rsqlflow": settings } }).to_string())
            .unwrap();
        let app = App::find(&args::App { app: Some(dir), settings: None }).unwrap();
        (root, app)
    }

    #[test]
    fn settings_decide_prefix_removal_and_packages() {
        let (_root, plain) = app(&json!({ "prefix": null }));
        assert_eq!((plain.prefix(), plain.removal()), ("rsqlflow", Removal::Retain));
        let missing: Vec<&str> = plain.missing_packages().into_iter().map(|(setting, _)| setting).collect();
        assert_eq!(missing, ["lambda_zip", "agent_rpm", "agent_deb"]);

        let settings = json!({ "prefix": "team", "removal_policy": "destroy", "lambda_zip": "cdk.json",
            "agent_deb": false });
        let (_root, set) = app(&settings);
        assert_eq!((set.prefix(), set.removal()), ("team", Removal::Destroy));
        let missing: Vec<&str> = set.missing_packages().into_iter().map(|(setting, _)| setting).collect();
        assert_eq!(missing, ["agent_rpm"], "one exists, one is switched off");
    }

    #[test]
    fn a_folder_that_is_none_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let wrong = App::find(&args::App { app: Some(dir.path().to_owned()), settings: None }).unwrap_err();
        assert!(wrong.to_string().contains("is not the CDK app"), "{wrong}");
    }
}
