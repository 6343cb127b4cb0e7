//! `ListDatabases`, `ListSchemas`, `ListTables` and `DescribeTable`: questions to the server's catalogue, answered in the
//! same call.

use rsql::lexer::quote::literal;
use rsql::{Client, Column, Origin, ServerError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::services::redshift_data::run::{CANCELED, shown, without_hint};
use crate::services::redshift_data::warehouses::{Login, Place};
use crate::services::redshift_data::{RedshiftData, invalid, record};

/// Items of one page at most, and where no number is given.
const PAGE: usize = 1_000;

/// How long the catalogue may take to answer. SDKs wait for an answer for about a minute.
const PATIENCE: &str = "SET statement_timeout = '50s'";

/// Schemas that are the server's own affair, or the dialect's.
const HIDDEN: &str = "n.nspname !~ '^pg_(temp|toast)' AND n.nspname <> 'redshift'";

/// The members of all four operations; which of them an operation has is checked.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Listing {
    cluster_identifier: Option<String>,
    workgroup_name: Option<String>,
    database: Option<String>,
    db_user: Option<String>,
    secret_arn: Option<String>,
    connected_database: Option<String>,
    schema_pattern: Option<String>,
    table_pattern: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Listing {
    /// Reads a request of `operation`, which has these of the members that not all have.
    fn read(operation: &str, has: &[&str], body: &[u8]) -> Result<Self, AwsError> {
        let request: Self = parse(operation, body)?;
        for (member, value) in [
            ("ConnectedDatabase", &request.connected_database),
            ("SchemaPattern", &request.schema_pattern),
            ("TablePattern", &request.table_pattern),
            ("Schema", &request.schema),
            ("Table", &request.table),
        ] {
            if value.is_some() && !has.contains(&member) {
                return Err(AwsError::not_implemented(format_args!("member {member} of {operation}")));
            }
        }
        let mut constraints = Constraints::default();
        constraints.range("maxResults", request.max_results, 0..=PAGE);
        constraints.check("ValidationException")?;
        if request.database.is_none() && operation != "ListDatabases" {
            return Err(invalid("Database must be specified."));
        }
        Ok(request)
    }

    /// The page's items and the token of the next page.
    fn cut<T>(&self, all: Vec<T>) -> Result<(Vec<T>, Option<String>), AwsError> {
        let offset: usize = match self.next_token.as_deref().filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => token.parse().map_err(|_| invalid("The NextToken is not valid."))?,
        };
        let limit = self.max_results.filter(|n| *n > 0).unwrap_or(PAGE);
        let end = offset.saturating_add(limit);
        let token = (all.len() > end).then(|| end.to_string());
        Ok((all.into_iter().skip(offset).take(limit).collect(), token))
    }
}

type Rows = Vec<Vec<Option<String>>>;

/// A condition that a name is like a pattern, or none.
fn like(name: &str, pattern: Option<&str>) -> String {
    pattern.map_or_else(String::new, |pattern| {
        format!(" AND {name} OPERATOR(pg_catalog.~~) {}", literal(pattern))
    })
}

/// A condition that a name is this one, or none.
fn is(name: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!(" AND {name} OPERATOR(pg_catalog.=) {}", literal(value)))
}

fn text(row: &[Option<String>], index: usize) -> &str {
    row.get(index).and_then(Option::as_deref).unwrap_or_default()
}

impl RedshiftData {
    pub(super) async fn list_databases(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request = Listing::read("ListDatabases", &[], body)?;
        let question =
            "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1";
        let rows = self.ask(&request, question.to_owned()).await?;
        let (page, token) = request.cut(rows.iter().map(|row| text(row, 0)).collect())?;
        answer(&with_token(json!({ "Databases": page }), token))
    }

    pub(super) async fn list_schemas(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request = Listing::read("ListSchemas", &["ConnectedDatabase", "SchemaPattern"], body)?;
        let pattern = like("n.nspname", request.schema_pattern.as_deref());
        let question =
            format!("SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE {HIDDEN}{pattern} ORDER BY 1");
        let rows = self.ask(&request, question).await?;
        let (page, token) = request.cut(rows.iter().map(|row| text(row, 0)).collect())?;
        answer(&with_token(json!({ "Schemas": page }), token))
    }

    pub(super) async fn list_tables(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let has = ["ConnectedDatabase", "SchemaPattern", "TablePattern"];
        let request = Listing::read("ListTables", &has, body)?;
        let question = format!(
            "SELECT n.nspname, c.relname, CASE WHEN n.nspname IN ('pg_catalog', 'information_schema') \
             THEN CASE WHEN c.relkind IN ('v', 'm') THEN 'SYSTEM VIEW' ELSE 'SYSTEM TABLE' END \
             WHEN c.relkind IN ('v', 'm') THEN 'VIEW' WHEN c.relkind = 'f' THEN 'EXTERNAL TABLE' ELSE 'TABLE' END \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {HIDDEN}{}{} ORDER BY 1, 2",
            like("n.nspname", request.schema_pattern.as_deref()),
            like("c.relname", request.table_pattern.as_deref()),
        );
        let rows = self.ask(&request, question).await?;
        let table = |row: &Vec<Option<String>>| json!({ "schema": text(row, 0), "name": text(row, 1), "type": text(row, 2) });
        let (page, token) = request.cut(rows.iter().map(table).collect())?;
        answer(&with_token(json!({ "Tables": page }), token))
    }

    pub(super) async fn describe_table(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request = Listing::read("DescribeTable", &["ConnectedDatabase", "Schema", "Table"], body)?;
        let question = format!(
            "SELECT n.nspname, c.relname, a.attname, a.atttypid::int8, a.atttypmod, a.attnotnull, \
             pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a \
             JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {HIDDEN}{}{} \
             ORDER BY 1, 2, a.attnum",
            is("n.nspname", request.schema.as_deref()),
            is("c.relname", request.table.as_deref()),
        );
        let rows = self.ask(&request, question).await?;
        let (page, token) = request.cut(rows.iter().map(|row| column(row)).collect())?;
        let mut described = with_token(json!({ "ColumnList": page }), token);
        if let Some(table) = &request.table {
            described["TableName"] = json!(table);
        }
        answer(&described)
    }

    /// Asks the database of the request.
    ///
    /// # Errors
    /// `ValidationException`, `DatabaseConnectionException`, `QueryTimeoutException`.
    async fn ask(&self, request: &Listing, question: String) -> Result<Rows, AwsError> {
        // PostgreSQL shows a database only to who is connected to it, so ConnectedDatabase cannot be another one.
        let place = Place {
            cluster: request.cluster_identifier.clone(),
            workgroup: request.workgroup_name.clone(),
            database: request.database.clone(),
            db_user: request.db_user.clone(),
            secret_arn: request.secret_arn.clone(),
        };
        let mut constraints = Constraints::default();
        place.check(&mut constraints);
        constraints.check("ValidationException")?;
        let login = self.shared.warehouses.login(&place, &self.shared.secrets).await?;
        let places = login.places.clone();
        let _place = places.acquire_owned().await;
        let asked = tokio::task::spawn_blocking(move || ask(&login, &question)).await;
        asked.map_err(AwsError::internal)?
    }
}

fn ask(login: &Login, question: &str) -> Result<Rows, AwsError> {
    let failed = |error: &ServerError| {
        let code = match error.code.as_str() {
            CANCELED => "QueryTimeoutException",
            code if code.starts_with("08") => "DatabaseConnectionException",
            _ => "ValidationException",
        };
        AwsError::client(code, shown(error))
    };
    let mut client = Client::open(&login.target, None).map_err(|error| {
        let message = without_hint(&error.to_string());
        AwsError::client("DatabaseConnectionException", message).with_status(500)
    })?;
    let mut rows = || {
        if let Some(user) = &login.act_as {
            client.act_as(user)?;
        }
        client.command(PATIENCE)?;
        client.ask(question)
    };
    let rows = rows().map_err(|error| failed(&error));
    client.close();
    rows
}

fn with_token(mut value: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        value["NextToken"] = json!(token);
    }
    value
}

/// `ColumnMetadata` of a row of the catalogue.
fn column(row: &[Option<String>]) -> Value {
    let column = Column {
        name: text(row, 2).to_owned(),
        type_oid: text(row, 3).parse().unwrap_or(0),
        type_modifier: text(row, 4).parse().unwrap_or(-1),
        table_oid: 0,
        number: 0,
    };
    let origin = Origin {
        schema: text(row, 0).to_owned(),
        table: text(row, 1).to_owned(),
        not_null: text(row, 5) == "t",
    };
    let mut list = record::metadata(&[column], &[Some(origin)]);
    let mut value = list.get_mut(0).map(Value::take).unwrap_or_default();
    if let Some(default) = row.get(6).cloned().flatten() {
        value["columnDefault"] = json!(default);
    }
    value
}
