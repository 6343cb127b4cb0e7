//! What the operator sees: [`printer`] alone writes to the terminal, [`table`] lays out rows, [`changes`] shows what
//! differs between two items.

pub(crate) mod changes;
mod printer;
pub(crate) mod table;

pub(crate) use printer::{
    JSON_VERSION, Output, Printer, all_written, duration, job_style, one_line, remark, styled, workflow_style,
};
