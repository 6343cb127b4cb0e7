//! Operations of Lambda's API by method and path.

use axum::http::Method;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    Invoke(&'a str),
    GetFunction(&'a str),
    GetFunctionConfiguration(&'a str),
    ListFunctions,
    /// An operation that is not supported, by its name.
    Other(&'static str),
    /// A path of no operation.
    Unknown,
}

/// Versions of the API that begin a path of Lambda.
const VERSIONS: [&str; 12] = [
    "2014-11-13",
    "2015-03-31",
    "2016-08-19",
    "2017-03-31",
    "2017-10-31",
    "2018-10-31",
    "2019-09-25",
    "2019-09-30",
    "2020-04-22",
    "2020-06-30",
    "2021-07-20",
    "2021-10-31",
];

/// Whether a path is one of Lambda's.
pub(crate) fn is_path(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.split('/').next()).is_some_and(|v| VERSIONS.contains(&v))
}

impl<'a> Operation<'a> {
    /// Reads a path such as `/2015-03-31/functions/name/invocations`.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let mut parts = path.split('/').skip(2).filter(|part| !part.is_empty());
        let (resource, name, rest) = (parts.next(), parts.next(), parts.next());
        let deeper = parts.next().is_some();
        if resource != Some("functions") || deeper {
            return Self::elsewhere(method, resource.unwrap_or_default(), name.is_some(), rest, deeper);
        }
        let method = method.as_str();
        match (method, name, rest) {
            ("GET", None, None) => Self::ListFunctions,
            ("POST", None, None) => Self::Other("CreateFunction"),
            ("GET", Some(name), None) => Self::GetFunction(name),
            ("DELETE", Some(_), None) => Self::Other("DeleteFunction"),
            ("GET", Some(name), Some("configuration")) => Self::GetFunctionConfiguration(name),
            ("PUT", Some(_), Some("configuration")) => Self::Other("UpdateFunctionConfiguration"),
            ("PUT", Some(_), Some("code")) => Self::Other("UpdateFunctionCode"),
            ("POST", Some(name), Some("invocations")) => Self::Invoke(name),
            ("POST", Some(_), Some("invoke-async")) => Self::Other("InvokeAsync"),
            ("POST", Some(_), Some("response-streaming-invocations")) => {
                Self::Other("InvokeWithResponseStream")
            }
            ("GET", Some(_), Some("versions")) => Self::Other("ListVersionsByFunction"),
            ("POST", Some(_), Some("versions")) => Self::Other("PublishVersion"),
            ("GET", Some(_), Some("aliases")) => Self::Other("ListAliases"),
            ("POST", Some(_), Some("aliases")) => Self::Other("CreateAlias"),
            ("GET", Some(_), Some("policy")) => Self::Other("GetPolicy"),
            ("POST", Some(_), Some("policy")) => Self::Other("AddPermission"),
            ("GET", Some(_), Some("concurrency")) => Self::Other("GetFunctionConcurrency"),
            ("PUT", Some(_), Some("concurrency")) => Self::Other("PutFunctionConcurrency"),
            ("DELETE", Some(_), Some("concurrency")) => Self::Other("DeleteFunctionConcurrency"),
            ("GET", Some(_), Some("event-invoke-config")) => Self::Other("GetFunctionEventInvokeConfig"),
            ("PUT", Some(_), Some("event-invoke-config")) => Self::Other("PutFunctionEventInvokeConfig"),
            ("GET", Some(_), Some("url")) => Self::Other("GetFunctionUrlConfig"),
            ("POST", Some(_), Some("url")) => Self::Other("CreateFunctionUrlConfig"),
            _ => Self::Unknown,
        }
    }

    fn elsewhere(method: &Method, resource: &str, named: bool, rest: Option<&str>, deeper: bool) -> Self {
        if rest.is_some() || deeper {
            return Self::Unknown;
        }
        match (method.as_str(), resource, named) {
            ("GET", "event-source-mappings", false) => Self::Other("ListEventSourceMappings"),
            ("POST", "event-source-mappings", false) => Self::Other("CreateEventSourceMapping"),
            ("GET", "layers", false) => Self::Other("ListLayers"),
            ("GET", "account-settings", false) => Self::Other("GetAccountSettings"),
            ("GET", "tags", true) => Self::Other("ListTags"),
            ("POST", "tags", true) => Self::Other("TagResource"),
            ("DELETE", "tags", true) => Self::Other("UntagResource"),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_operations() {
        let of = |method: Method, path| Operation::of(&method, path);
        assert_eq!(of(Method::POST, "/2015-03-31/functions/f/invocations"), Operation::Invoke("f"));
        assert_eq!(of(Method::GET, "/2015-03-31/functions/"), Operation::ListFunctions);
        assert_eq!(of(Method::GET, "/2015-03-31/functions"), Operation::ListFunctions);
        assert_eq!(of(Method::GET, "/2015-03-31/functions/f"), Operation::GetFunction("f"));
        assert_eq!(of(Method::POST, "/2015-03-31/functions"), Operation::Other("CreateFunction"));
        assert_eq!(of(Method::GET, "/2017-03-31/tags/arn"), Operation::Other("ListTags"));
        assert_eq!(of(Method::GET, "/2015-03-31/functions/f/invocations/x"), Operation::Unknown);
        assert!(is_path("/2015-03-31/functions") && !is_path("/schedules/x"));
    }
}
