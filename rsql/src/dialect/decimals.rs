//! Decimals with Redshift's digits: quotients, and what is chosen among values of different types.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html>
//!
//! The digits follow from the declared precision of both operands. PostgreSQL's operators do not see it, so it is
//! inferred here from columns, casts, literals and aggregates. Where that does not reach, the quotient stays PostgreSQL's
//! and the catalogue is told, so that a script is warned.

use std::ops::Range;

use super::DialectError;
use super::clauses::{Relation, Select, item_name, items, loud, relations, same};
use super::edit::Edits;
use super::expression::{LEADS, arguments, closing, identifier};
use super::scope::{self, Columns};
use super::select::begins_query;
use crate::lexer::token::{Kind, Token};

/// The largest precision.
const MOST: u32 = 38;

/// What is known of a value's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Unknown,
    /// A whole number that counts as a decimal of so many digits.
    Whole(u32),
    /// Precision and scale.
    Decimal(u32, u32),
    Float,
}

impl Number {
    /// As a decimal.
    fn decimal(self) -> Option<(u32, u32)> {
        match self {
            Self::Whole(precision) => Some((precision, 0)),
            Self::Decimal(precision, scale) => Some((precision, scale)),
            Self::Unknown | Self::Float => None,
        }
    }

    fn of_type(name: &str) -> Self {
        let (base, size) = name.split_once('(').map_or((name, None), |(base, rest)| (base, Some(rest)));
        match base.trim().to_ascii_lowercase().as_str() {
            "smallint" | "int2" => Self::Whole(5),
            "integer" | "int" | "int4" => Self::Whole(10),
            "bigint" | "int8" => Self::Whole(19),
            "real" | "float4" | "float8" | "float" | "double precision" | "double" => Self::Float,
            "numeric" | "decimal" | "dec" => {
                let mut parts =
                    size.unwrap_or("18,0)").trim_end_matches(')').split(',').map(|p| p.trim().parse());
                match (parts.next(), parts.next()) {
                    (Some(Ok(precision)), Some(Ok(scale))) => Self::Decimal(precision, scale),
                    (Some(Ok(precision)), None) => Self::Decimal(precision, 0),
                    _ => Self::Unknown,
                }
            }
            _ => Self::Unknown,
        }
    }

    fn of_literal(text: &str) -> Self {
        if text.contains(['e', 'E']) {
            return Self::Float;
        }
        let digits = |part: &str| u32::try_from(part.len()).unwrap_or(MOST);
        match text.split_once('.') {
            Some((whole, fraction)) => {
                let scale = digits(fraction);
                Self::Decimal((digits(whole.trim_start_matches('0')) + scale).max(1), scale)
            }
            None if text.parse::<i32>().is_ok() => Self::Whole(10),
            None if text.parse::<i64>().is_ok() => Self::Whole(19),
            None => Self::Decimal(digits(text), 0),
        }
    }

    /// The type's name, for a column of a subquery.
    fn name(self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Whole(..=5) => Some("smallint".into()),
            Self::Whole(..=10) => Some("integer".into()),
            Self::Whole(_) => Some("bigint".into()),
            Self::Decimal(precision, scale) => Some(format!("numeric({precision},{scale})")),
            Self::Float => Some("double precision".into()),
        }
    }

    fn sum(self, other: Self) -> Self {
        self.combined(other, |(p1, s1), (p2, s2)| {
            let scale = s1.max(s2);
            (p1.saturating_sub(s1).max(p2.saturating_sub(s2)) + scale + 1, scale)
        })
    }

    fn product(self, other: Self) -> Self {
        self.combined(other, |(p1, s1), (p2, s2)| (p1 + p2 + 1, s1 + s2))
    }

    fn combined(self, other: Self, rule: impl Fn((u32, u32), (u32, u32)) -> (u32, u32)) -> Self {
        match (self, other) {
            (Self::Float, Self::Unknown) | (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Float, _) | (_, Self::Float) => Self::Float,
            (Self::Whole(a), Self::Whole(b)) => Self::Whole(a.max(b)),
            _ => match (self.decimal(), other.decimal()) {
                (Some(a), Some(b)) => {
                    let (precision, scale) = rule(a, b);
                    Self::Decimal(precision.min(MOST), scale.min(MOST))
                }
                _ => Self::Unknown,
            },
        }
    }

    /// Scale = max(4, s1 + p2 - s2 + 1), precision = p1 - s1 + s2 + scale; beyond 38 digits the scale gives way.
    fn quotient(self, other: Self) -> Self {
        self.combined(other, |(p1, s1), (p2, s2)| {
            let scale = (s1 + p2 + 1).saturating_sub(s2).max(4);
            let precision = (p1 + s2 + scale).saturating_sub(s1);
            match precision > MOST {
                true => (MOST, (MOST + scale).saturating_sub(precision).max(4)),
                false => (precision, scale),
            }
        })
    }

    /// The common type of COALESCE, UNION and the like.
    fn common(self, other: Self) -> Self {
        self.combined(other, |(p1, s1), (p2, s2)| {
            let scale = s1.max(s2);
            (p1.saturating_sub(s1).max(p2.saturating_sub(s2)) + scale, scale)
        })
    }
}

/// Casts the quotients of a query.
///
/// # Errors
/// None; the changes have one shape.
pub(super) fn quotients(tokens: &[Token], select: &Select) -> Result<Option<Vec<Token>>, DialectError> {
    const CHOICES: [&str; 8] = ["case", "nvl", "nvl2", "isnull", "coalesce", "decode", "greatest", "least"];
    let concerned = |t: &Token| t.is_symbol("/") || CHOICES.iter().any(|word| t.is(word));
    if select.list.is_empty() || !tokens.iter().any(concerned) {
        return Ok(None);
    }
    let tables = relations(tokens, select.from.clone());
    let mut reader = Reader::new(tokens, &tables);
    for item in items(tokens, select.list.clone()) {
        let before = reader.edits.len();
        reader.sum(item.expression.clone());
        // A cast would give its type's name to the column.
        if reader.edits.len() > before && item.alias.is_none() && item_name(tokens, &item).is_none() {
            let first = loud(tokens, item.expression.start);
            let name = if first.is_some_and(|t| t.is("case")) { "\"case\"" } else { "\"?column?\"" };
            reader.edits.insert(item.end, format!(" AS {name}"));
        }
    }
    for part in [&select.filter, &select.group, &select.having, &select.qualify, &select.order] {
        reader.sum(part.clone());
    }
    if reader.unknown && reader.any_decimal() {
        scope::unknown_quotient();
    }
    Ok((!reader.edits.is_empty()).then(|| reader.edits.apply(tokens)))
}

/// The type of an expression of a query, by its name, as far as it is known.
pub(super) fn type_of(tokens: &[Token], tables: &[Relation], part: Range<usize>) -> Option<String> {
    Reader::new(tokens, tables).sum(part).name()
}

struct Reader<'a> {
    tokens: &'a [Token],
    /// Names of relations with their columns.
    tables: Vec<(Option<String>, Option<Columns>)>,
    edits: Edits,
    /// Whether the digits of a quotient are not known.
    unknown: bool,
}

impl<'a> Reader<'a> {
    fn new(tokens: &'a [Token], tables: &[Relation]) -> Self {
        let tables = tables
            .iter()
            .map(|t| (t.name(tokens), if t.pivot.is_some() { None } else { t.columns(tokens) }))
            .collect();
        Self { tokens, tables, edits: Edits::default(), unknown: false }
    }

    /// Whether a decimal may be among the values at all.
    fn any_decimal(&self) -> bool {
        let numeric = |kind: &Option<String>| kind.as_ref().is_some_and(|k| k.starts_with("numeric"));
        self.tables.iter().any(|(_, c)| c.iter().flatten().any(|(_, kind)| numeric(kind)))
            || self.tokens.iter().any(|t| {
                (t.kind == Kind::Number && t.text.contains('.')) || t.is("decimal") || t.is("numeric")
            })
    }

    fn column(&self, table: Option<&str>, name: &str) -> Number {
        let wanted = |of: &Option<String>| table.is_none_or(|t| of.as_deref().is_some_and(|n| same(n, t)));
        let columns =
            self.tables.iter().filter(|(of, _)| wanted(of)).filter_map(|(_, columns)| columns.as_ref());
        let found = columns.flatten().find(|(column, _)| same(column, name));
        // A column that the server calls plainly NUMERIC takes any number of digits.
        let kind = found.and_then(|(_, kind)| kind.as_deref()).filter(|kind| *kind != "numeric");
        kind.map_or(Number::Unknown, Number::of_type)
    }

    /// The next index that says something, before `end`.
    fn next(&self, mut at: usize, end: usize) -> Option<usize> {
        while at < end && self.tokens[at].is_quiet() {
            at += 1;
        }
        (at < end).then_some(at)
    }

    /// Reads operands and operators; the type if these are all there is.
    fn sum(&mut self, part: Range<usize>) -> Number {
        let mut total: Option<Number> = None;
        let mut plain = true;
        let mut at = part.start;
        while let Some(start) = self.next(at, part.end) {
            match self.product(start, part.end) {
                Some((number, end)) => {
                    total = Some(match total {
                        None => number,
                        Some(total) => total.sum(number),
                    });
                    at = end;
                    // Between two operands of a sum stands a sign.
                    if let Some(sign) = self.next(at, part.end) {
                        plain &= self.tokens[sign].is_symbol("+") || self.tokens[sign].is_symbol("-");
                        if !self.is_operand(sign) {
                            at = sign + 1;
                        }
                    }
                }
                None => {
                    let token = &self.tokens[start];
                    plain &= total.is_none()
                        && (token.is_symbol("-")
                            || token.is_symbol("+")
                            || token.is("distinct")
                            || token.is("all"));
                    at = start + 1;
                }
            }
        }
        total.filter(|_| plain).unwrap_or(Number::Unknown)
    }

    fn is_operand(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        token.is_symbol("(")
            || token.kind != Kind::Symbol && !LEADS.iter().any(|word| token.is(word) && !token.is("case"))
    }

    /// Operands between `*`, `/` and `%`, and the index behind.
    fn product(&mut self, start: usize, limit: usize) -> Option<(Number, usize)> {
        let (mut number, mut end) = self.factor(start, limit)?;
        let mut text: Option<String> = None;
        while let Some(operator) = self.next(end, limit) {
            let symbol = self.tokens[operator].text.clone();
            if self.tokens[operator].kind != Kind::Symbol || !["*", "/", "%"].contains(&symbol.as_str()) {
                break;
            }
            let Some(right) = self.next(operator + 1, limit) else { break };
            let signed = self.tokens[right].is_symbol("-") || self.tokens[right].is_symbol("+");
            let operand = if signed { self.next(right + 1, limit) } else { Some(right) };
            let Some((other, behind)) = operand.and_then(|at| self.factor(at, limit)) else { break };
            let divides = symbol == "/";
            let result = match symbol.as_str() {
                "*" => number.product(other),
                "/" => number.quotient(other),
                _ => Number::Unknown,
            };
            if divides && result == Number::Unknown && number != Number::Float && other != Number::Float {
                self.unknown = true;
            }
            let left = text.take().unwrap_or_else(|| self.edits.text(self.tokens, start..end));
            let middle = self.edits.text(self.tokens, end..behind);
            text = Some(match result {
                // PostgreSQL computes so many digits only for an operand that has as many.
                Number::Decimal(precision, scale) if divides => {
                    let digits = number.decimal().map_or(scale, |(_, own)| own.max(scale));
                    format!("(({left})::numeric(1000,{digits}){middle})::numeric({precision},{scale})")
                }
                _ => format!("{left}{middle}"),
            });
            (number, end) = (result, behind);
        }
        if let Some(text) = text.filter(|text| *text != self.edits.text(self.tokens, start..end)) {
            self.edits.replace(start..end, text);
        }
        Some((number, end))
    }

    /// One operand with its casts, and the index behind.
    fn factor(&mut self, start: usize, limit: usize) -> Option<(Number, usize)> {
        let tokens = self.tokens;
        let token = &tokens[start];
        let (mut number, mut end) = match token.kind {
            Kind::Number => (Number::of_literal(&token.text), start + 1),
            Kind::Text | Kind::Dollar => (Number::Unknown, start + 1),
            Kind::Symbol if token.text == "(" => {
                let close = closing(tokens, start).filter(|close| *close < limit)?;
                let inner = start + 1..close;
                let number =
                    if begins_query(&tokens[inner.clone()]) { Number::Unknown } else { self.list(inner) };
                (number, close + 1)
            }
            Kind::Word if token.is("case") => self.case(start, limit)?,
            Kind::Word | Kind::Quoted if self.is_operand(start) => self.name(start, limit)?,
            _ => return None,
        };
        while let Some(at) = self.next(end, limit) {
            if tokens[at].is_symbol("::") {
                let kind = self.next(at + 1, limit)?;
                end = kind + 1;
                let mut name = tokens[kind].text.clone();
                if let Some(open) = self.next(end, limit).filter(|open| tokens[*open].is_symbol("(")) {
                    let close = closing(tokens, open).filter(|close| *close < limit)?;
                    name.extend(tokens[open..=close].iter().map(|t| t.text.as_str()));
                    end = close + 1;
                } else if tokens[kind].is("double") {
                    end = self.next(end, limit).map_or(end, |precision| precision + 1);
                }
                number = Number::of_type(&name);
            } else if tokens[at].is_symbol("[") {
                let close = at + tokens[at..limit].iter().position(|t| t.is_symbol("]"))?;
                (number, end) = (Number::Unknown, close + 1);
            } else {
                break;
            }
        }
        Some((number, end))
    }

    /// What stands in parentheses: one expression, or several.
    fn list(&mut self, inner: Range<usize>) -> Number {
        let parts = self.parts(inner);
        let numbers: Vec<Number> = parts.into_iter().map(|part| self.sum(part)).collect();
        if let [number] = numbers.as_slice() { *number } else { Number::Unknown }
    }

    /// The arguments by the indexes of their tokens.
    fn parts(&self, inner: Range<usize>) -> Vec<Range<usize>> {
        let mut start = inner.start;
        let slices = arguments(&self.tokens[inner]);
        slices
            .into_iter()
            .map(|slice| {
                let part = start..start + slice.len();
                // The comma.
                start = part.end + 1;
                part
            })
            .collect()
    }

    /// CASE … END: the common type of its results.
    fn case(&mut self, start: usize, limit: usize) -> Option<(Number, usize)> {
        let (mut depth, mut from, mut result) = (0, start + 1, false);
        let mut numbers = Vec::new();
        let mut at = start;
        while at < limit {
            let token = &self.tokens[at];
            let boundary = depth == 1 && ["when", "then", "else", "end"].iter().any(|word| token.is(word));
            if boundary {
                let number = self.sum(from..at);
                let null = loud(&self.tokens[..at], from).is_some_and(|t| t.is("null"));
                if result && !null {
                    numbers.push(number);
                }
                (from, result) = (at + 1, token.is("then") || token.is("else"));
            }
            if token.is("case") {
                depth += 1;
            } else if token.is("end") {
                depth -= 1;
                if depth == 0 {
                    return Some((self.chosen(start..at + 1, &numbers), at + 1));
                }
            } else if token.is_symbol("(") {
                at = closing(self.tokens, at).filter(|close| *close < limit)?;
            }
            at += 1;
        }
        None
    }

    /// A column, or a call with its OVER.
    fn name(&mut self, start: usize, limit: usize) -> Option<(Number, usize)> {
        let tokens = self.tokens;
        let mut names = vec![start];
        let mut end = start + 1;
        while let Some(dot) = self.next(end, limit).filter(|at| tokens[*at].is_symbol(".")) {
            let name = self.next(dot + 1, limit)?;
            names.push(name);
            end = name + 1;
        }
        let open = self.next(end, limit).filter(|at| tokens[*at].is_symbol("("));
        let Some(open) = open else {
            let text = |index: usize| identifier(&tokens[names[index]]);
            let number = match names.len() {
                1 => self.column(None, &text(0)),
                count => self.column(Some(&text(count - 2)), &text(count - 1)),
            };
            // `date '…'` and the like.
            if let Some(literal) = self.next(end, limit).filter(|at| tokens[*at].kind == Kind::Text) {
                return Some((Number::Unknown, literal + 1));
            }
            return Some((number, end));
        };
        let close = closing(tokens, open).filter(|close| *close < limit)?;
        end = close + 1;
        let number = self.call(&tokens[start].text.to_ascii_lowercase(), start, open + 1..close);
        while let Some(at) = self.next(end, limit) {
            let group = |from: usize| {
                let open = self.next(from, limit).filter(|open| tokens[*open].is_symbol("("))?;
                closing(tokens, open).filter(|close| *close < limit)
            };
            if ["over", "filter", "group"].iter().any(|word| tokens[at].is(word)) {
                end = match group(at + 1) {
                    Some(close) => close + 1,
                    None => self.next(at + 1, limit)? + 1,
                };
            } else if ["within", "ignore", "respect", "nulls"].iter().any(|word| tokens[at].is(word)) {
                end = at + 1;
            } else {
                break;
            }
        }
        Some((number, end))
    }

    /// The common type of values of which one is chosen; all of them have its scale.
    fn chosen(&mut self, whole: Range<usize>, values: &[Number]) -> Number {
        let common = values.iter().copied().reduce(Number::common).unwrap_or(Number::Unknown);
        let scale = |number: &Number| number.decimal().map_or(0, |(_, scale)| scale);
        if let Number::Decimal(_, wanted) = common
            && values.iter().any(|value| scale(value) != wanted)
        {
            let text = self.edits.text(self.tokens, whole.clone());
            self.edits.replace(whole, format!("({text})::numeric({MOST},{wanted})"));
        }
        common
    }

    fn call(&mut self, name: &str, start: usize, inner: Range<usize>) -> Number {
        if begins_query(&self.tokens[inner.clone()]) {
            return Number::Unknown;
        }
        if name == "cast" {
            let kind = self.tokens[inner.clone()].iter().rposition(|t| t.is("as")).map(|at| inner.start + at);
            let Some(at) = kind else { return Number::Unknown };
            self.sum(inner.start..at);
            let kind: String = self.tokens[at + 1..inner.end].iter().map(|t| t.text.as_str()).collect();
            return Number::of_type(kind.trim());
        }
        let end = inner.end;
        let parts = self.parts(inner);
        let null =
            |part: &Range<usize>| loud(&self.tokens[..part.end], part.start).is_some_and(|t| t.is("null"));
        let nulls: Vec<bool> = parts.iter().map(null).collect();
        let numbers: Vec<Number> = parts.into_iter().map(|part| self.sum(part)).collect();
        let first = numbers.first().copied().unwrap_or(Number::Unknown);
        // NULL is of every type.
        let without_null = |places: &mut dyn Iterator<Item = usize>| -> Vec<Number> {
            places.filter(|at| !nulls[*at]).map(|at| numbers[at]).collect()
        };
        let count = numbers.len();
        let choices = match name {
            "nvl" | "coalesce" | "isnull" | "greatest" | "least" => Some(without_null(&mut (0..count))),
            "nvl2" => Some(without_null(&mut (1..count))),
            // DECODE(value, search, result, …, default).
            "decode" if count > 2 => {
                Some(without_null(&mut (2..count).filter(|at| at % 2 == 0 || at + 1 == count)))
            }
            _ => None,
        };
        if let Some(choices) = choices {
            return self.chosen(start..end + 1, &choices);
        }
        match name {
            "sum" | "avg" => match first {
                Number::Whole(_) => Number::Whole(19),
                Number::Decimal(_, scale) => Number::Decimal(MOST, scale),
                other => other,
            },
            "count" | "row_number" | "rank" | "dense_rank" | "datediff" => Number::Whole(19),
            "len" | "length" | "extract" | "ntile" => Number::Whole(10),
            "min" | "max" | "abs" | "any_value" | "lag" | "lead" | "first_value" | "last_value"
            | "nullif" => first,
            "sqrt" | "power" | "pow" | "exp" | "stddev" | "stddev_samp" | "stddev_pop" | "variance"
            | "var_samp" | "var_pop" | "random" | "pi" | "date_part" | "months_between" => Number::Float,
            _ => Number::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_the_manual() {
        // PRICEPAID / COMMISSION, both DECIMAL(8,2).
        assert_eq!(Number::Decimal(8, 2).quotient(Number::Decimal(8, 2)), Number::Decimal(17, 9));
        // PRICEPAID / QTYSOLD, a SMALLINT.
        assert_eq!(Number::Decimal(8, 2).quotient(Number::Whole(5)), Number::Decimal(14, 8));
        // SUM(PRICEPAID) / COUNT(*).
        assert_eq!(Number::Decimal(38, 2).quotient(Number::Whole(19)), Number::Decimal(38, 4));
        assert_eq!(Number::Whole(10).quotient(Number::Whole(10)), Number::Whole(10));
        assert_eq!(Number::Decimal(8, 2).product(Number::Whole(5)), Number::Decimal(14, 2));
        assert_eq!(Number::Decimal(7, 2).common(Number::Decimal(15, 3)), Number::Decimal(15, 3));
        assert_eq!(Number::of_literal("0.75"), Number::Decimal(2, 2));
    }
}
