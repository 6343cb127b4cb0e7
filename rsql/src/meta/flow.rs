//! `\if` and its kin, `\goto`, `\label`, `\exit`.

use super::dispatch::{Context, Fail};
use crate::lexer::NoInterpolation;
use crate::session::{Halt, evaluate};

/// Whether a command has a meaning where nothing runs.
pub(super) fn is_flow(command: &str) -> bool {
    matches!(command, "if" | "elif" | "elseif" | "else" | "endif" | "goto" | "label" | "exit" | "quit" | "q")
}

pub(super) fn run(command: &str, context: &mut Context<'_, '_>) -> Result<(), Fail> {
    match command {
        "if" => {
            let wanted = context.buffer.control.wants_if();
            let value = condition(context, wanted)?;
            let mark = context.buffer.branch_mark();
            context.buffer.control.open(value, context.source.line(), mark);
        }
        "elif" | "elseif" => {
            let wanted = context.buffer.control.wants_elif();
            let value = condition(context, wanted)?;
            change(context, |control, mark| control.elif(value, mark))?;
        }
        "else" => change(context, crate::session::Control::else_)?,
        "endif" => change(context, |control, _| control.close())?,
        "label" => label(context)?,
        "goto" => goto(context)?,
        _ => exit(context)?,
    }
    Ok(())
}

fn condition(context: &mut Context<'_, '_>, wanted: bool) -> Result<bool, Fail> {
    if !wanted {
        // Read to its end, but neither variables nor backticks are looked at.
        while !matches!(context.lexer.arg(crate::lexer::ArgMode::Normal, &mut NoInterpolation), Ok(None)) {
            if context.lexer.rest().contains(['\'', '"', '`']) {
                context.lexer.whole_line();
            }
        }
        return Ok(false);
    }
    match evaluate(context.lexer, &mut context.session.interpolation()) {
        Ok(value) => Ok(value),
        Err(error) => {
            // As psql: it counts as false and the script goes on.
            context.session.complain_here(&format!("error: {error}"))?;
            Ok(false)
        }
    }
}

/// Changes the branch; a statement that the old branch left untouched goes on where it stood.
fn change(
    context: &mut Context<'_, '_>,
    by: impl FnOnce(
        &mut crate::session::Control,
        crate::session::Mark,
    ) -> Result<(), crate::session::ControlError>,
) -> Result<(), Fail> {
    let was = context.buffer.control.active();
    let mark = context.buffer.branch_mark();
    by(&mut context.buffer.control, mark)?;
    if !was && context.buffer.control.active() {
        context.buffer.scanner.set_depth(mark.depth);
        context.buffer.text.truncate(mark.length);
    }
    Ok(())
}

fn label(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    use crate::session::Arrival;
    let Some(label) = context.lexer.arg(crate::lexer::ArgMode::Normal, &mut NoInterpolation)? else {
        return Err(Fail::Say("\\label: missing required argument".into()));
    };
    let label = label.value;
    match context.buffer.control.label(&label) {
        Arrival::Processed => {
            context.buffer.take();
            context.session.say(&format!("\\label {label} processed"))?;
        }
        Arrival::Ignored => context.session.say(&format!("\\label {label} ignored"))?,
        Arrival::Plain => {}
    }
    Ok(())
}

fn goto(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    if !context.buffer.control.active() {
        context.lexer.arg(crate::lexer::ArgMode::Normal, &mut NoInterpolation)?;
        return Ok(());
    }
    let label = context.required()?;
    context.buffer.take();
    context.buffer.control.goto(&label, context.source.line());
    Ok(())
}

fn exit(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    if !context.buffer.control.active() {
        context.lexer.arg(crate::lexer::ArgMode::Normal, &mut NoInterpolation)?;
        return Ok(());
    }
    let Some(code) = context.arg()? else { return Err(Halt::Exit(0).into()) };
    match code.trim().parse::<i64>() {
        // The system keeps the low byte, whatever is given.
        Ok(code) => Err(Halt::Exit(code.rem_euclid(256).try_into().unwrap_or(1)).into()),
        Err(_) => {
            // To go on behind an \exit would be worse than any code.
            context.session.complain_here(&format!("error: \\{}: \"{code}\" is no number", context.name))?;
            Err(Halt::Exit(1).into())
        }
    }
}
