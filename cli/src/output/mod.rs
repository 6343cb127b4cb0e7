//! Output: [`printer`] writes to the terminal, [`table`] formats rows, [`changes`] shows the differences between two
//! items.

pub(crate) mod changes;
mod printer;
pub(crate) mod table;

pub(crate) use printer::{
    JSON_VERSION, Output, Printer, all_written, counted, duration, job_style, one_line, remark, styled,
    workflow_style,
};
