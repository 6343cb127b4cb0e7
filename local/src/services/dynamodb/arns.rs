//! ARNs of tables. dynoxide makes them with `dynoxide` as their region, and finds tables by them; clients see the
//! endpoint's region.

use std::borrow::Cow;

use crate::place;

/// Operations whose requests or answers hold ARNs. None of them holds items of users.
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

/// How the ARNs begin, as dynoxide writes them.
const THEIRS: &str = "arn:aws:dynamodb:dynoxide:";

fn ours() -> String {
    format!("arn:aws:dynamodb:{}:", place::REGION)
}

/// A request as dynoxide reads it.
pub(super) fn of_request(operation: &str, body: Vec<u8>) -> Vec<u8> {
    replaced(operation, body, &ours(), THEIRS)
}

/// An answer as clients read it.
pub(super) fn of_answer(operation: &str, body: Vec<u8>) -> Vec<u8> {
    replaced(operation, body, THEIRS, &ours())
}

/// No name of a table, an index or an attribute that is a key has a colon in it, so what is found is an ARN.
fn replaced(operation: &str, body: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    if !OPERATIONS.contains(&operation) {
        return body;
    }
    match String::from_utf8_lossy(&body) {
        Cow::Borrowed(text) if text.contains(from) => text.replace(from, to).into_bytes(),
        // What is not UTF-8 is refused by who reads it.
        _ => body,
    }
}
