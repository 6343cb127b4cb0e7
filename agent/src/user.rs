//! The user that scripts run as.

use std::path::PathBuf;

use crate::guard::RunAs;

/// The user of the packages. Scripts run as this user unless the settings name another.
pub const PACKAGE_USER: &str = "rsqlflow";

/// A user, and what is needed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name, or its id if it has no name.
    pub name: String,
    /// Ids to change to. `None` for the agent's own user.
    pub run_as: Option<RunAs>,
    /// Home directory.
    pub home: PathBuf,
}

/// The user does not exist, or the agent cannot change to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchUser {
    /// The user does not exist.
    #[error("run_as names the user {0:?}, which does not exist")]
    Unknown(String),
    /// Only root can start a process as another user.
    #[error("run_as names the user {0:?}, but the agent does not run as root")]
    NotRoot(String),
}

impl User {
    /// The named user. Without a name, scripts of root run as [`PACKAGE_USER`] if it exists, all others as the agent's own
    /// user.
    ///
    /// # Errors
    /// [`NoSuchUser`].
    pub fn find(name: Option<&str>) -> Result<Self, NoSuchUser> {
        let me = nix::unistd::geteuid();
        let Some(name) = name else {
            if me.is_root()
                && let Ok(Some(_)) = nix::unistd::User::from_name(PACKAGE_USER)
            {
                return Self::find(Some(PACKAGE_USER));
            }
            let own = nix::unistd::User::from_uid(me).ok().flatten();
            let (name, home) = own.map_or_else(|| (me.to_string(), "/".into()), |own| (own.name, own.dir));
            return Ok(Self { name, run_as: None, home });
        };
        let user = nix::unistd::User::from_name(name)
            .ok()
            .flatten()
            .ok_or_else(|| NoSuchUser::Unknown(name.to_owned()))?;
        if user.uid == me {
            return Ok(Self { name: user.name, run_as: None, home: user.dir });
        }
        if !me.is_root() {
            return Err(NoSuchUser::NotRoot(name.to_owned()));
        }
        let run_as = RunAs { user: user.uid.as_raw(), group: user.gid.as_raw() };
        Ok(Self { name: user.name, run_as: Some(run_as), home: user.dir })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_has_is_refused() {
        assert_eq!(User::find(Some("no-such-user")), Err(NoSuchUser::Unknown("no-such-user".to_owned())));
        // As on a machine with the package, where it is installed.
        let package = nix::unistd::User::from_name(PACKAGE_USER).unwrap();
        let expected = nix::unistd::geteuid().is_root() && package.is_some();
        assert_eq!(User::find(None).unwrap().run_as.is_some(), expected);
        if nix::unistd::geteuid().is_root() {
            assert_eq!(User::find(Some("root")).map(|user| user.run_as), Ok(None), "the way back");
        }
    }
}
