//! What Linux says of a process (proc(5)), and of this one's children (getrusage(2)).

use std::path::Path;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Resident memory of a process in megabytes: now (`VmRSS`) or at most so far (`VmHWM`).
pub(crate) fn memory_mb(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')).unwrap();
    let kib: f64 = found.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

/// Processor milliseconds of the children that have ended.
pub(crate) fn children_ms() -> f64 {
    cpu_ms(&getrusage(UsageWho::RUSAGE_CHILDREN).unwrap())
}

/// Processor milliseconds, of user and system.
pub(crate) fn cpu_ms(used: &Usage) -> f64 {
    let ms = |time: TimeVal| time.tv_sec() as f64 * 1000.0 + time.tv_usec() as f64 / 1000.0;
    ms(used.user_time()) + ms(used.system_time())
}

/// Clock ticks a second, as proc(5) counts: `USER_HZ`, which is 100 on every architecture that we build for.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time in clock ticks: of the whole process, and of its threads of this name.
pub(crate) fn ticks(pid: u32, thread: &str) -> (f64, f64) {
    let mut named = 0.0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let path = task.unwrap().path();
        if std::fs::read_to_string(path.join("comm")).unwrap().trim() == thread {
            named += task_ticks(&path);
        }
    }
    // Not the sum of its threads: some have ended.
    (task_ticks(Path::new(&format!("/proc/{pid}"))), named)
}

fn task_ticks(task: &Path) -> f64 {
    let stat = std::fs::read_to_string(task.join("stat")).unwrap();
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th fields after it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}
