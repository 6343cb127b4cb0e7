//! `\pset`.

use super::dispatch::{Context, Fail};
use crate::output::{Expanded, Format, LineStyle, PrintOptions};
use crate::session::{Session, parse_bool};

/// What `\pset` alone shows, in psql's order.
const SHOWN: &[&str] = &[
    "border",
    "columns",
    "csv_fieldsep",
    "expanded",
    "fieldsep",
    "fieldsep_zero",
    "footer",
    "format",
    "linestyle",
    "null",
    "numericlocale",
    "pager",
    "pager_min_lines",
    "recordsep",
    "recordsep_zero",
    "tableattr",
    "title",
    "tuples_only",
    "unicode_border_linestyle",
    "unicode_column_linestyle",
    "unicode_header_linestyle",
];

pub(super) fn command(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let Some(name) = context.arg()? else {
        for name in SHOWN {
            let value = value_of(&context.session.print, name);
            context.session.say(&format!("{name:<24} {value}"))?;
        }
        return Ok(());
    };
    let value = context.arg()?;
    pset(context.session, &name, value.as_deref(), false)
}

/// `-P`: sets an option without a word.
///
/// # Errors
/// If there is no such option or it does not take the value.
pub(crate) fn pset_option(session: &mut Session, name: &str, value: Option<&str>) -> Result<(), String> {
    match pset(session, name, value, true) {
        Err(Fail::Say(text)) => Err(text),
        _ => Ok(()),
    }
}

/// Sets an option; without a value, switches or shows it.
///
/// # Errors
/// If there is no such option or it does not take the value.
pub(super) fn pset(session: &mut Session, name: &str, value: Option<&str>, silent: bool) -> Result<(), Fail> {
    let name = name.to_ascii_lowercase();
    // `\x` and `\pset x` have their short names too.
    let name = match name.as_str() {
        "x" | "vertical" => "expanded",
        "t" => "tuples_only",
        other => other,
    };
    let print = &mut session.print;
    match (name, value) {
        ("border", Some(value)) => print.border = number(name, value)?,
        ("columns", Some(value)) => print.columns = number(name, value)?,
        ("csv_fieldsep", Some(value)) => print.csv_separator = csv_separator(value)?,
        ("expanded", Some("auto")) => print.expanded = Expanded::Auto,
        ("expanded", value) => {
            let now = print.expanded != Expanded::Off;
            let on = value.map_or(Ok(!now), |v| boolean("\\pset expanded", v, "on, off, auto"))?;
            print.expanded = if on { Expanded::On } else { Expanded::Off };
        }
        ("fieldsep", Some(value)) => value.clone_into(&mut print.field_separator),
        ("fieldsep_zero", _) => print.field_separator = "\0".into(),
        ("recordsep", Some(value)) => value.clone_into(&mut print.record_separator),
        ("recordsep_zero", _) => print.record_separator = "\0".into(),
        // psql says nothing where these are given a value.
        ("footer", Some(value)) => {
            print.footer = switch(name, value)?;
            return Ok(());
        }
        ("tuples_only", Some(value)) => {
            print.tuples_only = switch(name, value)?;
            return Ok(());
        }
        ("footer", None) => print.footer = !print.footer,
        ("tuples_only", None) => print.tuples_only = !print.tuples_only,
        ("numericlocale", Some(value)) if !switch(name, value)? => return Ok(()),
        ("numericlocale", _) => return Err(Fail::Say("\\pset: numericlocale is not supported".into())),
        ("format", Some(value)) => print.format = format(value)?,
        ("linestyle", Some(value)) => print.line_style = line_style(value)?,
        ("null", Some(value)) => value.clone_into(&mut print.null),
        ("title", value) => print.title = value.filter(|v| !v.is_empty()).map(str::to_owned),
        ("tableattr", value) => print.table_attributes = value.filter(|v| !v.is_empty()).map(str::to_owned),
        // There is no pager: output is for files and logs. The switch is taken as scripts write it.
        ("pager", value) => {
            if let Some(value) = value.filter(|v| *v != "always") {
                boolean("\\pset pager", value, "on, off, always")?;
            }
        }
        ("pager_min_lines", Some(value)) => {
            number::<u32>(name, value)?;
        }
        (name, None) if SHOWN.contains(&name) => {}
        (name, _) if name.starts_with("unicode_") && SHOWN.contains(&name) => {
            if value.is_some_and(|v| v != "single") {
                return Err(Fail::Say("\\pset: allowed unicode border line styles are single".into()));
            }
        }
        _ => return Err(Fail::Say(format!("\\pset: unknown option: {name}"))),
    }
    if !silent {
        let mut text = sentence(&session.print, name);
        if session.frozen.is_some() {
            text.push_str(" (Changes will take effect after RFORMAT is switched ON)");
        }
        session.chat(&text)?;
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Fail> {
    value.parse().map_err(|_| Fail::Say(format!("\\pset: {name}: \"{value}\" is no number")))
}

fn boolean(name: &str, value: &str, choices: &str) -> Result<bool, Fail> {
    parse_bool(value).ok_or_else(|| {
        Fail::Say(format!("unrecognized value \"{value}\" for \"{name}\"\nAvailable values are: {choices}."))
    })
}

fn switch(name: &str, value: &str) -> Result<bool, Fail> {
    parse_bool(value).ok_or_else(|| {
        Fail::Say(format!("unrecognized value \"{value}\" for \"\\pset {name}\": Boolean expected"))
    })
}

fn csv_separator(value: &str) -> Result<char, Fail> {
    let mut chars = value.chars();
    match (chars.next(), chars.next()) {
        (Some('"' | '\n' | '\r'), None) => Err(Fail::Say(
            "\\pset: csv_fieldsep cannot be a double quote, a newline, or a carriage return".into(),
        )),
        (Some(c), None) if c.is_ascii() => Ok(c),
        _ => Err(Fail::Say("\\pset: csv_fieldsep must be a single one-byte character".into())),
    }
}

/// A unique beginning is enough, as in psql.
fn format(value: &str) -> Result<Format, Fail> {
    let all = [Format::Aligned, Format::Csv, Format::Html, Format::Unaligned, Format::Wrapped];
    let lower = value.to_ascii_lowercase();
    let mut found = all.iter().filter(|f| !lower.is_empty() && f.name().starts_with(&lower));
    match (found.next(), found.next()) {
        (Some(format), None) => Ok(*format),
        _ => Err(Fail::Say("\\pset: allowed formats are aligned, csv, html, unaligned, wrapped".into())),
    }
}

fn line_style(value: &str) -> Result<LineStyle, Fail> {
    let lower = value.to_ascii_lowercase();
    [LineStyle::ASCII, LineStyle::OLD_ASCII, LineStyle::UNICODE]
        .into_iter()
        .find(|s| !lower.is_empty() && s.name.starts_with(&lower))
        .ok_or_else(|| Fail::Say("\\pset: allowed line styles are ascii, old-ascii, unicode".into()))
}

fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn separator(text: &str) -> String {
    text.replace('\'', "\\'").replace('\n', "\\n")
}

/// A value as the list shows it.
fn value_of(print: &PrintOptions, name: &str) -> String {
    let quoted = |text: &str| format!("'{}'", separator(text));
    let attribute = |text: &Option<String>| text.as_deref().map(quoted).unwrap_or_default();
    match name {
        "border" => print.border.to_string(),
        "columns" => print.columns.to_string(),
        "csv_fieldsep" => quoted(&print.csv_separator.to_string()),
        "expanded" => match print.expanded {
            Expanded::Auto => "auto".into(),
            other => on_off(other == Expanded::On).into(),
        },
        "fieldsep" if print.field_separator == "\0" => quoted("|"),
        "fieldsep" => quoted(&print.field_separator),
        "fieldsep_zero" => on_off(print.field_separator == "\0").into(),
        "footer" => on_off(print.footer).into(),
        "format" => print.format.name().into(),
        "linestyle" => print.line_style.name.into(),
        "null" => quoted(&print.null),
        "numericlocale" => "off".into(),
        "pager" | "pager_min_lines" => "0".into(),
        "recordsep" if print.record_separator == "\0" => quoted("\n"),
        "recordsep" => quoted(&print.record_separator),
        "recordsep_zero" => on_off(print.record_separator == "\0").into(),
        "tableattr" => attribute(&print.table_attributes),
        "title" => attribute(&print.title),
        "tuples_only" => on_off(print.tuples_only).into(),
        _ => "single".into(),
    }
}

/// What psql says after a change.
fn sentence(print: &PrintOptions, name: &str) -> String {
    match name {
        "border" => format!("Border style is {}.", print.border),
        "columns" if print.columns == 0 => "Target width is unset.".into(),
        "columns" => format!("Target width is {}.", print.columns),
        "csv_fieldsep" => format!("Field separator for CSV is \"{}\".", print.csv_separator),
        "expanded" => match print.expanded {
            Expanded::On => "Expanded display is on.".into(),
            Expanded::Auto => "Expanded display is used automatically.".into(),
            Expanded::Off => "Expanded display is off.".into(),
        },
        "fieldsep" | "fieldsep_zero" if print.field_separator == "\0" => {
            "Field separator is zero byte.".into()
        }
        "fieldsep" => format!("Field separator is \"{}\".", print.field_separator),
        "footer" => format!("Default footer is {}.", on_off(print.footer)),
        "format" => format!("Output format is {}.", print.format.name()),
        "linestyle" => format!("Line style is {}.", print.line_style.name),
        "null" => format!("Null display is \"{}\".", print.null),
        "pager" => "Pager usage is off.".into(),
        "pager_min_lines" => "Pager won't be used for less than 0 lines.".into(),
        "recordsep" | "recordsep_zero" if print.record_separator == "\0" => {
            "Record separator is zero byte.".into()
        }
        "recordsep" if print.record_separator == "\n" => "Record separator is <newline>.".into(),
        "recordsep" => format!("Record separator is \"{}\".", print.record_separator),
        "tableattr" => match &print.table_attributes {
            Some(text) => format!("Table attributes are \"{text}\"."),
            None => "Table attributes unset.".into(),
        },
        "title" => match &print.title {
            Some(text) => format!("Title is \"{text}\"."),
            None => "Title is unset.".into(),
        },
        "tuples_only" => format!("Tuples only is {}.", on_off(print.tuples_only)),
        "unicode_border_linestyle" => "Unicode border line style is \"single\".".into(),
        "unicode_column_linestyle" => "Unicode column line style is \"single\".".into(),
        _ => "Unicode header line style is \"single\".".into(),
    }
}
