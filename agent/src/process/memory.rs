//! Whether the kernel killed processes because memory ran out.

use std::fs;

/// The exit code of shells for SIGKILL (Bash manual, "Exit Status").
const KILLED: i32 = 128 + 9;

/// The number of processes that the kernel had killed because of memory, in any control group, when a try started.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    kills: Option<u64>,
}

impl Memory {
    /// Now.
    #[must_use]
    pub fn look() -> Self {
        Self { kills: fs::read_to_string("/proc/vmstat").ok().as_deref().and_then(kills) }
    }

    /// The message for a script, or its program, that was killed by SIGKILL, but not by the agent.
    #[must_use]
    pub fn hint_after(self, code: Option<i32>) -> Option<String> {
        (code == Some(KILLED)).then(|| hint(self.kills, Self::look().kills))
    }
}

fn hint(before: Option<u64>, after: Option<u64>) -> String {
    match before.zip(after).map(|(before, after)| after.saturating_sub(before)) {
        Some(1..) => {
            "meanwhile the kernel has killed processes because memory ran out; hint: give the instance more \
                      memory, or lower max_jobs"
                .to_owned()
        }
        Some(0) | None => {
            "the agent did not do that; hint: look for `Out of memory` in `journalctl -k`, and for whoever \
                           else may send SIGKILL"
                .to_owned()
        }
    }
}

/// `oom_kill` of `/proc/vmstat` (proc(5)).
fn kills(vmstat: &str) -> Option<u64> {
    vmstat.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_that_nobody_here_sent_is_explained() {
        assert_eq!(kills("nr_free_pages 7\noom_kill 3\nthp 1\n"), Some(3));
        assert!(hint(Some(3), Some(4)).contains("memory ran out"));
        assert!(hint(Some(3), Some(3)).contains("journalctl"));
        assert!(
            Memory::look().hint_after(Some(137)).is_some(),
            "also of a program that the script has started"
        );
        assert_eq!(Memory::look().hint_after(Some(1)), None);
        assert_eq!(Memory::look().hint_after(None), None);
    }
}
