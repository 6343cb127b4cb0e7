//! What names of a deployment's parts must look like.

use crate::config::{Broken, Checked};

/// A name of letters, digits, and some other characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameRule {
    least: usize,
    most: usize,
    /// Further characters; `-` is the last, so that it means itself within brackets.
    more: &'static str,
}

impl NameRule {
    /// DynamoDB developer guide, "Naming rules".
    pub(super) const TABLE: Self = Self { least: 3, most: 255, more: "_.-" };
    /// Lambda API reference, `CreateFunction`.
    pub(super) const FUNCTION: Self = Self { least: 1, most: 64, more: "_-" };
    /// Step Functions API reference, `CreateStateMachine`.
    pub(super) const MACHINE: Self = Self { least: 1, most: 80, more: "_-" };
    /// CloudWatch Logs API reference, `CreateLogGroup`.
    pub(super) const LOG_GROUP: Self = Self { least: 1, most: 512, more: "_/.#-" };
    /// Systems Manager API reference, `CreateDocument`.
    pub(super) const DOCUMENT: Self = Self { least: 3, most: 128, more: "_.-" };

    pub(super) fn check(self, text: &str) -> Checked {
        let Self { least, most, more } = self;
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || more.as_bytes().contains(&b);
        if (least..=most).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(())
        } else {
            Err(format!("is not {least} to {most} letters, digits and {more}").into())
        }
    }

    /// The same as a regular expression of ECMAScript.
    pub(super) fn pattern(self) -> String {
        let Self { least, most, more } = self;
        format!("^[A-Za-z0-9{more}]{{{least},{most}}}$")
    }
}

/// The rule of a prefix as a regular expression: with the longest suffix a name stays below 64 characters, which is the
/// limit of a function's name.
pub(super) const PREFIX_PATTERN: &str = "^[A-Za-z][A-Za-z0-9-]{0,31}$";

pub(super) fn prefix(text: &str) -> Checked {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts_well && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        Ok(())
    } else {
        Err(Broken::new("is not a prefix", "write a letter, then up to 31 letters, digits and -"))
    }
}
