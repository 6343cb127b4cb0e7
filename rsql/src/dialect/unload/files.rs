//! The files of an UNLOAD: one after the other, in a folder for each partition.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use super::Unload;
use super::record::{UnloadColumn, unescape};
use crate::dialect::load::Type;
use crate::dialect::s3::Place;

/// As much of a file is packed and written at once.
const CHUNK: usize = 1024 * 1024;

/// One file being written.
pub(super) struct Part {
    path: PathBuf,
    partial: PathBuf,
    /// What is not packed yet.
    buffer: Vec<u8>,
    written: u64,
    rows: u64,
}

/// The current file of a folder.
pub(super) struct Folder {
    place: Place,
    number: usize,
    part: Part,
}

/// Files being unloaded to; takes COPY's text format.
pub(crate) struct UnloadFiles<'a> {
    pub(super) unload: &'a Unload,
    pub(super) columns: Vec<UnloadColumn>,
    /// Indexes of the columns that partition.
    pub(super) partition: Vec<usize>,
    /// Indexes of the columns that are written.
    pub(super) kept: Vec<usize>,
    pub(super) parts: BTreeMap<String, Folder>,
    pub(super) done: Vec<Part>,
    pub(super) pending: Vec<u8>,
}

impl UnloadFiles<'_> {
    /// Ends the files; they get their names only if `complete`.
    ///
    /// # Errors
    /// If one cannot be written.
    pub(crate) fn finish(mut self, complete: bool) -> io::Result<()> {
        if complete && self.parts.is_empty() && self.partition.is_empty() {
            self.folder("")?;
        }
        for (_, mut folder) in std::mem::take(&mut self.parts) {
            if complete {
                self.pack(&mut folder.part)?;
            }
            self.done.push(folder.part);
        }
        if !complete {
            // A part that was never packed has no file.
            self.done.iter().for_each(|part| drop(fs::remove_file(&part.partial)));
            return Ok(());
        }
        let mut entries = Vec::new();
        let (mut bytes, mut rows) = (0, 0);
        for part in &self.done {
            fs::rename(&part.partial, &part.path)?;
            let size = fs::metadata(&part.path)?.len();
            let mut meta = serde_json::json!({"content_length": size});
            if self.unload.verbose {
                meta["record_count"] = part.rows.into();
            }
            entries.push(serde_json::json!({"url": self.unload.place.url(&part.path), "meta": meta}));
            bytes += size;
            rows += part.rows;
        }
        if self.unload.manifest {
            let mut manifest = serde_json::json!({"entries": entries});
            if self.unload.verbose {
                let elements: Vec<_> = self.kept.iter().map(|i| element(&self.columns[*i])).collect();
                manifest["schema"] = serde_json::json!({"elements": elements});
                manifest["meta"] = serde_json::json!({"content_length": bytes, "record_count": rows});
                manifest["author"] = serde_json::json!({"name": "Amazon Redshift", "version": "1.0.0"});
            }
            let list = self.unload.place.file("manifest");
            self.unload.place.confine(&list)?;
            if let Some(parent) = list.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(list, manifest.to_string())?;
        }
        Ok(())
    }

    fn start(&self, place: &Place, number: usize) -> io::Result<Part> {
        let path = place.file(&self.unload.name(number));
        place.confine(&path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Nobody must find half a file under its name.
        let partial = path
            .with_file_name(format!(".{}.partial", path.file_name().unwrap_or_default().to_string_lossy()));
        place.confine(&partial)?;
        File::create(&partial)?;
        let mut part = Part { path, partial, buffer: Vec::new(), written: 0, rows: 0 };
        if self.unload.header {
            let names: Vec<Option<String>> =
                self.kept.iter().map(|i| Some(self.columns[*i].name.clone())).collect();
            let header = self.unload.style.record(&names, &[])?;
            part.buffer.extend_from_slice(header.as_bytes());
            part.rows = 1;
        }
        Ok(part)
    }

    fn folder(&mut self, name: &str) -> io::Result<&mut Folder> {
        if !self.parts.contains_key(name) {
            let mut place = self.unload.place.clone();
            place.key.push_str(name);
            if self.unload.clean && !name.is_empty() {
                self.unload.clear(&place)?;
            }
            let part = self.start(&place, 0)?;
            self.parts.insert(name.to_owned(), Folder { place, number: 0, part });
        }
        self.parts.get_mut(name).ok_or_else(|| io::Error::other("a folder that was just made"))
    }

    fn pack(&self, part: &mut Part) -> io::Result<()> {
        if !part.buffer.is_empty() {
            let packed = self.unload.packing.pack(&part.buffer)?;
            // Opened each time: there may be more partitions than a process may have open files.
            fs::OpenOptions::new().append(true).open(&part.partial)?.write_all(&packed)?;
            part.written += packed.len() as u64;
            part.buffer.clear();
        }
        Ok(())
    }

    fn row(&mut self, line: &str) -> io::Result<()> {
        let fields: Vec<Option<String>> =
            line.split('\t').map(|f| (f != "\\N").then(|| unescape(f))).collect();
        let mut name = String::new();
        for index in &self.partition {
            let column = &self.columns[*index].name;
            let value = fields.get(*index).cloned().flatten();
            let value = value.map_or_else(|| "__HIVE_DEFAULT_PARTITION__".to_owned(), |v| encoded(&v));
            name.push_str(&format!("{}={value}/", encoded(column)));
        }
        let kept: Vec<Option<String>> = match self.partition.is_empty() {
            true => fields,
            false => self.kept.iter().filter_map(|i| fields.get(*i).cloned()).collect(),
        };
        let columns: Vec<&UnloadColumn> = self.kept.iter().filter_map(|i| self.columns.get(*i)).collect();
        let record = self.unload.style.record(&kept, &columns)?;
        let largest = self.unload.largest;
        let folder = self.folder(&name)?;
        let size = folder.part.written + folder.part.buffer.len() as u64;
        if size > 0 && size + record.len() as u64 > largest {
            let (place, number) = (folder.place.clone(), folder.number + 1);
            let next = self.start(&place, number)?;
            if let Some(mut folder) = self.parts.remove(&name) {
                self.pack(&mut folder.part)?;
                self.done.push(folder.part);
            }
            self.parts.insert(name.clone(), Folder { place, number, part: next });
        }
        let part = &mut self.folder(&name)?.part;
        part.buffer.extend_from_slice(record.as_bytes());
        part.rows += 1;
        if part.buffer.len() >= CHUNK
            && let Some(mut folder) = self.parts.remove(&name)
        {
            self.pack(&mut folder.part)?;
            self.parts.insert(name, folder);
        }
        Ok(())
    }
}

impl Write for UnloadFiles<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(data);
        let mut pending = std::mem::take(&mut self.pending);
        let mut start = 0;
        while let Some(length) = pending[start..].iter().position(|b| *b == b'\n') {
            let line = String::from_utf8_lossy(&pending[start..start + length]).into_owned();
            self.row(&line)?;
            start += length + 1;
        }
        pending.drain(..start);
        self.pending = pending;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A column in a verbose manifest.
fn element(column: &UnloadColumn) -> serde_json::Value {
    let kind = Type::of(column.type_oid, column.type_modifier);
    let described = match kind {
        Type::Char(Some(length)) => serde_json::json!({"base": "character", "max_length": length}),
        Type::Varchar(length) => {
            serde_json::json!({"base": "character varying", "max_length": length.unwrap_or(65535)})
        }
        Type::Numeric(Some((precision, scale))) => {
            serde_json::json!({"base": "numeric", "precision": precision, "scale": scale})
        }
        _ => {
            let base = match (kind, column.type_oid) {
                (Type::Integer(2), _) => "smallint",
                (Type::Integer(4), _) => "integer",
                (Type::Integer(_), _) => "bigint",
                (Type::Numeric(_), _) => "numeric",
                (Type::Float, 700) => "real",
                (Type::Float, _) => "double precision",
                (Type::Boolean, _) => "boolean",
                (Type::Date, _) => "date",
                (Type::Timestamp, _) => "timestamp without time zone",
                (Type::TimestampTz, _) => "timestamp with time zone",
                (Type::Super, _) => "super",
                _ => "character varying",
            };
            serde_json::json!({"base": base})
        }
    };
    serde_json::json!({"name": column.name, "type": described})
}

/// A partition's value in a path, as Hive writes it: what has a meaning in paths is percent-encoded.
fn encoded(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        if c.is_ascii_control() || "\"#%'*/:=?\\{}[]^".contains(c) {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    // Neither may lead elsewhere.
    match out.as_str() {
        "." | ".." | "" => out.replace('.', "%2E"),
        _ => out,
    }
}
