//! How DynamoDB refuses what dynoxide's request types do not take.
//!
//! dynoxide classifies such requests in its own HTTP server only, so the part of it that SDK clients can meet is
//! repeated here: its request types mark their messages with the class of the error.

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
    // DynamoDB counts what is missing or outside of its list as invalid; only another JSON type is unreadable.
    if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
        .iter()
        .any(|text| message.contains(text))
    {
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}

/// The error as the operation answers it: writes of items announce how many errors they found.
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
