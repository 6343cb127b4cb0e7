//! From a job's script path to a program and its arguments.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use sha2::{Digest, Sha256};

/// A script that was found and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its path as in the settings and the job, including symbolic links: `$0` of the script.
    pub path: PathBuf,
    /// How it is started.
    pub kind: Kind,
    /// Whether its first line ends with CR LF.
    pub has_cr: bool,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// A copy of these bytes, if requested and possible.
    pub copy: Option<PathBuf>,
}

/// How a script is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With `/bin/bash`: it is not executable, or is neither of the other kinds.
    Bash,
    /// With the interpreter of its first line.
    Interpreter(OsString),
    /// A program: an ELF file for this machine type (`e_machine`, elf(5)).
    Program(u16),
}

/// Why a script cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The path is absolute, contains `.`, `..` or NUL, or is empty.
    #[error("script {script:?} is not a plain path below the script directory")]
    NotPlain {
        /// The path in the job.
        script: String,
    },
    /// It cannot be found or read.
    #[error("script {script:?} below {}", directory.display())]
    Unreadable {
        /// The path in the job.
        script: String,
        /// The script directory.
        directory: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// It is a directory or a device, for example.
    #[error("script {script:?} below {} is not a file", directory.display())]
    NotAFile {
        /// The path in the job.
        script: String,
        /// The script directory.
        directory: PathBuf,
    },
    /// A symbolic link points to a file outside the script directory.
    #[error("script {script:?} leads out of the script directory, to {}", target.display())]
    Outside {
        /// The path in the job.
        script: String,
        /// Target of the link.
        target: PathBuf,
    },
}

/// Bytes of a file that determine its kind: as many as the kernel reads (linux/binfmts.h, `BINPRM_BUF_SIZE`).
const HEAD: usize = 256;

impl Kind {
    fn of(head: &[u8], executable: bool) -> Self {
        if !executable {
            return Self::Bash;
        }
        if let Some(rest) = head.strip_prefix(b"#!") {
            let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let is_blank = |byte: &u8| [b' ', b'\t'].contains(byte);
            let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
            let words = line.get(start..).unwrap_or_default();
            let end = words.iter().position(is_blank).unwrap_or(words.len());
            return Self::Interpreter(OsString::from_vec(words.get(..end).unwrap_or_default().to_vec()));
        }
        if let (true, Some(&[low, high])) = (head.starts_with(b"\x7fELF"), head.get(18..20)) {
            // Byte 5: 1 is little-endian, 2 big-endian.
            let read = if head.get(5) == Some(&2) { u16::from_be_bytes } else { u16::from_le_bytes };
            return Self::Program(read([low, high]));
        }
        Self::Bash
    }
}

/// Names of frequent machine types (elf.h).
fn machine(number: u16) -> String {
    match number {
        3 => "x86".to_owned(),
        40 => "arm".to_owned(),
        62 => "x86_64".to_owned(),
        183 => "aarch64".to_owned(),
        243 => "riscv64".to_owned(),
        other => format!("machine type {other}"),
    }
}

impl Script {
    /// Why it could not be started, given the error of the operating system.
    #[must_use]
    pub fn explain(&self, error: i32) -> String {
        let said = io::Error::from_raw_os_error(error);
        let file = self.path.display();
        match (Errno::from_raw(error), &self.kind) {
            (Errno::ENOEXEC, Kind::Program(number)) => format!(
                "built for another machine ({}, and this one is {}); hint: install the program that was built for this machine",
                machine(*number),
                std::env::consts::ARCH
            ),
            (Errno::ENOENT, Kind::Interpreter(name)) if self.has_cr => {
                format!(
                    "its first line names the interpreter {name:?}, which does not exist; {}",
                    self.crlf_hint()
                )
            }
            (Errno::ENOENT, Kind::Interpreter(name)) => format!(
                "its first line names the interpreter {name:?}, which does not exist; hint: correct the first line of \
                 {file}, and run `rsql check {file}`"
            ),
            (Errno::ENOENT, Kind::Program(_)) => format!(
                "the loader that {file} needs is not installed; hint: run `file {file}`, which names it"
            ),
            (Errno::EACCES, Kind::Interpreter(name)) => format!(
                "{said}; hint: the user that scripts run as must be able to reach {file} and to execute {name:?}"
            ),
            (Errno::EACCES, _) => {
                format!("{said}; hint: the user that scripts run as must be able to reach and execute {file}")
            }
            _ => said.to_string(),
        }
    }

    /// A hint for the failed exit of a script with lines that shells cannot parse.
    #[must_use]
    pub fn hint_after(&self, code: i32) -> Option<String> {
        // Not found or not executable (Bash manual, "Exit Status"), and other errors that such lines cause.
        (self.has_cr && code != 0).then(|| self.crlf_hint())
    }

    fn crlf_hint(&self) -> String {
        let file = self.path.display();
        format!(
            "hint: its lines end with CR LF, as on Windows; run `sed -i 's/\\r$//' {file}`, and then `rsql check {file}`"
        )
    }

    /// Finds `script` in `directory` and reads it once. With `copies`, the directory of copies, also copies it there if
    /// possible.
    ///
    /// Symbolic links are allowed if their targets are in the directory, because deployments switch versions with them. Links to
    /// other targets are refused, because workflow items could otherwise run any linked file.
    ///
    /// # Errors
    /// [`ScriptError`] with the problem.
    pub fn find(directory: &Path, script: &str, copies: Option<&Path>) -> Result<Self, ScriptError> {
        let plain = !script.is_empty()
            && !script.contains('\0')
            && Path::new(script).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(ScriptError::NotPlain { script: script.to_owned() });
        }
        let unreadable = |source| ScriptError::Unreadable {
            script: script.to_owned(),
            directory: directory.to_owned(),
            source,
        };
        let root = directory.canonicalize().map_err(unreadable)?;
        let target = root.join(script).canonicalize().map_err(unreadable)?;
        if !target.starts_with(&root) {
            return Err(ScriptError::Outside { script: script.to_owned(), target });
        }
        let metadata = target.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(ScriptError::NotAFile { script: script.to_owned(), directory: directory.to_owned() });
        }
        let executable = metadata.permissions().mode() & 0o111 != 0;
        let mut copy = copies.and_then(|copies| Copy::begin(copies, executable));
        let (head, sha256) = read_through(&target, &mut copy).map_err(unreadable)?;
        let first_line = head.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default();
        Ok(Self {
            path: directory.join(script),
            kind: Kind::of(&head, executable),
            has_cr: first_line.ends_with(b"\r\n"),
            sha256,
            copy: copy.map(Copy::finish),
        })
    }

    /// Program and arguments. `first` are the two arguments that scripts for RSQL on EC2 expect: the directory of
    /// `get_redshift_creds.sh` and the secret's id. The job's own arguments follow.
    #[must_use]
    pub fn command(&self, first: [OsString; 2], args: &[String]) -> (PathBuf, Vec<OsString>) {
        let rest = first.into_iter().chain(args.iter().map(OsString::from));
        if self.kind == Kind::Bash {
            // No `--` is needed: the path is absolute, so bash cannot take it for an option.
            let script = std::iter::once(self.path.clone().into_os_string());
            (PathBuf::from("/bin/bash"), script.chain(rest).collect())
        } else {
            (self.path.clone(), rest.collect())
        }
    }
}

/// A copy that is being written. An unfinished copy is removed.
struct Copy {
    path: PathBuf,
    file: File,
    finished: bool,
}

impl Copy {
    /// The scripts' user may read the copy, but not change it. `None` if it cannot be created: a full disk must not prevent a
    /// job.
    fn begin(directory: &Path, executable: bool) -> Option<Self> {
        let mode = if executable { 0o555 } else { 0o444 };
        let name = format!("{}-{:016x}", std::process::id(), fastrand::u64(..));
        let path = directory.join(name);
        let make = || {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            // After its creation, because of the umask.
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            Ok::<_, io::Error>(file)
        };
        match make() {
            Ok(file) => Some(Self { path, file, finished: false }),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the script is not copied, and runs from its own file");
                None
            }
        }
    }

    fn finish(mut self) -> PathBuf {
        self.finished = true;
        self.path.clone()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The first bytes, and the digest of the file. If there is a copy, it gets the same bytes.
fn read_through(path: &Path, copy: &mut Option<Copy>) -> io::Result<(Vec<u8>, String)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut head = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                head.extend(bytes.iter().take(HEAD.saturating_sub(head.len())));
                digest.update(bytes);
                if let Some(Err(error)) = copy.as_mut().map(|copy| copy.file.write_all(bytes)) {
                    tracing::warn!(%error, "the script is not copied, and runs from its own file");
                    *copy = None;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((head, sha256))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_runs_itself_and_what_bash_runs() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        write(&root.join("x.sh"), "#!/bin/sh\n", 0o755);
        write(&root.join("no-x.sh"), "#!/bin/sh\n", 0o644);
        write(&root.join("no shebang; $(reboot) 'ä'.sh"), "echo hi\n", 0o755);
        fs::create_dir(root.join("sub")).unwrap();
        write(&root.join("sub/empty"), "", 0o755);

        let x = Script::find(&root, "x.sh", None).unwrap();
        let first = || [OsString::from("/creds"), OsString::new()];
        assert_eq!(
            x.command(first(), &["a b".to_owned()]),
            (root.join("x.sh"), vec!["/creds".into(), "".into(), "a b".into()])
        );
        assert_eq!(x.sha256, "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf");
        for script in ["no-x.sh", "no shebang; $(reboot) 'ä'.sh", "sub/empty"] {
            let found = Script::find(&root, script, None).unwrap();
            let (program, args) = found.command(first(), &[]);
            assert_eq!(program, Path::new("/bin/bash"));
            assert_eq!(args.first().unwrap(), root.join(script).as_os_str());
        }
    }

    #[test]
    fn nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("scripts");
        fs::create_dir_all(root.join("v1")).unwrap();
        write(&dir.path().join("secret.sh"), "", 0o755);
        write(&root.join("v1/a.sh"), "", 0o755);
        symlink(dir.path().join("secret.sh"), root.join("out.sh")).unwrap();
        symlink("v1", root.join("current")).unwrap();
        // A sibling whose name starts like the directory's is outside too.
        fs::create_dir(dir.path().join("scripts-other")).unwrap();
        write(&dir.path().join("scripts-other/a.sh"), "", 0o755);
        symlink(dir.path().join("scripts-other/a.sh"), root.join("near.sh")).unwrap();

        assert!(Script::find(&root, "current/a.sh", None).is_ok());
        assert!(matches!(Script::find(&root, "out.sh", None), Err(ScriptError::Outside { .. })));
        assert!(matches!(Script::find(&root, "near.sh", None), Err(ScriptError::Outside { .. })));
        for script in ["../secret.sh", "/etc/passwd", "", "v1/../../secret.sh", "a\0b", "."] {
            assert!(
                matches!(Script::find(&root, script, None), Err(ScriptError::NotPlain { .. })),
                "{script:?}"
            );
        }
        assert!(matches!(Script::find(&root, "v1", None), Err(ScriptError::NotAFile { .. })));
        assert!(matches!(Script::find(&root, "none.sh", None), Err(ScriptError::Unreadable { .. })));
    }

    #[test]
    fn a_link_is_checked_where_it_leads_and_run_as_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("scripts");
        fs::create_dir_all(root.join("v1")).unwrap();
        write(&root.join("v1/a.sh"), "#!/bin/sh\n", 0o755);
        symlink("v1", root.join("current")).unwrap();
        symlink(&root, dir.path().join("linked")).unwrap();
        let found = Script::find(&dir.path().join("linked"), "current/a.sh", None).unwrap();
        assert_eq!(found.path, dir.path().join("linked/current/a.sh"));
    }

    #[test]
    fn what_cannot_be_started_is_explained() {
        let dir = tempfile::tempdir().unwrap();
        let explained = |bytes: &[u8], error: Errno| {
            let path = dir.path().join("x");
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            Script::find(dir.path(), "x", None).unwrap().explain(error as i32)
        };
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(64, 0);
        for (number, name) in [(183u16, "aarch64"), (243, "riscv64"), (9999, "machine type 9999")] {
            elf[18..20].copy_from_slice(&number.to_le_bytes());
            let said = explained(&elf, Errno::ENOEXEC);
            assert!(
                said.starts_with(&format!("built for another machine ({name}, and this one is ")),
                "{said}"
            );
        }
        let said = explained(b"#!/bin/bash\r\necho\r\n", Errno::ENOENT);
        assert!(said.contains(r#"the interpreter "/bin/bash\r", which does not exist"#), "{said}");
        assert!(said.contains("CR LF") && said.contains("rsql check"), "{said}");
        let said = explained(b"#! /usr/bin/basj -e\n", Errno::ENOENT);
        assert!(said.contains(r#"the interpreter "/usr/bin/basj", which does not exist"#), "{said}");
        assert!(said.contains("hint: ") && said.contains("rsql check"), "{said}");
        let said = explained(b"#!/etc/passwd\n", Errno::EACCES);
        assert!(said.contains(r#"to execute "/etc/passwd""#), "{said}");
    }

    #[test]
    fn a_copy_has_the_bytes_that_were_counted_and_is_removed_where_it_is_of_no_use() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("a.sh"), "echo a\n", 0o755);
        let copies = dir.path().join("spool/copies");
        let found = Script::find(dir.path(), "a.sh", Some(&copies)).unwrap();
        let copy = found.copy.unwrap();
        assert_eq!(fs::read(&copy).unwrap(), b"echo a\n");
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o555);
        fs::remove_file(copy).unwrap();
        assert!(Script::find(dir.path(), "none.sh", Some(&copies)).is_err());
        assert_eq!(fs::read_dir(&copies).unwrap().count(), 0);
        write(&dir.path().join("file"), "", 0o644);
        let found = Script::find(dir.path(), "a.sh", Some(&dir.path().join("file/copies"))).unwrap();
        assert_eq!(found.copy, None, "no room for a copy costs no job");
    }

    proptest! {
        #[test]
        fn what_is_found_is_below(script in "[./a-c]{0,12}") {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().canonicalize().unwrap().join("r");
            fs::create_dir_all(root.join("a")).unwrap();
            write(&root.join("a/b"), "", 0o644);
            write(&dir.path().join("a"), "", 0o644);
            if let Ok(found) = Script::find(&root, &script, None) {
                prop_assert!(found.path.canonicalize().unwrap().starts_with(&root));
            }
        }
    }
}
