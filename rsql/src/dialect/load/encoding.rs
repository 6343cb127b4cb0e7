//! Files that are not UTF-8: ENCODING of COPY.

use std::io::{self, BufReader, Read};

/// A file's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum Encoding {
    Utf8,
    /// UTF-16, whose byte order a byte order mark says.
    Utf16,
    Utf16Le,
    Utf16Be,
    /// ISO-8859-1.
    Latin1,
}

impl Encoding {
    /// The encoding of that name.
    pub(in crate::dialect) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "UTF8" => Self::Utf8,
            "UTF16" => Self::Utf16,
            "UTF16LE" => Self::Utf16Le,
            "UTF16BE" => Self::Utf16Be,
            "ISO88591" => Self::Latin1,
            _ => return None,
        })
    }
}

/// The file as UTF-8.
pub(super) fn decoded(reader: Box<dyn Read>, encoding: Encoding) -> Box<dyn Read> {
    if encoding == Encoding::Utf8 {
        return reader;
    }
    Box::new(Decoder { reader: BufReader::new(reader), encoding, begun: false, ready: Vec::new(), at: 0 })
}

struct Decoder {
    reader: BufReader<Box<dyn Read>>,
    encoding: Encoding,
    begun: bool,
    ready: Vec<u8>,
    at: usize,
}

impl Decoder {
    /// The next two bytes, `None` at the end.
    fn unit(&mut self) -> io::Result<Option<[u8; 2]>> {
        let mut bytes = [0; 2];
        let mut length = 0;
        while length < 2 {
            match self.reader.read(&mut bytes[length..])? {
                0 if length == 0 => return Ok(None),
                0 => return Err(wrong("the file ends within a character")),
                read => length += read,
            }
        }
        Ok(Some(bytes))
    }

    fn utf16(&mut self) -> io::Result<Option<u16>> {
        loop {
            let Some(bytes) = self.unit()? else { return Ok(None) };
            let first = !std::mem::replace(&mut self.begun, true);
            if first {
                match (bytes, self.encoding) {
                    ([0xff, 0xfe], Encoding::Utf16) => self.encoding = Encoding::Utf16Le,
                    ([0xfe, 0xff], Encoding::Utf16) => self.encoding = Encoding::Utf16Be,
                    (_, Encoding::Utf16) => {
                        return Err(wrong("a file in UTF16 must begin with a byte order mark"));
                    }
                    ([0xff, 0xfe], Encoding::Utf16Le) | ([0xfe, 0xff], Encoding::Utf16Be) => {}
                    _ => return Ok(Some(self.number(bytes))),
                }
                continue;
            }
            return Ok(Some(self.number(bytes)));
        }
    }

    fn number(&self, bytes: [u8; 2]) -> u16 {
        match self.encoding {
            Encoding::Utf16Be => u16::from_be_bytes(bytes),
            _ => u16::from_le_bytes(bytes),
        }
    }

    /// Decodes some more; nothing is ready afterwards at the end.
    fn fill(&mut self) -> io::Result<()> {
        const ENOUGH: usize = 32 * 1024;
        self.ready.clear();
        self.at = 0;
        let mut text = String::new();
        if self.encoding == Encoding::Latin1 {
            let mut bytes = [0; ENOUGH];
            let read = self.reader.read(&mut bytes)?;
            text.extend(bytes[..read].iter().map(|b| char::from(*b)));
        } else {
            while text.len() < ENOUGH {
                let Some(unit) = self.utf16()? else { break };
                let pair = match unit {
                    0xd800..=0xdbff => [Some(unit), self.utf16()?],
                    _ => [Some(unit), None],
                };
                text.extend(
                    char::decode_utf16(pair.into_iter().flatten()).map(|c| c.unwrap_or(super::INVALID)),
                );
            }
        }
        self.ready.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.fill()?;
        }
        let length = buffer.len().min(self.ready.len() - self.at);
        buffer[..length].copy_from_slice(&self.ready[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
