//! The query protocol of SNS and STS: form requests, XML answers.

use std::collections::BTreeMap;

use quick_xml::escape::escape;

use crate::http::AwsError;

/// A request of the query protocol.
#[derive(Debug)]
pub(crate) struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, AwsError> {
        let fields = serde_urlencoded::from_bytes(body)
            .map_err(|e| AwsError::client("MalformedQueryString", e.to_string()))?;
        Ok(Self { fields })
    }

    /// A field, if given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A required field.
    pub(crate) fn need(&self, name: &str) -> Result<&str, AwsError> {
        self.get(name).ok_or_else(|| {
            AwsError::client("ValidationError", format!("the required parameter {name} is missing"))
        })
    }

    /// Refuses every other field, so that no field is ignored silently. A name that ends with a dot allows all members of
    /// that list or map.
    pub(crate) fn allow_only(&self, operation: &str, names: &[&str]) -> Result<(), AwsError> {
        let known = |field: &str| {
            matches!(field, "Action" | "Version")
                || names
                    .iter()
                    .any(|name| if name.ends_with('.') { field.starts_with(name) } else { field == *name })
        };
        match self.fields.keys().find(|field| !known(field)) {
            None => Ok(()),
            Some(field) => Err(AwsError::not_implemented(format_args!("parameter {field} of {operation}"))),
        }
    }

    /// All fields whose names start with a prefix, without the prefix.
    pub(crate) fn below<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields.iter().filter_map(move |(name, value)| Some((name.strip_prefix(start)?, value.as_str())))
    }
}

/// XML, built from the inside out.
#[derive(Debug)]
pub(crate) struct Element(String);

impl Element {
    /// An element with text.
    pub(crate) fn text(name: &str, text: &str) -> Self {
        Self(format!("<{name}>{}</{name}>", escape(text)))
    }

    /// An element with elements.
    pub(crate) fn list(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        let inside: String = children.into_iter().map(|child| child.0).collect();
        Self(format!("<{name}>{inside}</{name}>"))
    }

    /// The answer to `action`, with its result and request id.
    pub(crate) fn response(action: &str, namespace: &str, result: &Self, request_id: &str) -> String {
        let metadata = Self::list("ResponseMetadata", [Self::text("RequestId", request_id)]);
        format!("<{action}Response xmlns=\"{namespace}\">{}{}</{action}Response>", result.0, metadata.0)
    }

    /// An error answer.
    pub(crate) fn error(error: &AwsError, request_id: &str) -> String {
        let kind = if error.status < 500 { "Sender" } else { "Receiver" };
        let inside = Self::list(
            "Error",
            [
                Self::text("Type", kind),
                Self::text("Code", &error.code),
                Self::text("Message", &error.message),
            ],
        );
        Self::list("ErrorResponse", [inside, Self::text("RequestId", request_id)]).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_and_what_is_not_known_is_refused() {
        let form =
            Form::parse(b"Action=Publish&Message=a%26b+c%C3%A4&MessageAttributes.entry.1.Name=x").unwrap();
        assert_eq!(form.get("Message"), Some("a&b cä"));
        assert!(form.allow_only("Publish", &["Message", "MessageAttributes."]).is_ok());
        assert_eq!(form.allow_only("Publish", &["Message"]).unwrap_err().status, 501);
        assert_eq!(form.below("MessageAttributes.").collect::<Vec<_>>(), [("entry.1.Name", "x")]);
    }

    #[test]
    fn text_cannot_become_markup() {
        let xml = Element::response("Do", "urn:x", &Element::text("DoResult", "<a>&\"'"), "id");
        assert!(xml.contains("<DoResult>&lt;a&gt;&amp;"), "{xml}");
    }
}
