//! `s3://bucket/key` as files under a directory.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

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

    /// The URL of a file of this root.
    pub(super) fn url(&self, file: &Path) -> String {
        format!("s3://{}", file.strip_prefix(&self.root).unwrap_or(file).display())
    }

    /// The text of exactly this key's file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn text(&self) -> io::Result<String> {
        let file = self.file("");
        self.confine(&file)?;
        let named = |e: io::Error| io::Error::new(e.kind(), format!("s3://{}: {e}", self.key));
        fs::read_to_string(file).map_err(named)
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
        // Whatever is mandatory: a load of no file is a mistake.
        if files.is_empty() {
            return Err(bad("none of its files exists"));
        }
        Ok(files)
    }
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Packing {
    #[default]
    None,
    Gzip,
    Bzip2,
    Zstd,
}

impl Packing {
    /// The option of that name, in lower case.
    pub(super) fn parse(option: &str) -> Option<Self> {
        Some(match option {
            "gzip" => Self::Gzip,
            "bzip2" => Self::Bzip2,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// What UNLOAD appends to a file's name.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Zstd => ".zst",
        }
    }

    /// Packs a part of a file: in all these formats, packed parts one after another are the packed whole.
    ///
    /// # Errors
    /// If it cannot be packed.
    pub(super) fn pack(self, data: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(data.to_vec()),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(data)?;
                encoder.finish()
            }
            Self::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
                encoder.write_all(data)?;
                encoder.finish()
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                Ok(ruzstd::encoding::compress_to_vec(data, level))
            }
        }
    }
}

/// Opens a file for reading, unpacked.
///
/// # Errors
/// If it cannot be opened.
pub(super) fn open(path: &Path, packing: Packing) -> io::Result<Box<dyn Read>> {
    let file = BufReader::new(File::open(path)?);
    Ok(match packing {
        Packing::None => Box::new(file),
        Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
        Packing::Bzip2 => Box::new(MultiBzDecoder::new(file)),
        Packing::Zstd => Box::new(Frames::Between(Some(file))),
    })
}

/// Zstandard frames, one after another.
enum Frames {
    Between(Option<BufReader<File>>),
    Within(Box<StreamingDecoder<BufReader<File>, ruzstd::decoding::FrameDecoder>>),
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wrong = |e: &dyn std::fmt::Display| {
            io::Error::new(io::ErrorKind::InvalidData, format!("this is no Zstandard file: {e}"))
        };
        loop {
            match self {
                Self::Within(decoder) => match decoder.read(buffer)? {
                    0 if !buffer.is_empty() => {}
                    read => return Ok(read),
                },
                Self::Between(source) => {
                    let Some(mut source) = source.take() else { return Ok(0) };
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    *self = Self::Within(Box::new(StreamingDecoder::new(source).map_err(|e| wrong(&e))?));
                    continue;
                }
            }
            if let Self::Within(decoder) = std::mem::replace(self, Self::Between(None)) {
                *self = Self::Between(Some(decoder.into_inner()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn parts_that_are_packed_are_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        for packing in [Packing::None, Packing::Gzip, Packing::Bzip2, Packing::Zstd] {
            let file = dir.path().join("f");
            let mut packed = packing.pack(b"one\n").unwrap();
            packed.extend(packing.pack(&b"two\n".repeat(1000)).unwrap());
            fs::write(&file, packed).unwrap();
            let mut text = String::new();
            open(&file, packing).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("one\n{}", "two\n".repeat(1000)), "{packing:?}");
        }
    }

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
