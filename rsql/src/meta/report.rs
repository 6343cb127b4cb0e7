//! `\rset` and `\export`.

use super::dispatch::{Context, Fail};
use super::input::{file_name, reason};
use crate::session::Sink;

pub(super) fn rset(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let Some(name) = context.arg()? else { return show(context) };
    let args = context.args()?;
    let first = args.first().map(String::as_str);
    match name.to_ascii_lowercase().as_str() {
        "errorlevel" => errorlevel(context, &args),
        "maxerror" => maxerror(context, first),
        "heading" => {
            context.session.print.report.heading = text(&args);
            Ok(context.session.chat("Heading is set.")?)
        }
        "rtitle" => {
            context.session.print.report.title = text(&args);
            let title = context.session.print.report.title.clone();
            let message =
                title.map_or("Report title is unset.".into(), |t| format!("Title is set to: &DATE||{t}"));
            Ok(context.session.chat(&message)?)
        }
        "rformat" => {
            let on = first.is_none_or(|v| v.eq_ignore_ascii_case("on"));
            if let Some(value) = first.filter(|v| !["on", "off"].contains(&v.to_ascii_lowercase().as_str())) {
                return Err(Fail::Say(format!("\\rset: rformat cannot be \"{value}\"")));
            }
            context.session.format(on);
            Ok(context.session.chat(if on { "Rformat is on." } else { "Rformat is off." })?)
        }
        "titledashes" => {
            let on = match first.map(str::to_ascii_lowercase).as_deref() {
                None | Some("on") => true,
                Some("off") => false,
                Some(other) => return Err(Fail::Say(format!("\\rset: titledashes cannot be \"{other}\""))),
            };
            context.session.print.title_dashes = on;
            Ok(context.session.chat(if on { "Titledashes is on." } else { "Titledashes is off." })?)
        }
        "width" => {
            let width = first.unwrap_or("75");
            context.session.print.columns =
                width.parse().map_err(|_| Fail::Say(format!("\\rset: width cannot be \"{width}\"")))?;
            Ok(context.session.chat(&format!("Target width is {width}."))?)
        }
        _ => Err(Fail::Say(format!("\\rset: unknown option: {name}"))),
    }
}

fn text(args: &[String]) -> Option<String> {
    Some(args.join(" ")).filter(|t| !t.is_empty())
}

fn show(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let session = &*context.session;
    let on_off = |on: bool| if on { "on" } else { "off" };
    let mut lines = vec![
        format!("errorlevel  {}", on_off(session.settings.errorlevel)),
        format!("maxerror    {}", session.settings.maxerror.map_or("default".into(), |m| m.to_string())),
        format!("heading     {}", session.print.report.heading.as_deref().unwrap_or("")),
        format!("rtitle      {}", session.print.report.title.as_deref().unwrap_or("")),
        format!("rformat     {}", on_off(session.print.report.formatting)),
        format!("titledashes {}", on_off(session.print.title_dashes)),
        format!("width       {}", if session.print.columns == 0 { 75 } else { session.print.columns }),
    ];
    lines.extend(session.settings.severities.iter().map(|(code, n)| format!("  {code} severity {n}")));
    for line in lines {
        context.session.say(line.trim_end())?;
    }
    Ok(())
}

/// `errorlevel on|off`, `errorlevel CODE severity N`, `errorlevel (CODE, CODE) severity N`.
fn errorlevel(context: &mut Context<'_, '_>, args: &[String]) -> Result<(), Fail> {
    let usage = || Fail::Say("\\rset: errorlevel on | off | CODE severity N".into());
    match args {
        [one] if one.eq_ignore_ascii_case("on") => context.session.settings.errorlevel = true,
        [one] if one.eq_ignore_ascii_case("off") => context.session.settings.errorlevel = false,
        [] => {}
        [codes @ .., word, severity] if word.eq_ignore_ascii_case("severity") && !codes.is_empty() => {
            let severity: u8 = severity.parse().map_err(|_| usage())?;
            let all = codes.join(" ");
            for code in all.split(|c: char| !c.is_ascii_alphanumeric()).filter(|c| !c.is_empty()) {
                if code.len() != 5 {
                    return Err(Fail::Say(format!("\\rset: \"{code}\" is no SQLSTATE")));
                }
                context.session.settings.severities.insert(code.to_ascii_uppercase(), severity);
            }
            context.session.settings.errorlevel = true;
        }
        _ => return Err(usage()),
    }
    let on = context.session.settings.errorlevel;
    context.session.chat(if on { "Errorlevel is on." } else { "Errorlevel is off." })?;
    Ok(())
}

/// `maxerror N`; 0 takes the limit away, as Amazon's sample shows.
fn maxerror(context: &mut Context<'_, '_>, value: Option<&str>) -> Result<(), Fail> {
    let value = value.unwrap_or("0");
    let most: u8 = value.parse().map_err(|_| Fail::Say(format!("\\rset: maxerror cannot be \"{value}\"")))?;
    context.session.settings.maxerror = (most > 0).then_some(most);
    let text = if most == 0 { "Maxerror is default.".into() } else { format!("Maxerror is set as {most}.") };
    context.session.chat(&text)?;
    Ok(())
}

/// `\export report file='F'` … `\export reset`.
pub(super) fn export(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let usage = || Fail::Say("\\export: report file=FILE | reset".into());
    let args = context.args()?;
    let [kind, rest @ ..] = args.as_slice() else { return Err(usage()) };
    if let Some(sink) = context.session.export.take() {
        sink.close()?;
    }
    match kind.to_ascii_lowercase().as_str() {
        "reset" => Ok(()),
        "report" => {
            let joined = rest.concat();
            let (key, file) = joined.split_once('=').ok_or_else(usage)?;
            if !key.eq_ignore_ascii_case("file") || file.is_empty() {
                return Err(usage());
            }
            let file = file_name(file);
            let file = file.as_str();
            let sink =
                Sink::open(file).map_err(|e| Fail::Say(format!("\\export: {file}: {}", reason(&e))))?;
            context.session.export = Some(sink);
            context.session.print.report.date = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
            Ok(())
        }
        _ => Err(usage()),
    }
}
