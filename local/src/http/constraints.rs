//! Constraints of the service models on the members of requests, with the messages of the services.

use std::fmt::{Display, Write as _};
use std::ops::RangeInclusive;

use crate::http::AwsError;

/// Checks members, and reports all violations at once:
/// `1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must …`.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    failed: Vec<String>,
}

impl Constraints {
    /// A number's range.
    pub(crate) fn range<T: Display + PartialOrd>(
        &mut self,
        member: &str,
        value: Option<T>,
        range: RangeInclusive<T>,
    ) {
        let Some(value) = value else { return };
        if value < *range.start() {
            let wanted = format!("Member must have value greater than or equal to {}", range.start());
            self.fail(member, value, &wanted);
        } else if value > *range.end() {
            let wanted = format!("Member must have value less than or equal to {}", range.end());
            self.fail(member, value, &wanted);
        }
    }

    /// A text's length in characters.
    pub(crate) fn length(&mut self, member: &str, value: Option<&str>, range: RangeInclusive<usize>) {
        let Some(value) = value else { return };
        self.count(member, value, value.chars().count(), range);
    }

    /// The number of a list's items.
    pub(crate) fn items<T>(&mut self, member: &str, list: Option<&[T]>, range: RangeInclusive<usize>) {
        let Some(list) = list else { return };
        // The items may be many, or secret.
        self.count(member, "[…]", list.len(), range);
    }

    fn count(&mut self, member: &str, value: &str, count: usize, range: RangeInclusive<usize>) {
        if count < *range.start() {
            let wanted = format!("Member must have length greater than or equal to {}", range.start());
            self.fail(member, value, &wanted);
        } else if count > *range.end() {
            let wanted = format!("Member must have length less than or equal to {}", range.end());
            self.fail(member, value, &wanted);
        }
    }

    /// An enumeration.
    pub(crate) fn one_of(&mut self, member: &str, value: Option<&str>, allowed: &[&str]) {
        if let Some(value) = value
            && !allowed.contains(&value)
        {
            let wanted = format!("Member must satisfy enum value set: [{}]", allowed.join(", "));
            self.fail(member, value, &wanted);
        }
    }

    /// A pattern. `fits` decides, and `pattern` is the text of the model.
    pub(crate) fn pattern(
        &mut self,
        member: &str,
        value: Option<&str>,
        pattern: &str,
        fits: impl FnOnce(&str) -> bool,
    ) {
        if let Some(value) = value
            && !fits(value)
        {
            let wanted = format!("Member must satisfy regular expression pattern: {pattern}");
            self.fail(member, value, &wanted);
        }
    }

    fn fail(&mut self, member: &str, value: impl Display, wanted: &str) {
        // A value of megabytes is not repeated.
        let value: String = value.to_string().chars().take(256).collect();
        self.failed.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: {wanted}"));
    }

    /// # Errors
    /// `code` with every failed constraint.
    pub(crate) fn check(self, code: &'static str) -> Result<(), AwsError> {
        if self.failed.is_empty() {
            return Ok(());
        }
        Err(AwsError::client(code, validation_errors(&self.failed)))
    }
}

/// The message for failed constraints.
pub(super) fn validation_errors(failed: &[String]) -> String {
    let plural = if failed.len() == 1 { "" } else { "s" };
    let mut message = format!("{} validation error{plural} detected: ", failed.len());
    for (index, one) in failed.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        // Writing to a `String` cannot fail.
        let _ = write!(message, "{separator}{one}");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_failed_constraints_are_told_in_the_services_words() {
        let mut constraints = Constraints::default();
        constraints.range("maxResults", Some(0), 1..=50);
        constraints.length("comment", Some(&"x".repeat(3)), 0..=2);
        constraints.one_of("orderBy", Some("Size"), &["Name", "Time"]);
        constraints.pattern("name", Some("a b"), "[a-z]+", |text| !text.contains(' '));
        constraints.range("limit", None::<u32>, 1..=2);
        let error = constraints.check("ValidationException").unwrap_err();
        assert_eq!(
            error.message,
            "4 validation errors detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have \
             value greater than or equal to 1; Value 'xxx' at 'comment' failed to satisfy constraint: Member must \
             have length less than or equal to 2; Value 'Size' at 'orderBy' failed to satisfy constraint: Member \
             must satisfy enum value set: [Name, Time]; Value 'a b' at 'name' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: [a-z]+"
        );
        assert_eq!(Constraints::default().check("ValidationException"), Ok(()));
    }
}
