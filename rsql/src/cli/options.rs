//! Reading the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt};

use crate::connection::SslMode;

/// One `-c` or `-f`, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Command(String),
    File(String),
}

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) dsn: Option<String>,
    pub(super) ssl_mode: Option<SslMode>,
    pub(super) root_cert: Option<PathBuf>,
    pub(super) no_password: bool,
    pub(super) force_password: bool,
    pub(super) actions: Vec<Action>,
    /// Name and value; without a value the variable is unset.
    pub(super) variables: Vec<(String, Option<String>)>,
    /// As `\pset`.
    pub(super) pset: Vec<(String, Option<String>)>,
    pub(super) echo: Option<&'static str>,
    pub(super) quiet: bool,
    pub(super) output: Option<String>,
    pub(super) dry_run: bool,
    pub(super) strict: bool,
    pub(super) dialect: Option<bool>,
    pub(super) s3_root: Option<PathBuf>,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Command {
    Run(Box<Options>),
    Help,
    Version,
    Check(Box<crate::check::Request>),
    Flow(PathBuf),
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum UsageError {
    #[error("{0}")]
    Parse(#[from] lexopt::Error),
    #[error("{option}: \"{value}\" is not valid")]
    Value { option: &'static str, value: String },
    #[error("unexpected argument \"{0}\"")]
    Extra(String),
    #[error("{0}")]
    Files(&'static str),
    #[error(
        "{command}: there is no option \"{option}\"; it takes files (after -- also those that begin with -)"
    )]
    NoOption { command: &'static str, option: String },
}

/// Reads a command line, without the program's name.
///
/// # Errors
/// If an option is unknown or its value makes no sense.
pub(super) fn parse(args: &[OsString]) -> Result<Command, UsageError> {
    // Only as the first word: a database may be called "check" too, with -d.
    match args.first().and_then(|a| a.to_str()) {
        Some("check") => {
            return check(&args[1..]);
        }
        Some("flow") => {
            return match files("flow", &args[1..])?.as_deref() {
                None => Ok(Command::Help),
                Some([file]) => Ok(Command::Flow(file.clone())),
                Some(_) => Err(UsageError::Files("flow: name one file")),
            };
        }
        _ => {}
    }
    let mut options = Options::default();
    let mut positional = Vec::new();
    let mut parser = Parser::from_args(args.iter().cloned());
    while let Some(arg) = parser.next()? {
        match arg {
            Short('?') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(value) => positional.push(value.string()?),
            Short('h') | Long("host") => options.host = Some(parser.value()?.string()?),
            Short('p') | Long("port") => {
                let text = parser.value()?.string()?;
                let port = text.parse().map_err(|_| UsageError::Value { option: "--port", value: text })?;
                options.port = Some(port);
            }
            Short('U') | Long("username") => options.user = Some(parser.value()?.string()?),
            Short('d') | Long("dbname") => options.database = Some(parser.value()?.string()?),
            Short('D') | Long("dsn") => options.dsn = Some(parser.value()?.string()?),
            Long("sslmode") => {
                let text = parser.value()?.string()?;
                let mode = SslMode::parse(&text);
                options.ssl_mode = Some(mode.ok_or(UsageError::Value { option: "--sslmode", value: text })?);
            }
            Long("sslrootcert") => options.root_cert = Some(parser.value()?.into()),
            Short('w') | Long("no-password") => options.no_password = true,
            Short('W') | Long("password") => options.force_password = true,
            Short('c') | Long("command") => options.actions.push(Action::Command(parser.value()?.string()?)),
            Short('f') | Long("file") => options.actions.push(Action::File(parser.value()?.string()?)),
            Short('v') | Long("set" | "variable") => {
                options.variables.push(assignment(&parser.value()?.string()?));
            }
            Short('P') | Long("pset") => options.pset.push(assignment(&parser.value()?.string()?)),
            Long("dry-run") => options.dry_run = true,
            Long("strict") => options.strict = true,
            Long("dialect") => options.dialect = Some(dialect(&parser.value()?.string()?)?),
            Long("s3-root") => options.s3_root = Some(parser.value()?.into()),
            Short('o') | Long("output") => options.output = Some(parser.value()?.string()?),
            Short('q') | Long("quiet") => options.quiet = true,
            Short('X') | Long("no-rsqlrc" | "no-psqlrc") => {}
            Short('F') | Long("field-separator") => {
                set(&mut options, "fieldsep", Some(parser.value()?.string()?));
            }
            Short('R') | Long("record-separator") => {
                set(&mut options, "recordsep", Some(parser.value()?.string()?));
            }
            Short('T') | Long("table-attr") => {
                set(&mut options, "tableattr", Some(parser.value()?.string()?));
            }
            other => flag(&mut options, &other).ok_or_else(|| other.unexpected())?,
        }
    }
    let mut positional = positional.into_iter();
    for slot in [&mut options.database, &mut options.user] {
        if slot.is_none() {
            *slot = positional.next();
        }
    }
    match positional.next() {
        Some(extra) => Err(UsageError::Extra(extra)),
        None => Ok(Command::Run(Box::new(options))),
    }
}

/// `rsql check`.
fn check(args: &[OsString]) -> Result<Command, UsageError> {
    let mut request = crate::check::Request::default();
    let mut parser = Parser::from_args(args.iter().cloned());
    while let Some(arg) = parser.next()? {
        match arg {
            Short('?') | Long("help") => return Ok(Command::Help),
            Short('v') | Long("set" | "variable") => {
                let (name, value) = assignment(&parser.value()?.string()?);
                request.options.values.push((name, value.unwrap_or_default()));
            }
            Long("dialect") => request.options.dialect = dialect(&parser.value()?.string()?)?,
            Long("survey") => request.survey = true,
            Long("output") => {
                let text = parser.value()?.string()?;
                request.json = match text.as_str() {
                    "json" => true,
                    "text" => false,
                    _ => return Err(UsageError::Value { option: "--output", value: text }),
                };
            }
            Value(value) => request.paths.push(value.into()),
            Short(c) => return Err(UsageError::NoOption { command: "check", option: format!("-{c}") }),
            Long(name) => return Err(UsageError::NoOption { command: "check", option: format!("--{name}") }),
        }
    }
    if request.paths.is_empty() {
        return Err(UsageError::Files("check: name at least one file"));
    }
    Ok(Command::Check(Box::new(request)))
}

/// The files of a command that has no options but `--help`, for which there is `None`.
fn files(command: &'static str, args: &[OsString]) -> Result<Option<Vec<PathBuf>>, UsageError> {
    let mut files = Vec::new();
    let mut only_files = false;
    for arg in args {
        match arg.to_str() {
            Some("--") if !only_files => only_files = true,
            Some("--help" | "-?") if !only_files => return Ok(None),
            Some(option) if !only_files && option.len() > 1 && option.starts_with('-') => {
                return Err(UsageError::NoOption { command, option: option.to_owned() });
            }
            _ => files.push(PathBuf::from(arg)),
        }
    }
    Ok(Some(files))
}

/// Options without a value that stand for a `\pset` or an ECHO.
fn flag(options: &mut Options, arg: &lexopt::Arg<'_>) -> Option<()> {
    let (name, value) = match arg {
        Short('a') | Long("echo-all") => return echo(options, "all"),
        Short('b') | Long("echo-errors") => return echo(options, "errors"),
        Short('e') | Long("echo-queries") => return echo(options, "queries"),
        Short('A') | Long("no-align") => ("format", "unaligned"),
        Long("csv") => ("format", "csv"),
        Short('H') | Long("html") => ("format", "html"),
        Short('t') | Long("tuples-only") => ("tuples_only", "on"),
        Short('x') | Long("expanded") => ("expanded", "on"),
        Short('z') | Long("field-separator-zero") => ("fieldsep_zero", ""),
        Short('0') | Long("record-separator-zero") => ("recordsep_zero", ""),
        _ => return None,
    };
    set(options, name, Some(value.to_owned()));
    Some(())
}

fn echo(options: &mut Options, value: &'static str) -> Option<()> {
    options.echo = Some(value);
    Some(())
}

fn set(options: &mut Options, name: &str, value: Option<String>) {
    options.pset.push((name.to_owned(), value));
}

fn assignment(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn dialect(text: &str) -> Result<bool, UsageError> {
    match text {
        "redshift" => Ok(true),
        "postgres" | "none" => Ok(false),
        _ => Err(UsageError::Value { option: "--dialect", value: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Options, UsageError> {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        match parse(&args)? {
            Command::Run(options) => Ok(*options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn as_scripts_write_it() {
        let options =
            run(&["-h", "host", "-U", "me", "-d", "db", "-p", "5439", "-tAq", "-vX=1", "-P", "pager=off"])
                .expect("valid");
        assert_eq!((options.host.as_deref(), options.port), (Some("host"), Some(5439)));
        assert_eq!(options.variables, [("X".to_owned(), Some("1".to_owned()))]);
        assert!(options.quiet);
        let options = run(&["-D", "dsn", "-v", "ON_ERROR_STOP=1", "-a", "-f", "f.sql"]).expect("valid");
        assert_eq!(options.echo, Some("all"));
        assert_eq!(options.actions, [Action::File("f.sql".into())]);
        let options = run(&["db", "me"]).expect("valid");
        assert_eq!((options.database.as_deref(), options.user.as_deref()), (Some("db"), Some("me")));
    }

    #[test]
    fn commands_of_files_take_files() {
        let read = |args: &[&str]| parse(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(
            matches!(read(&["check", "a.sql", "--", "-b"]), Ok(Command::Check(request)) if request.paths.len() == 2)
        );
        assert!(matches!(read(&["check", "--help"]), Ok(Command::Help)));
        let error = read(&["check", "--foo", "a.sql"]).unwrap_err().to_string();
        assert!(error.starts_with("check: there is no option \"--foo\""), "{error}");
        assert!(matches!(read(&["flow", "a", "b"]), Err(UsageError::Files(_))));
    }

    #[test]
    fn unknown_is_an_error() {
        assert!(run(&["--bogus"]).is_err());
        assert!(run(&["-k"]).is_err());
        assert!(run(&["-p", "x"]).is_err());
        assert!(run(&["a", "b", "c"]).is_err());
    }
}
