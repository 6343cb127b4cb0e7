//! Errors for requests that dynoxide's request types do not accept.
//!
//! dynoxide classifies such requests only in its own HTTP server, so the cases that SDK clients can cause are repeated
//! here: its request types mark their messages with the class of the error.

use dynoxide::DynoxideError;

/// The error for a body that is not a request.
pub(super) fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let message = error.to_string();
    let message = message.split_once(" at line ").map_or(message.as_str(), |(text, _)| text);
    for marker in ["VALIDATION_REQUEST:", "VALIDATION_AS_READ:", "VALIDATION:"] {
        if let Some(text) = message.strip_prefix(marker) {
            let text = text.to_owned();
            return if marker == "VALIDATION_REQUEST:" {
                DynoxideError::EnvelopedValidation(text)
            } else {
                DynoxideError::ValidationException(text)
            };
        }
    }
    for marker in ["SERIALIZATION_AS_READ:", "SERIALIZATION:"] {
        if let Some(text) = message.strip_prefix(marker) {
            return DynoxideError::SerializationException(text.to_owned());
        }
    }
    // DynamoDB counts missing members and values outside an enumeration as invalid. Only a wrong JSON type is a
    // serialization error.
    if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
        .iter()
        .any(|text| message.contains(text))
    {
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}

/// The error in the form of the operation: writes of items begin with the number of errors.
pub(super) fn finished(operation: &str, error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::EnvelopedValidation(text)
            if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") =>
        {
            DynoxideError::ValidationException(format!("1 validation error detected: {text}"))
        }
        other => other,
    }
}
