//! Scripts through the real guard: how they start, how they end, and that nothing of them remains.

mod common;

use std::time::{Duration, Instant};

use common::{Child, deadline, exists, pids};
use rsqlflow_agent::guard::RunAs;
use rsqlflow_agent::process::{Control, Exit, NeverStarted, StopReason};

#[tokio::test]
async fn a_script_gets_its_arguments_and_nothing_else() {
    let child = Child::bash(
        r#"printf '%s|' "$#" "$@"; echo; env | cut -d= -f1 | sort | tr '\n' ' '; echo
           readlink /proc/self/fd/0; grep -E 'Sig(Blk|Ign)' /proc/self/status; for fd in /proc/$$/fd/*; do readlink $fd; done | sort | uniq -c; exit 3"#,
    )
    .arg("$(reboot); 'a' \"b\"\nc ä")
    .arg("");
    let (end, output) = child.run_alone().await;
    assert_eq!(end.exit, Exit::Code(3));
    assert_eq!((end.stopped, end.leftovers, end.output_ended), (None, 0, true));
    let (args, rest) = output.split_once("|\n").unwrap();
    assert_eq!(args, "2|$(reboot); 'a' \"b\"\nc ä|");
    let lines: Vec<_> = rest.lines().collect();
    assert_eq!(lines[0].trim(), "PATH PWD SHLVL _", "bash itself adds three");
    assert_eq!(lines[1], "/dev/null");
    // The first 31; above are real-time signals, which whoever started the tests may have left ignored.
    let signals =
        |line: &str| u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap() & 0x7fff_ffff;
    assert_eq!((signals(lines[2]), signals(lines[3])), (0, 0), "no signal is blocked or ignored");
    // Whoever started the tests may have left files open; ours are the socket, and the pipe twice.
    let open = &lines[4..];
    assert!(!open.iter().any(|line| line.contains("socket:")), "{open:?}");
    assert_eq!(open.iter().filter(|line| line.trim().starts_with("2 pipe:")).count(), 1, "{open:?}");
    assert!(!open.iter().any(|line| line.trim().starts_with("3 pipe:")), "{open:?}");
}

#[tokio::test]
async fn every_exit_code_and_signal_is_told_apart() {
    for code in [0, 1, 194, 255] {
        let (end, _) = Child::bash(&format!("exit {code}")).run_alone().await;
        assert_eq!(end.exit, Exit::Code(code));
    }
    let (end, _) = Child::bash("kill -9 $$").run_alone().await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(9), None));
    let (end, _) = Child::bash("exit 137").run_alone().await;
    assert_eq!(end.exit, Exit::Code(137));
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let mut child = Child::bash("");
    child.launch.program = child.path("none");
    let (end, _) = child.run_alone().await;
    assert_eq!(end.exit, Exit::NeverStarted(NeverStarted::Unstartable(2)));
    assert_eq!(end.exit.to_string(), "could not be started: No such file or directory (os error 2)");
}

#[tokio::test]
async fn a_script_that_ignores_sigterm_is_killed_after_its_grace() {
    let child = Child::bash("trap '' TERM; echo pid $$; while :; do read -rt 1000 < <(sleep 1000); done");
    let mut asked = None;
    let (end, output) = child
        .run(|output, orders| {
            if asked.is_none() && output.ends_with(b"\n") {
                asked = Some(Instant::now());
                orders.send(Control::Stop(StopReason::Cancelled)).unwrap();
            }
        })
        .await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(9), Some(StopReason::Cancelled)));
    assert!(asked.unwrap().elapsed() >= child.start.grace);
    assert!(pids(&output).into_iter().all(|pid| !exists(pid)));
}

#[tokio::test]
async fn a_script_that_heeds_sigterm_ends_by_itself() {
    let mut child = Child::bash("trap 'echo bye; exit 7' TERM; echo ready; sleep 1000 & wait");
    child.start.grace = Duration::from_secs(1000);
    let (end, output) = child
        .run(|output, orders| {
            if output == b"ready\n" {
                orders.send(Control::Stop(StopReason::AgentStopping)).unwrap();
            }
        })
        .await;
    assert_eq!((end.exit, end.stopped), (Exit::Code(7), Some(StopReason::AgentStopping)));
    assert_eq!(output, b"ready\nbye\n");
}

#[tokio::test]
async fn who_asks_again_kills_at_once() {
    let mut child = Child::bash("trap 'echo no' TERM; echo ready; while :; do sleep 1000; done");
    child.start.grace = Duration::from_secs(1000);
    let (end, _) =
        child.run(|_, orders| orders.send(Control::Stop(StopReason::AgentStopping)).unwrap()).await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(9), Some(StopReason::AgentStopping)));
}

#[tokio::test]
async fn another_who_asks_does_not_shorten_the_grace() {
    let mut child = Child::bash("trap 'echo no; sleep 0.2; exit 7' TERM; echo ready; sleep 1000 & wait");
    child.start.grace = Duration::from_secs(1000);
    let (end, _) = child
        .run(|output, orders| {
            let reason = if output == b"ready\n" { StopReason::Cancelled } else { StopReason::Fenced };
            orders.send(Control::Stop(reason)).unwrap();
        })
        .await;
    assert_eq!((end.exit, end.stopped), (Exit::Code(7), Some(StopReason::Fenced)));
}

#[tokio::test]
async fn a_request_before_the_start_is_not_lost() {
    let child = Child::bash("sleep 1000");
    let (end, _) = child.run_asked(&[Control::Stop(StopReason::Cancelled)], |_, _| {}).await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(15), Some(StopReason::Cancelled)));
}

#[tokio::test]
async fn a_request_after_the_scripts_end_is_told_though_it_stopped_nothing() {
    // The script has ended when what it left behind speaks.
    let mut child =
        Child::bash("(while kill -0 $$; do sleep 0.01; done; echo late; sleep 1000) 2>&- & exit 5");
    child.start.linger = Duration::from_secs(1000);
    let mut asked = false;
    let (end, _) = child
        .run(|_, orders| {
            if !std::mem::replace(&mut asked, true) {
                orders.send(Control::Stop(StopReason::Cancelled)).unwrap();
            }
        })
        .await;
    assert_eq!((end.exit, end.stopped, end.asked), (Exit::Code(5), None, Some(StopReason::Cancelled)));
}

#[tokio::test]
async fn a_timeout_stops_it() {
    let mut child = Child::bash("sleep 1000");
    child.timeout = Duration::from_millis(50);
    let (end, _) = child.run_alone().await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(15), Some(StopReason::TimedOut)));
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipe_does_not_hang_the_job() {
    let child = Child::bash("sleep 1000 & echo pid $!; exit 5");
    let (end, output) = child.run(|_, _| {}).await;
    assert_eq!((end.exit, end.stopped, end.leftovers, end.output_ended), (Exit::Code(5), None, 1, true));
    assert_eq!(pids(&output).len(), 1);
    assert!(pids(&output).into_iter().all(|pid| !exists(pid)));
}

#[tokio::test]
async fn what_ends_soon_after_the_script_may_finish() {
    let mut child = Child::bash("exec > >(sleep 0.2; cat); echo last words");
    child.start.linger = Duration::from_secs(1000);
    let (end, output) = child.run_alone().await;
    assert_eq!((end.exit, end.leftovers), (Exit::Code(0), 0));
    assert_eq!(output, "last words\n");
}

#[tokio::test]
async fn nobody_escapes_by_a_session_of_their_own() {
    let text = r#"
        setsid bash -c 'trap "" TERM HUP; echo pid $$; setsid sleep 1000 & echo pid $!; wait' &
        setsid bash -c '(trap "" TERM; setsid nohup sleep 1000 & echo pid $!) & ' &
        (setsid sleep 1000 >/dev/null 2>&1 & echo pid $!)
        wait -n; sleep 1000"#;
    let child = Child::bash(text);
    let mut asked = false;
    let (end, output) = child
        .run(|output, orders| {
            if pids(output).len() == 4 && output.ends_with(b"\n") && !asked {
                asked = true;
                orders.send(Control::Stop(StopReason::Cancelled)).unwrap();
            }
        })
        .await;
    assert_eq!(end.stopped, Some(StopReason::Cancelled));
    assert!(asked);
    for pid in pids(&output) {
        assert!(!exists(pid), "{pid} escaped");
    }
}

#[tokio::test]
async fn a_deadline_that_nobody_moves_on_ends_it() {
    let mut child = Child::bash("trap '' TERM; echo pid $$; while :; do sleep 1000; done");
    child.start.deadline = deadline(Duration::from_millis(300), Duration::from_millis(600));
    let kill_at = child.start.deadline.kill_at;
    let (end, output) = child.run(|_, _| {}).await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(9), Some(StopReason::Fenced)));
    let late = rsqlflow_agent::clock::BootTime::now().since(kill_at);
    assert!(late < Duration::from_secs(1), "{late:?} after the deadline");
    assert!(!pids(&output).is_empty() && pids(&output).into_iter().all(|pid| !exists(pid)));
}

#[tokio::test]
async fn a_deadline_that_is_moved_on_does_not() {
    let mut child = Child::bash("echo ready; sleep 1; echo done");
    child.start.deadline = deadline(Duration::from_millis(500), Duration::from_millis(500));
    let (end, output) = child
        .run(|output, orders| {
            if output == b"ready\n" {
                let hour = Duration::from_secs(3600);
                orders.send(Control::Extend(deadline(hour, hour))).unwrap();
            }
        })
        .await;
    assert_eq!(end.exit, Exit::Code(0));
    assert_eq!(output, b"ready\ndone\n");
}

#[tokio::test]
async fn nothing_is_started_after_the_deadline() {
    let mut child = Child::bash("touch started");
    child.start.deadline = deadline(Duration::ZERO, Duration::from_secs(3600));
    let (end, _) = child.run_alone().await;
    assert_eq!(end.exit, Exit::NeverStarted(NeverStarted::Late));
    assert!(!child.path("started").exists());
}

#[tokio::test]
async fn a_stopped_script_leaves_nothing_behind_that_would_count() {
    let child = Child::bash("echo ready; sleep 1000");
    let (end, _) = child.run(|_, orders| orders.send(Control::Stop(StopReason::Cancelled)).unwrap()).await;
    assert_eq!((end.exit, end.leftovers), (Exit::Signal(15), 0));
}

#[tokio::test]
async fn a_long_line_and_a_long_log_arrive_whole() {
    let child =
        Child::bash("head -c 10000000 /dev/zero | tr '\\0' x; echo; yes 0123456789 | head -n 4000000");
    let mut length = 0;
    let (end, output) = child.run(|output, _| length = output.len()).await;
    assert_eq!(end.exit, Exit::Code(0));
    assert_eq!(length, 10_000_001 + 44_000_000);
    assert!(output.ends_with(b"0123456789\n"));
}

#[tokio::test]
async fn a_script_runs_as_another_user() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut child = Child::bash("id -u; id -g; id -G");
    std::fs::set_permissions(child.directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    child.start.run_as = Some(RunAs { user: 65534, group: 65534 });
    let (end, output) = child.run_alone().await;
    assert_eq!(end.exit, Exit::Code(0));
    assert_eq!(output, "65534\n65534\n65534\n");
}
