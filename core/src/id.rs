//! Ids as distinct types, so that a workflow id cannot pass for an execution id.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {rule}")]
pub struct InvalidId {
    /// Which kind of id was wanted, as people say it.
    pub kind: &'static str,
    /// The text as given.
    pub value: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

/// A text id that is checked once, when it is made.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// [`InvalidId`] names the rule that the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let value = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&value) {
                    Ok(Self(value))
                } else {
                    Err(InvalidId { kind: $kind, value, rule: $rule })
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// Partition key of the config table: the name a team gives its workflow.
    ///
    /// It is shown, stored and compared, never executed, so nearly every text will do. Control characters
    /// would forge log lines, and `lock#` is how the audit table marks its locks.
    WorkflowId,
    "workflow_id",
    "1 to 255 bytes, no control characters, not starting with \"lock#\"",
    |text| (1..=255).contains(&text.len())
        && !text.chars().any(char::is_control)
        && !text.starts_with("lock#")
);

text_id!(
    /// One run of a workflow. Also the name of the master execution, and the start of its children's names.
    ///
    /// 60 characters leave room for `-s0003-c002` below the 80 of an execution name
    /// (Step Functions API reference, `StartExecution`).
    ExecutionId,
    "workflow_execution_id",
    "1 to 60 characters, only letters, digits, '-' and '_'",
    |text| (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
);

impl ExecutionId {
    /// The id of a run that its caller did not name, from the id of the request that starts it: Lambda repeats a
    /// request under the same id, and the repetition must find the same run. The workflow's name as far as an execution
    /// name may hold it, and 16 hexadecimal digits of a hash.
    #[must_use]
    pub fn of_request(workflow: &WorkflowId, request_id: &str) -> Self {
        let digest = Sha256::new().chain_update(workflow.as_str()).chain_update([0]).chain_update(request_id);
        let digest: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{}-{digest}", name_part(workflow)))
    }

    /// Makes an id for a run nobody named: the workflow's name as far as an execution name may hold it,
    /// the start in UTC, and eight random characters, so that people can read it and two never meet.
    #[must_use]
    pub fn generate(workflow: &WorkflowId, now: crate::Timestamp, random: u32) -> Self {
        let name = name_part(workflow);
        let digits: String = now.to_string().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        // 20261121T061500123Z, of which the day and the time to the second are enough.
        let second = digits.get(..15).unwrap_or(&digits);
        Self(format!("{name}-{second}-{random:08x}"))
    }
}

/// What an id shows of the workflow: its first characters, as far as an execution name may hold them.
fn name_part(workflow: &WorkflowId) -> String {
    workflow
        .as_str()
        .chars()
        .take(34)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .collect()
}

/// A job's place in its workflow: stage and position in the stage, both from 0.
///
/// As text (`0003#00017`) it is the sort key of the job audit table, so rows sort in plan order and the same
/// script named twice is two jobs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    /// Stage, from 0.
    pub stage: u16,
    /// Position within the stage, from 0.
    pub position: u32,
}

impl JobId {
    /// The CloudWatch Logs stream of an attempt: `<execution>/<stage>-<position>/a<attempt>`. A name has neither `:` nor
    /// `*` in it and at most 512 characters (CloudWatch Logs API reference, `CreateLogStream`).
    #[must_use]
    pub fn log_stream(self, execution: &ExecutionId, attempt: u32) -> String {
        format!("{execution}/{:04}-{:05}/a{attempt}", self.stage, self.position)
    }

    /// The job at a place.
    #[must_use]
    pub const fn new(stage: u16, position: u32) -> Self {
        Self { stage, position }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}#{:05}", self.stage, self.position)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for JobId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            kind: "job_id",
            value: text.to_owned(),
            rule: "four digits of the stage, '#', five digits of the position, as in 0003#00017",
        };
        let (stage, position) = text.split_once('#').ok_or_else(invalid)?;
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(stage, 4) || !digits(position, 5) {
            return Err(invalid());
        }
        match (stage.parse(), position.parse()) {
            (Ok(stage), Ok(position)) => Ok(Self { stage, position }),
            _ => Err(invalid()),
        }
    }
}

impl Serialize for JobId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The reply address of a waiting task. Whoever holds it can end the task, so it shows itself to nobody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(String);

impl TaskToken {
    /// Wraps a token as the service gave it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the call that returns it and for the row. Nothing else may have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken(…)")
    }
}

/// Who runs an attempt: a nonce of the agent *process*, not of the instance. A command that is delivered twice
/// starts two processes on one instance, and one of them must lose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// Wraps a nonce.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The nonce as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Id of a statement, as the Redshift Data API gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatementId(String);

impl StatementId {
    /// Wraps an id.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_execution_id_is_an_execution_name() {
        assert!(ExecutionId::new("nightly-2026-11-21_a").is_ok());
        for bad in ["", "a b", "a/b", "a'b", "ä", "a\n", &"x".repeat(61)] {
            assert!(ExecutionId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_generated_id_is_valid_and_readable() {
        let workflow = WorkflowId::new("tägliche \"Last\" $(reboot) und noch viel, viel mehr davon").unwrap();
        let id =
            ExecutionId::generate(&workflow, crate::Timestamp::from_millis(1_795_241_700_123), 0xabc_0042);
        assert_eq!(id.as_str(), "t_gliche__Last____reboot__und_noch-20261121T061500-0abc0042");
        assert!(ExecutionId::new(id.as_str()).is_ok());
    }

    #[test]
    fn the_id_of_a_request_is_the_same_at_its_repetition() {
        let of = |name: &str, request| ExecutionId::of_request(&WorkflowId::new(name).unwrap(), request);
        let request = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
        let id = of("nightly/load", request);
        assert_eq!(id, of("nightly/load", request));
        assert!(id.as_str().starts_with("nightly_load-") && id.as_str().len() == "nightly_load-".len() + 16);
        assert_ne!(id, of("nightly_load", request), "another workflow");
        assert_ne!(id, of("nightly/load", "another request"));
        assert!(ExecutionId::new(of(&"x".repeat(200), request).as_str()).is_ok());
    }

    #[test]
    fn a_token_shows_itself_to_nobody() {
        assert_eq!(format!("{:?}", TaskToken::new("secret")), "TaskToken(…)");
    }

    proptest! {
        #[test]
        fn job_ids_round_trip_and_sort_as_text(a in (0u16..10_000, 0u32..100_000), b in (0u16..10_000, 0u32..100_000)) {
            let (a, b) = (JobId::new(a.0, a.1), JobId::new(b.0, b.1));
            prop_assert_eq!(a.to_string().parse::<JobId>().unwrap(), a);
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn no_text_makes_job_id_parsing_panic(text in ".*") {
            let _ = text.parse::<JobId>();
        }
    }
}
