//! Forks this process.

use std::io;

use nix::unistd::ForkResult;

/// This process's threads (proc(5)).
const TASKS: &str = "/proc/self/task";

/// Checks that this process has one thread, which a fork requires.
///
/// # Errors
/// The number of threads, or why they cannot be counted.
pub(crate) fn alone() -> io::Result<()> {
    let listed = std::fs::read_dir(TASKS).map_err(|error| {
        io::Error::new(error.kind(), format!("{TASKS}, the threads, cannot be read: {error}"))
    })?;
    match listed.count() {
        1 => Ok(()),
        threads => Err(io::Error::other(format!(
            "a process with {threads} threads cannot be forked; check the libraries in /etc/ld.so.preload"
        ))),
    }
}

/// Forks this process. Executing the program again instead would double the time before a short job's script runs,
/// because of the loader and relocations.
///
/// # Errors
/// There is another thread, or the operating system refuses.
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
        assert!(super::fork().unwrap_err().to_string().contains("threads cannot be forked"));
        drop(hold);
        assert!(other.join().unwrap().is_err());
    }
}
