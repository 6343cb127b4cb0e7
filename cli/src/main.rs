//! `rsqlflow`, the operator's command.

use std::process::ExitCode;

/// The endpoint parses a plan of 10,000 jobs for every chunk, on whichever thread is free. The C library's allocator
/// keeps what each thread once needed, so that the endpoint grew with every chunk; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rsqlflow_cli::main()
}
