//! UNLOAD to S3, from fields.

use super::copy::{Compression, FieldProblem, Fields};
use super::{SplitProblem, Transaction, name, split};

/// A query's rows as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Unload {
    /// What is unloaded.
    pub source: UnloadSource,
    /// Prefix of the files, as an `s3://` URI.
    pub to: String,
    /// How they are written.
    pub format: UnloadFormat,
    /// Role that writes them; without one, the cluster's default.
    pub iam_role: Option<String>,
    /// Region of the bucket, where it is not the cluster's.
    pub region: Option<String>,
    /// Write files of several slices at once. Off, there is one file, as long as it stays within `max_file_mb`.
    pub parallel: bool,
    /// Longest file in MB, 5 to 6,400.
    pub max_file_mb: Option<u32>,
    /// Columns whose values become folders.
    pub partition_by: Vec<String>,
    /// Write a manifest of the files, too.
    pub manifest: bool,
    /// How the files are compressed.
    pub compression: Option<Compression>,
}

/// What is unloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnloadSource {
    /// A query. `:name` in it is a value.
    Query(String),
    /// All rows of a table.
    Table(String),
}

/// How files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnloadFormat {
    /// CSV.
    Csv {
        /// A first line with the columns' names.
        header: bool,
        /// One character; a comma if none is given.
        delimiter: Option<char>,
    },
    /// Texts between delimiters.
    Delimited {
        /// A first line with the columns' names.
        header: bool,
        /// One character; `|` if none is given.
        delimiter: Option<char>,
        /// Backslashes before delimiters and line breaks.
        escape: bool,
        /// Every value in quotes.
        add_quotes: bool,
    },
    /// An object a line.
    Json,
    /// Apache Parquet.
    Parquet,
}

impl Unload {
    /// The statement. A retry writes the same files again, so it may overwrite them (`ALLOWOVERWRITE`).
    ///
    /// # Errors
    /// Everything that is wrong with the fields.
    pub fn compile(&self) -> Result<String, Vec<FieldProblem>> {
        let mut fields = Fields::default();
        let query = match &self.source {
            UnloadSource::Table(table) => {
                format!("SELECT * FROM {}", fields.name("table", name::table(table)))
            }
            UnloadSource::Query(query) => {
                let one = single_query(query);
                fields.needs("query", one.is_some(), "must be one query, SELECT or WITH");
                fields.needs("query", !query.contains('\\'), "must not contain a backslash");
                one.unwrap_or_default()
            }
        };
        let mut sql = format!("UNLOAD ('{}') TO {}", query.replace('\'', "''"), fields.s3("to", &self.to));
        let mut option = |text: String| {
            sql.push(' ');
            sql.push_str(&text);
        };
        option(fields.role(self.iam_role.as_deref()));
        match &self.format {
            UnloadFormat::Csv { header, delimiter } => {
                option("FORMAT CSV".to_owned());
                if *header {
                    option("HEADER".to_owned());
                }
                if let Some(delimiter) = delimiter {
                    option(fields.delimiter(*delimiter));
                }
            }
            UnloadFormat::Delimited { header, delimiter, escape, add_quotes } => {
                if *header {
                    option("HEADER".to_owned());
                }
                if let Some(delimiter) = delimiter {
                    option(fields.delimiter(*delimiter));
                }
                if *escape {
                    option("ESCAPE".to_owned());
                }
                if *add_quotes {
                    option("ADDQUOTES".to_owned());
                }
            }
            UnloadFormat::Json => option("FORMAT JSON".to_owned()),
            UnloadFormat::Parquet => option("FORMAT PARQUET".to_owned()),
        }
        let mut columns = Vec::new();
        for (i, column) in self.partition_by.iter().enumerate() {
            columns.push(fields.name(&format!("partition_by[{i}]"), name::identifier(column)));
        }
        if !columns.is_empty() {
            option(format!("PARTITION BY ({})", columns.join(", ")));
        }
        if let Some(compression) = self.compression {
            let packs = !matches!(self.format, UnloadFormat::Parquet);
            fields.needs("compression", packs, "has no meaning for Parquet, which compresses itself");
            option(compression.keyword().to_owned());
        }
        if self.manifest {
            option("MANIFEST".to_owned());
        }
        option("ALLOWOVERWRITE".to_owned());
        option(format!("PARALLEL {}", if self.parallel { "ON" } else { "OFF" }));
        if let Some(megabytes) = self.max_file_mb {
            fields.needs("max_file_mb", (5..=6_400).contains(&megabytes), "must be from 5 to 6400");
            option(format!("MAXFILESIZE {megabytes} MB"));
        }
        if let Some(region) = &self.region {
            option(format!("REGION {}", fields.text("region", region)));
        }
        fields.finish(sql)
    }
}

/// A text as one query without its semicolon, if it is one.
pub(super) fn single_query(text: &str) -> Option<String> {
    let read: Result<Vec<String>, Vec<SplitProblem>> = split(text, Transaction::Each);
    let mut statements = read.ok()?;
    let statement = statements.pop().filter(|_| statements.is_empty())?;
    let first = rsql_lexer::token::first_word(&statement).to_ascii_lowercase();
    // A comment at the end of a line would swallow what is written behind it.
    matches!(first.as_str(), "select" | "with").then(|| {
        let ends_in_comment = rsql_lexer::token::tokens(&statement, false).last().is_some_and(|token| {
            token.kind == rsql_lexer::token::Kind::Comment && token.text.starts_with("--")
        });
        if ends_in_comment { format!("{statement}\n") } else { statement }
    })
}
