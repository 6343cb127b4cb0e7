//! The user that scripts run as.

use std::path::PathBuf;

use crate::guard::RunAs;

/// A user, and what is needed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Ids to change to; `None` for the agent's own user.
    pub run_as: Option<RunAs>,
    /// Home directory.
    pub home: PathBuf,
}

/// There is no such user, or the agent may not become it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchUser {
    /// The name is not known here.
    #[error("run_as names the user {0:?}, which this machine does not know")]
    Unknown(String),
    /// Only root can start a process as another.
    #[error("run_as names the user {0:?}, but the agent does not run as root")]
    NotRoot(String),
}

impl User {
    /// The named user, or the agent's own.
    ///
    /// # Errors
    /// [`NoSuchUser`].
    pub fn find(name: Option<&str>) -> Result<Self, NoSuchUser> {
        let me = nix::unistd::geteuid();
        let Some(name) = name else {
            let home = nix::unistd::User::from_uid(me).ok().flatten().map(|user| user.dir);
            return Ok(Self { run_as: None, home: home.unwrap_or_else(|| "/".into()) });
        };
        let user = nix::unistd::User::from_name(name)
            .ok()
            .flatten()
            .ok_or_else(|| NoSuchUser::Unknown(name.to_owned()))?;
        if user.uid == me {
            return Ok(Self { run_as: None, home: user.dir });
        }
        if !me.is_root() {
            return Err(NoSuchUser::NotRoot(name.to_owned()));
        }
        let run_as = RunAs { user: user.uid.as_raw(), group: user.gid.as_raw() };
        Ok(Self { run_as: Some(run_as), home: user.dir })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_has_is_refused() {
        assert_eq!(User::find(Some("no-such-user")), Err(NoSuchUser::Unknown("no-such-user".to_owned())));
        assert_eq!(User::find(None).unwrap().run_as, None);
    }
}
