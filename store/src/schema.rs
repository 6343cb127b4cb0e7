//! The tables as they are created where no deployment does it. `docs/architecture.md` lists their columns.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use rsqlflow_core::Tables;

use crate::StoreError;

/// Runs of one workflow, by their start.
pub(crate) const BY_WORKFLOW: &str = "workflow_id-index";
/// Runs of one job, by their start.
pub(crate) const BY_JOB_NAME: &str = "job_name-index";

/// Column with the second since 1970 after which a row may go.
pub const EXPIRY: &str = "expires_at";

/// A table as it should be. All keys are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// Its name.
    pub name: String,
    /// Partition key, then the sort key if there is one.
    pub keys: Vec<(&'static str, KeyType)>,
    /// Its index.
    pub index: Option<IndexShape>,
    /// Whether its rows may expire, by [`EXPIRY`].
    pub expires: bool,
}

/// A global secondary index as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexShape {
    /// Its name.
    pub name: &'static str,
    /// Partition key and sort key.
    pub keys: [(&'static str, KeyType); 2],
    /// What else an index entry holds. Nothing that a renewal changes: each change of a projected column is
    /// one more write to pay for.
    pub columns: &'static [&'static str],
}

/// The three tables as they should be: config, workflow audit, job audit.
#[must_use]
pub fn shapes(names: &Tables) -> [TableShape; 3] {
    let runs = IndexShape {
        name: BY_WORKFLOW,
        keys: [("workflow_id", KeyType::Hash), ("execution_start_ts", KeyType::Range)],
        columns: &["execution_status", "execution_end_ts", "error_message", "restarted_from"],
    };
    let jobs = IndexShape {
        name: BY_JOB_NAME,
        keys: [("job_name", KeyType::Hash), ("execution_start_ts", KeyType::Range)],
        columns: &["workflow_id", "execution_status", "execution_end_ts", "exit_code"],
    };
    let table = |name: &str, keys, index, expires| TableShape { name: name.to_owned(), keys, index, expires };
    let config = vec![("workflow_id", KeyType::Hash)];
    let workflow_audit = vec![("workflow_execution_id", KeyType::Hash)];
    let job_audit = vec![("workflow_execution_id", KeyType::Hash), ("job_id", KeyType::Range)];
    [
        table(&names.config, config, None, false),
        table(&names.workflow_audit, workflow_audit, Some(runs), true),
        table(&names.job_audit, job_audit, Some(jobs), true),
    ]
}

pub(crate) async fn create(client: &Client, names: &Tables) -> Result<(), StoreError> {
    for shape in shapes(names) {
        create_table(client, &shape.name, &shape.keys, shape.index).await?;
    }
    Ok(())
}

async fn create_table(
    client: &Client,
    table: &str,
    keys: &[(&str, KeyType)],
    index: Option<IndexShape>,
) -> Result<(), StoreError> {
    let failed = |reason: &dyn std::fmt::Display| StoreError::corrupt(table, "schema", reason);
    let mut columns: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(elements(keys).map_err(|e| failed(&e))?));
    if let Some(index) = index {
        columns.extend(index.keys.iter().map(|(name, _)| *name));
        let projection = Projection::builder()
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(index.columns.iter().map(ToString::to_string).collect()))
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(elements(&index.keys).map_err(|e| failed(&e))?))
            .projection(projection)
            .build()
            .map_err(|e| failed(&e))?;
        request = request.global_secondary_indexes(index);
    }
    for column in columns {
        let definition = AttributeDefinition::builder()
            .attribute_name(column)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(|e| failed(&e))?;
        request = request.attribute_definitions(definition);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => Ok(()),
        Err(e) => Err(StoreError::service("CreateTable", table, &e)),
    }
}

fn elements(keys: &[(&str, KeyType)]) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    keys.iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(*name).key_type(kind.clone()).build())
        .collect()
}
