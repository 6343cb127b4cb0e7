//! What `\pset` sets.

use super::{LineStyle, ReportOptions};

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    /// Columns lined up.
    #[default]
    Aligned,
    /// Fields with a separator between them.
    Unaligned,
    /// As aligned, long values folded to the width.
    Wrapped,
    /// An HTML table.
    Html,
    /// RFC 4180.
    Csv,
}

impl Format {
    /// The name as `\pset format` takes and shows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aligned => "aligned",
            Self::Unaligned => "unaligned",
            Self::Wrapped => "wrapped",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }
}

/// Whether each record is shown as a list of name and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Expanded {
    /// Never.
    #[default]
    Off,
    /// Always.
    On,
    /// When the table is wider than the screen.
    Auto,
}

/// How tables are printed.
#[derive(Debug, Clone)]
pub(crate) struct PrintOptions {
    /// Format.
    pub(crate) format: Format,
    /// How much of a frame: 0, 1, 2.
    pub(crate) border: u16,
    /// Records as lists.
    pub(crate) expanded: Expanded,
    /// Rows only: no titles, no footers.
    pub(crate) tuples_only: bool,
    /// Whether `(N rows)` is shown.
    pub(crate) footer: bool,
    /// Between fields, unaligned. `"\0"` for fieldsep_zero.
    pub(crate) field_separator: String,
    /// Between records, unaligned.
    pub(crate) record_separator: String,
    /// Between fields, csv: one byte.
    pub(crate) csv_separator: char,
    /// What stands for NULL.
    pub(crate) null: String,
    /// Above the table.
    pub(crate) title: Option<String>,
    /// HTML attributes.
    pub(crate) table_attributes: Option<String>,
    /// Target width of `wrapped`, 0 for the default.
    pub(crate) columns: usize,
    /// Frame characters.
    pub(crate) line_style: LineStyle,
    /// Whether a line of dashes stands under the column titles (`\rset titledashes`).
    pub(crate) title_dashes: bool,
    /// `\rset` of reports.
    pub(crate) report: ReportOptions,
}

impl Default for PrintOptions {
    fn default() -> Self {
        Self {
            format: Format::default(),
            border: 1,
            expanded: Expanded::default(),
            tuples_only: false,
            footer: true,
            field_separator: "|".into(),
            record_separator: "\n".into(),
            csv_separator: ',',
            null: String::new(),
            title: None,
            table_attributes: None,
            columns: 0,
            line_style: LineStyle::ASCII,
            title_dashes: true,
            report: ReportOptions::default(),
        }
    }
}
