//! DynamoDB through its client.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};

use crate::support::{code, restart, start, until};

const TABLE: &str = "rsqlflow-job-audit-table";

async fn put(client: &Client, job: &str, count: u32) {
    client
        .put_item()
        .table_name(TABLE)
        .item("workflow_execution_id", S("e".to_owned()))
        .item("job_id", S(job.to_owned()))
        .item("count", N(count.to_string()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn items_are_put_changed_queried_and_deleted() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    for (job, count) in [("0000#00001", 1), ("0000#00000", 2), ("0001#00000", 3)] {
        put(&client, job, count).await;
    }
    let changed = client
        .update_item()
        .table_name(TABLE)
        .key("workflow_execution_id", S("e".to_owned()))
        .key("job_id", S("0000#00001".to_owned()))
        .update_expression("SET #c = #c + :one")
        .expression_attribute_names("#c", "count")
        .expression_attribute_values(":one", N("1".to_owned()))
        .return_values(ReturnValue::AllNew)
        .send()
        .await
        .unwrap();
    assert_eq!(changed.attributes().unwrap()["count"], N("2".to_owned()));
    let found = client
        .query()
        .table_name(TABLE)
        .key_condition_expression("workflow_execution_id = :e AND begins_with(job_id, :s)")
        .expression_attribute_values(":e", S("e".to_owned()))
        .expression_attribute_values(":s", S("0000#".to_owned()))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    let jobs: Vec<_> = found.items().iter().map(|item| item["job_id"].as_s().unwrap().as_str()).collect();
    assert_eq!(jobs, ["0000#00000", "0000#00001"]);
    client
        .delete_item()
        .table_name(TABLE)
        .key("workflow_execution_id", S("e".to_owned()))
        .key("job_id", S("0001#00000".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(client.scan().table_name(TABLE).send().await.unwrap().count(), 2);
}

#[tokio::test]
async fn a_failed_condition_gives_back_the_item() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    put(&client, "0000#00000", 7).await;
    let refused = client
        .put_item()
        .table_name(TABLE)
        .item("workflow_execution_id", S("e".to_owned()))
        .item("job_id", S("0000#00000".to_owned()))
        .condition_expression("attribute_not_exists(job_id)")
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) =
        refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(failed.item().unwrap()["count"], N("7".to_owned()));
}

#[tokio::test]
async fn of_many_claims_one_wins() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    put(&client, "0000#00000", 0).await;
    let claims = (0..32).map(|owner| {
        let claim = client
            .update_item()
            .table_name(TABLE)
            .key("workflow_execution_id", S("e".to_owned()))
            .key("job_id", S("0000#00000".to_owned()))
            .update_expression("SET #o = :o")
            .condition_expression("attribute_not_exists(#o)")
            .expression_attribute_names("#o", "owner")
            .expression_attribute_values(":o", S(owner.to_string()));
        tokio::spawn(async move { claim.send().await.is_ok() })
    });
    let mut won = 0;
    for claim in claims.collect::<Vec<_>>() {
        won += usize::from(claim.await.unwrap());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let missing = client.describe_table().table_name("nothing").send().await.unwrap_err();
    assert_eq!(code(&missing), "ResourceNotFoundException");
    let no_key = client.put_item().table_name(TABLE).item("x", S("y".to_owned())).send().await.unwrap_err();
    assert_eq!(code(&no_key), "ValidationException");
}

#[tokio::test]
async fn arns_of_tables_name_the_endpoints_region_and_are_taken_back() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let described = client.describe_table().table_name(TABLE).send().await.unwrap();
    let table = described.table().unwrap();
    let arn = table.table_arn().unwrap();
    assert_eq!(arn, format!("arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"));
    for index in table.global_secondary_indexes() {
        assert!(index.index_arn().unwrap().starts_with(arn), "{index:?}");
    }
    let tag = aws_sdk_dynamodb::types::Tag::builder().key("k").value("v").build().unwrap();
    client.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
    let tags = client.list_tags_of_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags()[0].value(), "v");
}

#[tokio::test]
async fn the_audit_tables_expire_and_what_has_expired_goes() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let described = client.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    let expiry = described.time_to_live_description().unwrap();
    assert_eq!(expiry.time_to_live_status().unwrap().as_str(), "ENABLED");
    assert_eq!(expiry.attribute_name(), Some("expires_at"));
    for (job, at) in [("0000#00000", "1000000000"), ("0000#00001", "4000000000")] {
        client
            .put_item()
            .table_name(TABLE)
            .item("workflow_execution_id", S("e".to_owned()))
            .item("job_id", S(job.to_owned()))
            .item("expires_at", N(at.to_owned()))
            .send()
            .await
            .unwrap();
    }
    // An endpoint looks for them when it starts, and every hour.
    let local = restart(local).await;
    let client = Client::new(&local.sdk);
    let left = until("one item to be left", async || {
        let found = client.scan().table_name(TABLE).consistent_read(true).send().await.unwrap();
        (found.count() == 1).then(|| found.items().to_vec())
    })
    .await;
    assert_eq!(left[0]["job_id"], S("0000#00001".to_owned()));
}
