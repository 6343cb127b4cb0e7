//! What is in its way when it starts.

use std::net::TcpListener;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use rsqlflow_tests::{Served, behind, client, directory, local, local_on, refused};

#[test]
fn a_taken_port_is_named() {
    let dir = directory();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let (code, error, hint) = refused(local_on(dir.path(), port));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains(&format!("port {port} is taken")), "{error}");
    assert!(hint.contains("--port 0"), "{hint}");
    drop(holder);
    assert!(Served::on(dir.path()).serves(), "the state directory is free again");
}

#[test]
fn the_second_endpoint_on_a_directory_is_refused() {
    let dir = directory();
    let first = Served::on(dir.path());
    let (code, error, hint) = refused(local(dir.path()));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("another endpoint uses the state directory"), "{error}");
    assert!(hint.contains("--state-dir"), "{hint}");
    assert!(first.serves() && first.put("w", 1).status == 200, "the first is not disturbed");
    first.signal(Signal::SIGKILL);
    drop(first);
    let next = Served::on(dir.path());
    assert!(next.has("w"), "a killed endpoint holds no lock, and loses nothing");
}

/// The databases that say their version, which SQLite keeps in the file's header (sqlite.org/fileformat.html).
fn versioned(dir: &Path) -> Vec<(PathBuf, u32)> {
    let version = |path: &Path| {
        let mut bytes = [0; 4];
        std::fs::File::open(path).unwrap().read_exact_at(&mut bytes, USER_VERSION).unwrap();
        u32::from_be_bytes(bytes)
    };
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let databases = files.filter(|path| path.extension().is_some_and(|extension| extension == "sqlite3"));
    databases.map(|path| (path.clone(), version(&path))).filter(|(_, version)| *version > 0).collect()
}

const USER_VERSION: u64 = 60;

#[test]
fn state_of_another_version_is_refused_and_left_alone() {
    let dir = directory();
    assert_eq!(Served::on(dir.path()).end(), Some(0));
    let databases = versioned(dir.path());
    assert!(databases.len() >= 3, "{databases:?}");
    for (path, version) in databases {
        let write = |version: u32| {
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&version.to_be_bytes(), USER_VERSION).unwrap();
        };
        write(version + 1);
        let before = std::fs::read(&path).unwrap();
        let (code, error, _) = refused(local(dir.path()));
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        let both = format!("has schema version {}, and this program knows {version}", version + 1);
        assert!(error.contains(&both) && error.contains("another state directory"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "not a byte is changed");
        write(version);
    }
    assert!(Served::on(dir.path()).serves(), "with its own version it is as it was");
}

/// DynamoDB's file keeps its version in a table.
#[test]
fn a_newer_file_of_dynamodb_is_refused_and_left_alone() {
    let dir = directory();
    assert_eq!(Served::on(dir.path()).end(), Some(0));
    let path = dir.path().join("dynamodb.sqlite3");
    let newer = "import sqlite3; db = sqlite3.connect('dynamodb.sqlite3'); \
                 db.execute(\"UPDATE _config SET value = '99' WHERE key = 'schema_version'\"); db.commit()";
    assert!(client("python", dir.path()).args(["-c", newer]).status().expect("python starts").success());
    let before = std::fs::read(&path).unwrap();
    let (code, error, _) = refused(local(dir.path()));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains(path.to_str().unwrap()) && error.contains("schema version 99"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before, "not a byte is changed");
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_alone() {
    for name in ["dynamodb.sqlite3", "logs.sqlite3"] {
        let dir = directory();
        std::fs::write(dir.path().join(name), "this is somebody's shopping list\n".repeat(100)).unwrap();
        let before = std::fs::read(dir.path().join(name)).unwrap();
        let (code, error, _) = refused(local(dir.path()));
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains(name) && error.contains("is damaged: it is not a SQLite database"), "{error}");
        assert_eq!(std::fs::read(dir.path().join(name)).unwrap(), before);
    }
}

/// As it is for users who are not root, whom permissions do not bind: without the capabilities that say so
/// (capabilities(7)).
fn bound_by_permissions(command: &Command) -> Command {
    let words: &[&str] = if nix::unistd::geteuid().is_root() {
        &["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    } else {
        &["env"]
    };
    behind(words, command)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = directory();
    let state = dir.path().join("state");
    let start = || bound_by_permissions(&local(&state));
    let expect_refusal = |path: &Path| {
        let (code, error, hint) = refused(start());
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains(path.to_str().unwrap()) && error.contains("Permission denied"), "{error}");
        assert!(hint.contains("--state-dir"), "{hint}");
    };

    set_mode(dir.path(), 0o555);
    expect_refusal(&state);
    assert!(!state.exists());
    set_mode(dir.path(), 0o755);

    assert_eq!(Served::on(&state).end(), Some(0));
    // What a copy from a read-only medium looks like.
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        set_mode(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    set_mode(&state, 0o555);
    expect_refusal(&state);
    set_mode(&state, 0o755);
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    assert!(Served::on(&state).serves(), "nothing was spoiled");
}

#[test]
fn it_listens_on_loopback_and_nothing_makes_it_listen_elsewhere() {
    let dir = directory();
    for flag in ["--host", "--bind", "--listen", "--address"] {
        let mut command = local(dir.path());
        command.args([flag, "0.0.0.0"]);
        let (code, error, _) = refused(command);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(flag), "{error}");
    }
    let served = Served::on(dir.path());
    // proc_pid_net(5): local address as little-endian hexadecimal, port; state 0A is LISTEN.
    let port = format!(":{:04X}", served.port());
    let listening = |file: &str| {
        let text =
            std::fs::read_to_string(format!("/proc/{}/net/{file}", served.process.id())).unwrap_or_default();
        let sockets = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = sockets.filter(|socket| socket[1].ends_with(&port) && socket[3] == "0A");
        ours.map(|socket| socket[1].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listening("tcp"), [format!("0100007F{port}")]);
    assert_eq!(listening("tcp6"), [] as [String; 0]);
}
