//! What ships, as it ships: installed, run and removed. `make test-package` builds the packages and runs this as root.

#![expect(clippy::unwrap_used, reason = "also what the tests share is run by tests only")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rsqlflow_tests::{World, WorldOptions};
use serde_json::{Value, json};

const AGENT: &str = "/usr/bin/rsqlflow-agent";
const CONFIG: &str = "/etc/rsqlflow/agent.toml";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where `make package` has put them.
fn packages() -> PathBuf {
    let place =
        std::env::var_os("RSQLFLOW_TEST_PACKAGE").expect("RSQLFLOW_TEST_PACKAGE: run `make test-package`");
    PathBuf::from(place)
}

/// Runs a command to its end.
fn run(words: &[&str]) -> Output {
    Command::new(words[0]).args(&words[1..]).output().unwrap_or_else(|e| panic!("{words:?}: {e}"))
}

/// What a command says that must succeed.
fn must(words: &[&str]) -> String {
    let output = run(words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn mode(path: &str) -> u32 {
    std::fs::metadata(path).unwrap_or_else(|e| panic!("{path}: {e}")).permissions().mode() & 0o777
}

/// Files of one of Distributor's zips, whose sum is the manifest's.
fn unpack(kind: &str, into: &Path) {
    let folder = packages().join("distributor");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["schemaVersion"], &manifest["version"]), (&json!("2.0"), &json!(VERSION)));
    let platform = if kind == "deb" { "debian" } else { "amazon" };
    let here = &manifest["packages"][platform]["_any"][std::env::consts::ARCH];
    let name = here["file"].as_str().unwrap_or_else(|| panic!("{manifest}"));
    let zip = folder.join(name);
    let sum = must(&["sha256sum", zip.to_str().unwrap()]);
    assert_eq!(sum.split(' ').next(), manifest["files"][name]["checksums"]["sha256"].as_str(), "{manifest}");
    must(&["python3", "-m", "zipfile", "-e", zip.to_str().unwrap(), into.to_str().unwrap()]);
}

/// The package on this machine. It goes away whatever comes of the test.
struct Installed {
    dir: tempfile::TempDir,
}

impl Installed {
    fn new() -> Self {
        let found = run(&["dpkg-query", "-W", "-f", "${Status}", "rsqlflow-agent"]);
        assert!(
            !found.status.success(),
            "the agent is installed on this machine, and this test would remove it"
        );
        for path in [CONFIG, "/var/lib/rsqlflow", "/var/log/rsqlflow"] {
            assert!(!Path::new(path).exists(), "{path} is there, and this test would remove it");
        }
        let dir = tempfile::tempdir().unwrap();
        unpack("deb", dir.path());
        Self { dir }
    }

    /// Runs one of Distributor's two scripts, as the SSM agent does.
    fn script(&self, name: &str) -> String {
        must(&["sh", self.dir.path().join(name).to_str().unwrap()])
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = run(&["dpkg", "--purge", "rsqlflow-agent"]);
    }
}

#[tokio::test]
#[ignore = "installs a package: `make test-package`"]
async fn the_deb_is_installed_runs_a_job_and_leaves_nothing() {
    let package = Installed::new();
    package.script("install.sh");
    let files: Vec<String> = must(&["dpkg", "-L", "rsqlflow-agent"])
        .lines()
        .filter(|path| Path::new(path).is_file())
        .map(str::to_owned)
        .collect();
    for path in [AGENT, CONFIG, "/usr/lib/rsqlflow/rsql", "/usr/lib/rsqlflow/get_redshift_creds.sh"] {
        assert!(files.iter().any(|file| file == path), "{path}: {files:?}");
    }
    assert!(!files.iter().any(|file| file == "/usr/bin/rsql"), "Amazon's is not hidden");
    assert_eq!((mode("/var/lib/rsqlflow"), mode("/var/log/rsqlflow"), mode(CONFIG)), (0o711, 0o750, 0o644));
    assert_eq!(must(&[AGENT, "--version"]).trim(), format!("rsqlflow-agent {VERSION}"));
    // The sample is one: an agent that could not read it would say so.
    assert!(must(&[AGENT, "status"]).contains("0 of 40 slots taken"));
    let doctor = run(&[AGENT, "doctor", "--output", "json"]);
    let told: Value = serde_json::from_slice(&doctor.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&doctor.stderr)));
    assert!(told.is_object(), "{told}");
    // Nothing to deliver needs no service.
    assert!(must(&[AGENT, "flush"]).contains("0 delivered, 0 left"));
    let wanted = Path::new("/etc/systemd/system/timers.target.wants/rsqlflow-agent-flush.timer");
    if run(&["sh", "-c", "command -v systemd-analyze systemctl"]).status.success() {
        let units = ["/usr/lib/systemd/system/rsqlflow-agent-flush.service", "rsqlflow-agent-flush.timer"];
        let verified = run(&["systemd-analyze", "verify", "--man=no", units[0], units[1]]);
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(!said.contains("rsqlflow"), "{said}");
        assert!(wanted.is_symlink(), "the timer is enabled");
    }

    let env = vec![("RSQLFLOW_AGENT".to_owned(), AGENT.to_owned())];
    let world = World::with(WorldOptions { env, ..WorldOptions::default() }).await;
    world.script(
        "a.sh",
        "readlink -f \"$(command -v rsql)\"; rsql --version; test -r \"$1/get_redshift_creds.sh\"",
    );
    world.put_stage("w", "sequential", json!(["a.sh"])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    let log = world.log(&run.jobs[0]).await;
    assert_eq!(log[0], "/usr/lib/rsqlflow/rsql", "{log:?}");
    assert!(log[1].contains(VERSION), "{log:?}");

    // What a deployment writes there is not overwritten, and nobody is asked about it.
    std::fs::write(CONFIG, "max_jobs = 7\n").unwrap();
    package.script("install.sh");
    assert!(must(&[AGENT, "status"]).contains("0 of 7 slots taken"));

    std::fs::create_dir_all("/var/lib/rsqlflow/results").unwrap();
    package.script("uninstall.sh");
    assert!(!Path::new(AGENT).exists() && !wanted.is_symlink());
    assert!(
        Path::new(CONFIG).exists() && Path::new("/var/lib/rsqlflow/results").exists(),
        "until it is purged"
    );
    must(&["dpkg", "--purge", "rsqlflow-agent"]);
    let folders = ["/etc/rsqlflow", "/usr/lib/rsqlflow", "/var/lib/rsqlflow", "/var/log/rsqlflow"];
    for path in files.iter().map(String::as_str).chain(folders) {
        assert!(!Path::new(path).exists(), "{path} is left over");
    }
}

#[test]
#[ignore = "needs the packages: `make test-package`"]
fn the_rpm_holds_the_same_and_can_be_installed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (files, root) = (dir.path().join("files"), dir.path().join("root"));
    unpack("rpm", &files);
    std::fs::create_dir(&root).unwrap();
    let (rpm, root) = (files.join("rsqlflow-agent.rpm"), root.to_str().unwrap().to_owned());
    let rpm = rpm.to_str().unwrap();
    let ask = |what: &str| must(&["rpm", "-qp", what, rpm]);
    let listed = ask("--list");
    for path in
        [AGENT, CONFIG, "/usr/lib/rsqlflow/rsql", "/usr/lib/systemd/system/rsqlflow-agent-flush.timer"]
    {
        assert!(listed.lines().any(|line| line == path), "{path}: {listed}");
    }
    assert!(ask("--requires").contains("glibc >= 2.34"));
    assert_eq!(ask("--configfiles").lines().collect::<Vec<_>>(), ["/etc/logrotate.d/rsqlflow-agent", CONFIG]);
    let scripts = ask("--scripts");
    assert!(scripts.contains("after-install") && scripts.contains("before-remove"), "{scripts}");

    // Into a folder, where nothing of what it requires is, nor a shell for its scripts.
    must(&["rpm", "--root", &root, "--install", "--nodeps", "--noscripts", rpm]);
    let agent = format!("{root}{AGENT}");
    assert_eq!(must(&[&agent, "--version"]).trim(), format!("rsqlflow-agent {VERSION}"));
    assert_eq!((mode(&agent), mode(&format!("{root}{CONFIG}"))), (0o755, 0o644));
    must(&["rpm", "--root", &root, "--erase", "--nodeps", "--noscripts", "rsqlflow-agent"]);
    for path in listed.lines() {
        assert!(!Path::new(&format!("{root}{path}")).is_file(), "{path} is left over");
    }
}

#[tokio::test]
#[ignore = "needs the packages: `make test-package`"]
async fn the_functions_zip_holds_a_program_that_starts_a_run() {
    let zip = packages().join("lambda.zip");
    assert!(zip.metadata().unwrap().len() <= 5_000_000);
    let dir = tempfile::tempdir().unwrap();
    let listed = must(&["python3", "-m", "zipfile", "-l", zip.to_str().unwrap()]);
    assert_eq!(listed.lines().count(), 2, "a heading and one file: {listed}");
    // The mode is the archive's: without it, Lambda cannot start the program.
    let unpack = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                  i = z.getinfo('bootstrap')\nz.extract(i, sys.argv[2])\nprint(oct(i.external_attr >> 16))";
    let attributes = must(&["python3", "-c", unpack, zip.to_str().unwrap(), dir.path().to_str().unwrap()]);
    assert_eq!(attributes.trim(), "0o100755");
    let bootstrap = dir.path().join("bootstrap");
    std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755)).unwrap();

    // Which is what the instance's tags are, too.
    let target = json!({ "tags": { "Role": "etl" } });
    let env = vec![("RSQLFLOW_DEFAULT_TARGET".to_owned(), target.to_string())];
    let world = World::with(WorldOptions { env, ..WorldOptions::default() }).await;
    world.script("a.sh", "echo done");
    world.put_stage("w", "sequential", json!([{ "script": "a.sh", "target": target }])).await;
    let event = json!({ "workflow_id": "w" });
    let answer = world.call_process(&bootstrap, "workflow-trigger", &world.url, &event).await.unwrap();
    let id = answer["workflow_execution_id"].as_str().unwrap().parse().unwrap();
    let run = world.end(&id).await;
    assert!(run.completed(), "{run:?}");
}
