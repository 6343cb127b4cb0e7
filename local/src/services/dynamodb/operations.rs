//! Maps operations to calls of dynoxide.

use dynoxide::{Database, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::services::dynamodb::refusal;

/// One operation: from the request's JSON to the answer's JSON.
pub(super) type Operation = fn(&Database, &[u8]) -> Result<Vec<u8>>;

/// The operation with this name, if dynoxide supports it.
pub(super) fn find(operation: &str) -> Option<Operation> {
    Some(match operation {
        "BatchExecuteStatement" => |db, body| call(body, |r| db.batch_execute_statement(r)),
        "BatchGetItem" => |db, body| call(body, |r| db.batch_get_item(r)),
        "BatchWriteItem" => |db, body| call(body, |r| db.batch_write_item(r)),
        "CreateTable" => |db, body| call(body, |r| db.create_table(r)),
        "DeleteItem" => |db, body| call(body, |r| db.delete_item(r)),
        "DeleteTable" => |db, body| call(body, |r| db.delete_table(r)),
        "DescribeStream" => |db, body| call(body, |r| db.describe_stream(r)),
        "DescribeTable" => |db, body| call(body, |r| db.describe_table(r)),
        "DescribeTimeToLive" => |db, body| call(body, |r| db.describe_time_to_live(r)),
        "ExecuteStatement" => |db, body| call(body, |r| db.execute_statement(r)),
        "ExecuteTransaction" => |db, body| call(body, |r| db.execute_transaction(r)),
        "GetItem" => |db, body| call(body, |r| db.get_item(r)),
        "GetRecords" => |db, body| call(body, |r| db.get_records(r)),
        "GetShardIterator" => |db, body| call(body, |r| db.get_shard_iterator(r)),
        "ListStreams" => |db, body| call(body, |r| db.list_streams(r)),
        "ListTables" => |db, body| call(body, |r| db.list_tables(r)),
        "ListTagsOfResource" => |db, body| call(body, |r| db.list_tags_of_resource(r)),
        "PutItem" => |db, body| call(body, |r| db.put_item(r)),
        "Query" => |db, body| call(body, |r| db.query(r)),
        "Scan" => |db, body| call(body, |r| db.scan(r)),
        "TagResource" => |db, body| call(body, |r| db.tag_resource(r)),
        "TransactGetItems" => |db, body| call(body, |r| db.transact_get_items(r)),
        "TransactWriteItems" => |db, body| call(body, |r| db.transact_write_items(r)),
        "UntagResource" => |db, body| call(body, |r| db.untag_resource(r)),
        "UpdateItem" => |db, body| call(body, |r| db.update_item(r)),
        "UpdateTable" => |db, body| call(body, |r| db.update_table(r)),
        "UpdateTimeToLive" => |db, body| call(body, |r| db.update_time_to_live(r)),
        _ => return None,
    })
}

fn call<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    run: impl FnOnce(Request) -> Result<Answer>,
) -> Result<Vec<u8>> {
    let request = serde_json::from_slice(body).map_err(|e| refusal::unreadable(&e))?;
    let answer = run(request)?;
    serde_json::to_vec(&answer).map_err(|e| dynoxide::DynoxideError::InternalServerError(e.to_string()))
}
