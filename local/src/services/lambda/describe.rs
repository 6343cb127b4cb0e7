//! `ListFunctions`, `GetFunction` and `GetFunctionConfiguration`.

use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer};
use crate::place;
use crate::services::lambda::{Function, Lambda};

/// Functions on one page. The service returns at most 50, even if `MaxItems` is larger.
const PAGE: usize = 50;

impl Lambda {
    /// `parameters` are the parameters of the URL.
    pub(super) fn list_functions(&self, parameters: &[(String, String)]) -> Result<Vec<u8>, AwsError> {
        let (mut marker, mut limit) = ("", PAGE);
        let mut constraints = Constraints::default();
        for (name, value) in parameters {
            match name.as_str() {
                "Marker" => marker = value,
                "MaxItems" => {
                    let wanted = value.parse::<usize>().map_err(|_| {
                        AwsError::client("SerializationException", "MaxItems is not an integer")
                    })?;
                    constraints.range("maxItems", Some(wanted), 1..=10_000);
                    limit = wanted.min(PAGE);
                }
                // There is one version of each function, and one region.
                "FunctionVersion" => constraints.one_of("functionVersion", Some(value), &["ALL"]),
                "MasterRegion" => {}
                other => return Err(AwsError::not_implemented(format_args!("{other} of ListFunctions"))),
            }
        }
        constraints.check("ValidationException")?;
        // The marker of a page is the name of its last function: the names are sorted.
        let mut page: Vec<&Function> =
            self.shared.functions.values().filter(|f| f.name.as_str() > marker).take(limit + 1).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let functions: Vec<Value> = page.iter().map(|function| self.configuration(function)).collect();
        let next = page.last().filter(|_| more).map(|function| &function.name);
        answer(&json!({"Functions": functions, "NextMarker": next}))
    }

    pub(super) fn get_function(&self, id: &str) -> Result<Vec<u8>, AwsError> {
        // The code is part of this program, so there is nothing to download.
        answer(&json!({"Configuration": self.configuration(self.find(id)?), "Code": {}, "Tags": {}}))
    }

    pub(super) fn get_function_configuration(&self, id: &str) -> Result<Vec<u8>, AwsError> {
        answer(&self.configuration(self.find(id)?))
    }

    fn configuration(&self, function: &Function) -> Value {
        let modified = jiff::Timestamp::from_millisecond(self.shared.started).unwrap_or_default();
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        json!({
            "FunctionName": function.name,
            "FunctionArn": place::arn("lambda", format_args!("function:{}", function.name)),
            "Runtime": "provided.al2023",
            "Handler": function.handler,
            "Role": format!("arn:aws:iam::{}:role/local", place::ACCOUNT),
            "Timeout": function.timeout.as_secs(),
            "MemorySize": Function::MEMORY_MB,
            "LastModified": modified.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
            "Version": "$LATEST",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": [architecture],
            "TracingConfig": {"Mode": "PassThrough"},
        })
    }
}
