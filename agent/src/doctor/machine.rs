//! Checks of the machine.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};

use super::access::Reader;
use super::programs::{on_path, version};
use crate::config::AgentConfig;
use crate::spool::Results;
use crate::tools::client::{self, RsqlClient};
use crate::tools::place::CREDS;
use crate::user::{NoSuchUser, User};
use rsqlflow_core::check::Check;

/// Free bytes below which there is a warning, and below which jobs may lose logs or results.
const LITTLE: u64 = 1 << 30;
const TOO_LITTLE: u64 = 64 << 20;

/// The SSM agent's name in the kernel, which has at most fifteen characters.
const SSM_AGENT: &str = "amazon-ssm-agen";

/// The source of the settings, which are valid at this point.
pub(super) fn settings(config: &AgentConfig, file: &Path) -> Check {
    let name = "settings";
    match fs::metadata(file) {
        Ok(_) => Check::ok(name, format!("{}, tables {}-*", file.display(), config.prefix)),
        Err(_) => Check::warning(
            name,
            format!(
                "{} does not exist: all settings have their defaults, tables are {}-*",
                file.display(),
                config.prefix
            ),
            "deploy, which writes it; or create it (docs/agent.md lists the settings)",
        ),
    }
}

/// Obsolete settings in the file.
pub(super) fn unused(config: &AgentConfig, file: &Path) -> Option<Check> {
    let names = config.unused.join(", ");
    (!names.is_empty()).then(|| {
        let found = format!("{names}: no longer used; these times are in each job's row");
        Check::warning("settings", found, format!("remove them from {}", file.display()))
    })
}

/// Whether the process can fork, which every job needs.
pub(super) fn threads() -> Option<Check> {
    let error = crate::fork::alone().err()?;
    let hint = match error.kind() {
        io::ErrorKind::Other => {
            "remove the library from /etc/ld.so.preload or LD_PRELOAD, or exclude rsqlflow-agent from it"
        }
        _ => "mount /proc so that this user may read it",
    };
    Some(Check::failed("threads", error.to_string(), hint))
}

/// The checks of the local machine.
pub(super) fn all(config: &AgentConfig, file: &Path) -> Vec<Check> {
    let reader = config.scripts_user().as_deref().and_then(Reader::named);
    let mut checks = vec![user(config, file)];
    checks.push(scripts(config, reader.as_ref(), file));
    checks.push(credentials_script(config, reader.as_ref()));
    checks.push(rsql(config));
    checks.push(psql(config));
    checks.push(directory("spool", &config.spool_dir, "spool_dir", file));
    checks.push(directory("logs", &config.log_dir, "log_dir", file));
    checks.push(results(config));
    if config.endpoint_url.is_none() {
        checks.push(ssm_agent());
    }
    checks
}

fn user(config: &AgentConfig, file: &Path) -> Check {
    let name = "users";
    let me = nix::unistd::geteuid();
    let me = nix::unistd::User::from_uid(me).ok().flatten().map_or_else(|| me.to_string(), |user| user.name);
    match User::find(config.run_as.as_deref()) {
        Ok(User { run_as: None, .. }) => Check::ok(name, format!("scripts run as {me}, as the agent does")),
        Ok(User { name: other, .. }) => {
            Check::ok(name, format!("the agent runs as {me}, scripts as {other}"))
        }
        Err(error @ NoSuchUser::Unknown(_)) => {
            let hint = format!("create it (`useradd --system NAME`), or change run_as in {}", file.display());
            Check::failed(name, error.to_string(), hint)
        }
        Err(error @ NoSuchUser::NotRoot(_)) => {
            Check::failed(name, error.to_string(), "run the command as root, like the SSM agent")
        }
    }
}

fn scripts(config: &AgentConfig, reader: Option<&Reader>, file: &Path) -> Check {
    let dir = &config.script_dir;
    let name = format!("scripts {}", dir.display());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            let hint = format!("copy the scripts there, or set script_dir in {}", file.display());
            return Check::failed(name, format!("cannot be listed: {error}"), hint);
        }
    };
    if let Some(barred) = reader.and_then(|reader| reader.barred_by(dir)) {
        let user = config.scripts_user().unwrap_or_default();
        let found = format!("the scripts' user {user} cannot read {}", barred.display());
        return Check::warning(
            name,
            found,
            format!("run `chmod o+rx {}`, or change its group to one of {user}", barred.display()),
        );
    }
    if fs::metadata(dir).is_ok_and(|found| found.permissions().mode() & 0o002 != 0) {
        let found = "every user may write there, and scripts run with the database's password";
        return Check::warning(name, found, format!("run `chmod o-w {}`", dir.display()));
    }
    match entries.count() {
        0 => Check::warning(name, "empty", "copy the scripts of the workflows there"),
        count => Check::ok(name, format!("{count} entr{}", if count == 1 { "y" } else { "ies" })),
    }
}

/// Scripts of AWS's samples source it. Others do not need it.
fn credentials_script(config: &AgentConfig, reader: Option<&Reader>) -> Check {
    let own = config.script_dir.join(CREDS);
    let named = config.creds_dir.as_ref().map(|dir| dir.join(CREDS));
    let Some(path) = named.or_else(|| own.is_file().then_some(own)) else {
        return Check::ok(CREDS, "the agent provides its own");
    };
    if !path.is_file() {
        let hint = "copy it there, or remove creds_dir: then the agent provides its own";
        return Check::warning(CREDS, format!("{} does not exist", path.display()), hint);
    }
    match reader.and_then(|reader| reader.barred_by(&path)) {
        Some(barred) => {
            let found = format!("the scripts' user cannot read {}", barred.display());
            Check::warning(CREDS, found, format!("run `chmod o+rX {}`", barred.display()))
        }
        None => Check::ok(CREDS, path.display().to_string()),
    }
}

fn rsql(config: &AgentConfig) -> Check {
    let name = "rsql";
    let binary = config.rsql_binary.clone().unwrap_or_else(client::own);
    let (whose, program) = match config.rsql_client.choose(&config.path, &binary) {
        Ok(Some(program)) => ("the agent's own", Some(program)),
        Ok(None) => ("on the scripts' PATH", on_path(&config.path, client::NAME)),
        Err(error) => {
            let hint = "install it there, set rsql_binary, or set rsql_client to \"auto\"";
            return Check::failed(name, error.to_string(), hint);
        }
    };
    let Some(program) = program else {
        let hint = match config.rsql_client {
            RsqlClient::System => {
                "install Amazon Redshift RSQL, or set rsql_client to \"auto\" for the agent's own"
            }
            RsqlClient::Auto | RsqlClient::Bundled => {
                "install the rsqlflow-agent package, which contains one, or Amazon Redshift RSQL"
            }
        };
        return Check::failed(name, "not installed: scripts that call it end with exit code 127", hint);
    };
    match version(&program, &config.path) {
        Ok(said) => Check::ok(name, format!("{} ({said}), {whose}", program.display())),
        Err(reason) => Check::failed(
            name,
            format!("{}, {whose}, {reason}", program.display()),
            "repair its installation (Amazon's needs unixODBC and the Redshift ODBC driver), or set rsql_client to \"bundled\"",
        ),
    }
}

fn psql(config: &AgentConfig) -> Check {
    let name = "psql";
    match on_path(&config.path, name).map(|program| (version(&program, &config.path), program)) {
        None => Check::ok(name, "not installed: only scripts that call it need it"),
        Some((Ok(said), program)) => Check::ok(name, format!("{} ({said})", program.display())),
        Some((Err(reason), program)) => Check::warning(
            name,
            format!("{} {reason}", program.display()),
            "repair its installation, if scripts call it",
        ),
    }
}

/// Whether the directory can be written, and the free space of its disk.
fn directory(what: &str, dir: &Path, setting: &str, file: &Path) -> Check {
    let name = format!("{what} {}", dir.display());
    let there = existing(dir);
    if !there.is_dir() {
        let hint = format!("rename it, or set {setting} in {}", file.display());
        return Check::failed(name, format!("{} is not a directory", there.display()), hint);
    }
    if access(&there, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let hint = format!("run the command as root, like the jobs, or set {setting} in {}", file.display());
        return Check::failed(name, format!("{} cannot be written", there.display()), hint);
    }
    let will = if there == dir { "" } else { ", created by the first job" };
    let Ok(disk) = statvfs(&there) else {
        return Check::ok(name, format!("can be written{will}"));
    };
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    let no_inodes = disk.files() > 0 && disk.files_available() == 0;
    let hint = format!("free some space: `du -xsh {}/*` shows the usage", there.display());
    let room = format!("{} free{will}", size(free));
    if no_inodes {
        return Check::failed(name, "the disk is full", hint);
    }
    match free {
        ..TOO_LITTLE => Check::failed(name, format!("{room}: results and logs may be lost"), hint),
        TOO_LITTLE..LITTLE => Check::warning(name, room, hint),
        LITTLE.. => Check::ok(name, room),
    }
}

/// The path, or its existing part.
fn existing(dir: &Path) -> PathBuf {
    dir.ancestors().find(|part| part.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn size(bytes: u64) -> String {
    match bytes {
        ..LITTLE => format!("{} MB", bytes >> 20),
        _ => format!("{}.{} GB", bytes >> 30, (bytes % LITTLE) * 10 / LITTLE),
    }
}

fn results(config: &AgentConfig) -> Check {
    let name = "results";
    match Results::new(&config.spool_dir).take() {
        Ok(found) if found.held.is_empty() && found.unreadable.is_empty() => Check::ok(name, "all delivered"),
        Ok(found) if found.held.is_empty() => Check::warning(
            name,
            format!("files in the spool that are not results: {}", found.unreadable.len()),
            "run `rsqlflow-agent status` to list them; an agent of another version may have written them",
        ),
        Ok(found) => Check::warning(
            name,
            format!("{} not delivered", found.held.len()),
            "run `rsqlflow-agent flush` to deliver them, or to see why that fails",
        ),
        Err(error) => Check::failed(
            name,
            format!("{error}: {}", error.source),
            "run the command as root, like the jobs, or fix the owner and mode of the directory",
        ),
    }
}

/// Whether the SSM agent runs.
fn ssm_agent() -> Check {
    let name = "SSM agent";
    let Ok(processes) = fs::read_dir("/proc") else {
        return Check::ok(name, "not checked: /proc is not mounted");
    };
    let runs = processes.flatten().any(|entry| {
        fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim_end() == SSM_AGENT)
    });
    if runs {
        return Check::ok(name, "runs");
    }
    let hint = "run `systemctl enable --now amazon-ssm-agent` (for a snap: `snap start --enable amazon-ssm-agent`); its log is in /var/log/amazon/ssm";
    Check::failed(name, "not running: no job reaches this instance", hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsqlflow_core::check::Health;

    fn config(text: &str) -> AgentConfig {
        AgentConfig::parse(text, |_| None).unwrap()
    }

    #[test]
    fn what_is_missing_is_named_with_its_mend() {
        let dir = tempfile::tempdir().unwrap();
        let file = Path::new("/etc/rsqlflow/agent.toml");
        let root = dir.path().display();
        let config = config(&format!(
            "script_dir = \"{root}/scripts\"\nspool_dir = \"{root}/spool\"\nlog_dir = \"{root}/file/logs\"\n\
             creds_dir = \"{root}\"\nrsql_client = \"system\"\npath = \"/nowhere\"\nrun_as = \"no-such-user\"\n\
             endpoint_url = \"http://127.0.0.1:1\""
        ));
        fs::write(dir.path().join("file"), "").unwrap();
        let found = all(&config, file);
        let health: Vec<_> = found.iter().map(|check| check.health).collect();
        use Health::{Failed, Ok, Warning};
        assert_eq!(health, [Failed, Failed, Warning, Failed, Ok, Ok, Failed, Ok], "{found:#?}");
        assert!(found.iter().all(|check| (check.health == Ok) == check.hint.is_none()));
        let spool = found.get(5).unwrap();
        assert!(spool.found.contains("created by the first job"), "{spool:?}");
        assert!(!config.spool_dir.exists(), "looking leaves nothing behind");
    }

    #[test]
    fn scripts_that_anybody_may_change_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = Path::new("agent.toml");
        let config = config(&format!("script_dir = {:?}", dir.path()));
        let mode = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(scripts(&config, None, file).found, "empty");
        fs::write(dir.path().join("a.sh"), "").unwrap();
        assert_eq!(
            scripts(&config, None, file),
            Check::ok(format!("scripts {}", dir.path().display()), "1 entry")
        );
        mode(0o777);
        assert!(scripts(&config, None, file).hint.unwrap().starts_with("run `chmod o-w"));
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!([size(0), size(700 << 20), size((5 << 30) + (1 << 29))], ["0 MB", "700 MB", "5.5 GB"]);
    }
}
