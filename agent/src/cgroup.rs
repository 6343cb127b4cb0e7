//! A control group for each job, so that no process of its script survives agent and guard.
//!
//! The guard ends processes that a script leaves. If guard and agent are both killed or stopped, processes that left the
//! script's session continue. They are still in the job's control group (cgroups(7), version 2), and `cgroup.kill` ends all
//! of them. The next agent on this instance does that for every job whose agent and guard have ended. Before it starts a
//! script, it does that for every earlier attempt of the same job, also if that agent is only stopped.
//!
//! A lock on the directory of a group protects it. The kernel releases the lock when the last process that holds it ends.
//! Where the system has no control groups of version 2, or the agent cannot write to them, jobs run without a group. Then
//! only the guard enforces the lease.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rsqlflow_core::{ExecutionId, JobId, Owner};
use sha2::{Digest, Sha256};

/// How long processes may take to end after `cgroup.kill`.
const DEATH: Duration = Duration::from_secs(5);

/// The groups of one instance's jobs.
#[derive(Clone, Debug)]
pub struct Cgroups {
    directory: PathBuf,
}

/// The group of one attempt. Dropping it removes the group.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    _lock: File,
}

/// Processes of an earlier agent that were ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The group's name, which contains run, job and attempt.
    pub name: String,
    /// How many processes it had.
    pub processes: usize,
}

impl Cgroups {
    /// The groups of the instance with this spool. `None` if control groups of version 2 are not mounted.
    #[must_use]
    pub fn of_spool(spool_dir: &Path) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let root = version_2(&mounts)?;
        // Several instances may be simulated on one machine, and none may end the processes of another.
        let spool = fs::canonicalize(spool_dir).unwrap_or_else(|_| spool_dir.to_owned());
        let digest = Sha256::digest(spool.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Some(Self { directory: root.join("rsqlflow").join(name) })
    }

    /// Creates the group of an attempt.
    ///
    /// # Errors
    /// Groups cannot be created here.
    pub fn begin(
        &self,
        execution: &ExecutionId,
        job: JobId,
        attempt: u32,
        owner: &Owner,
    ) -> io::Result<Cgroup> {
        DirBuilder::new().recursive(true).mode(0o755).create(&self.directory)?;
        // Until it is locked, it looks like a group of a dead agent, which other agents remove.
        let all = File::open(&self.directory)?;
        all.lock_shared()?;
        let path = self.directory.join(format!("{}{attempt}_{}", beginning(execution, job), owner.as_str()));
        DirBuilder::new().mode(0o755).create(&path)?;
        let lock = File::open(&path)?;
        lock.lock_shared()?;
        Ok(Cgroup { path, _lock: lock })
    }

    /// Ends the processes of earlier attempts of this job, even if a process holds their lock: this attempt is claimed, so
    /// their leases have expired. Also ends processes of agents that have ended together with their guards.
    ///
    /// # Errors
    /// The groups cannot be listed, or a process does not end.
    pub fn end_earlier(&self, execution: &ExecutionId, job: JobId, attempt: u32) -> io::Result<Vec<Ended>> {
        let beginning = beginning(execution, job);
        self.end(|name| {
            let number =
                name.strip_prefix(&beginning).and_then(|rest| rest.split('_').next()?.parse::<u32>().ok());
            number.is_some_and(|number| number < attempt)
        })
    }

    /// Ends processes of agents that have ended together with their guards.
    ///
    /// # Errors
    /// The groups cannot be listed, or a process does not end.
    pub fn end_orphans(&self) -> io::Result<Vec<Ended>> {
        self.end(|_| false)
    }

    /// Ends every group without a lock, and those that `also` selects, even with a lock.
    fn end(&self, also: impl Fn(&str) -> bool) -> io::Result<Vec<Ended>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        // While this lock is held, no group is between its creation and its lock.
        let all = File::open(&self.directory)?;
        all.lock()?;
        let mut ended = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            // Another agent may remove it at the same time.
            let Ok(directory) = File::open(&path) else { continue };
            let wanted = also(&name);
            if !path.is_dir() || (!wanted && is_held(&directory)?) {
                continue;
            }
            let processes = match kill(&path) {
                Ok(processes) => processes,
                // Its own agent removed it in the meantime.
                Err(_) if !path.exists() => continue,
                Err(error) if wanted => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, name, "the remaining processes of a job cannot be ended");
                    continue;
                }
            };
            let _ = fs::remove_dir(&path);
            if processes > 0 {
                ended.push(Ended { name, processes });
            }
        }
        Ok(ended)
    }
}

impl Cgroup {
    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // It is empty, unless the guard was killed.
        let _ = kill(&self.path);
        let _ = fs::remove_dir(&self.path);
    }
}

/// The common prefix of the names of a job's groups. The attempt's number follows.
fn beginning(execution: &ExecutionId, job: JobId) -> String {
    format!("{execution}_{:04}-{:05}_a", job.stage, job.position)
}

fn is_held(directory: &File) -> io::Result<bool> {
    match directory.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Kills every process of a group, and waits until all have ended. Returns their number.
fn kill(group: &Path) -> io::Result<usize> {
    let processes = || -> io::Result<Vec<String>> {
        Ok(fs::read_to_string(group.join("cgroup.procs"))?.lines().map(str::to_owned).collect())
    };
    let first = processes()?;
    let began = Instant::now();
    let mut left = first.clone();
    while !left.is_empty() {
        if began.elapsed() >= DEATH {
            return Err(io::Error::other(format!(
                "{} processes of {} cannot be killed",
                left.len(),
                group.display()
            )));
        }
        match OpenOptions::new().write(true).open(group.join("cgroup.kill")) {
            Ok(mut file) => io::Write::write_all(&mut file, b"1")?,
            // Before Linux 5.14, processes are killed one by one until no new ones appear.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                for pid in left.iter().filter_map(|pid| pid.parse().ok()) {
                    let _ =
                        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
                }
            }
            Err(error) => return Err(error),
        }
        sleep(Duration::from_millis(5));
        left = processes()?;
    }
    Ok(first.len())
}

/// Where control groups of version 2 are mounted, by `/proc/PID/mountinfo` (proc(5)).
fn version_2(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        (after.split(' ').next() == Some("cgroup2")).then(|| before.split(' ').nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_is_found_beside_version_1_and_alone() {
        let hybrid = "31 25 0:27 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n\
                      32 25 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(version_2(hybrid).unwrap(), Path::new("/sys/fs/cgroup/unified"));
        let alone = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(version_2(alone).unwrap(), Path::new("/sys/fs/cgroup"));
        assert_eq!(version_2("25 1 0:20 / /sys rw - sysfs sysfs rw\n"), None);
    }
}
