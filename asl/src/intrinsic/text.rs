//! Functions on strings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::call::Failure;

/// The service's limit of the input of the Base64 and hash functions, in characters.
const MAX_INPUT: usize = 10_000;

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, Failure> {
    value.as_str().ok_or_else(|| format!("{what} must be a string"))
}

fn bounded(text: &str) -> Result<&str, Failure> {
    if text.chars().count() > MAX_INPUT {
        return Err(format!("the input is longer than {MAX_INPUT} characters"));
    }
    Ok(text)
}

pub(super) fn base64_encode(input: &Value) -> Result<Value, Failure> {
    Ok(Value::String(STANDARD.encode(bounded(text(input, "the argument")?)?)))
}

pub(super) fn base64_decode(input: &Value) -> Result<Value, Failure> {
    let bytes = STANDARD
        .decode(bounded(text(input, "the argument")?)?)
        .map_err(|_| "the argument is not Base64".to_owned())?;
    String::from_utf8(bytes).map(Value::String).map_err(|_| "the decoded bytes are not UTF-8".to_owned())
}

pub(super) fn hash(data: &Value, algorithm: &Value) -> Result<Value, Failure> {
    let owned;
    let data = match data {
        Value::String(text) => text.as_str(),
        other => {
            owned = other.to_string();
            &owned
        }
    };
    let data = bounded(data)?.as_bytes();
    let hex = match text(algorithm, "the algorithm")? {
        "MD5" => hex(&Md5::digest(data)),
        "SHA-1" => hex(&Sha1::digest(data)),
        "SHA-256" => hex(&Sha256::digest(data)),
        "SHA-384" => hex(&Sha384::digest(data)),
        "SHA-512" => hex(&Sha512::digest(data)),
        other => return Err(format!("'{other}' is not one of MD5, SHA-1, SHA-256, SHA-384 and SHA-512")),
    };
    Ok(Value::String(hex))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every character of the splitter is a separator. Empty parts are dropped (recorded behaviour).
pub(super) fn split(input: &Value, splitter: &Value) -> Result<Value, Failure> {
    let input = text(input, "the first argument")?;
    let splitter = text(splitter, "the splitter")?;
    let pieces = input.split(|c| splitter.contains(c)).filter(|piece| !piece.is_empty());
    Ok(Value::Array(pieces.map(Value::from).collect()))
}

pub(super) fn to_json(input: &Value) -> Result<Value, Failure> {
    let input = text(input, "the argument")?;
    if input.trim().is_empty() {
        return Ok(Value::Null);
    }
    let value: Value = serde_json::from_str(input).map_err(|e| format!("the argument is not JSON: {e}"))?;
    // "-0" is the integer 0 to the service.
    Ok(if value.as_f64() == Some(0.0) && !input.contains('.') { Value::from(0) } else { value })
}

pub(super) fn format(template: &Value, values: &[Value]) -> Result<Value, Failure> {
    let template = text(template, "the template")?;
    let mut out = String::with_capacity(template.len());
    let mut values = values.iter();
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(next @ ('{' | '}' | '\\' | '\'')) => out.push(next),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            '{' => {
                if chars.next() != Some('}') {
                    return Err("the template has a { without }".to_owned());
                }
                let value =
                    values.next().ok_or_else(|| "the template has more {} than arguments".to_owned())?;
                show(value, &mut out);
            }
            _ => out.push(c),
        }
    }
    if values.next().is_some() {
        return Err("the template has fewer {} than arguments".to_owned());
    }
    Ok(Value::String(out))
}

/// Objects and arrays as Java prints them: `{Id=1, Name=[a, b]}` (recorded behaviour).
fn show(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                show(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (name, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                out.push_str(name);
                out.push('=');
                show(item, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}
