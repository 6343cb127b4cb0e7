//! A small disk of an instance, which is full for a while.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::case::Case;
use crate::spec::Action;

/// How long it is full.
const FULL: Duration = Duration::from_secs(6);

/// A mount. It goes when this is dropped.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    /// The settings of agents that use it.
    pub config: PathBuf,
    /// The spool, where that is on it.
    pub spool: Option<PathBuf>,
    roomy: AtomicBool,
}

impl Disk {
    /// The disk of a case that has one.
    pub fn of(case: &Case) -> Result<Option<Self>> {
        let spool = case.spec.has(Action::FullSpool);
        if !spool && !case.spec.has(Action::FullLogs) {
            return Ok(None);
        }
        let path = case.world.dir.join(format!("disk-{}", case.run));
        fs::create_dir_all(&path)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(&path)
            .status()?
            .success();
        ensure!(mounted, "{} cannot be mounted", path.display());
        let text = fs::read_to_string(case.world.instance(&case.instances[0]).join("agent.toml"))?;
        let key = if spool { "spool_dir" } else { "log_dir" };
        let mut lines: Vec<String> =
            text.lines().filter(|line| !line.starts_with(&format!("{key} ="))).map(str::to_owned).collect();
        lines.push(format!("{key} = '{}'", path.display()));
        let config = case.dir.join("agent.toml");
        fs::write(&config, lines.join("\n"))?;
        let disk = Self { spool: spool.then(|| path.clone()), path, config, roomy: AtomicBool::new(false) };
        // To the last byte.
        let _ = fs::write(disk.filler(), vec![b'x'; 65_536]);
        if spool {
            let filler = disk.filler();
            tokio::spawn(async move {
                tokio::time::sleep(FULL).await;
                let _ = fs::remove_file(filler);
            });
        }
        Ok(Some(disk))
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    /// From now on there is room.
    pub fn make_room(&self) {
        if !self.roomy.swap(true, Ordering::Relaxed) {
            let _ = fs::remove_file(self.filler());
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
        let _ = fs::remove_dir(&self.path);
    }
}
