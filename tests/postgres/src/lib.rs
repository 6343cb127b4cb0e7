//! A PostgreSQL of the test's own: a fresh cluster in a temporary directory, on loopback only. It needs Debian's
//! package `postgresql`, 15 or later.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A running cluster; it ends with the value.
pub struct Cluster {
    directory: tempfile::TempDir,
    binaries: PathBuf,
    /// Its port on 127.0.0.1. The superuser `postgres` needs no password unless `access` says so.
    pub port: u16,
}

/// The newest installed PostgreSQL server.
fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    let newest = found.pop();
    newest.expect("no PostgreSQL server was found: install the Debian package \"postgresql\" (15 or later)")
}

/// The user and group of the account `postgres`; the server refuses to run as root.
fn postgres_account() -> Option<(u32, u32)> {
    let id = |flag: &str, who: &[&str]| -> Option<u32> {
        let output = Command::new("id").arg(flag).args(who).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id("-u", &[])? != 0 {
        return None;
    }
    let user = id("-u", &["postgres"]);
    let user =
        user.expect("as root, the account \"postgres\" is needed: install the Debian package \"postgresql\"");
    Some((user, id("-g", &["postgres"])?))
}

fn command(account: Option<(u32, u32)>, program: &Path) -> Command {
    match account {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()]);
            command.arg(program);
            command
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Cluster {
    /// Makes and starts a cluster. `settings` are lines for postgresql.conf, where `DIR` stands for the cluster's
    /// directory; `access` is pg_hba.conf, or empty to trust everybody on this machine.
    ///
    /// # Panics
    /// If there is no server, or it does not start.
    #[must_use]
    pub fn start_with(settings: &str, access: &str) -> Self {
        let binaries = binaries();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let account = postgres_account();
        if let Some((user, group)) = account {
            chown(directory.path(), Some(user), Some(group)).expect("chown");
        }
        let data = directory.path().join("data");
        run(command(account, &binaries.join("initdb"))
            .arg("-D")
            .arg(&data)
            .current_dir(directory.path())
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let config = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nfsync = off\n\
             max_connections = 40\nlc_messages = 'C'\ntimezone = 'UTC'\n{}\n",
            directory.path().display(),
            settings.replace("DIR", &directory.path().display().to_string())
        );
        std::fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .and_then(|mut f| f.write_all(config.as_bytes()))
            .expect("postgresql.conf");
        if !access.is_empty() {
            std::fs::write(data.join("pg_hba.conf"), access).expect("pg_hba.conf");
        }
        let cluster = Self { directory, binaries, port };
        cluster.prepare_tls(account);
        run(command(account, &cluster.binaries.join("pg_ctl"))
            .current_dir(cluster.directory.path())
            .arg("-D")
            .arg(&data)
            .args(["-w", "-l"])
            .arg(cluster.directory.path().join("log"))
            .arg("start")
            .stdout(Stdio::null()));
        cluster
    }

    /// A cluster with no settings of its own.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("", "")
    }

    /// A self-signed certificate for localhost, by the openssl that PostgreSQL's packages bring along.
    fn prepare_tls(&self, account: Option<(u32, u32)>) {
        let (key, certificate) = (self.path("server.key"), self.path("server.crt"));
        let made = Command::new("openssl")
            .args(["req", "-new", "-x509", "-days", "30", "-nodes", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost", "-addext"])
            .args([
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
            ])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output();
        if made.is_ok_and(|o| o.status.success())
            && let Some((user, group)) = account
        {
            chown(&key, Some(user), Some(group)).expect("chown");
        }
    }

    /// A file in the cluster's directory, which goes away with it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Arguments and environment of a client that connects as `postgres`.
    pub fn arguments(&self, command: &mut Command) {
        command
            .args(["-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-p"])
            .arg(self.port.to_string());
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env_remove("RSPASSWORD").env_remove("COLUMNS");
        command.current_dir(self.directory.path());
    }

    /// The psql that belongs to the server, without anybody's start-up file.
    #[must_use]
    pub fn psql(&self) -> Command {
        let mut command = Command::new(self.binaries.join("psql"));
        command.arg("-X");
        self.arguments(&mut command);
        command
    }

    /// What a query answers, unaligned and without headings.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn ask(&self, sql: &str) -> String {
        let output = feed(self.psql().args(["-tAc", sql]), "");
        assert!(output.status.success(), "{sql}: {}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = command(postgres_account(), &self.binaries.join("pg_ctl"))
            .current_dir(self.directory.path())
            .arg("-D")
            .arg(self.directory.path().join("data"))
            .args(["-m", "immediate", "stop"])
            .output();
    }
}

/// Runs a command with a text on its standard input.
///
/// # Panics
/// If it cannot be started.
pub fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    // The child may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output
}

/// What a program wrote, as text.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
