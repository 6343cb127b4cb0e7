//! `\!`, `\os`, `\cd`.

use std::io::Write;
use std::process::Command;

use super::dispatch::{Context, Fail};
use super::input::reason;

pub(super) fn shell(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let line = context.lexer.whole_line().to_owned();
    context.session.console.flush()?;
    if context.session.settings.dry_run {
        context.session.say(&format!("\\! {line}"))?;
        return Ok(());
    }
    let mut command = if line.is_empty() {
        Command::new(std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into()))
    } else {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&line);
        command
    };
    let status = command.status().map_err(|e| Fail::Say(format!("\\!: {}", reason(&e))))?;
    let code = status.code().map_or_else(|| "-1".to_owned(), |c| c.to_string());
    context.session.variables.put("SHELL_ERROR", if status.success() { "false" } else { "true" });
    context.session.variables.put("SHELL_EXIT_CODE", &code);
    Ok(())
}

pub(super) fn cd(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let directory = match context.arg()? {
        Some(directory) => directory,
        None => std::env::var("HOME").unwrap_or_else(|_| "/".into()),
    };
    std::env::set_current_dir(&directory).map_err(|e| {
        Fail::Say(format!("\\cd: could not change directory to \"{directory}\": {}", reason(&e)))
    })
}
