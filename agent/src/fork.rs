//! Splitting this process in two.

use std::io;

use nix::unistd::ForkResult;

/// This process's threads (proc(5)).
const TASKS: &str = "/proc/self/task";

/// Makes sure that this process has one thread: only then can it be split.
///
/// # Errors
/// How many there are instead, or why they cannot be counted.
pub(crate) fn alone() -> io::Result<()> {
    let listed = std::fs::read_dir(TASKS).map_err(|error| {
        io::Error::new(error.kind(), format!("{TASKS}, the threads, cannot be read: {error}"))
    })?;
    match listed.count() {
        1 => Ok(()),
        threads => Err(io::Error::other(format!(
            "a process of {threads} threads cannot be split; does /etc/ld.so.preload put one into every process?"
        ))),
    }
}

/// Splits this process. To start the binary anew instead would cost as much again as all that a short job does before
/// its script runs: the loader, and a copy of every page with an address in it.
///
/// # Errors
/// If there is another thread, or the operating system refuses.
pub(crate) fn fork() -> io::Result<ForkResult> {
    alone()?;
    #[expect(unsafe_code, reason = "fork is safe in a process of one thread")]
    // SAFETY: this is the only thread, so no other can hold a lock in the child's copy, nor start one meanwhile.
    let forked = unsafe { nix::unistd::fork() }?;
    Ok(forked)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_with_other_threads_is_not_split() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || held.recv());
        assert!(super::fork().unwrap_err().to_string().contains("threads cannot be split"));
        drop(hold);
        assert!(other.join().unwrap().is_err());
    }
}
