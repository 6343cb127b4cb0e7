//! Other people's clients: the AWS CLI and boto3, as `make tool-clients` installs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{World, binary};

/// Names another place of the Python environment.
const PLACE: &str = "RSQLFLOW_TEST_CLIENTS";

/// The folder of the environment's programs.
///
/// # Panics
/// Where it has not been installed: a test that were left out would look like one that passed.
#[must_use]
pub fn clients() -> PathBuf {
    let place = std::env::var_os(PLACE).map_or_else(
        // target/<profile>/<binary>
        || binary("rsqlflow").ancestors().nth(2).expect("a target directory").join("clients"),
        PathBuf::from,
    );
    let folder = place.join("bin");
    assert!(
        folder.join("aws").is_file(),
        "the AWS CLI and boto3 are not at {}: run `make tool-clients` first, or name their Python environment in {PLACE}",
        place.display()
    );
    folder
}

/// A command with the clients and our own programs on its `PATH`, at work in `dir`, which sees nothing of the AWS
/// configuration of whoever runs the tests.
///
/// # Panics
/// Where the clients have not been installed.
#[must_use]
pub fn client(program: &str, dir: &Path) -> Command {
    let mut path = clients().into_os_string();
    path.push(":");
    path.push(binary("rsqlflow").parent().expect("a program has a directory"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    // `env` looks the program up in the PATH that it is given; a command by itself, in ours.
    let mut command = Command::new("env");
    command
        .arg(program)
        .env_clear()
        .env("PATH", path)
        .env("HOME", dir)
        .env("LANG", "C.UTF-8")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_PAGER", "")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

impl World {
    /// A [`client`] of this endpoint.
    ///
    /// # Panics
    /// Where the clients have not been installed.
    #[must_use]
    pub fn client(&self, program: &str) -> Command {
        let mut command = client(program, &self.file(""));
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .envs(self.keys.env());
        command
    }

    /// Runs the tests of a file in `tests/clients/`.
    ///
    /// # Panics
    /// Where one fails, with what it says; and where there are none.
    pub fn boto3(&self, module: &str, env: &[(&str, &str)]) {
        let output = self
            .client("python")
            .args(["-m", "unittest", "-v", module])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients"))
            .env("RSQLFLOW_TEST_SCRIPTS", self.scripts())
            .envs(env.iter().copied())
            .output()
            .expect("python starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{module}.py failed:\n{said}");
        assert!(!said.contains("Ran 0 tests") && said.contains("\nRan "), "{said}");
    }

    /// What `aws` answers to these arguments; `null` if nothing.
    ///
    /// # Errors
    /// What it writes to standard error where it fails.
    ///
    /// # Panics
    /// Where it cannot be started, or answers no JSON.
    pub fn try_aws(&self, args: &[&str]) -> Result<Value, String> {
        let output = self.client("aws").args(["--output", "json"]).args(args).output().expect("aws starts");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        if output.stdout.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&output.stdout).expect("aws answers JSON"))
    }

    /// As [`World::try_aws`].
    ///
    /// # Panics
    /// Where it fails.
    pub fn aws(&self, args: &[&str]) -> Value {
        self.try_aws(args).unwrap_or_else(|error| panic!("aws {}: {error}", args.join(" ")))
    }
}
