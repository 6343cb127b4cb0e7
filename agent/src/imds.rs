//! Blocks the instance's metadata service for a script's processes, and with it the credentials of the instance's role.
//!
//! Two small programs of the kernel (bpf(2), `BPF_PROG_TYPE_CGROUP_SOCK_ADDR`) are attached to the job's control group. They
//! refuse every connection to the service's addresses (EC2 user guide, "Access instance metadata"), and allow all others.
//! Root could remove them, so they are used only for scripts of another user.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

/// 169.254.169.254.
const IPV4: [u8; 4] = [169, 254, 169, 254];

/// fd00:ec2::254.
const IPV6: [[u8; 4]; 4] = [[0xfd, 0x00, 0x0e, 0xc2], [0; 4], [0; 4], [0, 0, 0x02, 0x54]];

/// ::ffff:169.254.169.254: the first address in an IPv6 socket.
const MAPPED: [[u8; 4]; 4] = [[0; 4], [0; 4], [0, 0, 0xff, 0xff], IPV4];

/// An instruction of the kernel's virtual machine: `struct bpf_insn` (linux/bpf.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u8,
    /// Destination in the lower half, source in the upper.
    registers: u8,
    offset: i16,
    immediate: i32,
}

/// `w2 = *(u32 *)(r1 + offset)`: a word of `struct bpf_sock_addr`.
const fn load(offset: i16) -> Instruction {
    Instruction { code: 0x61, registers: 0x12, offset, immediate: 0 }
}

/// `if w2 != word goto +offset`. Words of addresses are in the order of the network.
const fn unless(word: [u8; 4], offset: i16) -> Instruction {
    Instruction { code: 0x56, registers: 0x02, offset, immediate: i32::from_ne_bytes(word) }
}

/// `r0 = value`: 1 lets the connection through, 0 refuses it.
const fn answer(value: i32) -> Instruction {
    Instruction { code: 0xb7, registers: 0x00, offset: 0, immediate: value }
}

const EXIT: Instruction = Instruction { code: 0x95, registers: 0, offset: 0, immediate: 0 };

/// Offsets in `struct bpf_sock_addr`.
const USER_IP4: i16 = 4;
const USER_IP6: [i16; 4] = [8, 12, 16, 20];

/// `enum bpf_attach_type`.
const CONNECT4: u32 = 10;
const CONNECT6: u32 = 11;

fn refuse_ipv4() -> Vec<Instruction> {
    vec![load(USER_IP4), unless(IPV4, 2), answer(0), EXIT, answer(1), EXIT]
}

fn refuse_ipv6() -> Vec<Instruction> {
    let mut program = Vec::new();
    for address in [IPV6, MAPPED] {
        for (index, (offset, word)) in USER_IP6.into_iter().zip(address).enumerate() {
            // The two refusing instructions follow the eight of the comparison.
            let rest = 9 - 2 * i16::try_from(index).unwrap_or_default();
            program.extend([load(offset), unless(word, rest - 1)]);
        }
        program.extend([answer(0), EXIT]);
    }
    program.extend([answer(1), EXIT]);
    program
}

/// Refuses connections to the metadata service from processes of this control group.
///
/// # Errors
/// The kernel or the rights of this process do not allow it.
pub fn block(cgroup: &Path) -> io::Result<()> {
    let directory = File::open(cgroup)?;
    for (kind, program) in [(CONNECT4, refuse_ipv4()), (CONNECT6, refuse_ipv6())] {
        let program = load_program(kind, &program)?;
        attach(&directory, &program, kind)?;
    }
    Ok(())
}

/// `BPF_PROG_LOAD` of bpf(2).
#[repr(C)]
#[derive(Default)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

/// `BPF_PROG_ATTACH` of bpf(2).
#[repr(C)]
#[derive(Default)]
struct Attach {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
}

fn load_program(kind: u32, program: &[Instruction]) -> io::Result<OwnedFd> {
    const CGROUP_SOCK_ADDR: u32 = 18;
    let license = c"MIT";
    let attributes = Load {
        prog_type: CGROUP_SOCK_ADDR,
        insn_cnt: u32::try_from(program.len()).map_err(io::Error::other)?,
        insns: program.as_ptr() as u64,
        license: license.as_ptr() as u64,
        expected_attach_type: kind,
        ..Load::default()
    };
    let fd = bpf(5, &attributes)?;
    #[expect(unsafe_code, reason = "the kernel answers with a number")]
    // SAFETY: the descriptor is new and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn attach(cgroup: &File, program: &OwnedFd, kind: u32) -> io::Result<()> {
    /// Programs of others stay attached, including those of parent groups.
    const ALLOW_MULTI: u32 = 2;
    let number = |fd: libc::c_int| u32::try_from(fd).map_err(io::Error::other);
    let attributes = Attach {
        target_fd: number(cgroup.as_raw_fd())?,
        attach_bpf_fd: number(program.as_raw_fd())?,
        attach_type: kind,
        attach_flags: ALLOW_MULTI,
    };
    bpf(8, &attributes).map(drop)
}

fn bpf<T>(command: libc::c_int, attributes: &T) -> io::Result<libc::c_int> {
    let size = u32::try_from(size_of::<T>()).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "nix does not wrap it")]
    // SAFETY: the pointer is to a structure of that size, and what it points to outlives the call.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size) };
    match libc::c_int::try_from(answer) {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(io::Error::last_os_error()),
    }
}
