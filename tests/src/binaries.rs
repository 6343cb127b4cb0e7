//! The programs under test.

use std::path::PathBuf;
use std::process::Command;

/// Where the programs are, if not beside the tests: `make bench` measures those that ship.
const BINARIES: &str = "RSQLFLOW_TEST_BINARIES";

/// A program of this workspace, as `cargo build --bins` left it beside the tests.
///
/// # Panics
/// Where it has not been built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = match std::env::var_os(BINARIES) {
        Some(directory) => PathBuf::from(directory).join(name),
        None => {
            let test = std::env::current_exe().expect("a test knows where it is");
            // target/<profile>/deps/<test>
            test.ancestors().nth(2).expect("a test lies in a target directory").join(name)
        }
    };
    assert!(path.is_file(), "{} is missing: run `make build` first", path.display());
    path
}

/// A command of one of our programs, with an environment that no test and no developer's shell has touched.
#[must_use]
pub fn command(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
    command
}
