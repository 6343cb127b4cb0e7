//! Where a script is read from.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A script being read.
pub(crate) struct Source {
    /// Its name in messages.
    pub(crate) name: String,
    /// The directory that `\ir` starts from.
    pub(crate) directory: Option<PathBuf>,
    reader: Box<dyn BufRead>,
    line: usize,
}

impl Source {
    /// A file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self {
            name: path.display().to_string(),
            directory: path.parent().map(Path::to_path_buf),
            reader: Box::new(BufReader::new(file)),
            line: 0,
        })
    }

    /// Standard input.
    pub(crate) fn stdin() -> Self {
        Self { name: "<stdin>".into(), directory: None, reader: Box::new(io::stdin().lock()), line: 0 }
    }

    /// What another program writes.
    pub(crate) fn reader(name: &str, reader: Box<dyn BufRead>) -> Self {
        Self { name: name.into(), directory: None, reader, line: 0 }
    }

    /// A text, as given with `-c`.
    pub(crate) fn text(name: &str, text: &str) -> Self {
        Self::reader(name, Box::new(io::Cursor::new(text.as_bytes().to_vec())))
    }

    /// The number of the line last read, from 1.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// The next line, without its line break.
    ///
    /// # Errors
    /// If reading fails, or the line is not UTF-8 or holds NUL, which no statement can.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        if self.reader.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if self.line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        if bytes.contains(&0) {
            let text = format!("{}:{}: contains the character NUL (0x00)", self.name, self.line);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}:{}: not UTF-8", self.name, self.line))
        })
    }
}
