//! The embedded AWS endpoint: one loopback port that any AWS SDK or the AWS CLI can use.
//!
//! `http` accepts requests and finds their service; `services` has a folder for each of them; `storage` has the
//! databases; `endpoint` combines the parts and creates the deployment's tables, state machines, functions and instances.
//! The Lambda handlers run in this process, but call the endpoint through the AWS SDK, as they call AWS.

mod credentials;
mod endpoint;
mod error;
mod http;
mod options;
mod place;
mod sdk;
mod services;
mod storage;

pub use credentials::Credentials;
pub use endpoint::{Endpoint, Functions};
pub use error::LocalError;
pub use options::{Options, Warehouse, WarehouseError};
pub use services::lambda::FunctionError;
pub use services::sns::Published;
