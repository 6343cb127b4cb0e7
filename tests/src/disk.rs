//! A disk that a test can fill.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::behind;

/// A small disk of one's own, which takes a mount and hence a user namespace (user_namespaces(7)).
pub struct SmallDisk {
    holder: Child,
    path: PathBuf,
}

impl SmallDisk {
    /// On an empty directory. `None` where this machine allows none.
    #[must_use]
    pub fn new(path: &Path, kib: u32) -> Option<Self> {
        let mount =
            format!("mount -t tmpfs -o size={kib}k,mode=700 tmpfs \"$0\" && echo mounted && exec cat");
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
        (line == "mounted\n").then_some(Self { holder, path: path.to_owned() })
    }

    /// The command, with the disk in sight.
    #[must_use]
    pub fn command(&self, command: &Command) -> Command {
        let holder = self.holder.id().to_string();
        behind(&["nsenter", "--preserve-credentials", "--user", "--mount", "--target", &holder], command)
    }

    /// Runs a shell's commands, with the disk in sight.
    ///
    /// # Panics
    /// Where one fails.
    pub fn shell(&self, script: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        assert!(self.command(&command).status().expect("a shell").success(), "{script}");
    }

    /// The file that fills it.
    #[must_use]
    pub fn filler(&self) -> String {
        self.path.join("filler").display().to_string()
    }

    /// Fills it to its last byte.
    pub fn fill(&self) {
        self.shell(&format!("! head -c 64M /dev/zero > '{}' 2>/dev/null", self.filler()));
    }

    /// Makes room again.
    pub fn free(&self) {
        self.shell(&format!("rm '{}'", self.filler()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
