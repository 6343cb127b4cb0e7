//! Programs of a `PATH`, and their versions.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools::client::is_program;

/// Timeout of a program that prints its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// The path of a program on this `PATH`.
pub(super) fn on_path(path: &str, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|directory| directory.join(name)).find(|program| is_program(program))
}

/// The first line that the program prints for `--version`, or the reason why it prints none.
pub(super) fn version(program: &Path, path: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .arg("--version")
        .env_clear()
        .env("PATH", path)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let asked = Instant::now();
    // A version fits into a pipe, so the program does not block.
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if asked.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not print its version within {} s", PATIENCE.as_secs()));
            }
        }
    };
    let first_line = |pipe: Option<&mut dyn Read>| {
        let mut said = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(4096).read_to_end(&mut said);
        }
        let said = String::from_utf8_lossy(&said);
        said.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    };
    let said = first_line(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read));
    let errors = first_line(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read));
    match said.or(errors) {
        Some(line) if status.success() => Ok(line),
        Some(line) => Err(format!("fails: {line}")),
        None if status.success() => Ok("version unknown".to_owned()),
        None => Err(format!("fails: {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_program_says_its_version_or_what_is_in_its_way() {
        let dir = tempfile::tempdir().unwrap();
        let program = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            path
        };
        let path = "/usr/bin:/bin";
        let fine = program("rsql", "#!/bin/sh\necho\necho 'Rsql Version 1.0.8'\necho more");
        assert_eq!(version(&fine, path), Ok("Rsql Version 1.0.8".to_owned()));
        let broken = program("broken", "#!/bin/sh\necho 'libodbc.so.2: cannot open' >&2\nexit 127");
        assert_eq!(version(&broken, path), Err("fails: libodbc.so.2: cannot open".to_owned()));
        let silent = program("silent", "#!/bin/sh\nexit 0");
        assert_eq!(version(&silent, path), Ok("version unknown".to_owned()));
        let strange = program("strange", "#!/no/such/shell\n");
        assert!(version(&strange, path).unwrap_err().starts_with("cannot be started"), "no such shell");

        let search = format!("/nowhere:{}", dir.path().display());
        assert_eq!(on_path(&search, "rsql"), Some(fine));
        assert_eq!(on_path(&search, "psql"), None);
    }
}
