//! What a text in the item must look like.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What is wrong with a text: the end of a sentence that starts with it, and what to do.
pub(crate) struct Broken {
    pub(crate) what: Cow<'static, str>,
    pub(crate) mend: Option<&'static str>,
}

impl Broken {
    pub(crate) const fn new(what: &'static str, mend: &'static str) -> Self {
        Self { what: Cow::Borrowed(what), mend: Some(mend) }
    }
}

impl From<&'static str> for Broken {
    fn from(what: &'static str) -> Self {
        Self { what: what.into(), mend: None }
    }
}

impl From<String> for Broken {
    fn from(what: String) -> Self {
        Self { what: what.into(), mend: None }
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
            return Err(Broken::new("is a directory, not a script", "name a file, as in loads/orders.sh"));
        }
        Some(_) => {}
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") {
        return Err(Broken::new("has an empty or `.` part", "name it plainly, as in load/orders.sh"));
    }
    Ok(())
}

/// The file name of a path that obeys [`script`].
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn job_name(name: &str) -> Checked {
    if name.is_empty() {
        return Err(Broken::new("is empty", "leave the field out to use the file name"));
    }
    no_control(name)?;
    match name.chars().count() {
        0..=255 => Ok(()),
        count => Err(format!("has {count} characters; at most 255 are allowed").into()),
    }
}

/// What exec passes on; it takes everything but NUL.
pub(super) fn passed_on(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') { Err("has a NUL character, which no program can be given") } else { Ok(()) }
}

/// Set by the agent from the job's secret. A job that replaces one of them would talk to a database other than
/// the one that is audited.
const CREDENTIALS: &[&str] = &["HOST", "USER", "DB", "PORT", "RSPASSWORD"];

/// Read by the loader or by bash as code to run. The item may name a script and give it data; with one of these
/// its text would be a program. (`PATH` and `LD_LIBRARY_PATH` name directories that are the instance's affair,
/// and ODBC drivers need them.)
const CODE: &[&str] = &["LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4"];

/// Why an environment variable may not be set by the item, and what would do.
pub(super) fn env_name(name: &str) -> Checked {
    let identifier = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !identifier {
        return Err(Broken::new(
            "is not a name of a variable",
            "use letters, digits and _, not starting with a digit",
        ));
    }
    at_most(name, 255)?;
    if name.starts_with("RSQLFLOW_") {
        return Err(Broken::new(
            "is reserved: the agent tells the script its ids in RSQLFLOW_ variables",
            "choose another name",
        ));
    }
    if CREDENTIALS.contains(&name) {
        return Err(Broken::new("is set from the job's secret", "name another secret instead"));
    }
    if CODE.contains(&name) {
        return Err(Broken::new(
            "would make the shell or loader run code beside the script",
            "set it in the script itself, if it must be",
        ));
    }
    Ok(())
}

/// The pattern of [`env_name`] for the JSON Schema.
pub(super) fn env_name_pattern() -> String {
    let mut pattern = String::from("^(?!RSQLFLOW_)(?!(?:");
    for (i, name) in CREDENTIALS.iter().chain(CODE).enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(pattern, "{}{name}", if i > 0 { "|" } else { "" });
    }
    pattern.push_str(")$)[A-Za-z_][A-Za-z0-9_]{0,254}$");
    pattern
}

pub(super) const SCRIPT_PATTERN: &str =
    r"^(?!/)(?!(?:.*/)?\.\.(?:/|$))(?!(?:.*/)?\.?$)[^\u0000-\u001f\u007f-\u009f]+$";
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
        Err(Broken::new("is not a name or ARN of a secret", "use letters, digits and /_+=.@:!- only"))
    }
}

pub(crate) fn instance_id(id: &str) -> Checked {
    let rest = id.strip_prefix("i-").or_else(|| id.strip_prefix("mi-")).unwrap_or_default();
    if (1..=60).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        Ok(())
    } else {
        Err(Broken::new(
            "is not an instance id",
            "write one such as i-0123456789abcdef0 or mi-0123456789abcdef0",
        ))
    }
}

pub(crate) fn parameter_name(name: &str) -> Checked {
    let identifier = (1..=64).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !identifier {
        return Err(Broken::new(
            "is not a name of a parameter",
            "use at most 64 letters, digits and _, not starting with a digit",
        ));
    }
    if crate::template::BUILT_IN.contains(&name) {
        return Err(Broken::new("is built in", "choose another name"));
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
            "is not an ARN of an SNS topic",
            "write one such as arn:aws:sns:eu-west-1:123456789012:name",
        ))
    }
}

fn no_control(text: &str) -> Checked {
    if text.chars().any(char::is_control) {
        Err(Broken::new("has a control character, as a line break", "remove it"))
    } else {
        Ok(())
    }
}

fn at_most(text: &str, bytes: usize) -> Checked {
    if text.len() > bytes {
        Err(format!("has {} bytes; at most {bytes} are allowed", text.len()).into())
    } else {
        Ok(())
    }
}
