//! HTTP in the protocols of AWS: JSON 1.0 and 1.1 by `X-Amz-Target`, the query protocol, and Lambda's REST paths.

mod authorization;
mod body;
mod connections;
mod constraints;
mod error;
mod json;
mod query;
mod respond;
mod server;
mod within;

pub(crate) use constraints::Constraints;
pub(crate) use error::AwsError;
pub(crate) use json::{answer, parse};
pub(crate) use query::{Element, Form};
pub(crate) use respond::Reply;
pub(crate) use server::{Server, serve};
pub(crate) use within::Within;
