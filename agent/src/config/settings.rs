//! The settings and their defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rsqlflow_core::{CANCEL_POLL, Deployment, LOCAL_LOG_RETENTION, Tables, env};

use super::env_vars;
use super::reader::{ConfigError, Reader};
use crate::tools::RsqlClient;

/// Default directory of results that wait for their delivery.
const DEFAULT_SPOOL: &str = "/var/lib/rsqlflow";

/// Obsolete settings of version 0.1.0: these times are now in each job's row. A file with them is still valid.
const RETIRED: [&str; 3] = ["clock_margin", "stop_grace", "renewal_latency"];

/// Default path of the settings file.
pub const DEFAULT_FILE: &str = "/etc/rsqlflow/agent.toml";

/// The level of the agent's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Problems that need attention.
    Error,
    /// Possible problems.
    Warn,
    /// Events. The default.
    Info,
    /// Details.
    Debug,
}

/// The settings: deployment and instance.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentConfig {
    /// Prefix of the tables' default names.
    pub prefix: String,
    /// The tables. In the file: `config_table`, `workflow_audit_table`, `job_audit_table`.
    pub tables: Tables,
    /// CloudWatch log group of the scripts' output. Empty: output is not sent.
    pub log_group: String,
    /// Default Secrets Manager id of jobs.
    pub secret: Option<String>,
    /// Directory of the scripts. Default `/opt/rsqlflow/scripts`.
    pub script_dir: PathBuf,
    /// Directory of `get_redshift_creds.sh`, the first argument of every script. Default: the script directory if the file
    /// is there, else [`Self::tools_dir`], where the agent writes its own.
    pub creds_dir: Option<PathBuf>,
    /// Directory of local logs. Default `/var/log/rsqlflow`.
    pub log_dir: PathBuf,
    /// Directory of slots and of results that are not delivered yet. Default `/var/lib/rsqlflow`.
    pub spool_dir: PathBuf,
    /// Directory of tools for scripts: the agent's `rsql` and `get_redshift_creds.sh`. The scripts' user must be able to
    /// read it. Default `tools` in [`Self::spool_dir`].
    pub tools_dir: PathBuf,
    /// The `rsql` for scripts. Default `auto`: the one on the `PATH`, else the agent's own.
    pub rsql_client: RsqlClient,
    /// Path of the agent's own `rsql`. Default: beside the agent.
    pub rsql_binary: Option<PathBuf>,
    /// Maximum of concurrent scripts; other jobs wait. 1 to 1,000, default 40.
    pub max_jobs: u16,
    /// Name of the user that scripts run as. Default: [`crate::user::PACKAGE_USER`] if it exists and the agent runs as root,
    /// else the agent's own user.
    pub run_as: Option<String>,
    /// Whether scripts may use the credentials of the instance's role. Default `false`. Scripts of the agent's own user can
    /// always use them.
    pub instance_credentials: bool,
    /// `PATH` of the scripts.
    pub path: String,
    /// Names of variables that scripts inherit from the agent.
    pub pass_env: Vec<String>,
    /// How long processes that a script leaves running may continue. Default 5 s.
    pub linger: Duration,
    /// How long sending the end of a script's output to CloudWatch Logs may take. Default 10 s.
    pub log_drain: Duration,
    /// How long local logs are kept after their last line. Zero: forever. Default 30 d.
    pub log_retention: Duration,
    /// How often the row of a running or queued job is checked for a cancel. Zero: only with renewals. Default
    /// [`CANCEL_POLL`].
    pub cancel_poll: Duration,
    /// Level of the agent's log. Default `info`.
    pub log_level: LogLevel,
    /// AWS region. Default: from the SDK.
    pub region: Option<String>,
    /// Endpoint of all services. Default: AWS.
    pub endpoint_url: Option<String>,
    /// Id of this instance in the audit table. Default: from SSM or the host.
    pub instance_id: Option<String>,
    /// Obsolete settings in the file, which have no effect.
    pub unused: Vec<&'static str>,
}

/// Variables that AWS's tools, the locale and proxies need. Includes credentials: scripts without `instance_credentials`
/// restrictions have those of the instance's role anyway.
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

    /// The user that scripts run as, if it is not the agent's own.
    #[must_use]
    pub fn scripts_user(&self) -> Option<String> {
        let user = crate::user::User::find(self.run_as.as_deref()).ok()?;
        user.run_as.map(|_| user.name)
    }

    /// Whether the spool is at its default location.
    #[must_use]
    pub fn has_default_spool(&self) -> bool {
        self.spool_dir == Path::new(DEFAULT_SPOOL)
    }

    /// The settings that can be read although others are not valid: the spool and the number of slots. Sufficient for
    /// `status`, but not to run a job.
    #[must_use]
    pub fn rescue(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let text = std::fs::read_to_string(Self::file(path, &env)).unwrap_or_default();
        let table = text.parse::<toml::Table>().unwrap_or_default();
        let kept: toml::Table =
            table.into_iter().filter(|(key, _)| key == "spool_dir" || key == "max_jobs").collect();
        let nothing = |_: &str| None;
        Self::parse(&kept.to_string(), nothing).or_else(|_| Self::parse("", nothing)).ok()
    }

    /// Reads the given file, or the one that the environment names, or [`DEFAULT_FILE`]. Only the last may be missing, since
    /// every setting has a default.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read, or all its problems.
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
    /// [`ConfigError`] with all problems.
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
        let paths: Vec<_> = error
            .lines()
            .skip(1)
            .filter(|line| !line.starts_with("    "))
            .filter_map(|line| line.split(':').next())
            .collect();
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
