//! The keys of a state directory: whoever signs with them may use its endpoint.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_credential_types::provider::SharedCredentialsProvider;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::LocalError;

/// A pair of keys. It is made once for each state directory, so agents that an earlier endpoint has started can go on.
///
/// The file has the format of the shared credentials file (AWS SDKs and Tools Reference Guide, "Shared config and
/// credentials files"), so `AWS_SHARED_CREDENTIALS_FILE` can name it.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
}

const FILE: &str = "credentials";
const ACCESS_KEY_ID: &str = "aws_access_key_id";
const SECRET_ACCESS_KEY: &str = "aws_secret_access_key";

/// RFC 4648, section 6. The ids of AWS's keys have these characters.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Credentials {
    /// Keys that somebody names.
    #[must_use]
    pub fn new(access_key_id: &str, secret_access_key: &str) -> Self {
        Self { access_key_id: access_key_id.to_owned(), secret_access_key: secret_access_key.to_owned() }
    }

    /// Where the keys of a state directory are.
    #[must_use]
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join(FILE)
    }

    /// The keys of a state directory; `None` if it has none yet.
    ///
    /// # Errors
    /// [`LocalError::StateDir`] where the file cannot be read, or has no pair of keys.
    pub fn read(state_dir: &Path) -> Result<Option<Self>, LocalError> {
        let path = Self::path(state_dir);
        let read = match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        };
        read.map(Some).map_err(|source| LocalError::StateDir { path, source })
    }

    /// The keys of a state directory, which are made if it has none. The caller holds the directory.
    pub(crate) fn of(state_dir: &Path) -> Result<Self, LocalError> {
        let path = Self::path(state_dir);
        let failed = |source| LocalError::StateDir { path: path.clone(), source };
        if let Some(keys) = Self::read(state_dir)? {
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
            return Ok(keys);
        }
        let keys = Self::random().map_err(failed)?;
        keys.write(&path).map_err(failed)?;
        Ok(keys)
    }

    /// As long as AWS's: an id of 20 characters, of which 75 bits are random, and a secret of 240 bits. The secret has no
    /// character that means something to a shell.
    fn random() -> io::Result<Self> {
        let mut bytes = [0; 45];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let (id, secret) = bytes.split_at(15);
        let id: String = id.iter().map(|byte| char::from(BASE32[usize::from(byte & 31)])).collect();
        Ok(Self {
            access_key_id: format!("LOCAL{id}"),
            secret_access_key: BASE64_URL_SAFE_NO_PAD.encode(secret),
        })
    }

    fn parse(text: &str) -> io::Result<Self> {
        let lines = text.lines().map(str::trim);
        let default = lines.skip_while(|line| *line != "[default]").skip(1);
        let pairs: Vec<_> = default
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.split_once('='))
            .collect();
        let value = |wanted: &str| {
            let found = pairs.iter().find(|(name, value)| name.trim() == wanted && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned()).ok_or_else(|| {
                let message =
                    format!("`{wanted}` is missing; without the file, the next endpoint makes new keys");
                io::Error::new(ErrorKind::InvalidData, message)
            })
        };
        Ok(Self { access_key_id: value(ACCESS_KEY_ID)?, secret_access_key: value(SECRET_ACCESS_KEY)? })
    }

    /// Whole or not at all, and at no moment readable by others.
    fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        let _ = std::fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let (id, secret) = (&self.access_key_id, &self.secret_access_key);
        write!(file, "[default]\n{ACCESS_KEY_ID} = {id}\n{SECRET_ACCESS_KEY} = {secret}\n")?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    }

    /// `AWS_ACCESS_KEY_ID`
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// `AWS_SECRET_ACCESS_KEY`
    #[must_use]
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// For clients.
    #[must_use]
    pub fn provider(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(self.for_sdk())
    }

    pub(crate) fn for_sdk(&self) -> aws_credential_types::Credentials {
        let (id, secret) = (&self.access_key_id, &self.secret_access_key);
        aws_credential_types::Credentials::new(id, secret, None, None, "rsqlflow-local")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn they_are_made_once_and_for_their_owner_only() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(Credentials::read(dir.path()).unwrap().is_none());
        let made = Credentials::of(dir.path()).unwrap();
        let path = Credentials::path(dir.path());
        assert_eq!((made.access_key_id.len(), made.secret_access_key.len()), (20, 40));
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let again = Credentials::of(dir.path()).unwrap();
        assert_eq!(again.secret_access_key, made.secret_access_key);
        assert_eq!(mode(&path), 0o600);
        let elsewhere = Credentials::of(other.path()).unwrap();
        assert!(elsewhere.access_key_id != made.access_key_id);
        assert!(elsewhere.secret_access_key != made.secret_access_key);
        assert!(!format!("{made:?}").contains(&made.secret_access_key));
    }

    #[test]
    fn the_file_is_read_as_aws_reads_it() {
        let keys = |text: &str| {
            Credentials::parse(text).map(|keys| format!("{}{}", keys.access_key_id, keys.secret_access_key))
        };
        let file = "# c\n[other]\naws_access_key_id=x\n [default] \naws_secret_access_key=b\naws_access_key_id = a\n\n";
        assert_eq!(keys(file).unwrap(), "ab");
        for bad in [
            "",
            "aws_access_key_id=a\naws_secret_access_key=b",
            "[default]\naws_access_key_id=a\n[p]\naws_secret_access_key=b",
        ] {
            assert!(keys(bad).unwrap_err().to_string().contains("is missing"), "{bad}");
        }
    }
}
