//! What is found in the text of a job.

use std::fmt;

use serde::Serialize;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How a statement touches a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// It reads rows or the definition.
    Read,
    /// It creates the table without rows.
    Create,
    /// It changes rows, or replaces or removes the table.
    Write,
}

/// A table that a job touches. Each table occurs once for each kind, at the first place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Access {
    /// The table: `schema.name` or `database.schema.name`, in lower case.
    pub table: String,
    /// How.
    pub kind: AccessKind,
    /// Where.
    pub at: Place,
}

/// A location in Amazon S3 that a job unloads to or copies from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// The prefix, as written: `s3://bucket/path`.
    pub uri: String,
    /// Where.
    pub at: Place,
}

/// Why something could not be read from the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum WarningKind {
    /// `EXECUTE` of a text that is computed, or `\gexec`.
    DynamicSql,
    /// `CALL` of a procedure whose body is not known.
    UnknownProcedure(String),
    /// A table's name contains a variable that is not set.
    UnsetVariable(String),
    /// A variable in a table's name has more than one possible value, because `\if` decides on it.
    AmbiguousVariable(String),
    /// An included file was not found.
    MissingInclude(String),
    /// `\!` or `\os` runs a command of the shell.
    ShellCommand,
    /// A table without schema, where neither `search_path` nor a default schema says which.
    UnqualifiedName(String),
    /// A table without schema, where `search_path` lists several schemas.
    AmbiguousName(String),
    /// Statements or includes are nested too deeply to be followed.
    TooDeep,
}

/// Something that could not be read from the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Warning {
    /// What.
    #[serde(flatten)]
    pub kind: WarningKind,
    /// Where.
    pub at: Place,
}

impl Warning {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.kind {
            WarningKind::UnqualifiedName(_) => "write the schema before the name, or give a default schema",
            WarningKind::AmbiguousName(_) => "write the schema before the name",
            WarningKind::UnsetVariable(_) | WarningKind::AmbiguousVariable(_) => {
                "give the value of the variable"
            }
            _ => "check the order of this job by hand",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        match &self.kind {
            WarningKind::DynamicSql => write!(f, "the statement is computed when it runs"),
            WarningKind::UnknownProcedure(name) => write!(f, "the body of procedure \"{name}\" is not known"),
            WarningKind::UnsetVariable(name) => write!(f, "variable \"{name}\" in a table name is not set"),
            WarningKind::AmbiguousVariable(name) => {
                write!(f, "variable \"{name}\" in a table name depends on a condition")
            }
            WarningKind::MissingInclude(name) => write!(f, "included file \"{name}\" was not found"),
            WarningKind::ShellCommand => write!(f, "a shell command may use tables"),
            WarningKind::UnqualifiedName(name) => write!(f, "table \"{name}\" has no schema"),
            WarningKind::AmbiguousName(name) => {
                write!(f, "table \"{name}\" has no schema, and search_path lists several")
            }
            WarningKind::TooDeep => write!(f, "the statement is nested too deeply to be read"),
        }
    }
}

/// What is found in the text of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lineage {
    /// Tables read, without those that the job itself wrote before.
    pub reads: Vec<Access>,
    /// Tables written, without temporary ones.
    pub writes: Vec<Access>,
    /// Locations that COPY loads from.
    pub imports: Vec<Location>,
    /// Locations that UNLOAD writes to.
    pub exports: Vec<Location>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

impl Lineage {
    /// The names of the tables read, sorted.
    #[must_use]
    pub fn read_names(&self) -> Vec<&str> {
        names(&self.reads)
    }

    /// The names of the tables written, sorted.
    #[must_use]
    pub fn written_names(&self) -> Vec<&str> {
        names(&self.writes)
    }
}

fn names(accesses: &[Access]) -> Vec<&str> {
    let mut names: Vec<&str> = accesses.iter().map(|access| access.table.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
