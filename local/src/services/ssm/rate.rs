//! `MaxConcurrency` and `MaxErrors`: a number, or a percentage of the targets.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html>

use crate::http::Constraints;

/// The default of `MaxConcurrency`.
pub(super) const DEFAULT_CONCURRENCY: &str = "50";

/// The default of `MaxErrors`.
pub(super) const DEFAULT_ERRORS: &str = "0";

const CONCURRENCY: &str = "^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$";
const ERRORS: &str = "^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$";

/// Refuses a value that is neither a number nor a percentage.
pub(super) fn check(constraints: &mut Constraints, concurrency: Option<&str>, errors: Option<&str>) {
    constraints.length("maxConcurrency", concurrency, 1..=7);
    constraints.pattern("maxConcurrency", concurrency, CONCURRENCY, |text| is_rate(text) && !is_zero(text));
    constraints.length("maxErrors", errors, 1..=7);
    constraints.pattern("maxErrors", errors, ERRORS, is_rate);
}

fn is_rate(text: &str) -> bool {
    let (digits, share) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let canonical = digits.len() == 1 || !digits.starts_with('0');
    number && canonical && (!share || digits.len() < 3 || digits == "100")
}

fn is_zero(text: &str) -> bool {
    matches!(text, "0" | "0%")
}

/// Maximum number of concurrent invocations, for a checked text.
pub(super) fn concurrency(text: &str, targets: usize) -> usize {
    of(text, targets).max(1)
}

/// Number of errors that a command tolerates, for a checked text.
pub(super) fn errors(text: &str, targets: usize) -> usize {
    of(text, targets)
}

fn of(text: &str, targets: usize) -> usize {
    match text.strip_suffix('%') {
        Some(share) => targets * share.parse::<usize>().unwrap_or(0) / 100,
        None => text.parse().unwrap_or(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(concurrency: &str, errors: &str) -> bool {
        let mut constraints = Constraints::default();
        check(&mut constraints, Some(concurrency), Some(errors));
        constraints.check("ValidationException").is_ok()
    }

    #[test]
    fn numbers_and_shares() {
        for good in ["1", "50", "9999999", "1%", "99%", "100%"] {
            assert!(fits(good, good), "{good}");
        }
        assert!(fits("1", "0") && fits("1", "0%"));
        for bad in ["", "01", "101%", "%", "-1", "1.5", "ten", "12345678"] {
            assert!(!fits(bad, "0"), "{bad}");
            assert!(!fits("1", bad), "{bad}");
        }
        assert!(!fits("0", "0") && !fits("0%", "0"));
    }

    #[test]
    fn shares_are_of_the_targets() {
        assert_eq!((concurrency("10%", 50), concurrency("10%", 3), concurrency("2", 9)), (5, 1, 2));
        // The example of the user guide: with 10% of 50, the sixth error stops the command.
        assert_eq!((errors("10%", 50), errors("10%", 3), errors("0", 9)), (5, 0, 0));
    }
}
