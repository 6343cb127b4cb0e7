//! Restrictions of a script's processes, applied between fork and exec in the process that becomes the script.
//!
//! A script of another user than the agent's cannot get more rights: no capabilities, no setuid programs, and no access to
//! processes of other jobs of the same user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_no_new_privs;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use super::launch::{Launch, Sealed};
use super::message::RunAs;

/// The restrictions, as far as the guard can prepare them.
pub(super) struct Confinement {
    /// `cgroup.procs` of the job's control group.
    processes: Option<File>,
    sealed: Option<Sealed>,
    run_as: Option<RunAs>,
    /// A Landlock ruleset that only forbids access to processes outside its domain.
    domain: Option<OwnedFd>,
}

impl Confinement {
    /// The restrictions of a script.
    ///
    /// # Errors
    /// The control group does not exist.
    pub(super) fn prepare(launch: &Launch, run_as: Option<RunAs>) -> io::Result<Self> {
        let open =
            |group: &std::path::PathBuf| OpenOptions::new().write(true).open(group.join("cgroup.procs"));
        Ok(Self {
            processes: launch.cgroup.as_ref().map(open).transpose()?,
            sealed: launch.sealed.clone(),
            run_as,
            // Kernels without Landlock, or with an old version, do not have this restriction.
            domain: run_as.and_then(|_| landlock::ruleset().ok()),
        })
    }

    /// Applies the restrictions to this process.
    ///
    /// # Errors
    /// The kernel refuses. Then the script must not be started.
    pub(super) fn apply(&self) -> io::Result<()> {
        if let Some(mut processes) = self.processes.as_ref() {
            // 0 means this process (cgroups(7)). Its children are in the same group.
            processes.write_all(b"0")?;
        }
        if let Some(sealed) = &self.sealed {
            // Without the right to mount, the script runs from its original file.
            let placed = put_in_place(sealed);
            let _ = fs::remove_file(&sealed.copy);
            match placed {
                Ok(()) | Err(Errno::EPERM | Errno::ENOSYS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some(RunAs { user, group }) = self.run_as else { return Ok(()) };
        drop_bounding_set();
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        setgroups(&[])?;
        setresgid(group, group, group)?;
        setresuid(user, user, user)?;
        set_no_new_privs()?;
        match &self.domain {
            Some(domain) => landlock::enter(domain),
            None => Ok(()),
        }
    }
}

/// Mounts the copy over the script, in a separate mount namespace (mount_namespaces(7)): this script and its children see
/// the copy at the script's path, whatever happens to the original file.
fn put_in_place(Sealed { script, copy }: &Sealed) -> Result<(), Errno> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Mounts of this namespace are not visible outside. Mounts outside are still visible here.
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)?;
    mount(Some(copy), script, NONE, MsFlags::MS_BIND, NONE)?;
    // Also removes `noexec` of the copy's file system.
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
    mount(NONE, script, NONE, flags, NONE)
}

/// Drops every capability that a program could regain (capabilities(7), "Capability bounding set").
fn drop_bounding_set() {
    for capability in 0..64 {
        #[expect(unsafe_code, reason = "nix does not wrap it")]
        // SAFETY: it takes numbers only.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        // The kernel has no more capabilities, or this process must not drop them.
        if dropped != 0 {
            return;
        }
    }
}

/// Landlock (landlock(7)). A process in a Landlock domain can neither trace a process outside of it nor read its
/// environment, even of the same user. Each script has its own domain.
mod landlock {
    use super::*;

    /// `LANDLOCK_ACCESS_FS_REFER`: denied in every domain, unless a rule allows it.
    const REFER: u64 = 1 << 13;
    const RULE_PATH_BENEATH: libc::c_int = 1;

    #[repr(C)]
    struct RulesetAttr {
        handled_access_fs: u64,
    }

    #[repr(C, packed)]
    struct PathBeneathAttr {
        allowed_access: u64,
        parent_fd: libc::c_int,
    }

    fn result(answer: libc::c_long) -> io::Result<libc::c_int> {
        match libc::c_int::try_from(answer) {
            Ok(number) if number >= 0 => Ok(number),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Allows all file access.
    ///
    /// # Errors
    /// The kernel has no Landlock of version 2 or later (Linux 5.19).
    pub(super) fn ruleset() -> io::Result<OwnedFd> {
        let handled = RulesetAttr { handled_access_fs: REFER };
        #[expect(unsafe_code, reason = "nix does not wrap it")]
        // SAFETY: the pointer is to a structure of that size, and the result is a new descriptor without another owner.
        let ruleset = unsafe {
            let size = size_of::<RulesetAttr>();
            let fd = result(libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, size, 0))?;
            OwnedFd::from_raw_fd(fd)
        };
        let root = File::open("/")?;
        let rule = PathBeneathAttr { allowed_access: REFER, parent_fd: root.as_raw_fd() };
        #[expect(unsafe_code, reason = "nix does not wrap it")]
        // SAFETY: the pointer is to a structure of the rule's kind, and both descriptors are open.
        result(unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                ruleset.as_raw_fd(),
                RULE_PATH_BENEATH,
                &raw const rule,
                0,
            )
        })?;
        Ok(ruleset)
    }

    /// Puts this process and its children into a domain.
    pub(super) fn enter(ruleset: &OwnedFd) -> io::Result<()> {
        #[expect(unsafe_code, reason = "nix does not wrap it")]
        // SAFETY: it takes an open descriptor.
        result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) }).map(drop)
    }
}
