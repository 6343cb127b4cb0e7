//! The settings and their defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rsqlflow_core::{CANCEL_POLL, Deployment, LOCAL_LOG_RETENTION, Tables, env};

use super::env_vars;
use super::reader::{ConfigError, Reader};
use crate::tools::RsqlClient;

/// Where results wait for their delivery, if no settings say.
const DEFAULT_SPOOL: &str = "/var/lib/rsqlflow";

/// Settings of version 0.1.0: these times stand in each job's row now. A file that has them can still be used.
const RETIRED: [&str; 3] = ["clock_margin", "stop_grace", "renewal_latency"];

/// Where the configuration is looked for if nobody says.
pub const DEFAULT_FILE: &str = "/etc/rsqlflow/agent.toml";

/// How much the agent tells its own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// What happened. The default.
    Info,
    /// What was tried.
    Debug,
}

/// What an agent needs to know of its deployment and its machine.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentConfig {
    /// Start of the tables' default names.
    pub prefix: String,
    /// The tables. In the file: `config_table`, `workflow_audit_table`, `job_audit_table`.
    pub tables: Tables,
    /// CloudWatch log group of the scripts' output; empty if it is not to be sent there.
    pub log_group: String,
    /// Secrets Manager id for jobs that come without one.
    pub secret: Option<String>,
    /// Where the scripts are. Default `/opt/rsqlflow/scripts`.
    pub script_dir: PathBuf,
    /// Where `get_redshift_creds.sh` is: every script's first argument. Default the script directory if it is
    /// there, else [`Self::tools_dir`], where the agent puts its own.
    pub creds_dir: Option<PathBuf>,
    /// Local logs. Default `/var/log/rsqlflow`.
    pub log_dir: PathBuf,
    /// Slots, and results that are not delivered yet. Default `/var/lib/rsqlflow`.
    pub spool_dir: PathBuf,
    /// Where the agent puts what scripts use: its `rsql` and its `get_redshift_creds.sh`. The user that scripts run
    /// as must be able to read it. Default `tools` below [`Self::spool_dir`].
    pub tools_dir: PathBuf,
    /// Which `rsql` scripts get. Default `auto`: the `PATH`'s, and the agent's own where that has none.
    pub rsql_client: RsqlClient,
    /// The agent's own `rsql`. Default: beside the agent.
    pub rsql_binary: Option<PathBuf>,
    /// How many scripts may run here at once; more wait. 1 to 1,000, default 40.
    pub max_jobs: u16,
    /// The user that scripts run as, by name. Default [`crate::user::PACKAGE_USER`] where there is one and the agent runs
    /// as root, else the agent's own.
    pub run_as: Option<String>,
    /// Whether scripts may use the credentials of the instance's role. Default `false`. Without effect on scripts that
    /// run as the agent's own user, which can always use them.
    pub instance_credentials: bool,
    /// `PATH` of the scripts.
    pub path: String,
    /// Names of variables that scripts inherit from the agent, where it has them.
    pub pass_env: Vec<String>,
    /// How long what a script leaves running may go on after the script. Default 5 s.
    pub linger: Duration,
    /// How long the end of a script's output may take to reach CloudWatch Logs. Default 10 s.
    pub log_drain: Duration,
    /// How long local logs are kept after their last line; zero: for ever. Default 30 d.
    pub log_retention: Duration,
    /// How often a running or queueing job's row is looked at for a cancel; zero: only renewals tell. Default
    /// [`CANCEL_POLL`].
    pub cancel_poll: Duration,
    /// How much the agent tells its own log. Default `info`.
    pub log_level: LogLevel,
    /// AWS region; default as the SDK finds it.
    pub region: Option<String>,
    /// Endpoint of all services; default AWS itself.
    pub endpoint_url: Option<String>,
    /// The name of this instance in the audit table; default as SSM or the host calls it.
    pub instance_id: Option<String>,
    /// Settings of the file that earlier versions of the agent had, and that have no effect any more.
    pub unused: Vec<&'static str>,
}

/// What AWS's tools need in a script, and what a machine's locale and proxies are. Credentials are among it: a
/// script on the same machine has them anyway, from the instance's role.
const PASSED: [&str; 17] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LC_ALL",
    "LANG",
    "NO_PROXY",
    "TMPDIR",
    "TZ",
];

impl AgentConfig {
    /// The file that [`Self::load`] reads.
    #[must_use]
    pub fn file(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> PathBuf {
        Self::named(path, env).unwrap_or_else(|| PathBuf::from(DEFAULT_FILE))
    }

    fn named(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let variable = || env(env_vars::CONFIG).filter(|path| !path.is_empty());
        path.map(Path::to_owned).or_else(|| variable().map(PathBuf::from))
    }

    /// The user that scripts run as, if that is another than the agent's own.
    #[must_use]
    pub fn scripts_user(&self) -> Option<String> {
        let user = crate::user::User::find(self.run_as.as_deref()).ok()?;
        user.run_as.map(|_| user.name)
    }

    /// Whether the spool is where it is if no settings say.
    #[must_use]
    pub fn has_default_spool(&self) -> bool {
        self.spool_dir == Path::new(DEFAULT_SPOOL)
    }

    /// What can be had of settings that cannot be used: where the spool is, and how many jobs it may hold. Enough to
    /// look, not to run anything.
    #[must_use]
    pub fn rescue(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let text = std::fs::read_to_string(Self::file(path, &env)).unwrap_or_default();
        let table = text.parse::<toml::Table>().unwrap_or_default();
        let kept: toml::Table =
            table.into_iter().filter(|(key, _)| key == "spool_dir" || key == "max_jobs").collect();
        let nothing = |_: &str| None;
        Self::parse(&kept.to_string(), nothing).or_else(|_| Self::parse("", nothing)).ok()
    }

    /// Reads the file that is named, or the one that the environment names, or [`DEFAULT_FILE`]. Only the last
    /// may be missing, since every setting has a default.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read, or everything that is wrong with it.
    pub fn load(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let optional = Self::named(path, &env).is_none();
        let path = Self::file(path, &env);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if optional && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ConfigError::Unreadable { path, source }),
        };
        Self::parse(&text, env).map_err(|error| error.in_file(path))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut r = Reader::new(text, &env)?;
        let prefix = r.name("prefix", Some(env::PREFIX)).unwrap_or_else(|| "rsqlflow".to_owned());
        let usual = Deployment::named(&prefix);
        let unused = r.retired(&RETIRED);
        let spool_dir = r.directory("spool_dir").unwrap_or_else(|| DEFAULT_SPOOL.into());
        let script_dir = r.directory("script_dir").unwrap_or_else(|| "/opt/rsqlflow/scripts".into());
        let config = Self {
            tables: Tables {
                config: r.name("config_table", Some(env::CONFIG_TABLE)).unwrap_or(usual.tables.config),
                workflow_audit: r
                    .name("workflow_audit_table", Some(env::WORKFLOW_AUDIT_TABLE))
                    .unwrap_or(usual.tables.workflow_audit),
                job_audit: r
                    .name("job_audit_table", Some(env::JOB_AUDIT_TABLE))
                    .unwrap_or(usual.tables.job_audit),
            },
            prefix,
            log_group: r.text("log_group", Some(env::LOG_GROUP)).unwrap_or(usual.log_group),
            secret: r.text("secret", Some(env::DEFAULT_SECRET)).filter(|secret| !secret.is_empty()),
            creds_dir: r.directory("creds_dir"),
            script_dir,
            log_dir: r.directory("log_dir").unwrap_or_else(|| "/var/log/rsqlflow".into()),
            tools_dir: r.directory("tools_dir").unwrap_or_else(|| spool_dir.join("tools")),
            spool_dir,
            rsql_client: r
                .one_of(
                    "rsql_client",
                    Some(env_vars::RSQL_CLIENT),
                    &[
                        ("auto", RsqlClient::Auto),
                        ("bundled", RsqlClient::Bundled),
                        ("system", RsqlClient::System),
                    ],
                )
                .unwrap_or_default(),
            rsql_binary: r.directory("rsql_binary"),
            max_jobs: r.whole("max_jobs", 1..=1000).unwrap_or(40),
            run_as: r.text("run_as", None),
            instance_credentials: r.flag("instance_credentials").unwrap_or(false),
            path: r
                .text("path", None)
                .unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            pass_env: r.texts("pass_env").unwrap_or_else(|| PASSED.map(str::to_owned).to_vec()),
            linger: r.duration("linger", None).unwrap_or(Duration::from_secs(5)),
            log_drain: r.duration("log_drain", None).unwrap_or(Duration::from_secs(10)),
            log_retention: r.duration("log_retention", None).unwrap_or(LOCAL_LOG_RETENTION),
            cancel_poll: r.duration("cancel_poll", None).unwrap_or(CANCEL_POLL),
            log_level: r
                .one_of(
                    "log_level",
                    None,
                    &[
                        ("error", LogLevel::Error),
                        ("warn", LogLevel::Warn),
                        ("info", LogLevel::Info),
                        ("debug", LogLevel::Debug),
                    ],
                )
                .unwrap_or(LogLevel::Info),
            region: r.text("region", Some(env_vars::REGION)).or_else(|| env(env_vars::SSM_REGION)),
            endpoint_url: r.url("endpoint_url", Some(env_vars::ENDPOINT_URL)),
            instance_id: r
                .text("instance_id", Some(env_vars::INSTANCE_ID))
                .or_else(|| env(env_vars::SSM_INSTANCE_ID)),
            unused,
        };
        r.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = AgentConfig::parse("", nothing).unwrap();
        assert_eq!(config.tables.job_audit, "rsqlflow-job-audit-table");
        assert_eq!((config.creds_dir, config.rsql_client), (None, RsqlClient::Auto));
        assert_eq!(config.tools_dir, Path::new("/var/lib/rsqlflow/tools"));
    }

    #[test]
    fn every_setting_is_read() {
        let text = r#"
            prefix = "team"
            config_table = "a-table"
            log_group = "/x"
            secret = "rs/admin"
            script_dir = "/s"
            log_dir = "/l"
            spool_dir = "/p"
            tools_dir = "/t"
            rsql_client = "system"
            rsql_binary = "/r"
            max_jobs = 3
            run_as = "etl"
            path = "/bin"
            pass_env = ["TZ"]
            linger = "1500ms"
            log_drain = 2
            log_retention = "7d"
            cancel_poll = 0
            log_level = "debug"
            region = "eu-west-1"
            endpoint_url = "http://127.0.0.1:4566"
            instance_id = "i-1"
        "#;
        let config = AgentConfig::parse(text, nothing).unwrap();
        assert_eq!(
            (config.tables.config.as_str(), config.tables.job_audit.as_str()),
            ("a-table", "team-job-audit-table")
        );
        assert_eq!((config.linger, config.log_drain), (Duration::from_millis(1500), Duration::from_secs(2)));
        assert_eq!(
            (config.log_retention, config.cancel_poll),
            (Duration::from_secs(7 * 86_400), Duration::ZERO)
        );
        assert_eq!((config.max_jobs, config.log_level), (3, LogLevel::Debug));
        assert_eq!(
            (config.script_dir.as_path(), config.tools_dir.as_path()),
            (Path::new("/s"), Path::new("/t"))
        );
        assert_eq!((config.rsql_client, config.rsql_binary), (RsqlClient::System, Some("/r".into())));
    }

    #[test]
    fn a_file_of_version_0_1_0_can_be_used() {
        let text = "clock_margin = \"1s\"\nstop_grace = \"1s\"\nrenewal_latency = \"1s\"\nmax_jobs = 3";
        let config = AgentConfig::parse(text, nothing).unwrap();
        assert_eq!(
            (config.max_jobs, config.unused),
            (3, vec!["clock_margin", "stop_grace", "renewal_latency"])
        );
    }

    #[test]
    fn the_environment_wins_over_the_file_and_ssm_is_asked_last() {
        let env = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1".to_owned()),
            "AWS_SSM_INSTANCE_ID" => Some("i-ssm".to_owned()),
            "AWS_SSM_REGION_NAME" => Some("us-east-1".to_owned()),
            "RSQLFLOW_PREFIX" => Some("other".to_owned()),
            "RSQLFLOW_RSQL_CLIENT" => Some("bundled".to_owned()),
            _ => None,
        };
        let config = AgentConfig::parse("endpoint_url = \"http://x\"\nregion = \"eu-west-1\"", env).unwrap();
        assert_eq!(config.endpoint_url.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(config.region.as_deref(), Some("eu-west-1"));
        assert_eq!(config.instance_id.as_deref(), Some("i-ssm"));
        assert_eq!(config.tables.config, "other-config-table");
        assert_eq!(config.rsql_client, RsqlClient::Bundled);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = r#"
            max_jobs = 0
            script_dir = "scripts"
            log_level = "loud"
            rsql_client = "amazon"
            linger = "soon"
            endpoint_url = "ftp://x"
            colour = "red"
            pass_env = "TZ"
            secret = 7
        "#;
        let error = AgentConfig::parse(text, nothing).unwrap_err().to_string();
        let paths: Vec<_> = error.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
        assert_eq!(
            paths,
            [
                "  script_dir",
                "  secret",
                "  rsql_client",
                "  max_jobs",
                "  pass_env",
                "  linger",
                "  log_level",
                "  endpoint_url",
                "  colour"
            ]
        );
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        let error = AgentConfig::parse("max_jobs = 1\nlog_dir = /tmp", nothing).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn of_settings_that_cannot_be_used_the_spool_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("agent.toml");
        std::fs::write(&file, "spool_dir = \"/p\"\nmax_jobs = 3\ncolour = 1\nlog_dir = \"x\"").unwrap();
        let rescued = AgentConfig::rescue(Some(&file), nothing).unwrap();
        assert_eq!((rescued.spool_dir.as_path(), rescued.max_jobs), (Path::new("/p"), 3));
        std::fs::write(&file, "no TOML").unwrap();
        let rescued = AgentConfig::rescue(Some(&file), nothing).unwrap();
        assert_eq!(rescued.spool_dir, Path::new("/var/lib/rsqlflow"));
    }

    #[test]
    fn a_named_file_must_be_there() {
        let error = AgentConfig::load(Some(Path::new("/nowhere/agent.toml")), nothing).unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }));
    }
}
