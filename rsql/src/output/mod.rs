//! Printing results: the formats of psql, byte for byte, and RSQL's report.
//!
//! [`TableWriter`] takes rows as they arrive. Small results are held back until they are complete, as
//! psql does. Beyond a limit, formats that need no widths stream; the aligned ones keep rows in a
//! temporary file, so memory stays constant.

mod aligned;
mod cell;
mod csv;
mod expanded;
mod html;
mod line_style;
mod options;
mod report;
mod store;
mod unaligned;
mod writer;

pub(crate) use line_style::LineStyle;
pub(crate) use options::{Expanded, Format, PrintOptions};
pub(crate) use report::ReportOptions;
pub(crate) use store::{Row, RowStore};
pub(crate) use writer::{Head, HeadColumn, TableWriter};
