//! Window functions and aggregates that PostgreSQL has not, or not over a window.
//! <https://docs.aws.amazon.com/redshift/latest/dg/c_Window_functions.html>

use super::DialectError;
use super::expression::{Cursor, rewrite};
use super::functions::Call;
use crate::lexer::token::Token;

/// A call and what stands behind it; `None` where PostgreSQL has the same.
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn map(call: &Call<'_>, parts: &[&[Token]]) -> Result<Option<(String, usize)>, DialectError> {
    let mut behind = Cursor::new(&call.tokens[call.behind..]);
    let argument = |index: usize| -> Result<String, DialectError> {
        let part = parts.get(index).copied().unwrap_or_default();
        Ok(rewrite(&part[..nulls(part).unwrap_or(part.len())])?.trim().to_owned())
    };
    match call.name {
        "median" if parts.len() == 1 => {
            let over = over(&mut behind)?.unwrap_or_default();
            let text = format!("redshift.median(array_agg({}){over})", argument(0)?);
            Ok(Some((text, call.behind + behind.end())))
        }
        "percentile_cont" | "percentile_disc" => {
            if !(behind.word("within") && behind.word("group")) {
                return Ok(None);
            }
            let order = behind.group().ok_or_else(|| DialectError::Syntax("WITHIN GROUP".into()))?;
            let Some(over) = over(&mut behind)? else { return Ok(None) };
            let mut by = Cursor::new(order);
            by.word("order");
            by.word("by");
            let end = order.iter().position(|t| t.is("asc") || t.is("desc")).unwrap_or(order.len());
            let down = order.iter().any(|t| t.is("desc"));
            let value = rewrite(&order[by.end()..end])?;
            let fraction = argument(0)?;
            let fraction = if down { format!("1 - ({fraction})") } else { fraction };
            let text = format!("redshift.{}(array_agg({}){over}, {fraction})", call.name, value.trim());
            Ok(Some((text, call.behind + behind.end())))
        }
        "ratio_to_report" if parts.len() == 1 => {
            let over = over(&mut behind)?.unwrap_or_default();
            let value = argument(0)?;
            let text = format!("(({value})::double precision / nullif(sum({value}){over}, 0))");
            Ok(Some((text, call.behind + behind.end())))
        }
        "first_value" | "last_value" | "nth_value" | "lag" | "lead" => {
            // IGNORE NULLS stands behind the arguments or behind the call.
            let inside = parts.iter().find_map(|part| nulls(part).map(|at| part[at].is("ignore")));
            let outside = match () {
                () if behind.word("ignore") => Some(true),
                () if behind.word("respect") => Some(false),
                () => None,
            };
            if outside.is_some() && !behind.word("nulls") {
                return Err(DialectError::Syntax(behind.near()));
            }
            match inside.or(outside) {
                None => Ok(None),
                Some(false) => {
                    let list: Result<Vec<String>, DialectError> = (0..parts.len()).map(argument).collect();
                    let text = format!("{}({})", call.name, list?.join(", "));
                    Ok(Some((text, call.behind + behind.end())))
                }
                Some(true) => ignore_nulls(call, &mut behind, &argument, parts.len()),
            }
        }
        _ => Ok(None),
    }
}

/// The index of IGNORE NULLS or RESPECT NULLS in an argument.
fn nulls(part: &[Token]) -> Option<usize> {
    let loud: Vec<usize> = (0..part.len()).filter(|i| !part[*i].is_quiet()).collect();
    match loud.as_slice() {
        [.., how, nulls]
            if part[*nulls].is("nulls") && (part[*how].is("ignore") || part[*how].is("respect")) =>
        {
            Some(*how)
        }
        _ => None,
    }
}

/// ` OVER (…)` or ` OVER name`, if it stands next.
pub(super) fn over(behind: &mut Cursor<'_>) -> Result<Option<String>, DialectError> {
    if !behind.clone().word("over") {
        return Ok(None);
    }
    behind.word("over");
    if let Some(window) = behind.group() {
        return Ok(Some(format!(" OVER ({})", rewrite(window)?.trim())));
    }
    Ok(Some(format!(" OVER {}", behind.name()?)))
}

/// The parts of a window without its frame.
fn without_frame(window: &[Token]) -> &[Token] {
    let frame = window.iter().position(|t| t.is("rows") || t.is("range"));
    &window[..frame.unwrap_or(window.len())]
}

fn ignore_nulls(
    call: &Call<'_>,
    behind: &mut Cursor<'_>,
    argument: &dyn Fn(usize) -> Result<String, DialectError>,
    count: usize,
) -> Result<Option<(String, usize)>, DialectError> {
    if !behind.word("over") {
        return Err(DialectError::Syntax(behind.near()));
    }
    let window =
        behind.group().ok_or_else(|| DialectError::unsupported("IGNORE NULLS over a window with a name"))?;
    let whole = rewrite(window)?;
    let order = rewrite(without_frame(window))?;
    let value = argument(0)?;
    let nth = || if count > 1 { argument(1) } else { Ok("1".to_owned()) };
    let kept = format!("(array_agg({value}) FILTER (WHERE ({value}) IS NOT NULL)");
    let text = match call.name {
        "first_value" => format!("redshift.first_not_null({value}) OVER ({})", whole.trim()),
        "last_value" => format!("redshift.last_not_null({value}) OVER ({})", whole.trim()),
        "nth_value" => format!("({kept} OVER ({})))[{}]", whole.trim(), nth()?),
        "lag" => format!(
            "redshift.from_end({kept} OVER ({} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), {})",
            order.trim(),
            nth()?
        ),
        _ => format!(
            "({kept} OVER ({} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)))[{}]",
            order.trim(),
            nth()?
        ),
    };
    Ok(Some((text, call.behind + behind.end())))
}
