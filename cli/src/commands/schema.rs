//! `rsqlflow schema`

use crate::failure::exit;
use crate::output::Printer;

/// Prints the JSON Schema of workflow files: the one in `docs/workflow.schema.json`.
pub(crate) fn schema(printer: Printer) -> u8 {
    printer.json(&rsqlflow_core::schema::workflow_schema());
    exit::OK
}
