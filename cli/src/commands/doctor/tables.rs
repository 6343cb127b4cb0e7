//! The tables: keys, index, expiry, recovery.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    KeySchemaElement, PointInTimeRecoveryStatus, TableDescription, TimeToLiveStatus,
};
use rsqlflow_core::check::Check;
use rsqlflow_core::{EXPIRY, Table, TableShape};

use super::DEPLOY;
use super::failed::{failed, is_not_offered};
use crate::backend::Backend;

pub(super) async fn checks(backend: &Backend) -> Vec<Check> {
    let client = Client::new(&backend.sdk);
    let mut checks = Vec::new();
    for which in Table::ALL {
        let (table_name, shape) = (backend.deployment.tables.name(which), which.shape());
        let name = format!("table {table_name}");
        match client.describe_table().table_name(table_name).send().await {
            Ok(found) => {
                let table = found.table.unwrap_or_else(|| TableDescription::builder().build());
                let wrong = differences(&shape, &table);
                let status = table.table_status().map_or("unknown", |status| status.as_str());
                checks.push(match (wrong.is_empty(), status) {
                    (true, "ACTIVE") => Check::ok(&name, "ACTIVE, with the expected keys and indexes"),
                    (true, status) => Check::failed(&name, status, "wait until it is ACTIVE"),
                    (false, _) => Check::failed(&name,
                        wrong.join("; "),
                        "it belongs to something else or to another version: set the right name, or move its data away and \
                         run `rsqlflow deploy`",
                    ),
                });
                if shape.expires {
                    checks.push(expiry(&client, table_name).await);
                }
                checks.extend(recovery(&client, table_name).await);
            }
            Err(error) => checks.push(failed(name, &error, "dynamodb:DescribeTable", DEPLOY)),
        }
    }
    checks
}

/// Where a table differs from the shape that this version needs.
pub(super) fn differences(shape: &TableShape, table: &TableDescription) -> Vec<String> {
    let mut wrong = Vec::new();
    let should = wanted(shape.partition, shape.sort);
    if keys(table.key_schema()) != should {
        let is = keys(table.key_schema());
        wrong.push(format!("its keys are {}, expected {}", is.join(", "), should.join(", ")));
    }
    for index in shape.indexes {
        let found = table.global_secondary_indexes().iter().find(|one| one.index_name() == Some(index.name));
        let Some(found) = found else {
            wrong.push(format!("the index {} is missing", index.name));
            continue;
        };
        if keys(found.key_schema()) != wanted(index.partition, Some(index.sort)) {
            let is = keys(found.key_schema());
            wrong.push(format!("the keys of the index {} are {}", index.name, is.join(", ")));
        }
        let projection = found.projection();
        let all = projection.and_then(|p| p.projection_type()).is_some_and(|kind| kind.as_str() == "ALL");
        let has = |column: &&str| {
            let columns = projection.map(|p| p.non_key_attributes()).unwrap_or_default();
            columns.iter().any(|one| one == column)
        };
        let missing: Vec<&str> =
            index.columns.iter().filter(|column| !all && !has(column)).copied().collect();
        if !missing.is_empty() {
            wrong.push(format!("the index {} has no {}", index.name, missing.join(", ")));
        }
    }
    wrong
}

fn keys(found: &[KeySchemaElement]) -> Vec<String> {
    found.iter().map(|key| format!("{} ({})", key.attribute_name(), key.key_type().as_str())).collect()
}

fn wanted(partition: &str, sort: Option<&str>) -> Vec<String> {
    let sort = sort.map(|name| format!("{name} (RANGE)"));
    std::iter::once(format!("{partition} (HASH)")).chain(sort).collect()
}

/// Whether rows expire.
async fn expiry(client: &Client, table: &str) -> Check {
    let name = format!("expiry of {table}");
    match client.describe_time_to_live().table_name(table).send().await {
        Ok(found) => {
            let found = found.time_to_live_description();
            let on = found.and_then(|f| f.time_to_live_status()) == Some(&TimeToLiveStatus::Enabled);
            match found.and_then(|f| f.attribute_name()) {
                Some(EXPIRY) if on => Check::ok(name, format!("by {EXPIRY}")),
                _ => Check::warning(
                    name,
                    "off: rows stay, regardless of audit_retention",
                    "turn it on with `rsqlflow deploy`",
                ),
            }
        }
        Err(error) => failed(name, &error, "dynamodb:DescribeTimeToLive", "look at the table in the console"),
    }
}

async fn recovery(client: &Client, table: &str) -> Option<Check> {
    let name = format!("recovery of {table}");
    Some(match client.describe_continuous_backups().table_name(table).send().await {
        Ok(found) => {
            let status = found
                .continuous_backups_description()
                .and_then(|backups| backups.point_in_time_recovery_description())
                .and_then(|recovery| recovery.point_in_time_recovery_status());
            if status == Some(&PointInTimeRecoveryStatus::Enabled) {
                Check::ok(name, "point-in-time recovery is on")
            } else {
                Check::warning(
                    name,
                    "point-in-time recovery is off: deleted rows cannot be restored",
                    "turn it on with `rsqlflow deploy`",
                )
            }
        }
        Err(error) if is_not_offered(&error) => return None,
        Err(error) => {
            failed(name, &error, "dynamodb:DescribeContinuousBackups", "look at the table in the console")
        }
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{GlobalSecondaryIndexDescription, KeyType, Projection, ProjectionType};

    use super::*;

    fn schema(partition: &str, sort: Option<&str>) -> Vec<KeySchemaElement> {
        let element = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
        };
        std::iter::once(element(partition, KeyType::Hash))
            .chain(sort.map(|name| element(name, KeyType::Range)))
            .collect()
    }

    fn described(shape: &TableShape, columns: &[&str]) -> TableDescription {
        let indexes = shape.indexes.iter().map(|index| {
            let projection = Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(columns.iter().map(ToString::to_string).collect()));
            GlobalSecondaryIndexDescription::builder()
                .index_name(index.name)
                .set_key_schema(Some(schema(index.partition, Some(index.sort))))
                .projection(projection.build())
                .build()
        });
        TableDescription::builder()
            .set_key_schema(Some(schema(shape.partition, shape.sort)))
            .set_global_secondary_indexes(Some(indexes.collect()))
            .build()
    }

    #[test]
    fn each_difference_is_named() {
        let [config, runs, jobs] = Table::ALL.map(Table::shape);
        let columns = runs.indexes[0].columns;
        assert_eq!(differences(&runs, &described(&runs, columns)), Vec::<String>::new());
        let fewer = differences(&runs, &described(&runs, &columns[1..]));
        assert_eq!(fewer, ["the index workflow_id-index has no execution_status"]);
        let other = differences(&jobs, &described(&config, &[]));
        assert!(
            other[0].contains("workflow_id (HASH)") && other[1].contains("job_name-index is missing"),
            "{other:?}"
        );
    }
}
