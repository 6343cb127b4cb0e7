//! ARNs of tables. dynoxide uses `dynoxide` as the region of its ARNs; clients see the endpoint's region.

use std::borrow::Cow;

use crate::place;

/// Operations whose requests or answers contain ARNs. None of them contains items.
const OPERATIONS: [&str; 13] = [
    "CreateTable",
    "DeleteTable",
    "DescribeStream",
    "DescribeTable",
    "DescribeTimeToLive",
    "GetShardIterator",
    "ListStreams",
    "ListTables",
    "ListTagsOfResource",
    "TagResource",
    "UntagResource",
    "UpdateTable",
    "UpdateTimeToLive",
];

/// The beginning of dynoxide's ARNs.
const THEIRS: &str = "arn:aws:dynamodb:dynoxide:";

fn ours() -> String {
    format!("arn:aws:dynamodb:{}:", place::REGION)
}

/// A request in the form of dynoxide.
pub(super) fn of_request(operation: &str, body: Vec<u8>) -> Vec<u8> {
    replaced(operation, body, &ours(), THEIRS)
}

/// An answer in the form for clients.
pub(super) fn of_answer(operation: &str, body: Vec<u8>) -> Vec<u8> {
    replaced(operation, body, THEIRS, &ours())
}

/// The name of a table, an index or a key attribute has no colon, so every match is an ARN.
fn replaced(operation: &str, body: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    if !OPERATIONS.contains(&operation) {
        return body;
    }
    match String::from_utf8_lossy(&body) {
        Cow::Borrowed(text) if text.contains(from) => text.replace(from, to).into_bytes(),
        // The parser refuses text that is not UTF-8.
        _ => body,
    }
}
