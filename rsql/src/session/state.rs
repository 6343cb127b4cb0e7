//! What a session carries along.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use super::system::SystemState;
use super::{Echo, Settings, Sink, Variables, parse_bool};
use crate::connection::{Canceller, Connection, ServerError, Target};
use crate::lexer::Interpolate;
use crate::output::PrintOptions;

/// The place in a script that messages name.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// File, or `<stdin>`.
    pub(crate) name: String,
    /// Line, from 1.
    pub(crate) line: usize,
}

/// A session.
pub(crate) struct Session {
    /// Variables.
    pub(crate) variables: Variables,
    /// How results are printed.
    pub(crate) print: PrintOptions,
    /// Other settings.
    pub(crate) settings: Settings,
    /// The server, if one is connected.
    pub(crate) connection: Option<Connection>,
    /// Where `\logon` and `\connect` take what they are not told.
    pub(crate) target: Option<Target>,
    /// Lets the signal thread stop a running statement.
    pub(crate) canceller: Canceller,
    /// The signal that asked this process to end, or 0.
    pub(crate) signal: Arc<AtomicI32>,
    /// Standard output.
    pub(crate) console: Sink,
    /// Messages, where they are kept; else they go to standard error.
    pub(crate) messages: Option<Vec<String>>,
    /// Where `\o` sends results.
    pub(crate) redirect: Option<Sink>,
    /// Where `\export` sends results.
    pub(crate) export: Option<Sink>,
    /// The last error and its statement, for `\errverbose`.
    pub(crate) last_error: Option<ServerError>,
    /// The last statement sent, for `\g` on an empty buffer.
    pub(crate) previous: String,
    /// The scripts being read, innermost last.
    pub(crate) places: Vec<Place>,
    /// How results are printed while `\rset rformat` is off.
    pub(crate) frozen: Option<PrintOptions>,
    /// How many complaints there were, for the exit status of `-c`.
    pub(crate) complaints: u64,
    /// What the system tables do not know yet.
    pub(super) system: SystemState,
    /// Warnings that were given: each is given once.
    warned: BTreeSet<String>,
}

impl Session {
    /// A session without a connection.
    pub(crate) fn new(settings: Settings, canceller: Canceller, signal: Arc<AtomicI32>) -> Self {
        Self {
            variables: Variables::default(),
            print: PrintOptions::default(),
            settings,
            connection: None,
            target: None,
            canceller,
            signal,
            console: Sink::stdout(),
            messages: None,
            redirect: None,
            export: None,
            last_error: None,
            previous: String::new(),
            places: Vec::new(),
            frozen: None,
            complaints: 0,
            system: SystemState::default(),
            warned: BTreeSet::new(),
        }
    }

    /// Whether chatter is unwanted.
    pub(crate) fn quiet(&self) -> bool {
        self.variables.is_on("QUIET")
    }

    /// What of the input is shown.
    pub(crate) fn echo(&self) -> Echo {
        Echo::of(self.variables.get("ECHO"))
    }

    /// Where results go now.
    pub(crate) fn out(&mut self) -> &mut Sink {
        self.redirect.as_mut().unwrap_or(&mut self.console)
    }

    /// A line for the user, on standard output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.console, "{line}")
    }

    /// A line for the user unless chatter is unwanted.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn chat(&mut self, line: &str) -> io::Result<()> {
        if self.quiet() { Ok(()) } else { self.say(line) }
    }

    /// A message, on standard error behind everything said so far or where messages are kept.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn complain(&mut self, text: &str) -> io::Result<()> {
        self.complaints += 1;
        if let Some(messages) = &mut self.messages {
            messages.push(text.trim_end().to_owned());
            return Ok(());
        }
        self.console.flush()?;
        // Standard error may be closed; that must not end a job that succeeds.
        let _ = io::stderr().lock().write_all(format!("rsql: {}\n", text.trim_end()).as_bytes());
        Ok(())
    }

    /// A message on standard error with the script's line.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn complain_here(&mut self, text: &str) -> io::Result<()> {
        let place = self.place();
        self.complain(&format!("{}{place}", text.trim_end()))
    }

    /// A warning with the script's line, the first time that it is due.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn warn_once(&mut self, text: &str) -> io::Result<()> {
        if self.warned.insert(text.to_owned()) {
            self.complain_here(&format!("WARNING: {text}"))?;
            // It is no failure of a command.
            self.complaints -= 1;
        }
        Ok(())
    }

    /// The script's line as the tail of a message.
    pub(crate) fn place(&self) -> String {
        match self.places.last() {
            Some(place) if !self.settings.interactive => format!("\n  at {}:{}", place.name, place.line),
            _ => String::new(),
        }
    }

    /// `\rset rformat`: off keeps the formatting as it is now.
    pub(crate) fn format(&mut self, on: bool) {
        self.print.report.formatting = on;
        self.frozen = if on { None } else { Some(self.frozen.take().unwrap_or_else(|| self.print.clone())) };
    }

    /// How results are printed now.
    pub(crate) fn effective_print(&self) -> &PrintOptions {
        self.frozen.as_ref().unwrap_or(&self.print)
    }

    /// The exit status that a signal asks for.
    pub(crate) fn signalled(&self) -> Option<u8> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
        }
    }

    /// Whether Redshift's dialect is translated for this server.
    pub(crate) fn translates(&self) -> bool {
        self.settings.dialect.unwrap_or_else(|| !self.is_redshift())
    }

    /// Whether the server is a Redshift.
    pub(crate) fn is_redshift(&self) -> bool {
        let Some(connection) = &self.connection else { return false };
        // Redshift calls itself PostgreSQL 8.0.2; nothing that old is left otherwise.
        connection.parameter("server_version").is_some_and(|v| v.starts_with("8.0."))
    }

    /// Whether a backslash in `'…'` is an ordinary character: what the server says; without a word of it,
    /// and where Redshift's dialect is translated, it escapes.
    pub(crate) fn plain_backslash(&self) -> bool {
        let says = self.connection.as_ref().and_then(|c| c.parameter("standard_conforming_strings"));
        !self.translates() && says.and_then(parse_bool).unwrap_or(false)
    }

    /// What variables and backticks stand for.
    pub(crate) fn interpolation(&mut self) -> Interpolation<'_> {
        Interpolation { session: self }
    }
}

/// Variables and backticks of a session.
pub(crate) struct Interpolation<'a> {
    session: &'a mut Session,
}

impl Interpolate for Interpolation<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.session.variables.get(name).map(str::to_owned)
    }

    fn shell(&mut self, command: &str) -> String {
        let output = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .stdin(std::process::Stdio::inherit())
            .stderr(std::process::Stdio::inherit())
            .output();
        match output {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.strip_suffix('\n').map_or(text.clone(), str::to_owned)
            }
            // As psql: a command that fails stands for nothing.
            _ => {
                let _ = self.session.complain_here(&format!("error: `{command}` failed"));
                String::new()
            }
        }
    }
}
