//! Checks whether the app can run: Node.js and the app's packages.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::output::Printer;

/// The minimum of `engines` in the app's package.json.
const OLDEST_NODE: u32 = 20;

const GET_NODE: &str =
    "install Node.js 20 or newer: https://nodejs.org, or your system's packages nodejs and npm";

/// Checks node and npx.
///
/// # Errors
/// A tool is missing or too old.
pub(crate) fn check() -> Result<(), Failure> {
    let node = version("node")?;
    let major = node.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        let found = anyhow::anyhow!("node {node} is too old: the CDK app needs {OLDEST_NODE} or newer");
        return Err(Failure::environment(found, GET_NODE));
    }
    version("npx").map(drop)
}

/// Installs the app's packages from its lock file, if they are missing.
///
/// # Errors
/// The packages cannot be installed. npm has printed the reason.
pub(crate) fn install(dir: &Path, printer: Printer) -> Result<(), Failure> {
    if dir.join("node_modules/.bin/cdk").exists() {
        return Ok(());
    }
    printer.progress("installing the CDK app's packages: npm ci");
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(dir)
        .stdin(Stdio::null())
        // Standard output is reserved for data.
        .stdout(std::io::stderr())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::environment(
            anyhow::anyhow!("`npm ci` failed in {}; the reason is in its output above", dir.display()),
            "check that the npm registry, or the mirror in ~/.npmrc, can be reached",
        )),
        Err(error) => Err(not_started("npm", error)),
    }
}

/// The version of a tool.
fn version(tool: &str) -> Result<String, Failure> {
    let output = Command::new(tool).arg("--version").stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(Failure::environment(anyhow::anyhow!("`{tool} --version` failed: {said}"), GET_NODE))
        }
        Err(error) => Err(not_started(tool, error)),
    }
}

fn not_started(tool: &str, error: std::io::Error) -> Failure {
    let what = match error.kind() {
        std::io::ErrorKind::NotFound => anyhow::anyhow!("{tool} is not installed, or not on the PATH"),
        _ => anyhow::Error::new(error).context(format!("{tool} cannot be started")),
    };
    Failure::environment(what, GET_NODE)
}
