//! Closes inherited descriptors.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Closes every descriptor except the standard three and `but`. Otherwise a pipe of another service would stay open as long
/// as this process, and scripts could use descriptors that are not theirs.
///
/// Only for a process that owns no descriptors yet, or does not use them any more: their owners in this process must not
/// use or close them again. Without `/proc`, nothing is done, and no job runs.
pub fn close_all(but: Option<BorrowedFd<'_>>) {
    let Ok(listed) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<RawFd> =
        listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let but = but.map(|fd| fd.as_raw_fd());
    for fd in open.into_iter().filter(|&fd| fd > 2 && Some(fd) != but) {
        // The descriptor of the list itself is already closed.
        let _ = nix::unistd::close(fd);
    }
}
