//! What Linux says of a process (proc(5)).

use std::path::Path;

/// Resident memory of a process in megabytes: now (`VmRSS`) or at most so far (`VmHWM`).
pub(crate) fn memory_mb(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')).unwrap();
    let kib: f64 = found.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

/// Processor time in clock ticks: of the whole process, and of its threads of this name.
pub(crate) fn ticks(pid: u32, thread: &str) -> (f64, f64) {
    let (mut all, mut named) = (0.0, 0.0);
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let path = task.unwrap().path();
        let used = task_ticks(&path);
        all += used;
        if std::fs::read_to_string(path.join("comm")).unwrap().trim() == thread {
            named += used;
        }
    }
    (all, named)
}

fn task_ticks(task: &Path) -> f64 {
    let stat = std::fs::read_to_string(task.join("stat")).unwrap();
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th fields after it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}
