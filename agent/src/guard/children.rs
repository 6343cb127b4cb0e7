//! Finds and ends the children of this process, which is a subreaper.
//!
//! Only direct children are signalled. Only this process can reap them, so their ids cannot be reused in the meantime.
//! Children of a killed child become direct children, so repeated rounds end all of them.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgid, getpid};

/// A child that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Exited(Pid, i32),
    /// By this signal.
    Signalled(Pid, i32),
}

/// The result of a check of the children.
#[derive(Debug)]
pub struct Reaped {
    /// Children that have ended since the last check.
    pub ended: Vec<Ended>,
    /// Whether there are others.
    pub any_left: bool,
}

/// Reaps every child that has ended, without waiting.
#[must_use]
pub fn reap() -> Reaped {
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => ended.push(Ended::Exited(pid, code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => ended.push(Ended::Signalled(pid, signal as i32)),
            Ok(WaitStatus::StillAlive) => return Reaped { ended, any_left: true },
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Reaped { ended, any_left: false },
        }
    }
}

/// The direct children.
///
/// # Errors
/// `/proc` cannot be read.
pub fn list() -> io::Result<Vec<Pid>> {
    let me = getpid();
    // Not every kernel has this file (CONFIG_PROC_CHILDREN). Otherwise every process is checked.
    match fs::read_to_string(format!("/proc/self/task/{me}/children")) {
        Ok(text) => {
            Ok(text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => scan(me),
        Err(error) => Err(error),
    }
}

fn scan(parent: Pid) -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that ends in the meantime is not a child to signal.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if parent_in(&stat) == Some(parent.as_raw()) {
            children.push(Pid::from_raw(pid));
        }
    }
    Ok(children)
}

/// Field 4 of `/proc/PID/stat` (proc(5)). Field 2 is the program's name in parentheses, which may contain any character.
fn parent_in(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Sends a signal to every direct child that `wanted` accepts, and to all of `group` if one of them is in it. Returns the
/// number of signalled children.
pub fn signal(signal: Signal, group: Pid, mut wanted: impl FnMut(Pid) -> bool) -> u32 {
    let children = list().unwrap_or_default();
    // A group with a member that only this process can reap cannot have been reused.
    let group_lives = children.iter().any(|&child| getpgid(Some(child)) == Ok(group));
    let mut count = 0;
    let mut group_done = false;
    for child in children {
        if !wanted(child) {
            continue;
        }
        count += 1;
        if group_lives && getpgid(Some(child)) == Ok(group) {
            if !group_done {
                // A process that ended in the meantime needs no signal.
                let _ = killpg(group, signal);
                group_done = true;
            }
        } else {
            let _ = kill(child, signal);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_program_name_cannot_forge_its_parent() {
        assert_eq!(parent_in("12 (a) b) 1 (c) S 77 12 12 0 -1"), Some(77));
        assert_eq!(parent_in("nonsense"), None);
        assert_eq!(parent_in(""), None);
    }

    #[test]
    fn both_ways_find_a_child() {
        let mut child = Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        // The thread that started it is its parent in /proc/self/task; the test runner may use another.
        assert!(scan(getpid()).unwrap().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!scan(getpid()).unwrap().contains(&pid));
    }
}
