//! `rsqlflow-agent`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else is set up: what a guard does not need it should not have.
    if std::env::args_os().nth(1).is_some_and(|first| first == rsqlflow_agent::guard::serve::COMMAND) {
        return rsqlflow_agent::guard::serve::from_stdin();
    }
    // What ps shows, also where the file has another name. It is worth no error.
    let _ = nix::sys::prctl::set_name(c"rsqlflow-agent");
    rsqlflow_agent::cli::main()
}
