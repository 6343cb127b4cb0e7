//! What whoever started this process has left open.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Closes every descriptor but the standard three and `but`. Otherwise a pipe that some service reads would stay open
/// as long as this process, and scripts could use what is not theirs.
///
/// Only for a process that has nothing open of its own yet, or no use for it any more: whoever owns one of them in this
/// process must not touch it again, not even to close it. Where `/proc` is not mounted, nothing is done; no
/// job runs there either.
pub fn close_all(but: Option<BorrowedFd<'_>>) {
    let Ok(listed) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<RawFd> =
        listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let but = but.map(|fd| fd.as_raw_fd());
    for fd in open.into_iter().filter(|&fd| fd > 2 && Some(fd) != but) {
        // The one by which they were listed is closed already.
        let _ = nix::unistd::close(fd);
    }
}
