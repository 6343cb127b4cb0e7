//! Script files as they are found in the wild, and the ways in which scripts end.

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_tests::World;
use serde_json::json;

#[tokio::test]
async fn scripts_need_neither_mode_nor_shebang() {
    let world = World::start().await;
    let out = world.file("out");
    let body = format!("[[ -n $BASH_VERSION ]] && echo ran >> '{}'\n", out.display());
    world.raw_script("plain.sh", &body);
    world.raw_script("shebang-only.sh", &format!("#!/usr/bin/env bash\n{body}"));
    world.put_stage("w", "sequential", json!(["plain.sh", "shebang-only.sh"])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    assert_eq!(std::fs::read_to_string(out).unwrap(), "ran\nran\n");
    assert_eq!(run.jobs[0].state.exit_code, Some(0));
}

#[tokio::test]
async fn a_missing_script_fails_and_says_where_it_was_looked_for() {
    let world = World::start().await;
    world.put_stage("w", "sequential", json!(["missing.sh"])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [JobStatus::Failed]);
    assert!(run.message(0).contains("missing.sh"), "{}", run.message(0));
    assert!(run.message(0).contains(world.scripts().to_str().unwrap()), "{}", run.message(0));
    assert_eq!(run.jobs[0].state.exit_code, None, "it was never started");
}

#[tokio::test]
async fn a_script_runs_as_it_is_named_and_no_shell_reads_the_name() {
    let world = World::start().await;
    let out = world.file("out");
    let names = [
        "with space.sh",
        "quote'\"s.sh",
        "semi;colon.sh",
        "$(touch pwned).sh",
        "`touch pwned`.sh",
        "-rf.sh",
        "übung/läuft.sh",
        "a&b|c>d.sh",
    ];
    for name in names {
        world.script(name, &format!("printf '%s\\n' \"$RSQLFLOW_JOB_NAME\" >> '{}'", out.display()));
    }
    world.put_stage("w \"quoted\" '$(id)'", "sequential", json!(names)).await;
    let run = world.run("w \"quoted\" '$(id)'").await;
    assert!(run.completed(), "{run:?}");
    let expected: Vec<&str> = names.iter().map(|n| n.rsplit('/').next().unwrap()).collect();
    let ran = std::fs::read_to_string(out).unwrap();
    assert_eq!(ran.lines().collect::<Vec<_>>(), expected);
    assert!(!world.scripts().join("pwned").exists());
}

#[tokio::test]
async fn a_path_that_leaves_the_script_directory_is_refused() {
    let world = World::start().await;
    std::fs::write(world.file("outside.sh"), "echo out").unwrap();
    for script in ["../outside.sh", "a/../../outside.sh", "/bin/true", "", "a\nb.sh", "a\u{0}.sh"] {
        world.put_stage("w", "sequential", json!([script])).await;
        let refused = world.trigger(json!({ "workflow_id": "w" })).await.unwrap_err();
        assert_eq!(refused.error_type, "InvalidWorkflow", "{script:?}");
        assert!(refused.message.contains("workflow_stages[0].scripts[0]"), "{}", refused.message);
    }
}

#[tokio::test]
async fn every_exit_is_told_as_what_it_is() {
    let world = World::start().await;
    // (body, exit code, part of the message)
    let cases = [
        ("exit 1", Some(1), "exit code 1"),
        ("exit 194", Some(194), "exit code 194"),
        ("exit 255", Some(255), "exit code 255"),
        ("kill -KILL $$", Some(137), "SIGKILL"),
        ("kill -SEGV $$", Some(139), "SIGSEGV"),
        (
            "echo 'rsql: ERROR: relation \"x\" does not exist' >&2; exit 21",
            Some(21),
            "relation \"x\" does not exist",
        ),
    ];
    let mut scripts = Vec::new();
    for (i, (body, _, _)) in cases.iter().enumerate() {
        world.script(&format!("{i}.sh"), body);
        scripts.push(json!(format!("{i}.sh")));
    }
    world.put_stage("w", "parallel", json!(scripts)).await;
    let run = world.run("w").await;
    for (i, (body, code, message)) in cases.iter().enumerate() {
        assert_eq!(run.jobs[i].state.status, JobStatus::Failed, "{body}");
        assert_eq!(run.jobs[i].state.exit_code, *code, "{body}");
        assert!(run.message(i).contains(message), "{body}: {}", run.message(i));
    }
    let said = run.workflow.error_message.unwrap();
    assert!(said.contains("6 of 6"), "{said}");
    assert!(said.contains("0.sh"), "{said}");
}

#[tokio::test]
async fn codes_that_are_fine_are_fine() {
    let world = World::start().await;
    world.script("four.sh", "exit 4");
    world.put_stage("w", "sequential", json!([{ "script": "four.sh", "ok_exit_codes": [0, 4] }])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [JobStatus::Completed]);
    assert_eq!(run.jobs[0].state.exit_code, Some(4));
}

#[tokio::test]
async fn a_script_that_takes_too_long_is_ended_with_all_that_it_started() {
    let world = World::start().await;
    let mark = format!("7{}", std::process::id());
    world.script("slow.sh", &format!("trap '' TERM; sleep {mark} & setsid sleep {mark} & wait; wait; wait"));
    world.put_stage("w", "sequential", json!([{ "script": "slow.sh", "timeout": 1 }])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [JobStatus::TimedOut]);
    assert!(run.message(0).contains('1'), "{}", run.message(0));
    assert_eq!(World::processes(&format!("sleep {mark}")), [] as [i32; 0]);
}

#[tokio::test]
async fn credentials_come_from_the_secret_and_are_not_shown() {
    let world = World::with(rsqlflow_tests::WorldOptions {
        secrets: vec![(
            "db".to_owned(),
            json!({ "host": "h.example", "port": 5439, "username": "etl", "password": "pa$$ 'word", "dbname": "dw" }),
        )],
        ..Default::default()
    })
    .await;
    let out = world.file("out");
    world.script(
        "who.sh",
        &format!("printf '%s\\n' \"$HOST\" \"$PORT\" \"$USER\" \"$DB\" \"$RSPASSWORD\" \"$2\" > '{}'; echo \"the password is $RSPASSWORD.\"", out.display()),
    );
    world.put_stage("w", "sequential", json!(["who.sh"])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    assert_eq!(std::fs::read_to_string(out).unwrap(), "h.example\n5439\netl\ndw\npa$$ 'word\ndb\n");
    let log = world.log(&run.jobs[0]).await.join("\n");
    assert!(log.contains("the password is "), "{log}");
    assert!(!log.contains("pa$$ 'word"), "{log}");
}

#[tokio::test]
async fn a_secret_that_is_not_there_fails_the_job_and_says_so() {
    let world = World::start().await;
    world.script("a.sh", "exit 0");
    world.put_stage("w", "sequential", json!([{ "script": "a.sh", "secret": "nowhere" }])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [JobStatus::Failed]);
    assert!(run.message(0).contains("nowhere"), "{}", run.message(0));
}

#[tokio::test]
async fn what_a_script_leaves_running_is_named_in_log_and_row() {
    let world = World::start().await;
    let done = world.file("done");
    let text = format!("printf 'no end'; (sleep 2; echo >> '{}') > /dev/null 2>&1 &", done.display());
    world.script("left.sh", &text);
    let job = |name: &str, linger: &str| json!({ "script": "left.sh", "job_name": name, "linger": linger });
    world.put_stage("w", "sequential", json!([job("short", "0s"), job("long", "1m")])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    let note = run.jobs[0].tries[0].note.clone().unwrap_or_default();
    // The shell in parentheses, and its sleep if it has begun.
    let notes =
        ["1 process", "2 processes"].map(|left| format!("ended {left} that the script had left running"));
    assert!(notes.contains(&note), "{note}");
    assert_eq!(world.log(&run.jobs[0]).await, ["no end".to_owned(), format!("rsqlflow: {note}")]);
    assert_eq!(run.jobs[1].tries[0].note, None);
    assert_eq!(std::fs::read_to_string(done).unwrap(), "\n", "the second job's was given its time");
}

#[tokio::test]
async fn a_script_that_is_overwritten_runs_as_it_was_and_sees_its_own_path() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: only root can put a copy in a script's place");
        return;
    }
    let world = World::start().await;
    let (out, go) = (world.file("out"), world.file("go"));
    // Longer than what bash reads at once.
    let pad = "# padding\n".repeat(2_000);
    let text = |word: &str| {
        format!(
            "echo $0 ${{BASH_SOURCE[0]}} > '{out}'\nuntil [[ -e '{go}' ]]; do sleep 0.02; done\n{pad}echo {word} >> '{out}'\n",
            out = out.display(),
            go = go.display()
        )
    };
    for (name, shebang) in [("plain.sh", ""), ("shebang.sh", "#!/usr/bin/env bash\n")] {
        let _ = std::fs::remove_file(&go);
        let _ = std::fs::remove_file(&out);
        std::fs::create_dir_all(world.scripts().join("v1")).unwrap();
        let path = world.raw_script(&format!("v1/{name}"), &format!("{shebang}{}", text("before")));
        let _ = std::fs::remove_file(world.scripts().join("current"));
        std::os::unix::fs::symlink("v1", world.scripts().join("current")).unwrap();
        let named = format!("current/{name}");
        world.put_stage("w", "sequential", json!([named])).await;
        let id = world.begin("w").await;
        rsqlflow_tests::eventually("the script's start", async || out.exists().then_some(())).await;
        std::fs::write(path, format!("{shebang}{}", text("after!"))).unwrap();
        std::fs::write(&go, "").unwrap();
        assert!(world.end(&id).await.completed());
        let as_named = world.scripts().join(named).display().to_string();
        let said = std::fs::read_to_string(&out).unwrap();
        assert_eq!(said, format!("{as_named} {as_named}\nbefore\n"));
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_explained() {
    let world = World::start().await;
    world.raw_script("crlf.sh", "#!/bin/bash\r\necho hi\r\n");
    world.raw_script("env-crlf.sh", "#!/usr/bin/env bash\r\necho hi\r\n");
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(64, 0);
    elf[18..20].copy_from_slice(&243u16.to_le_bytes());
    let foreign = world.raw_script("foreign", "");
    std::fs::write(foreign, &elf).unwrap();
    for name in ["crlf.sh", "env-crlf.sh", "foreign"] {
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(world.scripts().join(name), executable).unwrap();
    }
    world.script("killed.sh", "bash -c 'kill -KILL $$'; exit $?");
    world.put_stage("w", "parallel", json!(["crlf.sh", "env-crlf.sh", "foreign", "killed.sh"])).await;
    let run = world.run("w").await;
    assert!(run.message(0).contains(r#"the interpreter "/bin/bash\r""#), "{}", run.message(0));
    assert!(
        run.message(1).contains("exit code 127") && run.message(1).contains("CR LF"),
        "{}",
        run.message(1)
    );
    for position in [0, 1] {
        assert!(run.message(position).contains("rsql check"), "{}", run.message(position));
    }
    let said = run.message(2);
    assert!(said.starts_with("could not be started: built for another machine (riscv64"), "{said}");
    assert!(
        run.message(3).contains("exit code 137") && run.message(3).contains("hint: "),
        "{}",
        run.message(3)
    );
}

#[tokio::test]
async fn an_unfinished_line_is_sent_while_the_script_is_silent() {
    let world = World::start().await;
    let go = world.file("go");
    world.script(
        "prompt.sh",
        &format!(
            "printf 'waiting …'; until [[ -e '{}' ]]; do sleep 0.05; done; echo; echo end",
            go.display()
        ),
    );
    world.put_stage("w", "sequential", json!(["prompt.sh"])).await;
    let id = world.begin("w").await;
    rsqlflow_tests::eventually("the prompt", async || {
        let jobs = world.store.jobs().all_summaries(&id).await.unwrap();
        let job = jobs.iter().find(|job| job.state.status == JobStatus::Running)?;
        (world.log(job).await == ["waiting …"]).then_some(())
    })
    .await;
    std::fs::write(&go, "").unwrap();
    let run = world.end(&id).await;
    assert_eq!(world.log(&run.jobs[0]).await, ["waiting …", "end"]);
}
