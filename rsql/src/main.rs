//! `rsql`, a client for Amazon Redshift RSQL scripts.

use std::ffi::OsString;
use std::process::ExitCode;

/// Parentheses may be nested deeply, above all in scripts that programs wrote, and each level takes some of the stack.
/// How deep is bounded (1,000 levels), and this is several times what they need. Memory is used only where the stack
/// reaches.
const STACK: usize = 64 * 1024 * 1024;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let main = std::thread::Builder::new().name("rsql".to_owned()).stack_size(STACK);
    match main.spawn({
        let args = args.clone();
        move || rsql::main(&args)
    }) {
        Ok(running) => running.join().unwrap_or(ExitCode::FAILURE),
        // Where so much cannot be reserved, the usual stack does for usual scripts.
        Err(_) => rsql::main(&args),
    }
}
