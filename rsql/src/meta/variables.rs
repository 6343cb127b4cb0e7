//! `\set`, `\unset`, `\setenv`, `\gset`.

use super::dispatch::{Context, Fail};
use crate::session::QueryTarget;

pub(super) fn set(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let Some(name) = context.arg()? else {
        let all: Vec<String> =
            context.session.variables.iter().map(|(n, v)| format!("{n} = '{v}'")).collect();
        for line in all {
            context.session.say(&line)?;
        }
        return Ok(());
    };
    let value = context.args()?.concat();
    context.session.variables.set(&name, &value)?;
    Ok(())
}

pub(super) fn unset(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let name = context.required()?;
    context.session.variables.unset(&name)?;
    Ok(())
}

pub(super) fn setenv(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    // The environment of a running process cannot be changed soundly; a script can pass values to a
    // command on its line.
    let name = context.required()?;
    context.args()?;
    Err(Fail::Say(format!("\\setenv is not supported; write {name}=value before the command of \\!")))
}

pub(super) fn gset(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let prefix = context.arg()?.unwrap_or_default();
    run_buffer(context, &QueryTarget::Gset(prefix))
}

/// Sends the statement being read, or the one before if none is.
pub(super) fn run_buffer(context: &mut Context<'_, '_>, target: &QueryTarget) -> Result<(), Fail> {
    let mut sql = context.buffer.take();
    if sql.trim_ascii().is_empty() {
        sql.clone_from(&context.session.previous);
    }
    if sql.trim_ascii().is_empty() {
        return Err(Fail::Say(format!("\\{} cannot be used with an empty query buffer", context.name)));
    }
    // A failed statement has been reported; the line goes on, as in psql.
    context.session.send(&sql, context.source, target)?;
    Ok(())
}
