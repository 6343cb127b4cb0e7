//! What a text in the item must look like.

use std::borrow::Cow;

/// What is wrong with a text: the end of a sentence that starts with it, and what to do.
pub(crate) struct Broken {
    pub(crate) what: Cow<'static, str>,
    pub(crate) hint: Option<&'static str>,
}

impl Broken {
    pub(crate) const fn new(what: &'static str, hint: &'static str) -> Self {
        Self { what: Cow::Borrowed(what), hint: Some(hint) }
    }
}

impl From<&'static str> for Broken {
    fn from(what: &'static str) -> Self {
        Self { what: what.into(), hint: None }
    }
}

impl From<String> for Broken {
    fn from(what: String) -> Self {
        Self { what: what.into(), hint: None }
    }
}

pub(crate) type Checked = Result<(), Broken>;

/// Below the instance's script directory, with a file name. What else it holds does not matter: it is passed as
/// one argument to exec, never through a shell.
pub(super) fn script(path: &str) -> Checked {
    if path.is_empty() {
        return Err(Broken::new("is empty", "name a script"));
    }
    no_control(path)?;
    at_most(path, 1024)?;
    if path.starts_with('/') {
        return Err(Broken::new("is absolute", "name it relative to the instance's script directory"));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(Broken::new(
            "leaves the script directory with `..`",
            "put the script into that directory",
        ));
    }
    match path.rsplit('/').next() {
        None | Some("" | ".") => {
            return Err(Broken::new("is a directory, not a script", "name a file, such as loads/orders.sh"));
        }
        Some(_) => {}
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") {
        return Err(Broken::new("has an empty or `.` part", "use a path such as load/orders.sh"));
    }
    Ok(())
}

/// A space at either end of a path is a mistake, because it is not visible.
pub(super) fn script_ends(path: &str) -> Checked {
    if path.trim() == path {
        Ok(())
    } else {
        Err(Broken::new("begins or ends with a space", "remove the space"))
    }
}

/// The file name of a path that obeys [`script`].
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn job_name(name: &str) -> Checked {
    if name.is_empty() {
        return Err(Broken::new("is empty", "omit the field to use the file name"));
    }
    no_control(name)?;
    match name.chars().count() {
        0..=255 => Ok(()),
        count => Err(format!("has {count} characters; the maximum is 255").into()),
    }
}

/// What exec passes on; it takes everything but NUL.
pub(super) fn passed_on(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') { Err("must not contain a NUL character") } else { Ok(()) }
}

/// Set by the agent from the job's secret. A job that replaces one of them would talk to a database other than
/// the one that is audited.
const CREDENTIALS: &[&str] = &["HOST", "USER", "DB", "PORT", "RSPASSWORD"];

/// Prefixes of names that a job must not set: those of rsqlflow itself, and those by which loaders,
/// shells, interpreters and clients are told to run code, to read other files, or to talk to another server. The item
/// may name a script and give it data; with one of these its text would be a program.
const FAMILIES: &[&str] = &[
    // Ours.
    "RSQLFLOW_",
    "RSQL_",
    // The loader and the C library.
    "LD_",
    "DYLD_",
    "GLIBC_",
    "MALLOC_",
    "GCONV_",
    "LOCPATH",
    "NLSPATH",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RESOLV_",
    "TZDIR",
    "GETCONF_",
    "NSS_",
    "KRB5",
    // Shells.
    "BASH",
    "SHELL",
    "PROMPT_",
    "CDPATH",
    "GLOBIGNORE",
    "FPATH",
    "ZDOTDIR",
    "KSH_",
    "INPUTRC",
    "HISTFILE",
    "OPTARG",
    "OPTIND",
    "POSIXLY_CORRECT",
    // Interpreters and build tools.
    "PERL",
    "PYTHON",
    "RUBY",
    "GEM_",
    "BUNDLE_",
    "NODE_",
    "NPM_",
    "npm_",
    "DENO_",
    "JAVA_",
    "_JAVA_",
    "JDK_",
    "CLASSPATH",
    "MAVEN_",
    "GRADLE_",
    "PHPRC",
    "PHP_",
    "LUA_",
    "TCL_",
    "TCLLIBPATH",
    "R_",
    "RUSTC",
    "CARGO_",
    "GOFLAGS",
    "GOROOT",
    "GOPATH",
    "AWKPATH",
    "AWKLIBPATH",
    "GAWK_",
    "DOTNET_",
    "ERL_",
    "JULIA_",
    "GUILE_",
    "CONDA_",
    "PIP_",
    "VIRTUAL_ENV",
    "MAKEFLAGS",
    "MAKEFILES",
    // Programs that start other programs.
    "LESSOPEN",
    "LESSCLOSE",
    "GIT_",
    "SSH_",
    "SUDO_",
    "TERMINFO",
    "TERMCAP",
    "GPG_",
    "GNUPG",
    "XDG_",
    "TAR_",
    // Clients of databases and services.
    "PG",
    "PSQL",
    "ODBC",
    "MYSQL",
    "ORACLE_",
    "TNS_",
    "SQLITE_",
    "CURL_",
    "WGET",
    "OPENSSL_",
    "SSL_",
    "REQUESTS_",
    "AWS_",
    "BOTO_",
    "DOCKER_",
    "KUBE",
];

/// The same, for names that end so.
const ENDINGS: &[&str] = &["OPT", "_OPTS", "_OPTIONS", "_PRELOAD", "PAGER", "EDITOR", "_PROXY", "_proxy"];

/// Names that a job must not set, for the same reasons.
const NAMES: &[&str] = &[
    "PATH", "HOME", "ENV", "LOGNAME", "TMPDIR", "IFS", "PS0", "PS1", "PS2", "PS3", "PS4", "PWD", "OLDPWD",
    "VISUAL", "BROWSER", "DISPLAY", "LESS", "TERM",
];

/// Names of those families that are data only.
const HARMLESS: &[&str] = &["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Why the item must not set an environment variable, with a hint.
pub(super) fn env_name(name: &str) -> Checked {
    let identifier = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !identifier {
        return Err(Broken::new(
            "is not the name of a variable",
            "use letters, digits and _, not starting with a digit",
        ));
    }
    at_most(name, 255)?;
    if name.starts_with("RSQLFLOW_") {
        return Err(Broken::new(
            "is reserved: names that begin with RSQLFLOW_ or RSQL_ are set by the agent",
            "use another name",
        ));
    }
    if CREDENTIALS.contains(&name) {
        return Err(Broken::new("is set from the job's secret", "set the job's secret instead"));
    }
    Ok(())
}

/// Whether a variable that the item may name is data, and no switch of a loader, an interpreter or a client.
pub(super) fn env_is_data(name: &str) -> Checked {
    if name.starts_with("RSQL_") {
        return Err(Broken::new(
            "is reserved: names that begin with RSQLFLOW_ or RSQL_ are set by the agent",
            "use another name",
        ));
    }
    let is_of_family = FAMILIES.iter().any(|start| name.starts_with(start))
        || ENDINGS.iter().any(|end| name.ends_with(end))
        || NAMES.contains(&name);
    if is_of_family && !HARMLESS.contains(&name) {
        return Err(Broken::new(
            "is read by a loader, an interpreter or a client, and could make it run other code or talk to another server",
            "use another name, or set it in the script",
        ));
    }
    Ok(())
}

/// The pattern of [`env_name`] for the JSON Schema.
pub(super) fn env_name_pattern() -> String {
    let (credentials, names) = (CREDENTIALS.join("|"), NAMES.join("|"));
    let (families, endings, harmless) = (FAMILIES.join("|"), ENDINGS.join("|"), HARMLESS.join("|"));
    format!(
        "^(?!(?:{credentials})$)(?:(?=(?:{harmless})$)|(?!(?:{names})$)(?!(?:{families}))(?!.*(?:{endings})$))\
         [A-Za-z_][A-Za-z0-9_]{{0,254}}$"
    )
}

pub(super) const SCRIPT_PATTERN: &str =
    r"^(?!/)(?!\s)(?!.*\s$)(?!(?:.*/)?\.\.(?:/|$))(?!(?:.*/)?\.?$)[^\u0000-\u001f\u007f-\u009f]+$";
pub(super) const NO_CONTROL_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";
pub(super) const NO_NUL_PATTERN: &str = r"^[^\u0000]*$";
pub(crate) const WORKFLOW_ID_PATTERN: &str = r"^(?!lock#)[^\u0000-\u001f\u007f-\u009f]+$";
pub(crate) const SECRET_PATTERN: &str = r"^[A-Za-z0-9/_+=.@:!-]+$";
pub(crate) const PARAMETER_NAME_PATTERN: &str =
    r"^(?!(?:ds|ts|workflow_id|workflow_execution_id)$)[A-Za-z_][A-Za-z0-9_]{0,63}$";
pub(crate) const INSTANCE_ID_PATTERN: &str = r"^m?i-[A-Za-z0-9-]{1,60}$";
pub(crate) const TOPIC_ARN_PATTERN: &str = r"^arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$";

/// Name or ARN of a secret (Secrets Manager API reference, `CreateSecret`); `!` is in the names of secrets that
/// other services manage, as `redshift!…`.
pub(crate) fn secret(id: &str) -> Checked {
    if id.is_empty() {
        return Err(Broken::new("is empty", "name a secret"));
    }
    at_most(id, 2048)?;
    if id.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@:!-".contains(&b)) {
        Ok(())
    } else {
        Err(Broken::new("is not the name or ARN of a secret", "use only letters, digits and /_+=.@:!-"))
    }
}

pub(crate) const WAREHOUSE_PATTERN: &str = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$";

/// The name by which workflows know a warehouse.
pub(crate) fn warehouse(name: &str) -> Checked {
    let rest_fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let first_fits = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if rest_fits && first_fits && name.len() <= 63 {
        Ok(())
    } else {
        Err(Broken::new(
            "is not a name of a warehouse",
            "use at most 63 letters, digits, _ and -, starting with a letter or digit",
        ))
    }
}

/// Identifier of a cluster, or name of a workgroup (Redshift and Redshift Serverless API references).
pub(super) fn redshift_name(name: &str) -> Checked {
    let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits && (1..=64).contains(&name.len()) {
        Ok(())
    } else {
        Err(Broken::new(
            "is not a name of a cluster or workgroup",
            "use at most 64 lower-case letters, digits and -",
        ))
    }
}

/// Name of a database or of its user. It is sent as such, and never as SQL.
pub(super) fn database(name: &str) -> Checked {
    if name.is_empty() {
        return Err(Broken::new("is empty", "name it"));
    }
    no_control(name)?;
    at_most(name, 127)
}

pub(crate) fn instance_id(id: &str) -> Checked {
    let rest = id.strip_prefix("i-").or_else(|| id.strip_prefix("mi-")).unwrap_or_default();
    if (1..=60).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        Ok(())
    } else {
        Err(Broken::new(
            "is not an instance id",
            "use an id such as i-0123456789abcdef0 or mi-0123456789abcdef0",
        ))
    }
}

pub(crate) fn parameter_name(name: &str) -> Checked {
    let identifier = (1..=64).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !identifier {
        return Err(Broken::new(
            "is not the name of a parameter",
            "use at most 64 letters, digits and _, not starting with a digit",
        ));
    }
    if crate::template::BUILT_IN.contains(&name) {
        return Err(Broken::new("is built in", "use another name"));
    }
    Ok(())
}

/// Whether a text is the ARN of an SNS topic.
pub(crate) fn is_topic_arn(arn: &str) -> Checked {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let word = |part: &str, more: &[u8]| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || more.contains(&b))
    };
    let ok = match parts.as_slice() {
        ["arn", partition, "sns", region, account, topic] => {
            word(partition, b"-")
                && word(region, b"-")
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && (1..=256).contains(&topic.len())
                && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        }
        _ => false,
    };
    if ok {
        Ok(())
    } else {
        Err(Broken::new(
            "is not the ARN of an SNS topic",
            "use an ARN such as arn:aws:sns:eu-west-1:123456789012:name",
        ))
    }
}

fn no_control(text: &str) -> Checked {
    if text.chars().any(char::is_control) {
        Err(Broken::new("contains a control character, such as a line break", "remove it"))
    } else {
        Ok(())
    }
}

fn at_most(text: &str, bytes: usize) -> Checked {
    if text.len() > bytes {
        Err(format!("has {} bytes; the maximum is {bytes}", text.len()).into())
    } else {
        Ok(())
    }
}
