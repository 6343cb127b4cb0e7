//! Runs `npx cdk`.

use std::collections::BTreeMap;
use std::process::{Command, ExitStatus, Output, Stdio};

use rsqlflow_core::env::{AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_PROFILE, AWS_REGION};

use super::App;
use crate::args::Account;
use crate::backend::{is_loopback, keys};
use crate::failure::Failure;

/// Variables that name credentials.
const KEYS: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AMAZON_ACCESS_KEY_ID",
    "AMAZON_SECRET_ACCESS_KEY",
    "AMAZON_SESSION_TOKEN",
];

/// Start of a failure line of the CDK, with or without colours.
const ERROR: &str = "error: ";

/// `npx cdk` with the environment of an account.
pub(crate) struct Cdk<'a> {
    app: &'a App,
    environment: BTreeMap<&'static str, String>,
    /// Whether standard output is reserved for the document of this command.
    quiet_stdout: bool,
}

impl<'a> Cdk<'a> {
    /// For an app, in the account and region of the command line.
    #[must_use]
    pub(crate) fn new(app: &'a App, account: &Account, region: &str, quiet_stdout: bool) -> Self {
        let mut environment =
            BTreeMap::from([(AWS_REGION, region.to_owned()), (AWS_DEFAULT_REGION, region.to_owned())]);
        if let Some(profile) = &account.profile {
            environment.insert(AWS_PROFILE, profile.clone());
        }
        if let Some(url) = &account.endpoint_url {
            environment.insert(AWS_ENDPOINT_URL, url.clone());
        }
        let endpoint = account.endpoint_url.clone().or_else(|| std::env::var(AWS_ENDPOINT_URL).ok());
        if let Some(url) = endpoint.filter(|url| is_loopback(url)) {
            // A profile is not for an endpoint of this machine.
            let keys = keys::of_endpoint(&url);
            environment.insert("AWS_ACCESS_KEY_ID", keys.access_key_id().to_owned());
            environment.insert("AWS_SECRET_ACCESS_KEY", keys.secret_access_key().to_owned());
        }
        Self { app, environment, quiet_stdout }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("npx");
        // `--no` forbids a download from the registry: the app's lock file decides what runs.
        command.args(["--no", "--", "cdk"]).args(args).arg("--no-notices").current_dir(&self.app.dir);
        if let Some(given) = &self.app.given {
            command.arg("--context").arg(format!("rsqlflow={given}"));
        }
        if self.environment.contains_key(AWS_PROFILE) {
            // The CDK also prefers the environment's keys to a profile.
            for name in KEYS {
                command.env_remove(name);
            }
        }
        command.envs(&self.environment);
        command
    }

    /// The stacks that the settings define.
    ///
    /// # Errors
    /// Every problem of the settings, as the app reports them.
    pub(crate) fn stacks(&self) -> Result<Vec<String>, Failure> {
        let output = self.command(&["list"]).stdin(Stdio::null()).output().map_err(|e| not_started(&e))?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            return Ok(text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect());
        }
        Err(refused(&output))
    }

    /// Runs a command until it ends, and streams its output.
    ///
    /// # Errors
    /// The command failed. It has printed the reason.
    pub(crate) fn run(&self, args: &[&str]) -> Result<(), Failure> {
        let mut command = self.command(args);
        if self.quiet_stdout {
            command.stdout(std::io::stderr());
        }
        let status = command.status().map_err(|e| not_started(&e))?;
        if status.success() {
            return Ok(());
        }
        let what = args.first().copied().unwrap_or_default();
        Err(Failure::environment(
            anyhow::anyhow!("`cdk {what}` {}; the reason is in its output above", ended(status)),
            "CloudFormation rolls back what it could not finish, so you can run the same command again; \
             `rsqlflow doctor --aws` checks what exists",
        ))
    }
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "was killed".to_owned(),
    }
}

/// An error that the app reports about its settings is an input error. Any other error is shown unchanged.
fn refused(output: &Output) -> Failure {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let plain = anstream::adapter::strip_str(&text).to_string();
    let message_of_app =
        plain.split_once(ERROR).filter(|_| plain.starts_with(ERROR) || plain.contains("\nerror: "));
    match message_of_app {
        Some((_, message_of_app)) => {
            // After the app's own message, the CDK prints that the subprocess ended.
            let own =
                message_of_app.lines().take_while(|line| !line.contains("Subprocess exited with error"));
            let message = own.collect::<Vec<_>>().join("\n").trim_end().to_owned();
            Failure::input(message, "fix the settings in cdk.json, or in the file of --settings")
        }
        None => Failure::environment(
            anyhow::anyhow!("`cdk list` {}: {}", ended(output.status), plain.trim()),
            "run `npm ci` in the app's folder to reinstall its packages, and `npm run check` to check the app",
        ),
    }
}

fn not_started(error: &std::io::Error) -> Failure {
    let what = anyhow::anyhow!("npx cannot be started: {error}");
    Failure::environment(what, "install Node.js 20 or newer with npm")
}
