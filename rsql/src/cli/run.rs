//! Doing what the command line says.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use super::options::{Action, Command, Options, parse};
use super::{signals, target};
use crate::connection::Canceller;
use crate::meta;
use crate::session::{Halt, QueryTarget, Session, Settings, Source};

/// The program. `args` are without its name.
pub fn main(args: &[OsString]) -> ExitCode {
    let command = match parse(args) {
        Ok(command) => command,
        Err(error) => {
            return fail(&format!("rsql: {error}\nTry \"rsql --help\" for more information."), 1);
        }
    };
    match command {
        Command::Help => print(meta::HELP),
        Command::Version => print(&format!("rsql (rsqlflow) {}\n", env!("CARGO_PKG_VERSION"))),
        Command::Check(request) => crate::check::run(&request),
        Command::Flow(file) => crate::flow::run(&file),
        Command::Run(options) => ExitCode::from(run(&options)),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "{text}");
    ExitCode::from(code)
}

fn run(options: &Options) -> u8 {
    let canceller = Canceller::default();
    let signalled = Arc::new(AtomicI32::new(0));
    if let Err(e) = signals::install(canceller.clone(), Arc::clone(&signalled)) {
        let _ = writeln!(io::stderr().lock(), "rsql: signal handlers cannot be installed: {e}");
        return 1;
    }
    let mut session = Session::new(settings(options), canceller, signalled);
    let outcome = whole(&mut session, options);
    // Output that is lost must not pass for success.
    let mut flushed = Ok(());
    for sink in [session.redirect.take(), session.export.take()].into_iter().flatten() {
        flushed = flushed.and(sink.close());
    }
    if let Some(connection) = session.connection.take() {
        connection.close();
    }
    let flushed = flushed.and(session.console.flush());
    match (outcome, flushed) {
        (Err(Halt::Exit(code)), Ok(())) => code,
        (Ok(()), Ok(())) => 0,
        // As a program that a pipe's reader leaves (`| head`) ends everywhere: silent, with SIGPIPE's status.
        (Err(Halt::Output(e)), _) | (_, Err(e)) if e.kind() == io::ErrorKind::BrokenPipe => 128 + 13,
        (Err(Halt::Output(e)), _) | (_, Err(e)) => {
            let _ = writeln!(io::stderr().lock(), "rsql: error: output could not be written: {e}");
            1
        }
    }
}

fn settings(options: &Options) -> Settings {
    let interactive = options.actions.is_empty() && io::stdin().is_terminal() && io::stdout().is_terminal();
    Settings {
        dry_run: options.dry_run,
        strict: options.strict,
        dialect: options.dialect,
        s3_root: options
            .s3_root
            .clone()
            .or_else(|| std::env::var_os("RSQL_S3_ROOT").filter(|v| !v.is_empty()).map(Into::into)),
        ask_password: !options.no_password,
        interactive,
        ..Settings::default()
    }
}

fn whole(session: &mut Session, options: &Options) -> Result<(), Halt> {
    prepare(session, options)?;
    if !session.settings.dry_run {
        let mut target = match target::target(options) {
            Ok(target) => target,
            Err(error) => {
                session.complain(&format!("error: {error}"))?;
                return Err(Halt::Exit(2));
            }
        };
        if options.force_password && !options.no_password {
            target.password = super::ask_password(&target.user).ok();
        }
        meta::connect_first(session, &target)?;
    }
    if options.actions.is_empty() {
        if !session.settings.dry_run {
            meta::banner(session)?;
        }
        return crate::session::run(session, &mut Source::stdin());
    }
    let mut failed = false;
    for action in &options.actions {
        failed = match action {
            Action::Command(text) => !command(session, text)?,
            Action::File(name) => !file(session, name)?,
        };
        if failed && session.variables.is_on("ON_ERROR_STOP") {
            break;
        }
    }
    // As psql: the last -c or -f decides, and a statement that fails under -c is exit status 1.
    if failed { Err(Halt::Exit(1)) } else { Ok(()) }
}

/// Applies what stands on the command line before anything runs.
fn prepare(session: &mut Session, options: &Options) -> Result<(), Halt> {
    if options.quiet {
        session.variables.put("QUIET", "on");
    }
    if let Some(echo) = options.echo {
        session.variables.put("ECHO", echo);
    }
    for (name, value) in &options.variables {
        let outcome = match value {
            Some(value) => session.variables.set(name, value),
            None => session.variables.unset(name),
        };
        if let Err(error) = outcome {
            session.complain(&format!("error: {error}"))?;
            return Err(Halt::Exit(1));
        }
    }
    for (name, value) in &options.pset {
        if let Err(text) = meta::pset_option(session, name, value.as_deref()) {
            session.complain(&format!("error: {text}"))?;
            return Err(Halt::Exit(1));
        }
    }
    if let Some(output) = &options.output
        && let Err(text) = meta::switch_output(session, Some(output))
    {
        session.complain(&format!("error: {text}"))?;
        return Err(Halt::Exit(1));
    }
    Ok(())
}

/// `-c`: one meta command, or SQL that is sent as it is, without variables, as psql does.
fn command(session: &mut Session, text: &str) -> Result<bool, Halt> {
    if text.starts_with('\\') {
        let mut source = Source::text("-c", text);
        let before = session.complaints;
        crate::session::run(session, &mut source)?;
        return Ok(session.complaints == before);
    }
    // COPY … FROM STDIN takes its data from standard input.
    let mut source = Source::stdin();
    // psql says 1, not 3, under -c.
    match session.send(text, &mut source, &QueryTarget::Print) {
        Err(Halt::Exit(3)) => Ok(false),
        other => other,
    }
}

fn file(session: &mut Session, name: &str) -> Result<bool, Halt> {
    let opened = if name == "-" { Ok(Source::stdin()) } else { Source::file(Path::new(name)) };
    match opened {
        Ok(mut source) => {
            crate::session::run(session, &mut source)?;
            Ok(true)
        }
        Err(e) => {
            session.complain(&format!("error: {name}: {}", meta::reason(&e)))?;
            Ok(false)
        }
    }
}
