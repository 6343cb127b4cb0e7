//! Where results go, and the short forms of `\pset`.

use super::dispatch::{Context, Fail};
use super::input::reason;
use super::pset::pset;
use super::variables::run_buffer;
use crate::lexer::ArgMode;
use crate::output::{Expanded, Format};
use crate::session::{QueryTarget, Session, Sink, parse_bool};

/// Sends results to a file or pipe, or back to standard output.
///
/// # Errors
/// What the system says, if it cannot be opened.
pub(crate) fn switch_output(session: &mut Session, target: Option<&str>) -> Result<(), String> {
    let next = match target {
        None => None,
        Some(target) => Some(Sink::open(target).map_err(|e| format!("{target}: {}", reason(&e)))?),
    };
    if let Some(sink) = std::mem::replace(&mut session.redirect, next) {
        sink.close().map_err(|e| reason(&e))?;
    }
    Ok(())
}

pub(super) fn out(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let target = context.any(ArgMode::FileOrPipe)?.map(|a| a.value);
    std::io::Write::flush(&mut context.session.console)?;
    switch_output(context.session, target.as_deref()).map_err(Fail::Say)
}

/// `\g [(option=value …)] [file or |command]`, `\gx`.
pub(super) fn go(context: &mut Context<'_, '_>, expanded: bool) -> Result<(), Fail> {
    let mut options = context.session.print.clone();
    let mut changed = false;
    if expanded {
        options.expanded = Expanded::On;
        changed = true;
    }
    if context.lexer.peek() == Some(b'(') {
        changed = true;
        context.lexer.bump();
        loop {
            let ends = |text: &str| text.starts_with(')');
            if context.lexer.peek().is_none() {
                return Err(Fail::Say("\\g: missing right parenthesis".into()));
            }
            let word = context.lexer.atom(&ends, &mut context.session.interpolation())?.value;
            if !word.is_empty() {
                let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
                let kept = std::mem::replace(&mut context.session.print, options);
                let outcome = pset(context.session, name, value, true);
                options = std::mem::replace(&mut context.session.print, kept);
                outcome?;
            }
            if context.lexer.rest().starts_with(')') {
                context.lexer.bump();
                break;
            }
        }
    }
    let file = context.any(ArgMode::FileOrPipe)?.map(|a| a.value);
    std::io::Write::flush(&mut context.session.console)?;
    let target = if changed || file.is_some() {
        QueryTarget::PrintTo(file, Box::new(options))
    } else {
        QueryTarget::Print
    };
    if context.buffer.text.trim_ascii().is_empty() && context.session.previous.is_empty() {
        return Ok(());
    }
    run_buffer(context, &target)
}

pub(super) fn short(command: &str, context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let format = context.session.print.format;
    match command {
        "a" => {
            let next = if format == Format::Aligned { "unaligned" } else { "aligned" };
            pset(context.session, "format", Some(next), false)
        }
        "H" | "html" => {
            let next = if format == Format::Html { "aligned" } else { "html" };
            pset(context.session, "format", Some(next), false)
        }
        _ => {
            let value = context.arg()?;
            let option = match command {
                "t" => "tuples_only",
                "x" => "expanded",
                "f" => "fieldsep",
                "C" => "title",
                _ => "tableattr",
            };
            pset(context.session, option, value.as_deref(), false)
        }
    }
}

pub(super) fn timing(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let on = match context.arg()? {
        None => !context.session.settings.timing,
        Some(text) => parse_bool(&text).ok_or_else(|| {
            Fail::Say(format!("unrecognized value \"{text}\" for \"\\timing\": Boolean expected"))
        })?,
    };
    context.session.settings.timing = on;
    context.session.chat(if on { "Timing is on." } else { "Timing is off." })?;
    Ok(())
}
