//! Closed sets of values.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A closed set: every value with the name that people write.
pub(crate) trait Choice: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
}

/// A closed set whose schema is made from the names that the reader knows.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? } $(also $($alias:literal = $of:ident),+)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl Choice for $name {
            const ALL: &'static [(&'static str, Self)] =
                &[$(($text, Self::$variant),)+ $($(($alias, Self::$of),)+)?];
        }

        impl $name {
            /// The value as people write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
                json_schema!({ "type": "string", "enum": names })
            }
        }
    };
}

choice! {
    /// Whether the jobs of a stage run one after the other or at once.
    ExecutionType {
        /// In order; the stage stops at its first failure unless `on_failure` is `continue`.
        #[default]
        Sequential = "sequential",
        /// At once, as many as `max_concurrency`.
        Parallel = "parallel",
    }
}

choice! {
    /// Whether a stage or job runs at all.
    ExecutionFlag {
        /// It runs.
        #[default]
        Yes = "y",
        /// It is planned as `Skipped`.
        No = "n",
    }
    also "Y" = Yes, "N" = No
}

choice! {
    /// What a failed job means for its stage and workflow.
    OnFailure {
        /// All jobs of the stage run, later chunks too; then the workflow fails. A sequential stage stops at its
        /// first failure all the same.
        #[default]
        Finish = "finish",
        /// Running siblings are cancelled, no new job starts, the workflow fails.
        Stop = "stop",
        /// All jobs of the stage run, and the workflow goes on.
        Continue = "continue",
    }
}

choice! {
    /// What happens when a claimed job's agent vanished, so that nobody knows how far the script came.
    OnLost {
        /// The job is closed as `Lost`.
        #[default]
        Fail = "fail",
        /// The job runs again; for scripts that may run twice.
        Rerun = "rerun",
    }
}

choice! {
    /// What happens when a workflow is triggered while it runs.
    ConcurrencyPolicy {
        /// The second run is refused.
        #[default]
        Forbid = "forbid",
        /// Both run.
        Allow = "allow",
    }
}

choice! {
    /// On which end of a workflow people are told.
    NotifyOn {
        /// It failed.
        #[default]
        Failure = "failure",
        /// It completed.
        Success = "success",
    }
}
