//! The progress of an invocation.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html>

/// `Status` and `StatusDetails` of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Started,
    Cancelling,
    Success,
    Failed,
    Cancelled,
    DeliveryTimedOut,
    ExecutionTimedOut,
    /// Its instance no longer exists.
    Undeliverable,
    /// Not sent, because its command had more errors than `MaxErrors`.
    Terminated,
}

impl Progress {
    pub(super) const ALL: [Self; 10] = [
        Self::Pending,
        Self::Started,
        Self::Cancelling,
        Self::Success,
        Self::Failed,
        Self::Cancelled,
        Self::DeliveryTimedOut,
        Self::ExecutionTimedOut,
        Self::Undeliverable,
        Self::Terminated,
    ];

    /// `Status`.
    pub(super) const fn status(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Started => "InProgress",
            Self::Cancelling => "Cancelling",
            Self::Success => "Success",
            Self::Failed | Self::Undeliverable => "Failed",
            Self::Cancelled | Self::Terminated => "Cancelled",
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
        }
    }

    /// `StatusDetails`, which is also the value in the database.
    pub(super) const fn details(self) -> &'static str {
        match self {
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Undeliverable => "Undeliverable",
            Self::Terminated => "Terminated",
            other => other.status(),
        }
    }

    /// Parses the value of [`details`](Self::details).
    pub(super) fn read(details: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|progress| progress.details() == details)
    }

    pub(super) const fn is_end(self) -> bool {
        !matches!(self, Self::Pending | Self::Started | Self::Cancelling)
    }

    /// Whether it counts for `MaxErrors`.
    pub(super) const fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::ExecutionTimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for progress in Progress::ALL {
            assert_eq!(Progress::read(progress.details()), Some(progress));
        }
        assert_eq!(Progress::read("Done"), None);
    }
}
