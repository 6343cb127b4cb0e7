//! `rsql`, a client for Amazon Redshift RSQL scripts.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    rsql::main(&args)
}
