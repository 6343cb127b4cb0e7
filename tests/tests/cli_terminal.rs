//! On a terminal: bars, questions, Ctrl-C. The terminal is one that `script` (of bsdutils) makes.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rsqlflow_core::protocol::JobStatus::{Cancelled, Failed, Running};
use rsqlflow_tests::{World, binary};
use serde_json::json;

/// A command on a terminal of 30 lines.
struct Terminal {
    child: Child,
    read: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn open(world: &World, args: &str) -> Self {
        Self::of_width(world, args, 100)
    }

    fn of_width(world: &World, args: &str, columns: usize) -> Self {
        let line = format!("stty cols {columns} rows 30; exec '{}' {args}", binary("rsqlflow").display());
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm")
            .env("SHELL", "/bin/bash")
            .env("RSQLFLOW_STATE_DIR", world.state_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (send, read) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(bytes @ 1..) = stdout.read(&mut buffer) {
                if send.send(buffer[..bytes].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, read, shown: String::new() }
    }

    /// Waits until this is shown.
    fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.shown.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.read.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{text:?} is not shown ({error}): {:?}", self.shown),
            }
        }
    }

    fn types(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn ends(mut self, code: i32) -> String {
        while let Ok(bytes) = self.read.recv() {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{:?}", self.shown);
        self.shown
    }
}

#[tokio::test]
async fn bars_show_what_runs_and_ctrl_c_asks_what_is_wanted() {
    let world = World::start().await;
    world.script("bad.sh", "echo 'ERROR:  no such table'; exit 3");
    world.script("wait.sh", &format!("until [[ -e '{}' ]]; do sleep 0.02; done", world.file("go").display()));
    world
        .put(&json!({ "workflow_id": "w", "defaults": { "heartbeat": 6 }, "workflow_stages": [
            { "stage_description": "Loads", "execution_type": "parallel", "scripts": ["bad.sh", "wait.sh"] } ] }))
        .await;
    let id = "r".parse().unwrap();
    let _ = world.operator(&["start", "w", "--execution-id", "r"]).ends(0);
    world.reach(&id, 0, Failed).await;
    world.reach(&id, 1, Running).await;

    let mut watch = Terminal::open(&world, "watch r");
    watch.shows("no such table");
    watch.shows("1/2, 1 not completed");
    watch.shows("stage 1 of 1  Loads");
    watch.shows("wait.sh");
    watch.types("\u{3}");
    watch.shows("continue watching?");
    watch.types("d\n");
    let shown = watch.ends(130);
    assert!(shown.contains("detached: r continues"), "{shown:?}");
    assert_eq!(world.job(&id, 0, 1).await.unwrap().state.status, Running);

    let mut twice = Terminal::open(&world, "watch r");
    twice.shows("wait.sh");
    twice.types("\u{3}");
    twice.shows("continue watching?");
    twice.types("\u{3}");
    let _ = twice.ends(130);
    assert_eq!(world.job(&id, 0, 1).await.unwrap().state.status, Running);

    let mut no = Terminal::open(&world, "cancel r");
    no.shows("[y/N]");
    no.types("\n");
    assert!(no.ends(2).contains("nothing was changed"));
    assert_eq!(world.job(&id, 0, 1).await.unwrap().state.status, Running);

    let mut cancel = Terminal::open(&world, "watch r");
    cancel.shows("wait.sh");
    cancel.types("\u{3}");
    cancel.shows("continue watching?");
    cancel.types("c\n");
    let _ = cancel.ends(130);
    assert_eq!(world.end(&id).await.statuses(), [Failed, Cancelled]);

    let jobs = Terminal::of_width(&world, "jobs r", 40).ends(0);
    let plain = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&jobs, "").into_owned();
    assert!(plain.contains(" 0000#00000  job name: bad.sh\r\n   status: Failed"), "{plain:?}");
    assert!(plain.contains("instance: i-local000000000001"), "{plain:?}");
    assert!(plain.lines().all(|line| line.len() <= 40), "{plain:?}");
}
