//! JSON files: objects or arrays one after another, mapped to columns by name or by a JSONPaths file.
//! <https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-json.html>

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use serde_json::value::RawValue;

use super::{LARGEST_RECORD, Loader, Place, Reject, Type, lossy, value};

/// How JSON is mapped to columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialect) enum Mapping {
    /// By the names of an object's members.
    Auto {
        /// Names match in any case.
        ignore_case: bool,
    },
    /// The whole is one SUPER value.
    NoShred,
    /// A path for each column.
    Paths(Vec<Vec<Step>>),
}

/// A step of a JSONPath expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialect) enum Step {
    Member(String),
    Element(usize),
}

impl Mapping {
    /// Reads a JSONPaths file. One whose key has another name counts as `auto`.
    ///
    /// # Errors
    /// If it is not one JSON object with an array of paths.
    pub(in crate::dialect) fn paths(text: &str) -> Result<Self, String> {
        let file: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|e| format!("Invalid JSONPaths file: {e}"))?;
        let Some(paths) = file.get("jsonpaths") else { return Ok(Self::Auto { ignore_case: false }) };
        let wrong = || "Invalid JSONPaths file: jsonpaths must be an array of texts".to_owned();
        let paths = paths.as_array().ok_or_else(wrong)?;
        let paths = paths.iter().map(|path| path.as_str().filter(|p| !p.is_empty()).ok_or_else(wrong));
        paths.map(|path| steps(path?)).collect::<Result<_, _>>().map(Self::Paths)
    }
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("Invalid JSONPath format: {path}");
    let mut rest = path.trim().strip_prefix('$').ok_or_else(wrong)?;
    let mut steps = Vec::new();
    let (mut dots, mut brackets) = (false, false);
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 || name[..end].contains(['\'', ']', '*']) {
                return Err(wrong());
            }
            steps.push(Step::Member(name[..end].to_owned()));
            rest = &name[end..];
            dots = true;
            continue;
        }
        let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
        match inner.chars().next().ok_or_else(wrong)? {
            quote @ ('\'' | '"') => {
                let close = format!("{quote}]");
                let end = inner[1..].find(&close).ok_or_else(wrong)?;
                steps.push(Step::Member(inner[1..=end].to_owned()));
                rest = &inner[end + 3..];
                brackets = true;
            }
            _ => {
                let end = inner.find(']').ok_or_else(wrong)?;
                steps.push(Step::Element(inner[..end].trim().parse().map_err(|_| wrong())?));
                rest = &inner[end + 1..];
            }
        }
    }
    if steps.is_empty() || (dots && brackets) { Err(wrong()) } else { Ok(steps) }
}

/// Reads a file's objects or arrays.
///
/// # Errors
/// If it cannot be read, or a row cannot be sent.
pub(super) fn read(loader: &mut Loader<'_>, reader: Box<dyn Read>, mapping: &Mapping) -> io::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut splitter = Splitter::default();
    let mut bytes = Vec::new();
    let (mut line, mut offset) = (0_u64, 0_u64);
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        line += 1;
        let start = offset;
        offset += bytes.len() as u64;
        if line > loader.layout.skip {
            for (index, byte) in bytes.iter().enumerate() {
                let Some(found) = splitter.next(*byte, start + index as u64) else { continue };
                if !one(loader, mapping, found, &splitter, line)? {
                    return Ok(());
                }
            }
        }
        bytes.clear();
    }
    if splitter.depth > 0 || splitter.junk {
        let found = if splitter.depth > 0 { Found::Unfinished } else { Found::Junk };
        one(loader, mapping, found, &splitter, line)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Found {
    Document,
    Junk,
    Unfinished,
}

/// Finds where documents begin and end.
#[derive(Default)]
struct Splitter {
    document: Vec<u8>,
    start: u64,
    depth: usize,
    in_string: bool,
    escaped: bool,
    junk: bool,
}

impl Splitter {
    fn next(&mut self, byte: u8, offset: u64) -> Option<Found> {
        if self.depth == 0 {
            return self.between(byte, offset);
        }
        // What is too large is refused at its end; it need not be kept.
        if self.document.len() <= LARGEST_RECORD {
            self.document.push(byte);
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return None;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                return (self.depth == 0).then_some(Found::Document);
            }
            _ => {}
        }
        None
    }

    fn between(&mut self, byte: u8, offset: u64) -> Option<Found> {
        match byte {
            b'{' | b'[' => {
                self.document.clear();
                self.document.push(byte);
                self.start = offset;
                self.depth = 1;
                let junk = std::mem::take(&mut self.junk);
                junk.then_some(Found::Junk)
            }
            // A byte order mark is no text.
            0xef | 0xbb | 0xbf if offset < 3 => None,
            b if b.is_ascii_whitespace() => None,
            _ => {
                self.junk = true;
                None
            }
        }
    }
}

fn one(
    loader: &mut Loader<'_>,
    mapping: &Mapping,
    found: Found,
    splitter: &Splitter,
    line: u64,
) -> io::Result<bool> {
    let text = lossy(&splitter.document);
    let built = match found {
        Found::Junk => Err(Reject::record(1216, "Invalid JSON: text outside of an object or array")),
        Found::Unfinished => {
            Err(Reject::record(1216, "Invalid JSON: the file ends within an object or array"))
        }
        Found::Document if splitter.document.len() > LARGEST_RECORD => {
            Err(Reject::record(1216, "The JSON object is larger than 4 MB"))
        }
        Found::Document => row(loader, mapping, &text),
    };
    loader.end(built, &Place { line, offset: splitter.start, raw: &text })
}

fn parse<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, Box<Reject>> {
    serde_json::from_str(text).map_err(|e| Reject::record(1216, &format!("Invalid JSON: {e}")))
}

fn row(loader: &mut Loader<'_>, mapping: &Mapping, text: &str) -> Result<(), Box<Reject>> {
    let columns = loader.columns;
    match mapping {
        Mapping::NoShred => {
            let whole: &RawValue = parse(text)?;
            field(loader, 0, Some(whole.get()))
        }
        Mapping::Paths(paths) => {
            let whole: &RawValue = parse(text)?;
            for index in 0..columns.len() {
                let path = paths.get(index).map_or(&[][..], Vec::as_slice);
                let value = if path.is_empty() { None } else { follow(whole.get(), path)? };
                field(loader, index, value.as_deref())?;
            }
            Ok(())
        }
        Mapping::Auto { ignore_case } => {
            if !text.starts_with('{') {
                return Err(Reject::record(1216, "Invalid JSONPath format: Member is not an object."));
            }
            let mut members: BTreeMap<String, &RawValue> = parse(text)?;
            if *ignore_case {
                members = members.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
            }
            for (index, column) in columns.iter().enumerate() {
                field(loader, index, members.get(&column.name).map(|value| value.get()))?;
            }
            Ok(())
        }
    }
}

fn follow(text: &str, path: &[Step]) -> Result<Option<String>, Box<Reject>> {
    let Some((first, rest)) = path.split_first() else { return Ok(Some(text.to_owned())) };
    match first {
        Step::Member(name) => {
            if !text.starts_with('{') {
                return Err(Reject::record(1216, "Invalid JSONPath format: Member is not an object."));
            }
            let members: BTreeMap<String, &RawValue> = parse(text)?;
            members.get(name).map_or(Ok(None), |value| follow(value.get(), rest))
        }
        Step::Element(index) => {
            let wrong = "Invalid JSONPath format: Not an array or index out of range.";
            if !text.starts_with('[') {
                return Err(Reject::record(1216, wrong));
            }
            let elements: Vec<&RawValue> = parse(text)?;
            elements
                .get(*index)
                .map_or_else(|| Err(Reject::record(1216, wrong)), |value| follow(value.get(), rest))
        }
    }
}

/// Writes one field from its JSON.
fn field(loader: &mut Loader<'_>, index: usize, json: Option<&str>) -> Result<(), Box<Reject>> {
    let columns = loader.columns;
    let Some(column) = columns.get(index) else { return Ok(()) };
    let json = json.filter(|text| *text != "null");
    match json {
        Some(json) if column.kind == Type::Super => {
            if index > 0 {
                loader.row.push('\t');
            }
            value::escape(&compact(json), &mut loader.row);
            Ok(())
        }
        Some(json) if json.starts_with('"') => {
            let text: Cow<'_, str> = parse(json)?;
            loader.field(index, Some(&text), false)
        }
        Some(json) if json.starts_with(['{', '[']) => loader.field(index, Some(&compact(json)), false),
        other => loader.field(index, other, false),
    }
}

/// JSON without the blanks between its parts.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        if inside {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => inside = false,
                _ => {}
            }
        } else if c == '"' {
            inside = true;
        } else if c.is_ascii_whitespace() {
            continue;
        }
        out.push(c);
    }
    out
}
