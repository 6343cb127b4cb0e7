//! What whoever started this process has left open.

use std::os::fd::BorrowedFd;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Keeps every descriptor but the standard three from the programs that this process starts. Otherwise a pipe that
/// some service reads would stay open until the last script has ended, and scripts could use what is not theirs.
///
/// Where `/proc` is not mounted, nothing is done; a guard finds no children there either.
pub fn keep_from_children() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    for entry in open.flatten() {
        let Some(fd) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if fd < 3 {
            continue;
        }
        #[expect(unsafe_code, reason = "descriptors that this process did not open have no owner in it")]
        // SAFETY: /proc names it, and nothing closes it here: this runs before there is any other thread.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        // One that is closed already is kept from everybody.
        let _ = fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
}
