//! Commands that write: `\echo`, `\remark`, `\p`, `\errverbose`.

use std::io::Write;

use super::dispatch::{Context, Fail};
use crate::lexer::ArgMode;
use crate::session::Sink;

pub(super) fn echo(command: &str, context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let mut text = String::new();
    let mut newline = true;
    let mut first = true;
    while let Some(arg) = context.any(ArgMode::Normal)? {
        if first && newline && arg.value == "-n" && !arg.quoted {
            newline = false;
            continue;
        }
        if !first {
            text.push(' ');
        }
        text.push_str(&arg.value);
        first = false;
    }
    if newline {
        text.push('\n');
    }
    match command {
        "echo" => context.session.console.write_all(text.as_bytes())?,
        "qecho" => context.session.out().write_all(text.as_bytes())?,
        _ => {
            context.session.console.flush()?;
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
    }
    Ok(())
}

/// `//` begins a new line.
pub(super) fn remark(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let text = context.args()?.join(" ").replace("//", "\n");
    context.session.say(&text)?;
    Ok(())
}

pub(super) fn print(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let text = context.buffer.text.trim_start();
    if !text.is_empty() {
        let text = text.to_owned();
        context.session.say(&text)?;
    } else if !context.session.previous.is_empty() {
        let text = context.session.previous.clone();
        context.session.say(&text)?;
    } else {
        context.session.chat("Query buffer is empty.")?;
    }
    Ok(())
}

pub(super) fn reset(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    context.buffer.take();
    context.session.previous.clear();
    context.session.chat("Query buffer reset (cleared).")?;
    Ok(())
}

pub(super) fn write(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let Some(target) = context.any(ArgMode::FileOrPipe)? else {
        return Err(Fail::Say(format!("\\{}: missing required argument", context.name)));
    };
    let text = match context.buffer.text.trim_start() {
        "" => context.session.previous.as_str(),
        text => text,
    };
    let written = Sink::open(&target.value).and_then(|mut sink| {
        writeln!(sink, "{text}")?;
        sink.close()
    });
    written.map_err(|e| Fail::Say(format!("{}: {}", target.value, super::input::reason(&e))))
}

pub(super) fn errverbose(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    match context.session.last_error.clone() {
        Some(error) => context.session.complain(&error.verbose())?,
        None => context.session.say("There is no previous error.")?,
    }
    Ok(())
}
