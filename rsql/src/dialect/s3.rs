//! `s3://bucket/key` as files under a directory.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::DialectError;

/// A place in S3, and the directory that stands for S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    root: PathBuf,
    /// `bucket/key`.
    pub(super) key: String,
}

/// The place that a URL names.
///
/// # Errors
/// If it is none, or no directory stands for S3.
pub(super) fn place(url: &str, root: Option<&Path>) -> Result<Place, DialectError> {
    let key = url.strip_prefix("s3://").ok_or_else(|| DialectError::unsupported(format!("\"{url}\"")))?;
    let root = root.ok_or_else(|| DialectError::NoRoot(url.to_owned()))?;
    // A key must not lead out of the directory.
    let plain = Path::new(key).components().all(|c| matches!(c, Component::Normal(_)));
    if !plain || key.is_empty() {
        return Err(DialectError::unsupported(format!("\"{url}\"")));
    }
    Ok(Place { root: root.to_owned(), key: key.to_owned() })
}

impl Place {
    /// The file of exactly this key with something behind it.
    pub(super) fn file(&self, suffix: &str) -> PathBuf {
        self.root.join(format!("{}{suffix}", self.key))
    }

    /// Refuses a path that a symbolic link leads out of the directory: S3 has no links, and a script must not reach
    /// by one what it was not given.
    ///
    /// # Errors
    /// If it leads out, or nobody can tell.
    pub(super) fn confine(&self, path: &Path) -> io::Result<()> {
        let root = match self.root.canonicalize() {
            Ok(root) => root,
            // There is nothing in it yet.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        for there in path.ancestors() {
            match there.symlink_metadata() {
                Ok(_) if there.canonicalize().is_ok_and(|real| real.starts_with(&root)) => return Ok(()),
                Ok(_) => {
                    let text = format!("{}: a symbolic link leads out of --s3-root", path.display());
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The files whose key begins with this one, in order.
    ///
    /// # Errors
    /// If there are none, or one of them is not in the directory.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let parent = match self.key.rsplit_once('/') {
            Some((parent, _)) => self.root.join(parent),
            None => self.root.clone(),
        };
        self.confine(&parent)?;
        let mut found = Vec::new();
        self.collect(&parent, &mut found)?;
        let prefix = self.root.join("x").to_string_lossy().len() - 1;
        found.retain(|f| f.to_string_lossy().get(prefix..).is_some_and(|k| k.starts_with(&self.key)));
        found.sort();
        if found.is_empty() {
            let text = format!("The specified S3 prefix 's3://{}' does not exist", self.key);
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        found.iter().try_for_each(|file| self.confine(file))?;
        Ok(found)
    }

    /// As [`Self::files`]; none where there are none.
    ///
    /// # Errors
    /// If one of them is not in the directory.
    pub(super) fn existing(&self) -> io::Result<Vec<PathBuf>> {
        match self.files() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            files => files,
        }
    }

    /// A directory that a link leads out to counts as a file, which is refused if it is asked for.
    fn collect(&self, directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
        let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && self.confine(&path).is_ok() {
                self.collect(&path, found)?;
            } else {
                found.push(path);
            }
        }
        Ok(())
    }

    /// The files that the manifest at this key lists.
    ///
    /// # Errors
    /// If it is no manifest, or lists what does not exist and is mandatory.
    pub(super) fn manifest(&self) -> io::Result<Vec<PathBuf>> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("manifest: {what}"));
        self.confine(&self.file(""))?;
        let text = fs::read_to_string(self.file("")).map_err(|e| bad(&format!("s3://{}: {e}", self.key)))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| bad(&e.to_string()))?;
        let entries = json.get("entries").and_then(|e| e.as_array()).ok_or_else(|| bad("no entries"))?;
        let mut files = Vec::new();
        for entry in entries {
            let url = entry.get("url").and_then(|u| u.as_str()).ok_or_else(|| bad("an entry without url"))?;
            let file = place(url, Some(&self.root)).map_err(|e| bad(&e.to_string()))?.file("");
            let mandatory = entry.get("mandatory").and_then(serde_json::Value::as_bool).unwrap_or(false);
            self.confine(&file)?;
            match file.exists() {
                true => files.push(file),
                false if mandatory => return Err(bad(&format!("{url} does not exist"))),
                false => {}
            }
        }
        Ok(files)
    }
}

/// Opens a file for reading, unpacked.
///
/// # Errors
/// If it cannot be opened.
pub(super) fn open(path: &Path, gzip: bool) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    Ok(if gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_does_not_lead_out() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("s3"), dir.path().join("other"));
        fs::create_dir_all(root.join("b/in")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("secret"), "x").unwrap();
        fs::write(root.join("b/in/f"), "y").unwrap();
        symlink(&other, root.join("b/out")).unwrap();
        symlink(other.join("secret"), root.join("b/one")).unwrap();
        symlink(other.join("new"), root.join("b/dangling")).unwrap();
        symlink(root.join("b/in"), root.join("b/same")).unwrap();
        let at = |key: &str| place(&format!("s3://b/{key}"), Some(&root)).unwrap();
        let refused = |e: io::Error| e.to_string().contains("a symbolic link leads out of --s3-root");

        for key in ["out/secret", "out/", "ou", "one", "dangling"] {
            assert!(at(key).files().is_err_and(refused), "{key}");
            assert!(at(key).existing().is_err_and(refused), "{key}");
        }
        for key in ["out/new", "out/deep/new", "one", "dangling"] {
            assert!(at(key).confine(&at(key).file("")).is_err_and(refused), "{key}");
        }
        assert_eq!(at("in/").files().unwrap(), [root.join("b/in/f")], "its neighbours are no matter");
        assert_eq!(at("same/").files().unwrap(), [root.join("b/same/f")], "it stays inside");
        assert!(at("new/deep/f").confine(&at("new/deep/f").file("")).is_ok());
        assert_eq!(at("nothing").existing().unwrap(), Vec::<PathBuf>::new());

        fs::write(root.join("b/list"), r#"{"entries": [{"url": "s3://b/one"}]}"#).unwrap();
        assert!(at("list").manifest().is_err_and(refused));
        // A directory that does not exist yet has nothing in it that could lead out.
        let none = dir.path().join("none");
        let place = place("s3://b/k", Some(&none)).unwrap();
        assert!(place.confine(&place.file("")).is_ok());
    }
}
