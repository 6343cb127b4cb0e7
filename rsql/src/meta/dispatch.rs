//! From a command's name to what it does.

use super::{Known, known};
use super::{connect, copy, describe, flow, help, input, output, pset, report, say, shell, variables};
use crate::lexer::{ArgMode, NoInterpolation, SlashError, SlashLexer};
use crate::session::{Buffer, ControlError, Halt, Session, SetError, Source};

/// A command that failed: the script may go on, or not.
pub(super) enum Fail {
    /// It ends here.
    Halt(Halt),
    /// This is why.
    Say(String),
    /// All is said already.
    Said,
}

impl From<Halt> for Fail {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<std::io::Error> for Fail {
    fn from(e: std::io::Error) -> Self {
        Self::Halt(Halt::Output(e))
    }
}

impl From<SlashError> for Fail {
    fn from(e: SlashError) -> Self {
        Self::Say(e.to_string())
    }
}

impl From<ControlError> for Fail {
    fn from(e: ControlError) -> Self {
        Self::Say(e.to_string())
    }
}

impl From<SetError> for Fail {
    fn from(e: SetError) -> Self {
        Self::Say(e.to_string())
    }
}

/// What a command works with.
pub(super) struct Context<'a, 'b> {
    /// The session.
    pub(super) session: &'a mut Session,
    /// The script, for commands that run statements.
    pub(super) source: &'a mut Source,
    /// The statement being read.
    pub(super) buffer: &'a mut Buffer,
    /// The arguments.
    pub(super) lexer: &'a mut SlashLexer<'b>,
    /// The command as written, for messages.
    pub(super) name: String,
}

impl Context<'_, '_> {
    /// The next argument.
    ///
    /// # Errors
    /// If a quote is not closed.
    pub(super) fn arg(&mut self) -> Result<Option<String>, Fail> {
        Ok(self.any(ArgMode::Normal)?.map(|a| a.value))
    }

    /// The next argument in a mode of its own.
    ///
    /// # Errors
    /// If a quote is not closed.
    pub(super) fn any(&mut self, mode: ArgMode) -> Result<Option<crate::lexer::Arg>, Fail> {
        Ok(self.lexer.arg(mode, &mut self.session.interpolation())?)
    }

    /// All arguments that are left.
    ///
    /// # Errors
    /// If a quote is not closed.
    pub(super) fn args(&mut self) -> Result<Vec<String>, Fail> {
        let mut all = Vec::new();
        while let Some(arg) = self.arg()? {
            all.push(arg);
        }
        Ok(all)
    }

    /// An argument that must be there.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn required(&mut self) -> Result<String, Fail> {
        let arg = self.arg()?;
        arg.ok_or_else(|| Fail::Say(format!("\\{}: missing required argument", self.name)))
    }
}

/// Runs one meta command; false if it failed.
///
/// # Errors
/// If the script ends by it.
pub(crate) fn dispatch(
    session: &mut Session,
    source: &mut Source,
    buffer: &mut Buffer,
    lexer: &mut SlashLexer<'_>,
) -> Result<bool, Halt> {
    let name = lexer.command().to_owned();
    if name.is_empty() && lexer.rest().starts_with('\\') {
        // `\\` alone separates.
        lexer.bump();
        return Ok(true);
    }
    let Some((command, kind)) = known(&name) else {
        if !buffer.control.active() {
            pass_over(lexer, Known::Args);
            return Ok(true);
        }
        session.complain_here(&format!("error: invalid command \\{name}"))?;
        return Ok(false);
    };
    if !buffer.control.active() && !flow::is_flow(&command) {
        pass_over(lexer, kind);
        return Ok(true);
    }
    let mut context = Context { session, source, buffer, lexer, name };
    let outcome = one(&command, &mut context).and_then(|()| extra(&mut context));
    match outcome {
        Ok(()) => Ok(true),
        Err(Fail::Halt(halt)) => Err(halt),
        Err(Fail::Said) => Ok(false),
        Err(Fail::Say(text)) => {
            session.complain_here(&format!("error: {text}"))?;
            Ok(false)
        }
    }
}

/// Reads a command's arguments without giving them a meaning.
fn pass_over(lexer: &mut SlashLexer<'_>, kind: Known) {
    if kind == Known::Line {
        lexer.whole_line();
        return;
    }
    // An open quote takes the rest of the line.
    loop {
        match lexer.arg(ArgMode::Normal, &mut NoInterpolation) {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(_) => {
                lexer.whole_line();
                return;
            }
        }
    }
}

/// Arguments that the command did not ask for.
fn extra(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    while let Some(arg) = context.arg()? {
        let text = format!("warning: \\{}: extra argument \"{arg}\" ignored", context.name);
        context.session.complain_here(&text)?;
    }
    Ok(())
}

fn one(command: &str, context: &mut Context<'_, '_>) -> Result<(), Fail> {
    match command {
        _ if flow::is_flow(command) => flow::run(command, context),
        "echo" | "qecho" | "warn" => say::echo(command, context),
        "remark" => say::remark(context),
        "p" | "print" => say::print(context),
        "r" | "reset" => say::reset(context),
        "w" | "write" => say::write(context),
        "errverbose" => say::errverbose(context),
        "?" => help::help(context),
        "set" => variables::set(context),
        "unset" => variables::unset(context),
        "setenv" => variables::setenv(context),
        "gset" => variables::gset(context),
        "rset" => report::rset(context),
        "export" => report::export(context),
        "i" | "include" => input::include(context, false),
        "ir" | "include_relative" => input::include(context, true),
        "run" => input::run(context),
        "cd" => shell::cd(context),
        "!" | "os" => shell::shell(context),
        "copy" => copy::copy(context),
        "o" | "out" => output::out(context),
        "g" | "gx" => output::go(context, command == "gx"),
        "a" | "t" | "x" | "H" | "html" | "f" | "C" | "T" => output::short(command, context),
        "timing" => output::timing(context),
        "pset" => pset::command(context),
        "connect" | "c" => connect::connect(context),
        "logon" => connect::logon(context),
        "conninfo" => connect::conninfo(context),
        "encoding" => connect::encoding(context),
        _ => describe::describe(command, context),
    }
}
