//! Whether another user may read a path, by its mode bits. Access control lists are not considered, so the answer is only
//! an indication.

use std::ffi::CString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Uid, User, getgrouplist};

/// A user with all its groups.
pub(super) struct Reader {
    uid: u32,
    groups: Vec<u32>,
}

impl Reader {
    /// By name. `None` if the user does not exist.
    pub(super) fn named(name: &str) -> Option<Self> {
        let user = User::from_name(name).ok().flatten()?;
        let listed = CString::new(name).ok().and_then(|name| getgrouplist(&name, user.gid).ok());
        let groups = listed.unwrap_or_else(|| vec![user.gid]);
        Some(Self::of(user.uid, &groups))
    }

    fn of(user: Uid, groups: &[Gid]) -> Self {
        Self { uid: user.as_raw(), groups: groups.iter().map(|group| group.as_raw()).collect() }
    }

    /// The first component of the path that the user cannot read, a file or a directory.
    pub(super) fn barred_by<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let mut parts: Vec<&Path> =
            path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()).collect();
        parts.reverse();
        let through = parts.into_iter().find(|part| !self.may(part, 0o1));
        through.or_else(|| {
            let wanted = if path.is_dir() { 0o5 } else { 0o4 };
            (!self.may(path, wanted)).then_some(path)
        })
    }

    fn may(&self, path: &Path, wanted: u32) -> bool {
        let Ok(found) = path.metadata() else { return false };
        let granted = match () {
            () if self.uid == 0 => return true,
            () if found.uid() == self.uid => found.mode() >> 6,
            () if self.groups.contains(&found.gid()) => found.mode() >> 3,
            () => found.mode(),
        };
        granted & wanted == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_closed_door_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let (closed, script) = (dir.path().join("closed"), dir.path().join("closed/a.sh"));
        fs::create_dir(&closed).unwrap();
        fs::write(&script, "").unwrap();
        let found = fs::metadata(&script).unwrap();
        let owner = Reader { uid: found.uid(), groups: vec![] };
        let member = Reader { uid: found.uid() + 1, groups: vec![found.gid()] };
        let other = Reader { uid: found.uid() + 1, groups: vec![found.gid() + 1] };
        let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();

        mode(&closed, 0o750);
        mode(&script, 0o640);
        assert_eq!(owner.barred_by(&script), None);
        assert_eq!(member.barred_by(&script), None);
        assert_eq!(other.barred_by(&script), Some(closed.as_path()));
        mode(&closed, 0o755);
        assert_eq!(other.barred_by(&script), Some(script.as_path()));
        mode(&closed, 0o711);
        assert_eq!(other.barred_by(&closed), Some(closed.as_path()), "a directory has to be listed");
        assert_eq!(other.barred_by(&dir.path().join("missing")), Some(dir.path().join("missing").as_path()));
    }
}
