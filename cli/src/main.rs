//! `rsqlflow`, the operator's command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rsqlflow_cli::main()
}
