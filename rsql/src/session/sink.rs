//! Where output goes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::{Child, Command, Stdio};

/// An output.
pub(crate) enum Sink {
    /// Nowhere.
    Null,
    /// Standard output.
    Stdout(BufWriter<io::Stdout>),
    /// A file.
    File(BufWriter<File>),
    /// A shell command's input.
    Pipe(Child, Option<BufWriter<std::process::ChildStdin>>),
}

impl Sink {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        Self::Stdout(BufWriter::with_capacity(64 * 1024, io::stdout()))
    }

    /// A file, or with a leading `|` a shell command that the script itself wrote.
    ///
    /// # Errors
    /// If the file cannot be made or the command not be started.
    pub(crate) fn open(target: &str) -> io::Result<Self> {
        match target.strip_prefix('|') {
            None => Ok(Self::File(BufWriter::with_capacity(64 * 1024, File::create(target)?))),
            Some(command) => {
                let mut child =
                    Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn()?;
                let input = child.stdin.take().map(BufWriter::new);
                Ok(Self::Pipe(child, input))
            }
        }
    }

    /// Writes what is held back and, for a command, awaits its end.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.flush()?;
        if let Self::Pipe(mut child, input) = self {
            drop(input);
            child.wait()?;
        }
        Ok(())
    }
}

/// A command such as `head` may have seen enough; that is no failure.
fn unless_closed<T>(outcome: io::Result<T>, otherwise: T) -> io::Result<T> {
    match outcome {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(otherwise),
        other => other,
    }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Null => Ok(buf.len()),
            Self::Stdout(w) => w.write(buf),
            Self::File(w) => w.write(buf),
            Self::Pipe(_, Some(w)) => unless_closed(w.write(buf), buf.len()),
            Self::Pipe(_, None) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        match self {
            Self::Null => Ok(()),
            Self::Stdout(w) => w.write_all(buf),
            Self::File(w) => w.write_all(buf),
            Self::Pipe(_, Some(w)) => unless_closed(w.write_all(buf), ()),
            Self::Pipe(_, None) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Null => Ok(()),
            Self::Stdout(w) => w.flush(),
            Self::File(w) => w.flush(),
            Self::Pipe(_, Some(w)) => unless_closed(w.flush(), ()),
            Self::Pipe(_, None) => Ok(()),
        }
    }
}
