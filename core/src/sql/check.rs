//! Assertions on a table: the statements that measure it, and what their figures mean.
//!
//! Every figure counts rows that break an assertion. Figures of one table are one statement where they can be.

use super::copy::{FieldProblem, Fields};
use super::unload::single_query;
use super::{literal, name};
use rsql_lexer::token::{Kind, tokens};

/// How bad a broken assertion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Severity {
    /// The job completes, and says so.
    Warn,
    /// The job fails.
    #[default]
    Error,
}

/// From where on a count of rows is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// More rows than this.
    Rows(u64),
    /// A larger share of the rows looked at than this, in percent.
    Percent(f64),
}

impl Limit {
    /// Reads `> 10` or `> 1%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().strip_prefix('>')?.trim();
        match number.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Percent(percent))
            }
            None => number.parse().ok().map(Self::Rows),
        }
    }

    fn is_passed(self, count: u64, all: u64) -> bool {
        match self {
            Self::Rows(most) => count > most,
            // A share of nothing is nothing.
            Self::Percent(most) => all > 0 && count as f64 * 100.0 / all as f64 > most,
        }
    }
}

/// Assertions on a table.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Check {
    /// `table` or `schema.table`.
    pub table: String,
    /// Look only at these rows: an SQL condition.
    pub only: Option<String>,
    /// How bad it is when an assertion is broken that has no limits of its own.
    pub severity: Severity,
    /// From where on a count of rows is a warning.
    pub warn_if: Option<Limit>,
    /// From where on it is an error.
    pub error_if: Option<Limit>,
    /// Fewest rows.
    pub rows_min: Option<u64>,
    /// Most rows.
    pub rows_max: Option<u64>,
    /// By how many percent the number of rows may differ from the last time.
    pub rows_change: Option<f64>,
    /// Columns that hold no NULL.
    pub not_null: Vec<String>,
    /// Columns that, taken together, do not repeat. Rows with a NULL among them do not count.
    pub unique: Vec<Vec<String>>,
    /// Columns that hold nothing but these texts, or NULL.
    pub accepted: Vec<(String, Vec<String>)>,
    /// Columns whose values are there in `schema.table.column`, or NULL.
    pub refers: Vec<(String, String)>,
    /// A column of times whose latest is at most so many seconds old.
    pub fresh: Option<(String, u64)>,
    /// Most megabytes.
    pub size_max_mb: Option<u64>,
    /// Queries that return the bad rows, each with its name.
    pub sql: Vec<(String, String)>,
}

/// A statement of one row, and what its columns are.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The statement.
    pub sql: String,
    figures: Vec<Figure>,
}

#[derive(Clone, Debug, PartialEq)]
enum Figure {
    /// All rows looked at.
    Rows,
    /// Rows that break an assertion, named so.
    Bad(String),
    /// Seconds since the latest time; NULL for an empty table.
    Age(String, u64),
    /// Megabytes; no row for an empty table.
    Size(u64),
}

/// What a check found of one assertion.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which assertion, such as `not_null(id)`.
    pub name: String,
    /// How bad; `None` if it holds.
    pub severity: Option<Severity>,
    /// What was measured, for people.
    pub message: String,
}

impl Check {
    /// The statements, each of which returns one row (that of `size` none for an empty table).
    ///
    /// # Errors
    /// Everything that is wrong with the fields.
    pub fn compile(&self) -> Result<Vec<Query>, Vec<FieldProblem>> {
        let mut fields = Fields::default();
        let table = fields.name("table", name::table(&self.table));
        let only = self.only.as_deref().map(|only| {
            fields.needs("where", is_expression(only), "must be one SQL condition");
            // A comment at the end of the condition must not swallow the parenthesis.
            format!("({only}\n)")
        });
        let filter = |more: Option<&str>| match (&only, more) {
            (None, None) => String::new(),
            (Some(one), None) => format!(" WHERE {one}"),
            (None, Some(one)) => format!(" WHERE {one}"),
            (Some(one), Some(other)) => format!(" WHERE {one} AND {other}"),
        };
        let mut columns = vec!["COUNT(*)".to_owned()];
        let mut figures = vec![Figure::Rows];
        let mut bad = |name: String, sql: String| {
            columns.push(sql);
            figures.push(Figure::Bad(name));
        };
        // COALESCE: a sum over no rows is NULL, and no rows break nothing.
        let counting = |condition: &str| format!("COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)");
        for (i, column) in self.not_null.iter().enumerate() {
            let quoted = fields.name(&format!("not_null[{i}]"), name::identifier(column));
            bad(format!("not_null({column})"), counting(&format!("{quoted} IS NULL")));
        }
        for (column, values) in &self.accepted {
            let field = format!("accepted.{column}");
            let quoted = fields.name(&field, name::identifier(column));
            fields.needs(&field, !values.is_empty(), "must have at least one value");
            let list: Vec<String> = values.iter().map(|value| fields.text(&field, value)).collect();
            let condition = format!("{quoted} NOT IN ({})", list.join(", "));
            bad(format!("accepted({column})"), counting(&condition));
        }
        for (i, key) in self.unique.iter().enumerate() {
            let field = format!("unique[{i}]");
            fields.needs(&field, !key.is_empty(), "must name at least one column");
            let quoted: Vec<String> =
                key.iter().map(|column| fields.name(&field, name::identifier(column))).collect();
            let given: Vec<String> = quoted.iter().map(|column| format!("{column} IS NOT NULL")).collect();
            let list = quoted.join(", ");
            let filter = filter(Some(&given.join(" AND ")));
            bad(
                format!("unique({})", key.join(", ")),
                format!(
                    "(SELECT COALESCE(SUM(n), 0) FROM (SELECT COUNT(*) AS n FROM {table}{filter} GROUP BY {list} \
                     HAVING COUNT(*) > 1) AS repeated)"
                ),
            );
        }
        for (column, to) in &self.refers {
            let field = format!("refers.{column}");
            let quoted = fields.name(&field, name::identifier(column));
            let (other, key) = to.rsplit_once('.').unwrap_or(("", to));
            let other = fields.name(&field, name::table(other));
            let key = fields.name(&field, name::identifier(key));
            let filter = filter(Some(&format!("{quoted} IS NOT NULL")));
            bad(
                format!("refers({column})"),
                format!(
                    "(SELECT COUNT(*) FROM (SELECT {quoted} AS referring FROM {table}{filter}) AS mine LEFT JOIN \
                     (SELECT DISTINCT {key} AS referred FROM {other}) AS theirs ON referring = referred WHERE \
                     referred IS NULL)"
                ),
            );
        }
        for (i, (name, query)) in self.sql.iter().enumerate() {
            let field = format!("sql.{name}");
            let one = single_query(query);
            fields.needs(&field, one.is_some(), "must be one query, SELECT or WITH");
            bad(
                format!("sql({name})"),
                format!("(SELECT COUNT(*) FROM ({}) AS bad_{i})", one.unwrap_or_default()),
            );
        }
        if let Some((column, within)) = &self.fresh {
            let quoted = fields.name("fresh.column", name::identifier(column));
            columns.push(format!("EXTRACT(EPOCH FROM GETDATE()) - EXTRACT(EPOCH FROM MAX({quoted}))"));
            figures.push(Figure::Age(column.clone(), *within));
        }
        let sql = format!("SELECT {} FROM {table}{}", columns.join(", "), filter(None));
        let mut queries = vec![Query { sql, figures }];
        if let Some(most) = self.size_max_mb {
            queries.push(Query { sql: size_query(&self.table), figures: vec![Figure::Size(most)] });
        }
        fields.finish(queries)
    }

    /// What the figures mean. `rows` has the row of each query, in their order, if it returned one; `before` is how
    /// many rows there were the last time.
    #[must_use]
    pub fn judge(
        &self,
        queries: &[Query],
        rows: &[Option<Vec<Option<f64>>>],
        before: Option<u64>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut all = 0;
        for (query, row) in queries.iter().zip(rows) {
            for (i, figure) in query.figures.iter().enumerate() {
                let value = row.as_ref().and_then(|row| row.get(i).copied().flatten());
                let count = value.map(|value| value.max(0.0) as u64);
                match figure {
                    Figure::Rows => {
                        all = count.unwrap_or_default();
                        self.judge_rows(all, before, &mut findings);
                    }
                    Figure::Bad(name) => {
                        let count = count.unwrap_or_default();
                        let message = format!("{count} of {all} rows");
                        findings.push(Finding {
                            name: name.clone(),
                            severity: self.severity_of(count, all),
                            message,
                        });
                    }
                    Figure::Age(column, within) => {
                        let (broken, message) = match value {
                            // NULL from an aggregate: no row has a time.
                            None => (true, "the table is empty".to_owned()),
                            Some(age) => (
                                age > *within as f64,
                                format!("the latest is {age:.0} s old; {within} s allowed"),
                            ),
                        };
                        findings.push(self.simple(format!("fresh({column})"), broken, message));
                    }
                    Figure::Size(most) => {
                        let size = count.unwrap_or_default();
                        let message = format!("{size} MB; {most} MB allowed");
                        findings.push(self.simple("size".to_owned(), size > *most, message));
                    }
                }
            }
        }
        findings
    }

    fn judge_rows(&self, all: u64, before: Option<u64>, findings: &mut Vec<Finding>) {
        if let Some(min) = self.rows_min {
            let message = format!("{all} rows; at least {min} wanted");
            findings.push(self.simple("rows.min".to_owned(), all < min, message));
        }
        if let Some(max) = self.rows_max {
            let message = format!("{all} rows; at most {max} allowed");
            findings.push(self.simple("rows.max".to_owned(), all > max, message));
        }
        if let (Some(percent), Some(before)) = (self.rows_change, before) {
            let by = all.abs_diff(before) as f64;
            let message = format!("{all} rows, {before} before; {percent} % of difference allowed");
            let broken = by * 100.0 > percent * before as f64;
            findings.push(self.simple("rows.change".to_owned(), broken, message));
        }
    }

    fn simple(&self, name: String, broken: bool, message: String) -> Finding {
        Finding { name, severity: broken.then_some(self.severity), message }
    }

    fn severity_of(&self, count: u64, all: u64) -> Option<Severity> {
        let passed = |limit: Option<Limit>| limit.is_some_and(|limit| limit.is_passed(count, all));
        if self.warn_if.is_none() && self.error_if.is_none() {
            return (count > 0).then_some(self.severity);
        }
        if passed(self.error_if) {
            Some(Severity::Error)
        } else {
            passed(self.warn_if).then_some(Severity::Warn)
        }
    }
}

/// `SVV_TABLE_INFO` shows sizes in blocks of 1 MB, and has no row for an empty table.
fn size_query(table: &str) -> String {
    let lower = table.to_lowercase();
    let (schema, table) = match lower.rsplit_once('.') {
        Some((before, table)) => (Some(before.rsplit_once('.').map_or(before, |(_, schema)| schema)), table),
        None => (None, lower.as_str()),
    };
    // Names, which were validated, so literals of them cannot fail.
    let text = |name: &str| literal(name).unwrap_or_default();
    let schema = schema.map_or_else(|| "current_schema()".to_owned(), text);
    format!(r#"SELECT "size" FROM svv_table_info WHERE "schema" = {schema} AND "table" = {}"#, text(table))
}

/// Whether a text is one expression: it closes what it opens, and nothing that it did not open.
fn is_expression(text: &str) -> bool {
    let mut depth = 0i32;
    let mut said = false;
    for token in tokens(text, false) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        }
        let opens = match token.kind {
            Kind::Text => !closes(&token.text, '\''),
            Kind::Quoted => !closes(&token.text, '"'),
            Kind::Dollar => token.text.len() < 4,
            Kind::Comment => token.text.starts_with("/*") && !token.text.ends_with("*/"),
            _ => false,
        };
        if depth < 0 || opens || token.is_symbol(";") || token.is_symbol("\\") {
            return false;
        }
        said |= !token.is_quiet();
    }
    depth == 0 && said
}

fn closes(text: &str, quote: char) -> bool {
    text.len() > 1 && text.ends_with(quote)
}
