//! Removes local logs that are old enough.
//!
//! Every agent checks at its end whether a round is due. One agent an hour does the work. The writer of a log locks it, so
//! it is kept however long its script has been silent.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::capture::is_current;

/// Interval of rounds.
const ROUND: Duration = Duration::from_secs(3600);

/// At this size, the agents' own log is rotated. One old file is kept. 16 MiB.
const OWN_LOG: u64 = 16 * 1024 * 1024;

/// The result of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Number of removed logs.
    pub logs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Runs a round, if it is due. `None` if it is not. Files that cannot be removed are tried again in the next round.
#[must_use]
pub fn clean(log_dir: &Path, retention: Duration, now: SystemTime) -> Option<Cleaned> {
    if retention.is_zero() || !is_time(log_dir, retention.min(ROUND), now) {
        return None;
    }
    turn_over(&log_dir.join("agent.log"), retention, now);
    let mut cleaned = Cleaned::default();
    for run in fs::read_dir(log_dir).into_iter().flatten().flatten() {
        // Symbolic links are neither followed nor removed.
        if !run.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let before = cleaned.logs;
        for log in fs::read_dir(run.path()).into_iter().flatten().flatten() {
            if is_ours(&log.path())
                && let Ok(Some(bytes)) = remove_if_old(&log.path(), retention, now)
            {
                cleaned.logs += 1;
                cleaned.bytes += bytes;
            }
        }
        if cleaned.logs > before {
            // Only empty directories are removed.
            let _ = fs::remove_dir(run.path());
        }
    }
    Some(cleaned)
}

/// Whether a round is due. Then it counts as done.
fn is_time(log_dir: &Path, every: Duration, now: SystemTime) -> bool {
    let marker = log_dir.join(".cleaned");
    let last = fs::metadata(&marker).and_then(|marker| marker.modified());
    // A time in the future, after the clock was changed, is ignored.
    if last.is_ok_and(|last| now.duration_since(last).is_ok_and(|since| since < every)) {
        return false;
    }
    // This may fail on a full disk, where a round is especially useful.
    let _ = File::create(&marker).and_then(|marker| marker.set_modified(now));
    true
}

/// The agents' own log is one file. Agents that have it open continue to write to the renamed file.
fn turn_over(log: &Path, retention: Duration, now: SystemTime) {
    let old = log.with_extension("log.1");
    let _ = remove_if_old(&old, retention, now);
    if fs::symlink_metadata(log).is_ok_and(|log| log.is_file() && log.len() >= OWN_LOG) {
        let _ = fs::rename(log, old);
    }
}

/// Whether the name is that of a job's log, `0001-00004-a1.log`. Others may have logs in this directory too.
fn is_ours(path: &Path) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let Some(name) = name.strip_suffix(".log") else { return false };
    let parts: Vec<&str> = name.split('-').collect();
    matches!(parts[..], [stage, position, attempt]
        if number(stage) && number(position) && attempt.strip_prefix('a').is_some_and(number))
}

/// Removes a log that is not being written. Returns its size.
fn remove_if_old(path: &Path, retention: Duration, now: SystemTime) -> io::Result<Option<u64>> {
    let found = fs::symlink_metadata(path)?;
    let is_old = now.duration_since(found.modified()?).is_ok_and(|age| age >= retention);
    if !found.is_file() || !is_old || path.extension().is_none_or(|e| e != "log" && e != "1") {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).open(path)?;
    // Held until it is removed: a process that opens it in the meantime waits, and finds another file.
    if file.try_lock().is_err() || !is_current(&file, path) {
        return Ok(None);
    }
    fs::remove_file(path)?;
    Ok(Some(found.len()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::logs::Capture;

    const DAY: Duration = Duration::from_secs(86_400);

    fn log(dir: &Path, name: &str, age: Duration) -> PathBuf {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "line\n").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        path
    }

    #[test]
    fn what_is_old_goes_and_what_is_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let old = log(dir.path(), "a/0000-00000-a1.log", 8 * DAY);
        let new = log(dir.path(), "b/0000-00000-a1.log", 6 * DAY);
        let other = log(dir.path(), "b/notes.txt", 8 * DAY);
        let running = log(dir.path(), "c/0000-00000-a1.log", 8 * DAY);
        let (capture, _follow) = Capture::open(running.clone());
        let foreign = log(dir.path(), "nginx/access.log", 80 * DAY);
        fs::create_dir(dir.path().join("empty")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("b"), dir.path().join("d")).unwrap();

        let now = SystemTime::now();
        assert_eq!(clean(dir.path(), Duration::ZERO, now), None, "for ever");
        assert_eq!(clean(dir.path(), 7 * DAY, now), Some(Cleaned { logs: 1, bytes: 5 }));
        assert!(!old.parent().unwrap().exists(), "the run's folder is gone with its last log");
        assert!(foreign.exists() && dir.path().join("empty").exists(), "others may have logs there");
        assert!(new.exists() && other.exists() && running.exists() && dir.path().join("d").exists());

        assert_eq!(clean(dir.path(), 7 * DAY, now + ROUND / 2), None, "not twice an hour");
        drop(capture);
        assert_eq!(clean(dir.path(), 7 * DAY, now + ROUND), Some(Cleaned { logs: 1, bytes: 5 }));
        assert!(!running.exists(), "nobody writes it any more");
    }

    #[test]
    fn a_log_that_is_removed_while_it_is_opened_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = log(dir.path(), "a/0000-00000-a1.log", 8 * DAY);
        let cleaner = File::open(&path).unwrap();
        cleaner.lock().unwrap();
        let opening = std::thread::spawn({
            let path = path.clone();
            move || {
                let mut capture = Capture::open(path).0;
                capture.push(b"new\n", &mut |_| {});
                capture.trouble().is_none()
            }
        });
        // Whether it waits by now or comes later, it must not write to what is removed here.
        fs::remove_file(&path).unwrap();
        fs::remove_dir(path.parent().unwrap()).unwrap();
        drop(cleaner);
        assert!(opening.join().unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"new\n");
    }

    #[test]
    fn the_agents_own_log_begins_anew_when_it_is_long() {
        let dir = tempfile::tempdir().unwrap();
        let own = log(dir.path(), "agent.log", Duration::ZERO);
        let now = SystemTime::now();
        assert_eq!(clean(dir.path(), 7 * DAY, now), Some(Cleaned::default()));
        assert!(own.exists(), "short");
        File::options().write(true).open(&own).unwrap().set_len(OWN_LOG).unwrap();
        assert_eq!(clean(dir.path(), 7 * DAY, now + ROUND), Some(Cleaned::default()));
        assert!(!own.exists() && dir.path().join("agent.log.1").exists());
        assert!(clean(dir.path(), 7 * DAY, now + 9 * DAY).is_some());
        assert!(!dir.path().join("agent.log.1").exists());
    }
}
