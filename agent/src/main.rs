//! `rsqlflow-agent`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else is set up: a guard is started for every script and should cost nothing.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == rsqlflow_agent::guard::serve::COMMAND) {
        return rsqlflow_agent::guard::serve::main(args);
    }
    rsqlflow_agent::cli::main()
}
