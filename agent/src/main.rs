//! `rsqlflow-agent`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = |name| {
        // What the kernel takes from /proc/self/exe would be "exe". A name is worth no error.
        let _ = nix::sys::prctl::set_name(name);
    };
    // Before anything else is set up: a guard is started for every script and should cost nothing.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == rsqlflow_agent::guard::serve::COMMAND) {
        name(c"rsqlflow-guard");
        return rsqlflow_agent::guard::serve::main(args);
    }
    name(c"rsqlflow-agent");
    rsqlflow_agent::cli::main()
}
