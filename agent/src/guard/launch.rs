//! The program to start, and its encoding for the guard.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The program to start. No shell is involved.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Launch {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub directory: PathBuf,
    /// The script, and the copy that it sees in its place.
    pub sealed: Option<Sealed>,
    /// Directory of the control group for all of its processes.
    pub cgroup: Option<PathBuf>,
}

/// A script that runs from a copy, so that its text cannot change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Path of the script, where its processes see the copy.
    pub script: PathBuf,
    /// The copy. Its name is removed after it was mounted.
    pub copy: PathBuf,
}

impl fmt::Debug for Launch {
    /// Without the values of the environment, because one is a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("directory", &self.directory)
            .finish()
    }
}

impl Launch {
    /// As it is sent: the directory, the program, the script and its copy, the control group (each empty where there is
    /// none), the number of arguments, these, then names and values in turn, each with a NUL behind it. execve(2) takes texts that end with one, so none of them can hold another.
    ///
    /// A text contains NUL. The error does not show it, because it may be the password.
    /// If one does. It is not told which, for it may be the password.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let count = OsString::from(self.args.len().to_string());
        let none = OsStr::new("");
        let (script, copy) = match &self.sealed {
            Some(Sealed { script, copy }) => (script.as_os_str(), copy.as_os_str()),
            None => (none, none),
        };
        let cgroup = self.cgroup.as_deref().map_or(none, Path::as_os_str);
        let first = [self.directory.as_os_str(), self.program.as_os_str(), script, copy, cgroup, &count];
        let env = self.env.iter().flat_map(|(name, value)| [name, value]);
        let mut bytes = Vec::new();
        for text in first.into_iter().chain(self.args.iter().chain(env).map(OsString::as_os_str)) {
            if text.as_bytes().contains(&0) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "an argument or a variable contains NUL",
                ));
            }
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        Ok(bytes)
    }

    /// Decodes the result of [`Self::encode`].
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut texts = bytes.strip_suffix(b"\0")?.split(|&byte| byte == 0);
        let mut next = || texts.next().map(|text| OsString::from_vec(text.to_owned()));
        let (directory, program) = (next()?.into(), next()?.into());
        let (script, copy, cgroup) = (next()?, next()?, next()?);
        let sealed =
            (!script.is_empty()).then(|| Sealed { script: script.clone().into(), copy: copy.clone().into() });
        if sealed.is_none() && !copy.is_empty() {
            return None;
        }
        let cgroup = (!cgroup.is_empty()).then(|| cgroup.into());
        let count: usize = next()?.to_str()?.parse().ok()?;
        let mut args = Vec::new();
        for _ in 0..count {
            args.push(next()?);
        }
        let mut env = BTreeMap::new();
        while let Some(name) = next() {
            env.insert(name, next()?);
        }
        Some(Self { program, args, env, directory, sealed, cgroup })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = OsString> {
        vec(1u8.., 0..40).prop_map(OsString::from_vec)
    }

    fn name() -> impl Strategy<Value = OsString> {
        vec(1u8.., 1..40).prop_map(OsString::from_vec)
    }

    prop_compose! {
        fn launch()(
            program in text(), args in vec(text(), 0..5), env in btree_map(text(), text(), 0..5), directory in text(),
            sealed in option::of((name(), text())), cgroup in option::of(name()),
        ) -> Launch {
            let sealed = sealed.map(|(script, copy)| Sealed { script: script.into(), copy: copy.into() });
            let (program, directory) = (program.into(), directory.into());
            Launch { program, args, env, directory, sealed, cgroup: cgroup.map(PathBuf::from) }
        }
    }

    proptest! {
        #[test]
        fn it_arrives_as_sent(launch in launch()) {
            prop_assert_eq!(Launch::decode(&launch.encode().unwrap()), Some(launch));
        }

        #[test]
        fn nonsense_is_no_launch_and_no_panic(bytes in vec(any::<u8>(), 0..80)) {
            if let Some(launch) = Launch::decode(&bytes) {
                prop_assert_eq!(Launch::decode(&launch.encode().unwrap()), Some(launch));
            }
        }
    }

    #[test]
    fn what_no_program_can_be_given_is_refused_and_no_password_told() {
        let mut launch = Launch {
            program: "/bin/true".into(),
            args: Vec::new(),
            env: BTreeMap::from([("RSPASSWORD".into(), "Secret\0Word".into())]),
            directory: "/".into(),
            ..Launch::default()
        };
        let error = launch.encode().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(!format!("{error} {error:?} {launch:?}").contains("Secret"));
        launch.env.clear();
        launch.args.push("a\0b".into());
        assert!(launch.encode().is_err());
    }
}
