//! Somebody stops the guard by SIGSTOP. In a file of its own, because the agent then ends every child of its process.

mod common;

use std::time::Duration;

use common::{Child, exists, pids};
use rsqlflow_agent::process::{Control, StopReason};

#[tokio::test]
async fn a_guard_that_takes_no_orders_is_ended_with_all_it_kept() {
    let mut child = Child::bash(
        "echo pid $$; setsid sleep 1000 & echo pid $!; echo pid $PPID; kill -STOP $PPID; echo stopped; wait",
    );
    child.start.linger = Duration::ZERO;
    child.start.grace = Duration::ZERO;
    let mut asked = false;
    let (end, output) = child
        .run(|output, orders| {
            if output.ends_with(b"stopped\n") && !std::mem::replace(&mut asked, true) {
                orders.send(Control::Stop(StopReason::Cancelled)).unwrap();
            }
        })
        .await;
    assert!(asked);
    assert_eq!((end.stopped, end.leftovers, end.output_ended), (Some(StopReason::Cancelled), 2, true));
    assert_eq!(pids(&output).len(), 3);
    assert!(pids(&output).into_iter().all(|pid| !exists(pid)));
}
