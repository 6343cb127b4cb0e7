//! Functions of Redshift in PostgreSQL's words.

use super::DialectError;
use super::clauses::loud;
use super::expression::{Cursor, arguments, expression, raw, rewrite};
use crate::lexer::token::{Kind, Token};

/// A function call.
pub(super) struct Call<'a> {
    /// The function, in lower case.
    pub(super) name: &'a str,
    /// What is between its parentheses.
    pub(super) inner: &'a [Token],
    /// All tokens, for what follows the call.
    pub(super) tokens: &'a [Token],
    /// The index behind the call.
    pub(super) behind: usize,
}

/// The call in PostgreSQL's words and the index behind it; `None` if it is the same there.
///
/// # Errors
/// If the arguments have no counterpart.
pub(super) fn map(call: &Call<'_>) -> Result<Option<(String, usize)>, DialectError> {
    let parts = arguments(call.inner);
    let wrong = |reason: &str| DialectError::Arguments {
        function: call.name.to_ascii_uppercase(),
        reason: reason.to_owned(),
    };
    let needs = |count: usize| match parts.len() == count {
        true => Ok(()),
        false => Err(wrong(&format!("{count} arguments expected, {} given", parts.len()))),
    };
    let arg = |index: usize| rewrite(parts[index]).map(|t| t.trim().to_owned());
    let text = match call.name {
        "getdate" => "statement_timestamp()::timestamp(0)".to_owned(),
        "sysdate" => "now()::timestamp".to_owned(),
        "nvl" | "isnull" => format!("COALESCE({})", rewrite(call.inner)?),
        "nvl2" => {
            needs(3)?;
            format!("CASE WHEN ({}) IS NOT NULL THEN {} ELSE {} END", arg(0)?, arg(1)?, arg(2)?)
        }
        // PostgreSQL's own decode(text, format) has two.
        "decode" if parts.len() > 2 => decode(&parts)?,
        "cast" => match cast(call.inner)? {
            Some(text) => text,
            None => return Ok(None),
        },
        // PostgreSQL's own convert(bytes, from, to) has three.
        "convert" if parts.len() == 2 => {
            let name = raw(parts[0]).trim().to_ascii_lowercase();
            let mapped = super::expression::type_name(&name, None)?.unwrap_or(name);
            format!("CAST({} AS {mapped})", arg(1)?)
        }
        "try_cast" => try_cast(call.inner)?,
        "concat" => {
            needs(2)?;
            format!("redshift.concat(({})::text, ({})::text)", arg(0)?, arg(1)?)
        }
        "dateadd" | "date_add" if parts.len() == 3 => {
            format!("redshift.date_add('{}', ({})::bigint, {})", part(parts[0])?, arg(1)?, arg(2)?)
        }
        "datediff" | "date_diff" if parts.len() == 3 => {
            format!("redshift.date_diff('{}', {}, {})", part(parts[0])?, arg(1)?, arg(2)?)
        }
        "dateadd" | "datediff" => return Err(wrong(&format!("3 arguments expected, {} given", parts.len()))),
        "date_part" | "pgdate_part" if parts.len() == 2 => {
            format!("redshift.date_part('{}', {})", part(parts[0])?, arg(1)?)
        }
        "extract" => match extract(call.inner)? {
            Some(text) => text,
            None => return Ok(None),
        },
        // The standard's form with FROM stays.
        "trim" if parts.len() == 1 && !call.inner.iter().any(|t| t.is("from") || t.is("both")) => {
            format!("btrim({})", arg(0)?)
        }
        "stddev" | "stddev_samp" | "stddev_pop" | "variance" | "var_samp" | "var_pop" if parts.len() == 1 => {
            // Of whole numbers, too, these are DOUBLE PRECISION.
            let mut cursor = Cursor::new(parts[0]);
            let distinct = if cursor.word("distinct") { "DISTINCT " } else { "" };
            let value = rewrite(&parts[0][cursor.end()..])?;
            format!("{}({distinct}({})::double precision)", call.name, value.trim())
        }
        // Numbers among the arguments are text.
        "position" if call.inner.iter().any(|t| t.is("in")) => position(call.inner)?,
        // The standard's form is one of PostgreSQL's grammar, which knows text alone.
        "substring" if call.inner.iter().any(|t| t.is("from")) => match substring(call.inner)? {
            Some(text) => text,
            None => return Ok(None),
        },
        "lpad" | "rpad" | "replace" | "translate" | "split_part" | "strpos" | "charindex"
            if parts
                .iter()
                .enumerate()
                .any(|(at, part)| takes_text(call.name, at) && number(part).is_some()) =>
        {
            let written: Result<Vec<String>, DialectError> = (0..parts.len())
                .map(|at| match number(parts[at]).filter(|_| takes_text(call.name, at)) {
                    Some(digits) => Ok(format!("'{digits}'")),
                    None => arg(at),
                })
                .collect();
            format!("{}({})", call.name, written?.join(", "))
        }
        "json_extract_path_text" if parts.len() > 2 && is_boolean(parts[parts.len() - 1]) => {
            let path: Result<Vec<String>, DialectError> = (1..parts.len() - 1).map(arg).collect();
            let flag = arg(parts.len() - 1)?;
            format!("redshift.json_path_or_null(({})::text, ARRAY[{}], {flag})", arg(0)?, path?.join(", "))
        }
        "array" if !super::select::begins_query(call.inner) => {
            format!("jsonb_build_array({})", rewrite(call.inner)?)
        }
        "object" => format!("jsonb_build_object({})", rewrite(call.inner)?),
        "collate" if parts.len() == 2 => {
            let name = Cursor::new(parts[1]).text().unwrap_or_default().to_ascii_lowercase();
            match name.as_str() {
                "ci" | "case_insensitive" => format!("({}) COLLATE redshift.case_insensitive", arg(0)?),
                "cs" | "case_sensitive" => format!("({}) COLLATE \"default\"", arg(0)?),
                _ => return Err(wrong("'case_sensitive' or 'case_insensitive' expected")),
            }
        }
        "median" | "percentile_cont" | "percentile_disc" | "ratio_to_report" | "first_value"
        | "last_value" | "nth_value" | "lag" | "lead" => return super::window::map(call, &parts),
        "listagg" => return listagg(call, &parts).map(Some),
        "avg" if parts.len() == 1 => return average(call).map(Some),
        name if super::names::is_refused_function(name) => {
            return Err(DialectError::unsupported(format!("function {}", name.to_ascii_uppercase())));
        }
        _ => return Ok(None),
    };
    Ok(Some((text, call.behind)))
}

/// Whether an argument of a function of text is text, and not a place or a count.
fn takes_text(function: &str, at: usize) -> bool {
    match function {
        "lpad" | "rpad" => at == 2,
        "replace" | "translate" => at > 0,
        "charindex" => at == 0,
        _ => at == 1,
    }
}

/// The digits of an argument that is a number alone.
fn number(part: &[Token]) -> Option<&str> {
    let mut loud = part.iter().filter(|t| !t.is_quiet());
    let first = loud.next().filter(|t| t.kind == Kind::Number)?;
    loud.next().is_none().then_some(first.text.as_str())
}

fn is_boolean(tokens: &[Token]) -> bool {
    let mut loud = tokens.iter().filter(|t| !t.is_quiet());
    loud.next().is_some_and(|t| t.is("true") || t.is("false")) && loud.next().is_none()
}

/// EXTRACT(part FROM x): whole numbers. `None` where the part is none of Redshift's.
fn extract(inner: &[Token]) -> Result<Option<String>, DialectError> {
    let Some(at) = inner.iter().position(|t| t.is("from")) else { return Ok(None) };
    let name = part(&inner[..at])?;
    let kind = if name == "epoch" { "bigint" } else { "integer" };
    Ok(Some(format!("redshift.date_part('{name}', {})::{kind}", rewrite(&inner[at + 1..])?.trim())))
}

/// The index of a word outside of parentheses.
fn outside(tokens: &[Token], word: &str) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().position(|t| {
        depth += i32::from(t.is_symbol("(")) - i32::from(t.is_symbol(")"));
        depth == 0 && t.is(word)
    })
}

/// POSITION(part IN value).
fn position(inner: &[Token]) -> Result<String, DialectError> {
    let at = outside(inner, "in").ok_or_else(|| DialectError::Syntax("POSITION".into()))?;
    let (part, value) = (rewrite(&inner[..at])?, rewrite(&inner[at + 1..])?);
    Ok(format!("redshift.position({}, {})", value.trim(), part.trim()))
}

/// SUBSTRING(value FROM start [FOR count]) with numbers; `None` for a pattern.
fn substring(inner: &[Token]) -> Result<Option<String>, DialectError> {
    let Some(from) = outside(inner, "from") else { return Ok(None) };
    let behind = &inner[from + 1..];
    if loud(behind, 0).is_none_or(|t| t.string().is_some()) {
        return Ok(None);
    }
    let count = outside(behind, "for");
    let mut written = vec![rewrite(&inner[..from])?, rewrite(&behind[..count.unwrap_or(behind.len())])?];
    if let Some(at) = count {
        written.push(rewrite(&behind[at + 1..])?);
    }
    let written: Vec<&str> = written.iter().map(|w| w.trim()).collect();
    Ok(Some(format!("substring({})", written.join(", "))))
}

/// TRY_CAST(x AS type): NULL where the value does not convert.
fn try_cast(inner: &[Token]) -> Result<String, DialectError> {
    let at = inner.iter().rposition(|t| t.is("as")).ok_or_else(|| DialectError::Syntax("TRY_CAST".into()))?;
    let kind = rewrite_type(&inner[at + 1..])?;
    Ok(format!("redshift.try_cast(({})::text, NULL::{kind})::{kind}", rewrite(&inner[..at])?.trim()))
}

/// A type by PostgreSQL's name.
fn rewrite_type(tokens: &[Token]) -> Result<String, DialectError> {
    let mut cursor = Cursor::new(tokens);
    let name = cursor.next().map(|t| t.text.to_ascii_lowercase()).unwrap_or_default();
    let mapped = super::expression::type_name(&name, cursor.group())?;
    Ok(mapped.unwrap_or_else(|| raw(tokens).trim().to_owned()))
}

/// CAST(x AS type) where the type has another name; `None` where it has not.
fn cast(inner: &[Token]) -> Result<Option<String>, DialectError> {
    let Some(at) = inner.iter().rposition(|t| t.is("as")) else { return Ok(None) };
    let mut cursor = Cursor::new(&inner[at + 1..]);
    let Some(name) = cursor.next() else { return Ok(None) };
    let mapped = super::expression::type_name(&name.text.to_ascii_lowercase(), cursor.group())?;
    let value = rewrite(&inner[..at])?;
    if name.is("super") {
        return Ok(Some(format!("redshift.to_super({})", value.trim())));
    }
    Ok(mapped.map(|mapped| format!("CAST({} AS {mapped})", value.trim())))
}

/// AVG by PostgreSQL's own aggregates, which share one pass over the values. The schema's function finds by the type of a
/// value that is never computed what the result is.
fn average(call: &Call<'_>) -> Result<(String, usize), DialectError> {
    let mut cursor = Cursor::new(call.inner);
    let distinct = if cursor.word("distinct") { "DISTINCT " } else { "" };
    cursor.word("all");
    let value = rewrite(&call.inner[cursor.end()..])?;
    let value = format!("redshift.number({})", value.trim());
    let mut behind = Cursor::new(&call.tokens[call.behind..]);
    let filter = match behind.word("filter").then(|| behind.group()).flatten() {
        Some(filter) => format!(" FILTER ({})", rewrite(filter)?.trim()),
        None => String::new(),
    };
    let over = super::window::over(&mut behind)?.unwrap_or_default();
    let text = format!(
        "redshift.avg(pg_catalog.avg({distinct}{value}){filter}{over}, pg_catalog.sum({distinct}{value}){filter}{over}, \
         redshift.kind({value}) FILTER (WHERE false){over})"
    );
    Ok((text, call.behind + behind.end()))
}

/// NULL equals NULL here.
fn decode(parts: &[&[Token]]) -> Result<String, DialectError> {
    let value = rewrite(parts[0])?;
    let mut text = "CASE".to_owned();
    let mut rest = &parts[1..];
    while let [search, result, more @ ..] = rest {
        let (search, result) = (rewrite(search)?, rewrite(result)?);
        text.push_str(&format!(
            " WHEN ({}) IS NOT DISTINCT FROM ({}) THEN {}",
            value.trim(),
            search.trim(),
            result.trim()
        ));
        rest = more;
    }
    if let [otherwise] = rest {
        text.push_str(&format!(" ELSE {}", rewrite(otherwise)?.trim()));
    }
    text.push_str(" END");
    Ok(text)
}

/// The part of a date, by its one name. <https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html>
fn part(tokens: &[Token]) -> Result<String, DialectError> {
    let mut cursor = Cursor::new(tokens);
    let token = cursor.next().ok_or_else(|| DialectError::Syntax("date part".into()))?;
    let name = token.string().unwrap_or_else(|| token.text.clone());
    let name = name.to_ascii_lowercase();
    Ok(match name.as_str() {
        "millennium" | "millennia" | "mil" | "mils" => "millennium",
        "century" | "centuries" | "c" | "cent" | "cents" => "century",
        "decade" | "decades" | "dec" | "decs" => "decade",
        "year" | "years" | "y" | "yr" | "yrs" => "year",
        "quarter" | "quarters" | "qtr" | "qtrs" => "quarter",
        "month" | "months" | "mon" | "mons" => "month",
        "week" | "weeks" | "w" => "week",
        "day" | "days" | "d" => "day",
        "hour" | "hours" | "h" | "hr" | "hrs" => "hour",
        "minute" | "minutes" | "m" | "min" | "mins" => "minute",
        "second" | "seconds" | "s" | "sec" | "secs" => "second",
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisec"
        | "millisecs" => "milliseconds",
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "microsec" | "microsecs" | "usecond"
        | "useconds" => "microseconds",
        "dow" | "dayofweek" | "dw" | "weekday" => "dow",
        "doy" | "dayofyear" | "dy" | "yearday" => "doy",
        "epoch" | "timezone" | "timezone_hour" | "timezone_minute" => return Ok(name),
        _ => return Err(DialectError::unsupported(format!("date part {name}"))),
    }
    .to_owned())
}

/// Whether `ORDER BY …` begins with this expression.
fn ordered_by(mut cursor: Cursor<'_>, text: &str) -> bool {
    cursor.word("order") && cursor.word("by") && cursor.peek().is_some_and(|t| text.starts_with(&t.text))
}

/// LISTAGG([DISTINCT] x [, d]) [WITHIN GROUP (ORDER BY …)] [OVER (…)].
fn listagg(call: &Call<'_>, parts: &[&[Token]]) -> Result<(String, usize), DialectError> {
    let mut value = parts.first().copied().unwrap_or_default();
    let mut cursor = Cursor::new(value);
    let distinct = if cursor.word("distinct") { "DISTINCT " } else { "" };
    value = &value[cursor.position()..];
    let separator = parts.get(1).map_or(Ok("''".to_owned()), |p| expression(p))?;
    let mut behind = Cursor::new(&call.tokens[call.behind..]);
    let mut next = call.behind;
    let mut order = String::new();
    if behind.word("within") && behind.word("group") {
        let group = behind.group().ok_or_else(|| DialectError::Syntax("WITHIN GROUP".into()))?;
        order = format!(" {}", rewrite(group)?.trim());
        // PostgreSQL orders distinct values by what it aggregates, cast included.
        let (text, plain) = (rewrite(value)?, order.clone());
        let text = text.trim();
        let by = Cursor::new(group);
        if !distinct.is_empty() && ordered_by(by, text) {
            order = plain.replacen(text, &format!("({text})::text"), 1);
        }
        next = call.behind + behind.position();
        if behind.clone().word("over") {
            // The frame is the whole partition, in the order of WITHIN GROUP.
            if !distinct.is_empty() {
                return Err(DialectError::unsupported("LISTAGG (DISTINCT …) … OVER"));
            }
            behind.word("over");
            let partition = behind.group().ok_or_else(|| DialectError::Syntax(behind.near()))?;
            let text = format!(
                "string_agg(({})::text, {}) OVER ({} {} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
                rewrite(value)?.trim(),
                separator.trim(),
                rewrite(partition)?.trim(),
                order.trim()
            );
            return Ok((text, call.behind + behind.end()));
        }
        // Keep the blank before what follows.
        if next > 0 && next < call.tokens.len() && call.tokens[next - 1].is_quiet() {
            next -= 1;
        }
    }
    let value = rewrite(value)?;
    Ok((format!("string_agg({distinct}({})::text, {}{order})", value.trim(), separator.trim()), next))
}
