//! Somebody kills the guard. In a file of its own, because the agent then ends every child of its process.

mod common;

use common::{Child, exists, pids};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_agent::process::Exit;

#[tokio::test]
async fn the_agent_inherits_the_script_and_ends_it() {
    let child = Child::bash("echo pid $$; setsid sleep 1000 & echo pid $!; echo guard $PPID; wait");
    let mut killed = false;
    let (end, output) = child
        .run(|output, _| {
            let text = String::from_utf8_lossy(output);
            if let Some(guard) = text.lines().find_map(|line| line.strip_prefix("guard "))
                && text.ends_with('\n')
                && !killed
            {
                killed = true;
                kill(Pid::from_raw(guard.parse().unwrap()), Signal::SIGKILL).unwrap();
            }
        })
        .await;
    assert!(killed);
    assert_eq!(end.exit, Exit::Unknown);
    assert!(end.output_ended);
    assert_eq!(pids(&output).len(), 2);
    assert!(pids(&output).into_iter().all(|pid| !exists(pid)));
}
