//! Loads and unloads as fields: what `copy` and `unload` say. They are compiled to SQL when a run is planned.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::choice::Choice;
use super::reader::Cursor;
use crate::problem::ProblemKind;
use crate::sql::{self, Column, Compression, CopyFormat, FieldProblem, UnloadFormat, UnloadSource};
use crate::template::{self, Names, TemplateProblem};

/// A load of files in S3 into a table. Texts may hold `{{ name }}`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Copy {
    /// `table` or `schema.table`.
    pub table: String,
    /// The columns that the files have, in their order: names, or objects with `name` and `type`. Default: those of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<CopyColumn>,
    /// Create the table if it is not there; every column then needs a `type`. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// What becomes of the rows that are there. Default `append`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub load: LoadMode,
    /// An object, a prefix, or a manifest, as an `s3://` URI.
    pub from: String,
    /// Whether `from` is a manifest of files. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manifest: bool,
    /// How the files are written. Default `csv`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: FileFormat,
    /// One character between values. Default a comma in CSV, `|` in `delimited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: Option<String>,
    /// Lines at the head of each file that are no rows. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_header: Option<u32>,
    /// What stands for NULL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_as: Option<String>,
    /// Of `delimited`: backslashes escape. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub escape: bool,
    /// Of `delimited`: values may stand in quotes. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remove_quotes: bool,
    /// Of `json`: `auto`, or an `s3://` URI of JSONPaths. Default `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_paths: Option<String>,
    /// How the files are compressed. Default: they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<FileCompression>,
    /// ARN of the role that reads them. Default: the cluster's default role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam_role: Option<String>,
    /// Region of the bucket, where it is not the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Most rows that may be refused, at most 100,000. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100_000))]
    pub max_errors: Option<u32>,
    /// Options of COPY without a value, such as `TRUNCATECOLUMNS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// `DATEFORMAT` of COPY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// `TIMEFORMAT` of COPY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
}

/// A column of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CopyColumn {
    /// Its name.
    Name(String),
    /// Its name and its type.
    Typed(TypedColumn),
}

/// A column with its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TypedColumn {
    /// Its name.
    pub name: String,
    /// Its type, such as `varchar(20)`.
    #[serde(rename = "type")]
    pub column_type: String,
}

/// A query's rows as files in S3. Texts may hold `{{ name }}`, and the query `:name`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Unload {
    /// What is unloaded: a query. Either this or `table`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What is unloaded: all rows of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Prefix of the files, as an `s3://` URI.
    pub to: String,
    /// How they are written: `csv`, `delimited`, `json` or `parquet`. Default `csv`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: FileFormat,
    /// A first line with the names of the columns. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub header: bool,
    /// One character between values. Default a comma in CSV, `|` in `delimited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: Option<String>,
    /// Of `delimited`: backslashes before delimiters and line breaks. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub escape: bool,
    /// Of `delimited`: every value in quotes. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub add_quotes: bool,
    /// ARN of the role that writes them. Default: the cluster's default role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam_role: Option<String>,
    /// Region of the bucket, where it is not the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Write several files at once. Default false: one file, as long as it stays below `max_file_mb`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parallel: bool,
    /// Longest file in MB, 5 to 6,400.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 6_400))]
    pub max_file_mb: Option<u32>,
    /// Columns whose values become folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<String>,
    /// Write a manifest of the files, too. Default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manifest: bool,
    /// How the files are compressed. Default: they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<FileCompression>,
}

/// What becomes of the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// They stay.
    #[default]
    Append,
    /// They are deleted first, in the same transaction.
    Replace,
}

impl Choice for LoadMode {
    const ALL: &'static [(&'static str, Self)] = &[("append", Self::Append), ("replace", Self::Replace)];
}

/// How files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// CSV.
    #[default]
    Csv,
    /// Texts between delimiters.
    Delimited,
    /// An object a line.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Apache ORC; loads only.
    Orc,
}

impl Choice for FileFormat {
    const ALL: &'static [(&'static str, Self)] = &[
        ("csv", Self::Csv),
        ("delimited", Self::Delimited),
        ("json", Self::Json),
        ("parquet", Self::Parquet),
        ("orc", Self::Orc),
    ];
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileCompression {
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// Zstandard.
    Zstd,
}

impl Choice for FileCompression {
    const ALL: &'static [(&'static str, Self)] =
        &[("gzip", Self::Gzip), ("bzip2", Self::Bzip2), ("zstd", Self::Zstd)];
}

impl From<FileCompression> for Compression {
    fn from(compression: FileCompression) -> Self {
        match compression {
            FileCompression::Gzip => Self::Gzip,
            FileCompression::Bzip2 => Self::Bzip2,
            FileCompression::Zstd => Self::Zstd,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What is wrong with a field: which, what, and what to do.
pub(crate) struct Wrong {
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Renders the texts of fields, and collects what is wrong with them.
struct Rendering<'v> {
    values: &'v BTreeMap<&'v str, &'v str>,
    wrong: Vec<Wrong>,
}

impl Rendering<'_> {
    fn text(&mut self, field: &str, text: &str) -> String {
        template::render(text, self.values).unwrap_or_else(|problem: TemplateProblem| {
            self.wrong.push(Wrong { field: field.to_owned(), message: problem.to_string(), hint: None });
            String::new()
        })
    }

    fn optional(&mut self, field: &str, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(field, text))
    }

    fn list(&mut self, field: &str, texts: &[String]) -> Vec<String> {
        texts.iter().enumerate().map(|(i, text)| self.text(&format!("{field}[{i}]"), text)).collect()
    }

    fn finish<T>(mut self, made: Result<T, Vec<FieldProblem>>) -> Result<T, Vec<Wrong>> {
        match made {
            Ok(made) if self.wrong.is_empty() => Ok(made),
            Ok(_) => Err(self.wrong),
            Err(problems) => {
                self.wrong.extend(problems.iter().map(wrong_of));
                Err(self.wrong)
            }
        }
    }
}

fn wrong_of(problem: &FieldProblem) -> Wrong {
    let (field, message) = match problem {
        FieldProblem::Name { field, problem } => (field, problem.to_string()),
        FieldProblem::Text { field, problem } => (field, problem.to_string()),
        FieldProblem::Form { field, rule } => (field, (*rule).to_owned()),
    };
    Wrong { field: field.clone(), message, hint: None }
}

fn first_char(text: Option<&String>) -> Option<char> {
    text.and_then(|text| text.chars().next())
}

impl Copy {
    /// The statements that load.
    pub(crate) fn compile(&self, values: &BTreeMap<&str, &str>) -> Result<Vec<String>, Vec<Wrong>> {
        let mut render = Rendering { values, wrong: Vec::new() };
        let compression = self.compression.map(Compression::from);
        let null_as = render.optional("null_as", self.null_as.as_ref());
        let delimiter = first_char(self.delimiter.as_ref());
        let ignore_header = self.ignore_header.unwrap_or_default();
        let format = match self.format {
            FileFormat::Csv => CopyFormat::Csv { delimiter, ignore_header, null_as, compression },
            FileFormat::Delimited => CopyFormat::Delimited {
                delimiter,
                ignore_header,
                null_as,
                escape: self.escape,
                remove_quotes: self.remove_quotes,
                compression,
            },
            FileFormat::Json => {
                let paths = render.optional("json_paths", self.json_paths.as_ref());
                CopyFormat::Json { paths: paths.unwrap_or_else(|| "auto".to_owned()), compression }
            }
            FileFormat::Parquet => CopyFormat::Parquet,
            FileFormat::Orc => CopyFormat::Orc,
        };
        let columns = self.columns.iter().enumerate().map(|(i, column)| {
            let field = format!("columns[{i}]");
            match column {
                CopyColumn::Name(name) => Column { name: render.text(&field, name), column_type: None },
                CopyColumn::Typed(TypedColumn { name, column_type }) => Column {
                    name: render.text(&field, name),
                    column_type: Some(render.text(&field, column_type)),
                },
            }
        });
        let columns = columns.collect();
        let copy = sql::Copy {
            table: render.text("table", &self.table),
            columns,
            create: self.create,
            load: match self.load {
                LoadMode::Append => sql::Load::Append,
                LoadMode::Replace => sql::Load::Replace,
            },
            from: render.text("from", &self.from),
            manifest: self.manifest,
            format,
            iam_role: render.optional("iam_role", self.iam_role.as_ref()),
            region: render.optional("region", self.region.as_ref()),
            max_errors: self.max_errors.unwrap_or_default(),
            flags: render.list("flags", &self.flags),
            date_format: render.optional("date_format", self.date_format.as_ref()),
            time_format: render.optional("time_format", self.time_format.as_ref()),
        };
        render.finish(copy.compile())
    }

    pub(super) fn read(cursor: &Cursor<'_>, names: &Names<'_>) -> Option<Self> {
        let mut object =
            cursor.object(Some(r#"write {"table": "mart.orders", "from": "s3://bucket/orders/"}"#))?;
        let text = |c: &Cursor<'_>| read_text(c, names);
        let table = object.required("table", "name the table", text);
        let columns = object.optional("columns", |c| c.list_of(|column| read_column(column, names)));
        let create = object.optional("create", Cursor::flag);
        let load = object.optional("load", |c| c.choice());
        let from = object.required("from", "name the files, as s3://bucket/prefix", text);
        let manifest = object.optional("manifest", Cursor::flag);
        let format: Option<FileFormat> = object.optional("format", |c| c.choice());
        let delimiter = object.optional("delimiter", read_delimiter);
        let ignore_header = object.optional("ignore_header", |c| c.whole(0..=u32::MAX));
        let null_as = object.optional("null_as", text);
        let escape = object.optional("escape", Cursor::flag);
        let remove_quotes = object.optional("remove_quotes", Cursor::flag);
        let json_paths = object.optional("json_paths", text);
        let compression = object.optional("compression", |c| c.choice());
        let iam_role = object.optional("iam_role", text);
        let region = object.optional("region", text);
        let max_errors = object.optional("max_errors", |c| c.whole(0..=100_000));
        let flags = object.optional("flags", |c| c.list_of(text));
        let date_format = object.optional("date_format", text);
        let time_format = object.optional("time_format", text);
        let format = format.unwrap_or_default();
        let is_text = matches!(format, FileFormat::Csv | FileFormat::Delimited);
        for (field, fits) in [
            ("delimiter", is_text),
            ("ignore_header", is_text),
            ("null_as", is_text),
            ("escape", format == FileFormat::Delimited),
            ("remove_quotes", format == FileFormat::Delimited),
            ("json_paths", format == FileFormat::Json),
            ("compression", !matches!(format, FileFormat::Parquet | FileFormat::Orc)),
        ] {
            if !fits && object.has(field) {
                refuse_of_format(&object, field, format);
            }
        }
        object.finish();
        let read = Self {
            table: table?,
            columns: columns.unwrap_or_default(),
            create: create.unwrap_or_default(),
            load: load.unwrap_or_default(),
            from: from?,
            manifest: manifest.unwrap_or_default(),
            format,
            delimiter,
            ignore_header,
            null_as,
            escape: escape.unwrap_or_default(),
            remove_quotes: remove_quotes.unwrap_or_default(),
            json_paths,
            compression,
            iam_role,
            region,
            max_errors,
            flags: flags.unwrap_or_default(),
            date_format,
            time_format,
        };
        check_compiled(cursor, &serde_json::to_string(&read).unwrap_or_default(), |values| {
            read.compile(values)
        });
        Some(read)
    }
}

impl Unload {
    /// The statement that unloads. `:name` in its query is bound later.
    pub(crate) fn compile(&self, values: &BTreeMap<&str, &str>) -> Result<Vec<String>, Vec<Wrong>> {
        let mut render = Rendering { values, wrong: Vec::new() };
        let delimiter = first_char(self.delimiter.as_ref());
        let format = match self.format {
            FileFormat::Csv => UnloadFormat::Csv { header: self.header, delimiter },
            FileFormat::Json => UnloadFormat::Json,
            FileFormat::Parquet | FileFormat::Orc => UnloadFormat::Parquet,
            FileFormat::Delimited => UnloadFormat::Delimited {
                header: self.header,
                delimiter,
                escape: self.escape,
                add_quotes: self.add_quotes,
            },
        };
        let source = match (&self.query, &self.table) {
            // `{{ name }}` in it is put in with the values, where SQL needs more care than a text.
            (Some(query), _) => UnloadSource::Query(query.clone()),
            (None, table) => UnloadSource::Table(render.text("table", table.as_deref().unwrap_or_default())),
        };
        let unload = sql::Unload {
            source,
            to: render.text("to", &self.to),
            format,
            iam_role: render.optional("iam_role", self.iam_role.as_ref()),
            region: render.optional("region", self.region.as_ref()),
            parallel: self.parallel,
            max_file_mb: self.max_file_mb,
            partition_by: render.list("partition_by", &self.partition_by),
            manifest: self.manifest,
            compression: self.compression.map(Compression::from),
        };
        render.finish(unload.compile().map(|statement| vec![statement]))
    }

    pub(super) fn read(cursor: &Cursor<'_>, names: &Names<'_>) -> Option<Self> {
        let example = r#"write {"query": "select …", "to": "s3://bucket/prefix"}"#;
        let mut object = cursor.object(Some(example))?;
        let text = |c: &Cursor<'_>| read_text(c, names);
        let query = object.optional("query", text);
        let table = object.optional("table", text);
        let to = object.required("to", "name where the files go, as s3://bucket/prefix", text);
        let format: Option<FileFormat> = object.optional("format", |c| c.choice());
        let header = object.optional("header", Cursor::flag);
        let delimiter = object.optional("delimiter", read_delimiter);
        let escape = object.optional("escape", Cursor::flag);
        let add_quotes = object.optional("add_quotes", Cursor::flag);
        let iam_role = object.optional("iam_role", text);
        let region = object.optional("region", text);
        let parallel = object.optional("parallel", Cursor::flag);
        let max_file_mb = object.optional("max_file_mb", |c| c.whole(5..=6_400));
        let partition_by = object.optional("partition_by", |c| c.list_of(text));
        let manifest = object.optional("manifest", Cursor::flag);
        let compression = object.optional("compression", |c| c.choice());
        let format = format.unwrap_or_default();
        let is_text = matches!(format, FileFormat::Csv | FileFormat::Delimited);
        for (field, fits) in [
            ("header", is_text),
            ("delimiter", is_text),
            ("escape", format == FileFormat::Delimited),
            ("add_quotes", format == FileFormat::Delimited),
            ("compression", format != FileFormat::Parquet),
        ] {
            if !fits && object.has(field) {
                refuse_of_format(&object, field, format);
            }
        }
        if format == FileFormat::Orc {
            object.report_conflict(
                "format",
                "\"orc\" is a format of loads only".to_owned(),
                "write \"parquet\"".to_owned(),
            );
        }
        let (has_query, has_table) = (object.has("query"), object.has("table"));
        object.finish();
        if has_query == has_table {
            let has = if has_query { "has both query and table" } else { "has neither query nor table" };
            cursor.report_hint(ProblemKind::Conflict, has, example);
            return None;
        }
        let read = Self {
            query,
            table,
            to: to?,
            format,
            header: header.unwrap_or_default(),
            delimiter,
            escape: escape.unwrap_or_default(),
            add_quotes: add_quotes.unwrap_or_default(),
            iam_role,
            region,
            parallel: parallel.unwrap_or_default(),
            max_file_mb,
            partition_by: partition_by.unwrap_or_default(),
            manifest: manifest.unwrap_or_default(),
            compression,
        };
        check_compiled(cursor, &serde_json::to_string(&read).unwrap_or_default(), |values| {
            read.compile(values)
        });
        if let Some(query) = &read.query {
            super::work::check_values(cursor, "query", query, names);
        }
        Some(read)
    }
}

fn refuse_of_format(object: &super::reader::Object<'_>, field: &str, format: FileFormat) {
    let name = FileFormat::ALL.iter().find(|(_, one)| *one == format).map_or("", |(name, _)| *name);
    object.report_conflict(
        field,
        format!("has no meaning for the format {name}"),
        "leave it out, or write another format".to_owned(),
    );
}

/// What is wrong with fields is known when they are read, unless a template decides it.
fn check_compiled(
    cursor: &Cursor<'_>,
    written: &str,
    compile: impl Fn(&BTreeMap<&str, &str>) -> Result<Vec<String>, Vec<Wrong>>,
) {
    if written.contains("{{") {
        return;
    }
    for wrong in compile(&BTreeMap::new()).err().into_iter().flatten() {
        cursor.report_below(&wrong.field, ProblemKind::Invalid, wrong.message, wrong.hint);
    }
}

fn read_text(cursor: &Cursor<'_>, names: &Names<'_>) -> Option<String> {
    let text = cursor.text()?;
    let problems = template::check(text, names);
    for problem in &problems {
        cursor.report_hint(ProblemKind::Template, problem.to_string(), problem.hint(names));
    }
    problems.is_empty().then(|| text.to_owned())
}

fn read_column(cursor: &Cursor<'_>, names: &Names<'_>) -> Option<CopyColumn> {
    if matches!(cursor.value(), serde_json::Value::String(_)) {
        return read_text(cursor, names).map(CopyColumn::Name);
    }
    let mut object = cursor.object(Some(r#"write "id" or {"name": "id", "type": "int"}"#))?;
    let name = object.required("name", "name the column", |c| read_text(c, names));
    let column_type = object.required("type", "write its type, such as varchar(20)", |c| read_text(c, names));
    object.finish();
    Some(CopyColumn::Typed(TypedColumn { name: name?, column_type: column_type? }))
}

fn read_delimiter(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    if text.chars().count() == 1 {
        return Some(text.to_owned());
    }
    cursor.report_hint(ProblemKind::Invalid, "must be one character", "write one such as \"|\" or \"\\t\"");
    None
}
