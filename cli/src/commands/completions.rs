//! `rsqlflow completions SHELL`

use clap::CommandFactory;

use crate::args::{Cli, Completions};
use crate::failure::exit;
use crate::output::Printer;

/// Prints a script that a shell reads at its start.
pub(crate) fn completions(args: &Completions, printer: Printer) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rsqlflow", &mut script);
    printer.data(String::from_utf8_lossy(&script).trim_end());
    exit::OK
}
