//! The Task state's own fields.

use std::sync::Arc;

use serde_json::Value;

use super::fields::Fields;
use super::model::{IntegerSource, Kind};
use crate::resource::Resource;

/// The service's limit of TimeoutSeconds and HeartbeatSeconds.
const MAX_SECONDS: i64 = 99_999_999;

pub(super) fn compile(f: &Fields<'_>) -> Option<Kind> {
    let timeout = f.integer_or_path("TimeoutSeconds", "TimeoutSecondsPath", 1, MAX_SECONDS);
    let heartbeat = f.integer_or_path("HeartbeatSeconds", "HeartbeatSecondsPath", 1, MAX_SECONDS);
    if let (Some(IntegerSource::Constant(timeout)), Some(IntegerSource::Constant(heartbeat))) =
        (&timeout, &heartbeat)
        && heartbeat >= timeout
    {
        f.report("HeartbeatSeconds", "must be smaller than TimeoutSeconds");
    }
    f.required("Resource")?;
    let resource = match Resource::parse(f.text("Resource")?) {
        Ok(resource) => resource,
        Err(message) => {
            f.report("Resource", message);
            return None;
        }
    };
    check_parameters(f, &resource);
    Some(Kind::Task { resource: Arc::new(resource), timeout, heartbeat })
}

fn check_parameters(f: &Fields<'_>, resource: &Resource) {
    let Some((required, allowed)) = resource.parameter_names() else { return };
    // Without Parameters, the request is the whole input, which cannot be checked now.
    let Some(Value::Object(parameters)) = f.get("Parameters") else { return };
    let names: Vec<&str> = parameters.keys().map(|name| name.strip_suffix(".$").unwrap_or(name)).collect();
    for name in required {
        if !names.contains(name) {
            f.report(&format!("Parameters/{name}"), format!("is required by {resource}"));
        }
    }
    for name in names {
        if !allowed.is_empty() && !allowed.contains(&name) {
            f.report(&format!("Parameters/{name}"), format!("is not a parameter of {resource}"));
        }
    }
}
