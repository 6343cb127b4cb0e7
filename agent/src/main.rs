//! `rsqlflow-agent`. All code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else is set up, so that the guard does not inherit it.
    if std::env::args_os().nth(1).is_some_and(|first| first == rsqlflow_agent::guard::serve::COMMAND) {
        return rsqlflow_agent::guard::serve::from_stdin();
    }
    // The name in ps, also if the file has another name. Errors are ignored.
    let _ = nix::sys::prctl::set_name(c"rsqlflow-agent");
    rsqlflow_agent::cli::main()
}
