//! `\connect`, `\logon`, `\conninfo`, and the first connection.

use std::io::Write;

use super::dispatch::{Context, Fail};
use crate::connection::{ConnectError, Connection, SslMode, Target};
use crate::session::{Halt, Session};

/// The whole chain of an error, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let (head, hint) = match text.split_once("\nhint:") {
        Some((head, hint)) => (head.to_owned(), format!("\nhint:{hint}")),
        None => (text.clone(), String::new()),
    };
    text = head;
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        text.push_str(&format!(": {}", cause_text.split(" (os error").next().unwrap_or(&cause_text)));
        source = cause.source();
    }
    text + &hint
}

/// Connects, asking for a password if that is allowed and needed.
fn open(session: &mut Session, target: &Target) -> Result<(), String> {
    let mut target = target.clone();
    let connection = loop {
        match Connection::open(&target) {
            Ok(connection) => break connection,
            Err(error @ ConnectError::NoPassword { .. }) if session.settings.ask_password => {
                // Without a terminal there is nobody to ask: say what is missing.
                match crate::cli::ask_password(&target.user) {
                    Ok(password) => target.password = Some(password),
                    Err(_) => return Err(chain(&error)),
                }
            }
            Err(error) => {
                return Err(format!(
                    "connection to server at \"{}\", port {} failed: {}",
                    target.host,
                    target.port,
                    chain(&error)
                ));
            }
        }
    };
    if let Some(old) = session.connection.replace(connection) {
        old.close();
    }
    session.target = Some(target);
    for notice in session.connection.as_mut().map(Connection::take_notices).unwrap_or_default() {
        let _ = session.complain(&notice.report(None, false));
    }
    let target = session.target.clone();
    for (name, value) in target.iter().flat_map(|t| {
        [
            ("DBNAME", t.database.clone()),
            ("USER", t.user.clone()),
            ("HOST", t.host.clone()),
            ("PORT", t.port.to_string()),
        ]
    }) {
        session.variables.put(name, &value);
    }
    let version =
        session.connection.as_ref().and_then(|c| c.parameter("server_version")).unwrap_or("").to_owned();
    session.variables.put("SERVER_VERSION_NAME", &version);
    Ok(())
}

/// The connection of the command line.
///
/// # Errors
/// Exit status 2 if it fails, as psql.
pub(crate) fn connect_first(session: &mut Session, target: &Target) -> Result<(), Halt> {
    match open(session, target) {
        Ok(()) => Ok(()),
        Err(text) => {
            session.complain(&format!("error: {text}"))?;
            Err(Halt::Exit(2))
        }
    }
}

/// What a non-quiet session begins with.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn banner(session: &mut Session) -> Result<(), Halt> {
    if session.quiet() {
        return Ok(());
    }
    let from_dsn = session.target.as_ref().is_some_and(|t| t.from_dsn);
    session.say(if from_dsn { "DSN Connected" } else { "DSN-less Connected" })?;
    let server =
        session.connection.as_ref().and_then(|c| c.parameter("server_version")).unwrap_or("?").to_owned();
    let kind = if session.is_redshift() { "Redshift" } else { "PostgreSQL" };
    session.say(&format!("DBMS Name: {}", if kind == "Redshift" { "Amazon Redshift" } else { kind }))?;
    session.say("Driver Name: rsqlflow rsql (native protocol)")?;
    session.say(&format!("Driver Version: {}", env!("CARGO_PKG_VERSION")))?;
    session.say(&format!("Rsql Version: {}", env!("CARGO_PKG_VERSION")))?;
    session.say(&format!("{kind} Version: {server}"))?;
    session.say("Type \"help\" for help.")?;
    session.say("")?;
    Ok(())
}

/// The prompt of an interactive session.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn prompt(session: &mut Session, fresh: bool) -> Result<(), Halt> {
    let text = match (&session.target, &session.connection) {
        (Some(target), Some(connection)) => {
            let cluster = target.host.split('.').next().unwrap_or("");
            let superuser = connection.parameter("is_superuser") == Some("on");
            let mark = if superuser { '#' } else { '>' };
            let middle = if fresh { '=' } else { '-' };
            format!("({cluster}) {}@{}{middle}{mark} ", target.user, target.database)
        }
        _ => "!> ".to_owned(),
    };
    write!(session.console, "{text}")?;
    session.console.flush()?;
    Ok(())
}

fn base(session: &Session) -> Target {
    session.target.clone().unwrap_or(Target {
        host: "localhost".into(),
        port: crate::connection::REDSHIFT_PORT,
        database: "dev".into(),
        user: std::env::var("USER").unwrap_or_default(),
        password: std::env::var("RSPASSWORD").ok(),
        ssl_mode: None,
        root_cert: None,
        from_dsn: false,
    })
}

/// `\connect [DB|- [USER|- [HOST|- [PORT|-]]]]`, or a conninfo string.
pub(super) fn connect(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let args = context.args()?;
    reconnect(context, &args)
}

/// `\logon`: as `\connect`, with a password as fifth argument.
pub(super) fn logon(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let args = context.args()?;
    reconnect(context, &args)
}

fn reconnect(context: &mut Context<'_, '_>, args: &[String]) -> Result<(), Fail> {
    let old = context.session.target.clone();
    let mut target = base(context.session);
    target.from_dsn = false;
    let conninfo = args.first().is_some_and(|a| a.contains('='));
    if conninfo {
        for word in args.iter().flat_map(|a| a.split_whitespace()) {
            let (key, value) = word.split_once('=').ok_or_else(|| {
                Fail::Say(format!("missing \"=\" after \"{word}\" in connection info string"))
            })?;
            apply(&mut target, key, value.trim_matches('\''))?;
        }
    } else {
        for (key, value) in ["dbname", "user", "host", "port", "password"].iter().zip(args) {
            if value != "-" {
                apply(&mut target, key, value)?;
            }
        }
    }
    // A password belongs to the user and host it was given for.
    let other = |old: &Target| old.user != target.user || old.host != target.host || old.port != target.port;
    let given = if conninfo { args.iter().any(|a| a.contains("password=")) } else { args.len() > 4 };
    if old.as_ref().is_some_and(other) && !given {
        target.password = std::env::var("RSPASSWORD").ok();
    }
    if context.session.settings.dry_run {
        context.session.say(&format!("\\connect {} {}", target.database, target.user))?;
        return Ok(());
    }
    match open(context.session, &target) {
        Ok(()) => {
            let mut text = format!(
                "You are now connected to database \"{}\" as user \"{}\"",
                target.database, target.user
            );
            if old.is_none_or(|o| o.host != target.host || o.port != target.port) {
                text.push_str(&format!(" on host \"{}\" at port \"{}\"", target.host, target.port));
            }
            context.session.chat(&(text + "."))?;
            Ok(())
        }
        Err(text) => {
            // A script must not go on in the database it meant to leave.
            if context.session.settings.interactive {
                return Err(Fail::Say(text));
            }
            context.session.complain_here(&format!("error: \\{}: {text}", context.name))?;
            Err(Halt::Exit(2).into())
        }
    }
}

fn apply(target: &mut Target, key: &str, value: &str) -> Result<(), Fail> {
    match key.to_ascii_lowercase().as_str() {
        "dbname" | "database" => value.clone_into(&mut target.database),
        "user" => value.clone_into(&mut target.user),
        "host" | "hostaddr" => value.clone_into(&mut target.host),
        "port" => {
            target.port =
                value.parse().map_err(|_| Fail::Say(format!("invalid port number: \"{value}\"")))?;
        }
        "password" => target.password = Some(value.to_owned()),
        "sslmode" => {
            let mode = SslMode::parse(value)
                .ok_or_else(|| Fail::Say(format!("invalid sslmode value: \"{value}\"")))?;
            target.ssl_mode = Some(mode);
        }
        _ => return Err(Fail::Say(format!("invalid connection option \"{key}\""))),
    }
    Ok(())
}

pub(super) fn conninfo(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let Some(connection) = &context.session.connection else {
        context.session.say("You are currently not connected to a database.")?;
        return Ok(());
    };
    let target = connection.target();
    let place = if target.is_unix() {
        format!("via socket in \"{}\" at port \"{}\"", target.host, target.port)
    } else if target.host.parse::<std::net::IpAddr>().is_ok() {
        format!("on address \"{}\" at port \"{}\"", target.host, target.port)
    } else {
        format!("on host \"{}\" at port \"{}\"", target.host, target.port)
    };
    let text =
        format!("You are connected to database \"{}\" as user \"{}\" {place}.", target.database, target.user);
    let tls = connection.tls_info();
    context.session.say(&text)?;
    if let Some((version, cipher)) = tls {
        context.session.say(&format!("SSL connection (protocol: {version}, cipher: {cipher})"))?;
    }
    Ok(())
}

pub(super) fn encoding(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    match context.arg()? {
        None => Ok(context.session.say("UTF8")?),
        Some(name) if ["UTF8", "UTF-8", "UNICODE"].contains(&name.to_ascii_uppercase().as_str()) => Ok(()),
        Some(name) => {
            Err(Fail::Say(format!("{name}: encoding is not supported, scripts and results are UTF8")))
        }
    }
}
