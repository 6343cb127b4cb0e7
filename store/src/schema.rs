//! Creates the tables without a deployment.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use rsqlflow_core::{IndexShape, Table, Tables};

use crate::StoreError;

pub(crate) async fn create(client: &Client, names: &Tables) -> Result<(), StoreError> {
    for table in Table::ALL {
        create_table(client, names.name(table), table).await?;
    }
    Ok(())
}

async fn create_table(client: &Client, name: &str, table: Table) -> Result<(), StoreError> {
    let failed = |reason: &dyn std::fmt::Display| StoreError::corrupt(name, "schema", reason);
    let shape = table.shape();
    let keys = (shape.partition, shape.sort);
    let mut columns: BTreeSet<&str> = std::iter::once(shape.partition).chain(shape.sort).collect();
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(elements(keys).map_err(|e| failed(&e))?));
    for index in shape.indexes {
        columns.extend([index.partition, index.sort]);
        request = request.global_secondary_indexes(secondary(index).map_err(|e| failed(&e))?);
    }
    for column in columns {
        request = request.attribute_definitions(definition(column).map_err(|e| failed(&e))?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {
            add_missing_indexes(client, name, table).await
        }
        Err(e) => Err(StoreError::service("CreateTable", name, &e)),
    }
}

/// A table of an earlier version lacks the indexes that came later. DynamoDB adds one at a time.
async fn add_missing_indexes(client: &Client, name: &str, table: Table) -> Result<(), StoreError> {
    let failed = |reason: &dyn std::fmt::Display| StoreError::corrupt(name, "schema", reason);
    let found = client.describe_table().table_name(name).send().await;
    let found = found.map_err(|e| StoreError::service("DescribeTable", name, &e))?;
    let there: BTreeSet<&str> = found
        .table()
        .into_iter()
        .flat_map(|table| table.global_secondary_indexes())
        .filter_map(|index| index.index_name())
        .collect();
    let shape = table.shape();
    for index in shape.indexes.iter().filter(|index| !there.contains(index.name)) {
        let create = CreateGlobalSecondaryIndexAction::builder()
            .index_name(index.name)
            .set_key_schema(Some(elements((index.partition, Some(index.sort))).map_err(|e| failed(&e))?))
            .projection(projection(index))
            .build()
            .map_err(|e| failed(&e))?;
        let mut request = client
            .update_table()
            .table_name(name)
            .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(create).build());
        for column in [index.partition, index.sort] {
            request = request.attribute_definitions(definition(column).map_err(|e| failed(&e))?);
        }
        request.send().await.map_err(|e| StoreError::service("UpdateTable", name, &e))?;
    }
    Ok(())
}

fn definition(column: &str) -> Result<AttributeDefinition, aws_sdk_dynamodb::error::BuildError> {
    AttributeDefinition::builder().attribute_name(column).attribute_type(ScalarAttributeType::S).build()
}

fn secondary(index: &IndexShape) -> Result<GlobalSecondaryIndex, aws_sdk_dynamodb::error::BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .set_key_schema(Some(elements((index.partition, Some(index.sort)))?))
        .projection(projection(index))
        .build()
}

fn projection(index: &IndexShape) -> Projection {
    if index.columns.is_empty() {
        return Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    }
    Projection::builder()
        .projection_type(ProjectionType::Include)
        .set_non_key_attributes(Some(index.columns.iter().map(ToString::to_string).collect()))
        .build()
}

fn elements(
    (partition, sort): (&str, Option<&str>),
) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    std::iter::once((partition, KeyType::Hash))
        .chain(sort.map(|sort| (sort, KeyType::Range)))
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
        .collect()
}
