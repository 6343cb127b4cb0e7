//! One guard for the tries of a job: what it is given, what it shows, and how it ends.

mod common;

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{AGENT, Child, deadline, eventually, exists};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use rsqlflow_agent::guard::{GuardCommand, Report};
use rsqlflow_agent::process::{Control, Exit, NeverStarted, StopReason};

#[tokio::test]
async fn the_guard_shows_nothing_of_the_scripts_environment_and_is_not_subject_to_it() {
    let mut child = Child::bash(
        r#"tr '\0' '\n' < /proc/$PPID/environ | grep -cE '=/nowhere$|SecretWord'
           tr '\0' ' ' < /proc/$PPID/cmdline | grep -c SecretWord; echo $LD_LIBRARY_PATH $RSPASSWORD"#,
    );
    child.launch.env.insert("LD_LIBRARY_PATH".into(), "/nowhere".into());
    child.launch.env.insert("RSPASSWORD".into(), "SecretWord".into());
    let (end, output) = child.run_alone().await;
    assert_eq!((end.exit, output.as_str()), (Exit::Code(0), "0\n0\n/nowhere SecretWord\n"));
}

#[tokio::test]
async fn an_environment_arrives_whatever_is_in_it_and_however_much() {
    let long = "0123456789".repeat(10_000);
    // More than the socket holds, so that the rest is sent while the guard reads.
    let many: Vec<_> = (0..12).map(|number| (format!("LONG_{number}"), &long)).collect();
    let mut child = Child::bash(
        r#"printf '%s|' "$ODD" "${#LONG_0}" "$(compgen -e | grep -c LONG_)"; env | sha256sum | cut -c1-4 >&2"#,
    );
    child.launch.env.extend(many.into_iter().map(|(name, value)| (name.into(), value.into())));
    child.launch.env.insert("ODD".into(), "a\nb=c '\"$(reboot)\n".into());
    // Bash would find no room for the arguments of a program that it starts.
    child.launch.env.insert("LAST".into(), OsStr::from_bytes(b"\xff\xfe=\n").to_owned());
    let mut guard = common::guard();
    let (end, output) = child.run_by(&mut guard, &[], |_, _| {}).await;
    let output = String::from_utf8(output).unwrap();
    assert_eq!(end.exit, Exit::Code(0), "{output}");
    assert!(output.starts_with("a\nb=c '\"$(reboot)\n|100000|12|"), "{output}");
    assert_eq!(Child::bash("exit 4").run_by(&mut guard, &[], |_, _| {}).await.0.exit, Exit::Code(4));
    guard.collect();
}

#[tokio::test]
async fn every_try_has_the_same_guard_and_the_same_care() {
    const SCRIPT: &str = r#"echo pid $PPID; grep -c SecretWord /proc/$$/environ; cat /proc/self/oom_score_adj
        ls -l /proc/$PPID/fd | grep -c -e pipe: -e slot; sleep 1000 & until [[ -e $GO ]]; do sleep 0.01; done"#;
    let mut guard = common::guard();
    // What the guard was started with; by now it may have asked to be spared.
    let guards_own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    // Not even every root may.
    let may_be_spared = Command::new("/bin/sh")
        .args(["-c", "echo -1000 > /proc/self/oom_score_adj"])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success();
    let while_it_keeps = if may_be_spared { "-1000\n" } else { &guards_own };
    let mut seen = Vec::new();
    for number in 0..3 {
        let mut child = Child::bash(SCRIPT);
        let go = child.path("go");
        child.launch.env.insert("GO".into(), go.clone().into());
        if number == 1 {
            child.launch.env.insert("RSPASSWORD".into(), "SecretWord".into());
        }
        let id = guard.id();
        let (end, output) = child
            .run_by(&mut guard, &[], |output, _| {
                if output.iter().filter(|&&byte| byte == b'\n').count() == 4 && !go.exists() {
                    let adjusted = std::fs::read_to_string(format!("/proc/{id}/oom_score_adj")).unwrap();
                    assert_eq!(adjusted, while_it_keeps, "while its script runs");
                    std::fs::write(&go, "").unwrap();
                }
            })
            .await;
        assert_eq!((end.exit, end.leftovers, end.output_ended), (Exit::Code(0), 1, true));
        let text = String::from_utf8(output).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines[1], if number == 1 { "1" } else { "0" }, "an environment is of one try");
        assert_eq!(lines[2], guards_own.trim(), "a script is not spared");
        assert_eq!(lines[3], "0", "of the output nothing stays open at the guard");
        seen.push(lines[0].clone());
    }
    assert_eq!(seen, vec![format!("pid {}", guard.id()); 3]);
    let id = guard.id();
    guard.collect();
    assert!(!exists(id.as_raw()));
}

#[tokio::test]
async fn a_guard_that_was_killed_between_two_tries_fails_the_next_one_and_says_so() {
    let mut guard = common::guard();
    assert_eq!(Child::bash("exit 3").run_by(&mut guard, &[], |_, _| {}).await.0.exit, Exit::Code(3));
    kill(guard.id(), Signal::SIGTERM).unwrap();
    // Collected only later, so that the id is not another's.
    waitid(Id::Pid(guard.id()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    let child = Child::bash("touch started");
    for _ in 0..2 {
        let (end, _) = child.run_by(&mut guard, &[], |_, _| {}).await;
        let why = "the guard was killed, so no script can be started";
        assert_eq!(end.exit, Exit::NeverStarted(NeverStarted::Refused(why.to_owned())));
    }
    assert!(!child.path("started").exists());
    guard.collect();
}

#[tokio::test]
async fn what_goes_wrong_with_one_try_does_not_harm_the_next() {
    let mut guard = common::guard();
    let mut late = Child::bash("touch started");
    late.start.deadline = deadline(Duration::ZERO, Duration::from_secs(3600));
    let (end, _) = late.run_by(&mut guard, &[], |_, _| {}).await;
    assert_eq!(end.exit, Exit::NeverStarted(NeverStarted::Late));

    let mut nowhere = Child::bash("touch started");
    nowhere.launch.directory = nowhere.path("none");
    let (end, _) = nowhere.run_by(&mut guard, &[], |_, _| {}).await;
    assert!(matches!(end.exit, Exit::NeverStarted(NeverStarted::Unstartable(_))), "{end:?}");

    let mut nul = Child::bash("touch started");
    nul.launch.args.push("a\0b".into());
    let (end, _) = nul.run_by(&mut guard, &[], |_, _| {}).await;
    assert!(matches!(end.exit, Exit::NeverStarted(NeverStarted::Refused(_))), "{end:?}");

    let stopped = Child::bash("sleep 1000");
    let asked = [Control::Stop(StopReason::Cancelled)];
    let (end, _) = stopped.run_by(&mut guard, &asked, |_, _| {}).await;
    assert_eq!((end.exit, end.stopped), (Exit::Signal(15), Some(StopReason::Cancelled)));

    // Whatever was said to the last one and came too late is not for this one.
    guard.order(&GuardCommand::Kill);
    let (end, output) = Child::bash("echo well").run_by(&mut guard, &[], |_, _| {}).await;
    assert_eq!((end.exit, output.as_slice()), (Exit::Code(0), &b"well\n"[..]));
    guard.collect();
    for child in [late, nowhere, nul] {
        assert!(!child.path("started").exists());
    }
}

#[tokio::test]
async fn a_guard_that_the_kernel_knows_by_a_link_has_a_name() {
    let child = Child::bash("cat /proc/$PPID/comm /proc/$$/comm");
    let link = child.path("exe");
    std::os::unix::fs::symlink(AGENT, &link).unwrap();
    let mut guard = common::guard_by(&link);
    let (end, output) = child.run_by(&mut guard, &[], |_, _| {}).await;
    assert_eq!((end.exit, output.as_slice()), (Exit::Code(0), &b"rsqlflow-guard\nbash\n"[..]));
    guard.collect();
}

#[tokio::test]
async fn neither_guard_nor_script_keeps_what_they_inherited() {
    let child =
        Child::bash("ls -l /proc/$$/fd /proc/$PPID/fd; readlink /proc/$PPID/cwd /proc/$PPID/fd/[012]");
    let inherited = std::fs::File::create(child.path("inherited")).unwrap();
    // As whoever starts the agent may have left it.
    nix::fcntl::fcntl(&inherited, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let (end, output) = child.run_alone().await;
    assert_eq!(end.exit, Exit::Code(0));
    assert_eq!(output.matches("/inherited").count(), 0, "{output}");
    assert!(output.ends_with("\n/\n/dev/null\n/dev/null\n/dev/null\n"), "{output}");
}

#[tokio::test]
async fn a_guard_without_an_agent_ends_the_script_and_then_frees_the_slot() {
    let child = Child::bash("echo $$ > pid.new; mv pid.new pid; sleep 1000");
    let lock = std::fs::File::create(child.path("slot")).unwrap();
    lock.lock().unwrap();
    let (mut read, write) = std::io::pipe().unwrap();
    let kept = Some(lock.as_fd().try_clone_to_owned().unwrap());
    let mut guard = common::guard();
    guard.start(&child.launch, &child.start, OwnedFd::from(write), kept).unwrap();
    assert!(matches!(guard.next_report().await, Some(Report::Started(_))));
    // What an agent that is killed does not close by itself, the kernel closes.
    drop(lock);
    eventually("the script runs", || child.path("pid").exists()).await;
    let other = std::fs::File::open(child.path("slot")).unwrap();
    assert!(other.try_lock().is_err(), "the guard keeps the slot");
    drop(guard);
    let mut rest = String::new();
    tokio::task::spawn_blocking(move || std::io::Read::read_to_string(&mut read, &mut rest))
        .await
        .unwrap()
        .unwrap();
    eventually("the slot is free", || other.try_lock().is_ok()).await;
    let pid: i32 = std::fs::read_to_string(child.path("pid")).unwrap().trim().parse().unwrap();
    assert!(!exists(pid));
}

#[tokio::test]
async fn a_guard_that_is_told_to_stop_by_a_signal_stops_the_script() {
    let child = Child::bash("echo ready; sleep 1000");
    let (read, write) = std::io::pipe().unwrap();
    let mut guard = common::guard();
    guard.start(&child.launch, &child.start, OwnedFd::from(write), None).unwrap();
    assert!(matches!(guard.next_report().await, Some(Report::Started(_))));
    kill(guard.id(), Signal::SIGTERM).unwrap();
    assert_eq!(guard.next_report().await, Some(Report::Signalled(15)));
    assert_eq!(guard.next_report().await, Some(Report::Gone(0)));
    guard.order(&GuardCommand::Stop);
    guard.collect();
    drop(read);
}

#[tokio::test]
async fn a_guard_that_nobody_wants_any_more_ends() {
    let guard = common::guard();
    let id = guard.id();
    drop(guard);
    let ended = tokio::task::spawn_blocking(move || waitpid(id, None)).await.unwrap();
    assert_eq!(ended, Ok(WaitStatus::Exited(id, 0)));
}
