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

/// A key: the column, and whether it is the partition key or the sort key.
type Key<'a> = (&'a str, KeyType);

struct Index<'a> {
    name: &'a str,
    keys: [Key<'a>; 2],
    /// What else an index entry holds. Nothing that a renewal changes: each change of a projected column is
    /// one more write to pay for.
    columns: &'a [&'a str],
}

pub(crate) async fn create(client: &Client, names: &Tables) -> Result<(), StoreError> {
    create_table(client, &names.config, &[("workflow_id", KeyType::Hash)], None).await?;
    let runs = Index {
        name: BY_WORKFLOW,
        keys: [("workflow_id", KeyType::Hash), ("execution_start_ts", KeyType::Range)],
        columns: &["execution_status", "execution_end_ts", "error_message", "restarted_from"],
    };
    create_table(client, &names.workflow_audit, &[("workflow_execution_id", KeyType::Hash)], Some(runs))
        .await?;
    let jobs = Index {
        name: BY_JOB_NAME,
        keys: [("job_name", KeyType::Hash), ("execution_start_ts", KeyType::Range)],
        columns: &["workflow_id", "execution_status", "execution_end_ts", "exit_code"],
    };
    let keys = [("workflow_execution_id", KeyType::Hash), ("job_id", KeyType::Range)];
    create_table(client, &names.job_audit, &keys, Some(jobs)).await
}

async fn create_table(
    client: &Client,
    table: &str,
    keys: &[Key<'_>],
    index: Option<Index<'_>>,
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

fn elements(keys: &[Key<'_>]) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    keys.iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(*name).key_type(kind.clone()).build())
        .collect()
}
