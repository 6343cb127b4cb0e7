//! Bytes and descriptors over the socket between agent and guard. Both calls are non-blocking.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recv, recvmsg, sendmsg};

/// Maximum number of descriptors in a message.
pub(super) const MOST: usize = 2;

/// Sends some of `bytes`, and with them all of `descriptors`. Returns the number of bytes.
///
/// The kernel delivers descriptors with the first of the bytes that they were sent with (unix(7), `SCM_RIGHTS`).
pub(super) fn send(socket: &impl AsFd, bytes: &[u8], descriptors: &[OwnedFd]) -> io::Result<usize> {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &[][..] } else { &rights[..] };
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    Ok(sendmsg::<()>(socket.as_fd().as_raw_fd(), &[IoSlice::new(bytes)], control, flags, None)?)
}

/// Receives into `buffer`. Returns the number of bytes, or zero if the other end is closed. The descriptors are closed on
/// exec.
pub(super) fn receive(
    socket: &impl AsFd,
    buffer: &mut [u8],
    descriptors: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let mut space = nix::cmsg_space!([RawFd; MOST]);
    let mut buffers = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = control {
            #[expect(unsafe_code, reason = "nix gives received descriptors as numbers")]
            // SAFETY: the kernel has just opened them for this process, and no other code uses them.
            descriptors.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    Ok(message.bytes)
}

/// Whether the other end is closed and everything that it sent was received.
pub(super) fn is_closed(socket: &impl AsFd) -> bool {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    !matches!(recv(socket.as_fd().as_raw_fd(), &mut [0], flags), Ok(1..) | Err(Errno::EAGAIN | Errno::EINTR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_come_with_the_first_byte() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut read, write) = io::pipe().unwrap();
        assert_eq!(send(&ours, b"abc", &[]).unwrap(), 3);
        assert_eq!(send(&ours, b"def", &[OwnedFd::from(write)]).unwrap(), 3);
        let (mut buffer, mut descriptors) = ([0; 1], VecDeque::new());
        for byte in b"abc" {
            assert_eq!(receive(&theirs, &mut buffer, &mut descriptors).unwrap(), 1);
            assert_eq!((buffer[0], descriptors.len()), (*byte, 0));
        }
        assert_eq!(receive(&theirs, &mut buffer, &mut descriptors).unwrap(), 1);
        assert_eq!((buffer, descriptors.len()), (*b"d", 1));
        let received = descriptors.pop_front().unwrap();
        let flags = nix::fcntl::fcntl(&received, nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags, nix::fcntl::FdFlag::FD_CLOEXEC.bits());
        std::fs::File::from(received).write_all(b"x").unwrap();
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x", "and no other copy of it is open");
    }

    #[test]
    fn neither_waits_and_an_end_is_told() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut buffer = [0; 8];
        let error = receive(&theirs, &mut buffer, &mut VecDeque::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        while send(&ours, &[0; 4096], &[]).is_ok() {}
        assert_eq!(send(&ours, &[0; 4096], &[]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(theirs);
        assert_eq!(send(&ours, b"x", &[]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        assert!(!is_closed(&theirs));
        ours.write_all(b"x").unwrap();
        drop(ours);
        assert!(!is_closed(&theirs), "its last word is not received yet");
        assert_eq!(receive(&theirs, &mut buffer, &mut VecDeque::new()).unwrap(), 1);
        assert!(is_closed(&theirs));
        assert_eq!(receive(&theirs, &mut buffer, &mut VecDeque::new()).unwrap(), 0);
    }
}
