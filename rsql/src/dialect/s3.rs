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

    /// The files whose key begins with this one, in order.
    ///
    /// # Errors
    /// If there are none.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let parent = match self.key.rsplit_once('/') {
            Some((parent, _)) => self.root.join(parent),
            None => self.root.clone(),
        };
        let mut found = Vec::new();
        collect(&parent, &mut found)?;
        let prefix = self.root.join("x").to_string_lossy().len() - 1;
        found.retain(|f| f.to_string_lossy().get(prefix..).is_some_and(|k| k.starts_with(&self.key)));
        found.sort();
        if found.is_empty() {
            let text = format!("The specified S3 prefix 's3://{}' does not exist", self.key);
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        Ok(found)
    }

    /// The files that the manifest at this key lists.
    ///
    /// # Errors
    /// If it is no manifest, or lists what does not exist and is mandatory.
    pub(super) fn manifest(&self) -> io::Result<Vec<PathBuf>> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("manifest: {what}"));
        let text = fs::read_to_string(self.file("")).map_err(|e| bad(&format!("s3://{}: {e}", self.key)))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| bad(&e.to_string()))?;
        let entries = json.get("entries").and_then(|e| e.as_array()).ok_or_else(|| bad("no entries"))?;
        let mut files = Vec::new();
        for entry in entries {
            let url = entry.get("url").and_then(|u| u.as_str()).ok_or_else(|| bad("an entry without url"))?;
            let file = place(url, Some(&self.root)).map_err(|e| bad(&e.to_string()))?.file("");
            let mandatory = entry.get("mandatory").and_then(serde_json::Value::as_bool).unwrap_or(false);
            match file.exists() {
                true => files.push(file),
                false if mandatory => return Err(bad(&format!("{url} does not exist"))),
                false => {}
            }
        }
        Ok(files)
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
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
