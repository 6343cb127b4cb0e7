//! Answers as HTTP responses.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::http::{AwsError, Element};

/// An answer of a service.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// A JSON answer with status 200.
    pub(crate) fn json(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status: 200, content_type, body, headers: Vec::new() }
    }

    /// An XML answer with status 200.
    pub(crate) fn xml(body: String) -> Self {
        Self { status: 200, content_type: "text/xml", body: body.into_bytes(), headers: Vec::new() }
    }

    /// An error of a JSON protocol.
    pub(crate) fn json_error(content_type: &'static str, error: &AwsError) -> Self {
        let mut members = json!({"__type": error.code, "message": error.message});
        for (name, value) in &error.members {
            members[*name] = json!(value);
        }
        Self::error(error, content_type, &members)
    }

    /// An error of a REST protocol: the code is in a header.
    pub(crate) fn rest_error(error: &AwsError) -> Self {
        let kind = if error.status < 500 { "User" } else { "Service" };
        let members = json!({"Type": kind, "Message": error.message});
        let mut reply = Self::error(error, "application/json", &members);
        reply.headers.push(("x-amzn-errortype", error.code.clone().into_owned()));
        reply
    }

    /// An error of the query protocol.
    pub(crate) fn xml_error(error: &AwsError, request_id: &str) -> Self {
        Self { status: error.status, ..Self::xml(Element::error(error, request_id)) }
    }

    fn error(error: &AwsError, content_type: &'static str, members: &Value) -> Self {
        let body = members.to_string().into_bytes();
        Self { status: error.status, content_type, body, headers: Vec::new() }
    }

    /// The response, with the request's id.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-amzn-requestid", id);
        }
        for (name, value) in self.headers {
            // The text of a function's error may contain characters that are not allowed in a header.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
