//! COPY from S3, from fields.

use super::name::{self, NameProblem};
use super::{NoLiteral, literal};

/// A load of files into a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// `table` or `schema.table`.
    pub table: String,
    /// The columns that the files have, in their order; none means those of the table.
    pub columns: Vec<Column>,
    /// Create the table if it is not there; every column then needs a type.
    pub create: bool,
    /// What becomes of the rows that are there.
    pub load: Load,
    /// An object, a prefix, or a manifest, as an `s3://` URI.
    pub from: String,
    /// Whether `from` is a manifest of files.
    pub manifest: bool,
    /// How the files are written.
    pub format: CopyFormat,
    /// Role that reads them; without one, the cluster's default.
    pub iam_role: Option<String>,
    /// Region of the bucket, where it is not the cluster's.
    pub region: Option<String>,
    /// Most rows that may be refused (`MAXERROR`), at most 100,000.
    pub max_errors: u32,
    /// COPY's flags, such as `TRUNCATECOLUMNS`, from [`Copy::FLAGS`].
    pub flags: Vec<String>,
    /// `DATEFORMAT`.
    pub date_format: Option<String>,
    /// `TIMEFORMAT`.
    pub time_format: Option<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, such as `varchar(20)`.
    pub column_type: Option<String>,
}

/// What becomes of the rows that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Load {
    /// They stay.
    #[default]
    Append,
    /// They are deleted first, in the same transaction. By DELETE: TRUNCATE would commit.
    Replace,
}

/// How files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// `FORMAT CSV`.
    Csv {
        /// One character; a comma if none is given.
        delimiter: Option<char>,
        /// Lines at the head of each file that are no rows.
        ignore_header: u32,
        /// What stands for NULL.
        null_as: Option<String>,
        /// How they are compressed.
        compression: Option<Compression>,
    },
    /// Texts between delimiters.
    Delimited {
        /// One character; `|` if none is given.
        delimiter: Option<char>,
        /// Lines at the head of each file that are no rows.
        ignore_header: u32,
        /// What stands for NULL.
        null_as: Option<String>,
        /// Backslashes escape.
        escape: bool,
        /// Values may stand in quotes.
        remove_quotes: bool,
        /// How they are compressed.
        compression: Option<Compression>,
    },
    /// `FORMAT JSON`.
    Json {
        /// An `s3://` URI of JSONPaths, or `auto`.
        paths: String,
        /// How they are compressed.
        compression: Option<Compression>,
    },
    /// `FORMAT PARQUET`.
    Parquet,
    /// `FORMAT ORC`.
    Orc,
}

/// How files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// Zstandard.
    Zstd,
}

impl Compression {
    pub(super) const fn keyword(self) -> &'static str {
        match self {
            Self::Gzip => "GZIP",
            Self::Bzip2 => "BZIP2",
            Self::Zstd => "ZSTD",
        }
    }
}

/// Why fields do not make a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// A name of a table, a column or a type.
    #[error("{field} {problem}")]
    Name {
        /// Which field.
        field: String,
        /// What is wrong.
        problem: NameProblem,
    },
    /// A text that cannot be written as a literal.
    #[error("{field} {problem}")]
    Text {
        /// Which field.
        field: String,
        /// What is wrong.
        problem: NoLiteral,
    },
    /// Not of the form it has to have.
    #[error("{field} {rule}")]
    Form {
        /// Which field.
        field: String,
        /// What it must be.
        rule: &'static str,
    },
}

/// Collects problems, and answers with something in the place of what has one.
#[derive(Default)]
pub(super) struct Fields(Vec<FieldProblem>);

impl Fields {
    pub(super) fn name(&mut self, field: &str, read: Result<String, NameProblem>) -> String {
        read.unwrap_or_else(|problem| {
            self.0.push(FieldProblem::Name { field: field.to_owned(), problem });
            String::new()
        })
    }

    pub(super) fn text(&mut self, field: &str, text: &str) -> String {
        literal(text).unwrap_or_else(|problem| {
            self.0.push(FieldProblem::Text { field: field.to_owned(), problem });
            String::new()
        })
    }

    pub(super) fn needs(&mut self, field: &str, holds: bool, rule: &'static str) {
        if !holds {
            self.0.push(FieldProblem::Form { field: field.to_owned(), rule });
        }
    }

    pub(super) fn s3(&mut self, field: &str, uri: &str) -> String {
        let has_bucket = uri.strip_prefix("s3://").is_some_and(|rest| {
            !rest.split('/').any(str::is_empty) || {
                let (bucket, _) = rest.split_once('/').unwrap_or((rest, ""));
                !bucket.is_empty()
            }
        });
        self.needs(field, has_bucket, "must be an s3:// URI with a bucket");
        self.text(field, uri)
    }

    /// IAM_ROLE: `default` or an ARN (several, separated by commas, chain roles).
    pub(super) fn role(&mut self, role: Option<&str>) -> String {
        match role {
            None | Some("default") => "IAM_ROLE default".to_owned(),
            Some(role) => {
                let is_arn = |one: &str| one.starts_with("arn:") && one.contains(":role/");
                self.needs(
                    "iam_role",
                    role.split(',').all(is_arn),
                    "must be \"default\" or the ARN of a role",
                );
                format!("IAM_ROLE {}", self.text("iam_role", role))
            }
        }
    }

    pub(super) fn delimiter(&mut self, delimiter: char) -> String {
        let fits = delimiter.is_ascii() && !matches!(delimiter, '\0' | '\n' | '\r' | '\\' | '"');
        self.needs(
            "delimiter",
            fits,
            "must be one ASCII character, not a line break, a quote or a backslash",
        );
        let written = if delimiter == '\t' { "\\t".to_owned() } else { delimiter.to_string() };
        format!("DELIMITER '{}'", written.replace('\'', "''"))
    }

    pub(super) fn finish<T>(self, made: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(made) } else { Err(self.0) }
    }
}

impl Copy {
    /// COPY's options without a value that `flags` takes.
    pub const FLAGS: [&'static str; 11] = [
        "ACCEPTANYDATE",
        "ACCEPTINVCHARS",
        "BLANKSASNULL",
        "EMPTYASNULL",
        "EXPLICIT_IDS",
        "FILLRECORD",
        "IGNOREALLERRORS",
        "IGNOREBLANKLINES",
        "ROUNDEC",
        "TRIMBLANKS",
        "TRUNCATECOLUMNS",
    ];

    /// The statements that load, to be run as one transaction.
    ///
    /// # Errors
    /// Everything that is wrong with the fields.
    pub fn compile(&self) -> Result<Vec<String>, Vec<FieldProblem>> {
        let mut fields = Fields::default();
        let table = fields.name("table", name::table(&self.table));
        let mut columns = Vec::new();
        let mut definitions = Vec::new();
        for (i, column) in self.columns.iter().enumerate() {
            let field = format!("columns[{i}]");
            let name = fields.name(&field, name::identifier(&column.name));
            fields.needs(&field, !columns.contains(&name), "is there twice");
            if self.create {
                fields.needs(
                    &field,
                    column.column_type.is_some(),
                    "must have a type where the table is created",
                );
            }
            if let Some(column_type) = &column.column_type {
                let column_type = fields.name(&field, name::column_type(column_type));
                definitions.push(format!("{name} {column_type}"));
            }
            columns.push(name);
        }
        fields.needs(
            "columns",
            !self.create || !columns.is_empty(),
            "must be given where the table is created",
        );
        let mut statements = Vec::new();
        if self.create {
            statements.push(format!("CREATE TABLE IF NOT EXISTS {table} ({})", definitions.join(", ")));
        }
        if self.load == Load::Replace {
            statements.push(format!("DELETE FROM {table}"));
        }
        let mut copy = format!("COPY {table}");
        // Formats with columns of their own name or count them by position themselves.
        if !columns.is_empty() {
            copy.push_str(&format!(" ({})", columns.join(", ")));
        }
        copy.push_str(&format!(" FROM {}", fields.s3("from", &self.from)));
        copy.push_str(&format!(" {}", fields.role(self.iam_role.as_deref())));
        self.options(&mut fields, &mut copy);
        statements.push(copy);
        fields.finish(statements)
    }

    fn options(&self, fields: &mut Fields, copy: &mut String) {
        let mut option = |text: String| {
            copy.push(' ');
            copy.push_str(&text);
        };
        match &self.format {
            CopyFormat::Csv { delimiter, ignore_header, null_as, compression } => {
                option("FORMAT CSV".to_owned());
                text_options(
                    fields,
                    &mut option,
                    *delimiter,
                    *ignore_header,
                    null_as.as_deref(),
                    *compression,
                );
            }
            CopyFormat::Delimited {
                delimiter,
                ignore_header,
                null_as,
                escape,
                remove_quotes,
                compression,
            } => {
                text_options(
                    fields,
                    &mut option,
                    *delimiter,
                    *ignore_header,
                    null_as.as_deref(),
                    *compression,
                );
                fields.needs(
                    "escape",
                    !(*escape && *remove_quotes),
                    "cannot stand together with remove_quotes where a value may hold the delimiter",
                );
                if *escape {
                    option("ESCAPE".to_owned());
                }
                if *remove_quotes {
                    option("REMOVEQUOTES".to_owned());
                }
            }
            CopyFormat::Json { paths, compression } => {
                let known = paths == "auto" || paths == "auto ignorecase" || paths.starts_with("s3://");
                fields.needs("json_paths", known, "must be \"auto\" or an s3:// URI");
                option(format!("FORMAT JSON {}", fields.text("json_paths", paths)));
                if let Some(compression) = compression {
                    option(compression.keyword().to_owned());
                }
            }
            CopyFormat::Parquet => option("FORMAT PARQUET".to_owned()),
            CopyFormat::Orc => option("FORMAT ORC".to_owned()),
        }
        let columnar = matches!(self.format, CopyFormat::Parquet | CopyFormat::Orc);
        let plain = self.max_errors == 0 && self.flags.is_empty();
        let plain = plain && self.date_format.is_none() && self.time_format.is_none();
        fields.needs(
            "format",
            !columnar || plain,
            "takes no options of texts: Parquet and ORC files have types",
        );
        if self.manifest {
            option("MANIFEST".to_owned());
        }
        if let Some(region) = &self.region {
            option(format!("REGION {}", fields.text("region", region)));
        }
        fields.needs("max_errors", self.max_errors <= 100_000, "must be at most 100,000");
        if self.max_errors > 0 {
            option(format!("MAXERROR {}", self.max_errors));
        }
        for (i, flag) in self.flags.iter().enumerate() {
            let known = Self::FLAGS.iter().find(|known| known.eq_ignore_ascii_case(flag));
            fields.needs(&format!("flags[{i}]"), known.is_some(), "is not an option of COPY");
            option(known.copied().unwrap_or_default().to_owned());
        }
        if let Some(format) = &self.date_format {
            option(format!("DATEFORMAT {}", fields.text("date_format", format)));
        }
        if let Some(format) = &self.time_format {
            option(format!("TIMEFORMAT {}", fields.text("time_format", format)));
        }
    }
}

fn text_options(
    fields: &mut Fields,
    option: &mut impl FnMut(String),
    delimiter: Option<char>,
    ignore_header: u32,
    null_as: Option<&str>,
    compression: Option<Compression>,
) {
    if let Some(delimiter) = delimiter {
        option(fields.delimiter(delimiter));
    }
    if ignore_header > 0 {
        option(format!("IGNOREHEADER {ignore_header}"));
    }
    if let Some(null) = null_as {
        // `\N` is the one text with a backslash that COPY has a meaning for; written so, it is not an escape.
        let null = if null == "\\N" { "'\\\\N'".to_owned() } else { fields.text("null_as", null) };
        option(format!("NULL AS {null}"));
    }
    if let Some(compression) = compression {
        option(compression.keyword().to_owned());
    }
}
