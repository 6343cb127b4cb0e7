//! From a job's script path to a program and its arguments.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

/// A script that was found and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its real path, below the real script directory.
    pub path: PathBuf,
    /// Whether it is started itself, rather than by `/bin/bash`.
    pub runs_itself: bool,
    /// SHA-256 of its bytes, in hexadecimal: which text ran.
    pub sha256: String,
}

/// Why a script cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The path is absolute, or has `.` or `..` in it, or is empty, or has a NUL in it.
    #[error("script {script:?} is not a plain path below the script directory")]
    NotPlain {
        /// As the job names it.
        script: String,
    },
    /// It cannot be found or read.
    #[error("script {script:?} below {}", directory.display())]
    Unreadable {
        /// As the job names it.
        script: String,
        /// The script directory.
        directory: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// A directory, a device.
    #[error("script {script:?} below {} is not a file", directory.display())]
    NotAFile {
        /// As the job names it.
        script: String,
        /// The script directory.
        directory: PathBuf,
    },
    /// A symbolic link leads out of the script directory.
    #[error("script {script:?} leads out of the script directory, to {}", target.display())]
    Outside {
        /// As the job names it.
        script: String,
        /// Where it leads.
        target: PathBuf,
    },
}

impl Script {
    /// Finds `script` below `directory` and reads it once.
    ///
    /// Symbolic links may be used as long as they stay below the directory: deployments switch versions by
    /// them. One that leads out is refused, because whoever may write a workflow item could otherwise run any
    /// file that somebody has linked to.
    ///
    /// # Errors
    /// [`ScriptError`] says what is wrong with it.
    pub fn find(directory: &Path, script: &str) -> Result<Self, ScriptError> {
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
        let path = root.join(script).canonicalize().map_err(unreadable)?;
        if !path.starts_with(&root) {
            return Err(ScriptError::Outside { script: script.to_owned(), target: path });
        }
        let metadata = path.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(ScriptError::NotAFile { script: script.to_owned(), directory: directory.to_owned() });
        }
        let (start, sha256) = read_through(&path).map_err(unreadable)?;
        let executable = metadata.permissions().mode() & 0o111 != 0;
        // A shebang, or a program; anything else the kernel would refuse (execve(2), ENOEXEC).
        let runs_itself = executable && (start.starts_with(b"#!") || start.starts_with(b"\x7fELF"));
        Ok(Self { path, runs_itself, sha256 })
    }

    /// Program and arguments. `first` are the two arguments that scripts for RSQL on EC2 expect: the directory
    /// of `get_redshift_creds.sh` and the secret's id; the job's own follow.
    #[must_use]
    pub fn command(&self, first: [OsString; 2], args: &[String]) -> (PathBuf, Vec<OsString>) {
        let rest = first.into_iter().chain(args.iter().map(OsString::from));
        if self.runs_itself {
            (self.path.clone(), rest.collect())
        } else {
            // `--`-less on purpose: the path is absolute, so bash cannot take it for an option.
            let script = std::iter::once(self.path.clone().into_os_string());
            (PathBuf::from("/bin/bash"), script.chain(rest).collect())
        }
    }
}

/// The first bytes, and the digest of all.
fn read_through(path: &Path) -> io::Result<(Vec<u8>, String)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut start = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if start.len() < 4 {
                    start.extend(bytes.iter().take(4));
                }
                digest.update(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((start, sha256))
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

        let x = Script::find(&root, "x.sh").unwrap();
        let first = || [OsString::from("/creds"), OsString::new()];
        assert_eq!(
            x.command(first(), &["a b".to_owned()]),
            (root.join("x.sh"), vec!["/creds".into(), "".into(), "a b".into()])
        );
        assert_eq!(x.sha256, "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf");
        for script in ["no-x.sh", "no shebang; $(reboot) 'ä'.sh", "sub/empty"] {
            let found = Script::find(&root, script).unwrap();
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

        assert!(Script::find(&root, "current/a.sh").is_ok());
        assert!(matches!(Script::find(&root, "out.sh"), Err(ScriptError::Outside { .. })));
        assert!(matches!(Script::find(&root, "near.sh"), Err(ScriptError::Outside { .. })));
        for script in ["../secret.sh", "/etc/passwd", "", "v1/../../secret.sh", "a\0b", "."] {
            assert!(matches!(Script::find(&root, script), Err(ScriptError::NotPlain { .. })), "{script:?}");
        }
        assert!(matches!(Script::find(&root, "v1"), Err(ScriptError::NotAFile { .. })));
        assert!(matches!(Script::find(&root, "none.sh"), Err(ScriptError::Unreadable { .. })));
    }

    proptest! {
        #[test]
        fn what_is_found_is_below(script in "[./a-c]{0,12}") {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().canonicalize().unwrap().join("r");
            fs::create_dir_all(root.join("a")).unwrap();
            write(&root.join("a/b"), "", 0o644);
            write(&dir.path().join("a"), "", 0o644);
            if let Ok(found) = Script::find(&root, &script) {
                prop_assert!(found.path.starts_with(&root));
            }
        }
    }
}
