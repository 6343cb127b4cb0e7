//! Where a job runs.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reader::Cursor;
use super::rules;
use crate::problem::ProblemKind;

/// The instances that may run a job; exactly one of the two.
///
/// `SendCommand` takes 50 ids or 5 filters (Systems Manager API reference).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// One of these, by id.
    #[schemars(schema_with = "ids_schema")]
    InstanceIds(Vec<String>),
    /// One that carries all these tags.
    #[schemars(schema_with = "tags_schema")]
    Tags(Tags),
}

/// Tags by name. All jobs that inherit them share them: a plan may have 10,000.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tags(Arc<BTreeMap<String, String>>);

impl Deref for Tags {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<BTreeMap<String, String>> for Tags {
    fn from(tags: BTreeMap<String, String>) -> Self {
        Self(Arc::new(tags))
    }
}

impl<const N: usize> From<[(String, String); N]> for Tags {
    fn from(tags: [(String, String); N]) -> Self {
        BTreeMap::from(tags).into()
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}

impl Target {
    pub(crate) fn read(cursor: &Cursor<'_>) -> Option<Self> {
        let hint = r#"write {"instance_ids": ["i-…"]} or {"tags": {"Role": "etl"}}"#;
        let mut object = cursor.object(Some(hint))?;
        let ids = object.optional("instance_ids", |list| {
            let read = list.list_of(|id| id.checked_text(rules::instance_id));
            match read {
                Some(ids) if !(1..=50).contains(&ids.len()) => {
                    list.report(
                        ProblemKind::OutOfRange,
                        format!("must have 1 to 50 instances, but has {}", ids.len()),
                    );
                    None
                }
                read => read,
            }
        });
        let tags = object.optional("tags", read_tags);
        let (has_ids, has_tags) = (object.has("instance_ids"), object.has("tags"));
        // An unknown field is probably a misspelt one of the two, and is reported.
        let misspelt = object.has_others();
        object.finish();
        if has_ids == has_tags && misspelt {
            return None;
        }
        if has_ids == has_tags {
            cursor.report_hint(
                ProblemKind::Conflict,
                if has_ids {
                    "must not have both instance_ids and tags"
                } else {
                    "must have instance_ids or tags"
                },
                hint,
            );
            return None;
        }
        ids.map(Self::InstanceIds).or(tags.map(|tags| Self::Tags(tags.into())))
    }
}

fn read_tags(cursor: &Cursor<'_>) -> Option<BTreeMap<String, String>> {
    let entries = cursor.entries()?;
    if !(1..=5).contains(&entries.len()) {
        cursor.report(ProblemKind::OutOfRange, format!("must have 1 to 5 tags, but has {}", entries.len()));
        return None;
    }
    let read: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| {
            let key_fits = (1..=128).contains(&key.chars().count());
            if !key_fits {
                value.report(ProblemKind::OutOfRange, "must have a name of 1 to 128 characters");
            }
            let text = value.text()?;
            if text.chars().count() > 256 {
                value.report(ProblemKind::OutOfRange, "must have at most 256 characters");
                return None;
            }
            key_fits.then(|| (key.to_owned(), text.to_owned()))
        })
        .collect();
    read.into_iter().collect()
}

fn ids_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": 50,
        "items": { "type": "string", "pattern": rules::INSTANCE_ID_PATTERN },
    })
}

fn tags_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 5,
        "propertyNames": { "minLength": 1, "maxLength": 128 },
        "additionalProperties": { "type": "string", "maxLength": 256 },
    })
}
