//! Functions of Redshift in PostgreSQL's words.

use super::DialectError;
use super::expression::{Cursor, arguments, expression, raw, rewrite, string_value};
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
        "len" => format!("length({})", rewrite(call.inner)?),
        "charindex" => {
            needs(2)?;
            format!("strpos({}, {})", arg(1)?, arg(0)?)
        }
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
        "dateadd" | "date_add" => {
            needs(3)?;
            let part = part(parts[0])?;
            let (count, unit) = interval(&part);
            format!("(({})::timestamp + ({}) * {count} * interval '1 {unit}')", arg(2)?, arg(1)?)
        }
        "datediff" | "date_diff" => {
            needs(3)?;
            datediff(&part(parts[0])?, &arg(1)?, &arg(2)?)
        }
        "date_part" | "pgdate_part" if parts.len() == 2 && !is_text(parts[0]) => {
            format!("date_part('{}', {})", part(parts[0])?, arg(1)?)
        }
        "date_part_year" => {
            needs(1)?;
            format!("date_part('year', ({})::date)::int", arg(0)?)
        }
        "add_months" => {
            needs(2)?;
            add_months(&arg(0)?, &arg(1)?)
        }
        "last_day" => {
            needs(1)?;
            format!("(date_trunc('month', ({})::timestamp) + interval '1 month - 1 day')::date", arg(0)?)
        }
        "convert_timezone" => match parts.len() {
            2 => format!("(({})::timestamp AT TIME ZONE 'UTC' AT TIME ZONE {})", arg(1)?, arg(0)?),
            3 => format!("(({})::timestamp AT TIME ZONE {} AT TIME ZONE {})", arg(2)?, arg(0)?, arg(1)?),
            _ => return Err(wrong("two or three arguments expected")),
        },
        "json_parse" => format!("({})::jsonb", rewrite(call.inner)?),
        "json_serialize" => format!("({})::text", rewrite(call.inner)?),
        "json_extract_path_text" if parts.len() > 1 => {
            let path: Result<Vec<String>, DialectError> = (1..parts.len()).map(arg).collect();
            // A trailing flag says whether bad JSON is NULL.
            let path: Vec<String> = path?.into_iter().filter(|p| !p.eq_ignore_ascii_case("true")).collect();
            format!("jsonb_extract_path_text(({})::jsonb, {})", arg(0)?, path.join(", "))
        }
        "median" => {
            needs(1)?;
            format!("percentile_cont(0.5) WITHIN GROUP (ORDER BY {})", arg(0)?)
        }
        "listagg" => return listagg(call, &parts).map(Some),
        "ratio_to_report"
        | "months_between"
        | "strtol"
        | "func_sha1"
        | "percentile_disc_approx"
        | "hll"
        | "json_extract_array_element_text"
        | "fnv_hash"
        | "crc32"
        | "next_day"
        | "object_transform" => {
            return Err(DialectError::unsupported(format!("function {}", call.name.to_ascii_uppercase())));
        }
        _ => return Ok(None),
    };
    Ok(Some((text, call.behind)))
}

fn is_text(tokens: &[Token]) -> bool {
    Cursor::new(tokens).peek().is_some_and(|t| t.kind == Kind::Text)
}

/// CAST(x AS type) where the type has another name; `None` where it has not.
fn cast(inner: &[Token]) -> Result<Option<String>, DialectError> {
    let Some(at) = inner.iter().rposition(|t| t.is("as")) else { return Ok(None) };
    let mut cursor = Cursor::new(&inner[at + 1..]);
    let Some(name) = cursor.next() else { return Ok(None) };
    let mapped = super::expression::type_name(&name.text.to_ascii_lowercase(), cursor.group())?;
    let value = rewrite(&inner[..at])?;
    Ok(mapped.map(|mapped| format!("CAST({} AS {mapped})", value.trim())))
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
    let name = if token.kind == Kind::Text { string_value(token) } else { token.text.clone() };
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
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => "milliseconds",
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" => "microseconds",
        "dow" | "dayofweek" | "dw" | "weekday" => "dow",
        "doy" | "dayofyear" | "dy" | "yearday" => "doy",
        "epoch" => "epoch",
        _ => return Err(DialectError::unsupported(format!("date part {name}"))),
    }
    .to_owned())
}

/// How many of which unit an interval literal knows.
fn interval(part: &str) -> (u32, &str) {
    match part {
        "quarter" => (3, "month"),
        "milliseconds" => (1, "millisecond"),
        "microseconds" => (1, "microsecond"),
        other => (1, other),
    }
}

/// How many boundaries of a part lie between two moments.
fn datediff(part: &str, from: &str, to: &str) -> String {
    let (from, to) = (format!("({from})::timestamp"), format!("({to})::timestamp"));
    let years = |unit: &str, per: u32, at: &str| {
        format!("date_part('year', {at}) * {per} + date_part('{unit}', {at})")
    };
    let difference = match part {
        "year" | "decade" | "century" | "millennium" => {
            format!("date_part('{part}', {to}) - date_part('{part}', {from})")
        }
        "quarter" => format!("({}) - ({})", years("quarter", 4, &to), years("quarter", 4, &from)),
        "month" => format!("({}) - ({})", years("month", 12, &to), years("month", 12, &from)),
        "week" => format!("(date_trunc('week', {to})::date - date_trunc('week', {from})::date) / 7"),
        "day" | "doy" | "dow" => format!("({to})::date - ({from})::date"),
        _ => {
            let per = match part {
                "hour" => "/ 3600",
                "minute" => "/ 60",
                "milliseconds" => "* 1000",
                "microseconds" => "* 1000000",
                _ => "* 1",
            };
            let at = |moment: &str| format!("extract(epoch from date_trunc('{part}', {moment})) {per}");
            format!("{} - {}", at(&to), at(&from))
        }
    };
    format!("({difference})::bigint")
}

/// The last day of a month stays the last day.
fn add_months(date: &str, months: &str) -> String {
    let start = format!("({date})::timestamp");
    let moved = format!("({start} + ({months}) * interval '1 month')");
    format!(
        "(CASE WHEN date_part('month', {start} + interval '1 day') <> date_part('month', {start}) \
         THEN date_trunc('month', {moved}) + interval '1 month - 1 day' + ({start} - date_trunc('day', {start})) \
         ELSE {moved} END)"
    )
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
        let mut over = behind.clone();
        if over.word("over") {
            return Err(DialectError::unsupported("LISTAGG … WITHIN GROUP … OVER"));
        }
        // Keep the blank before what follows.
        if next > 0 && next < call.tokens.len() && call.tokens[next - 1].is_quiet() {
            next -= 1;
        }
    }
    let value = rewrite(value)?;
    Ok((format!("string_agg({distinct}({})::text, {}{order})", value.trim(), separator.trim()), next))
}
