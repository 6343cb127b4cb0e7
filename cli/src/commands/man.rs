//! `rsqlflow man DIRECTORY`

use anyhow::Context;
use clap::CommandFactory;

use crate::args::{Cli, Man};
use crate::failure::{Failure, exit};
use crate::output::Printer;

/// Writes a page for the command and for each of its subcommands.
///
/// # Errors
/// The directory does not exist or cannot be written.
pub(crate) fn man(args: &Man, printer: Printer) -> Result<u8, Failure> {
    if !args.directory.is_dir() {
        return Err(Failure::input(
            format!("the directory {} does not exist", args.directory.display()),
            "create it first; use `man -l FILE` to show a page outside the manual path",
        ));
    }
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .with_context(|| format!("cannot write into {}", args.directory.display()))?;
    printer.progress(&format!("written to {}", args.directory.display()));
    Ok(exit::OK)
}
