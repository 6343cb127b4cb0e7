//! STS: `GetCallerIdentity`.

use crate::http::{AwsError, Element, Form};
use crate::place;

/// `Version` of requests.
pub(super) const VERSION: &str = "2011-06-15";

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) fn call(action: &str, form: &Form, request_id: &str) -> Result<String, AwsError> {
    if action != "GetCallerIdentity" {
        return Err(AwsError::unknown_operation("STS", action));
    }
    form.allow_only(action, &[])?;
    let result = Element::list(
        "GetCallerIdentityResult",
        [
            Element::text("Arn", &format!("arn:aws:iam::{}:user/local", place::ACCOUNT)),
            Element::text("UserId", "AIDALOCALENDPOINT0000"),
            Element::text("Account", place::ACCOUNT),
        ],
    );
    Ok(Element::response(action, NAMESPACE, &result, request_id))
}
