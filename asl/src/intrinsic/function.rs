//! The functions, and the number of their arguments.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Array,
    ArrayContains,
    ArrayGetItem,
    ArrayLength,
    ArrayPartition,
    ArrayRange,
    ArrayUnique,
    Base64Decode,
    Base64Encode,
    Format,
    Hash,
    JsonMerge,
    JsonToString,
    MathAdd,
    MathRandom,
    StringSplit,
    StringToJson,
    Uuid,
}

impl Function {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "States.Array" => Self::Array,
            "States.ArrayContains" => Self::ArrayContains,
            "States.ArrayGetItem" => Self::ArrayGetItem,
            "States.ArrayLength" => Self::ArrayLength,
            "States.ArrayPartition" => Self::ArrayPartition,
            "States.ArrayRange" => Self::ArrayRange,
            "States.ArrayUnique" => Self::ArrayUnique,
            "States.Base64Decode" => Self::Base64Decode,
            "States.Base64Encode" => Self::Base64Encode,
            "States.Format" => Self::Format,
            "States.Hash" => Self::Hash,
            "States.JsonMerge" => Self::JsonMerge,
            "States.JsonToString" => Self::JsonToString,
            "States.MathAdd" => Self::MathAdd,
            "States.MathRandom" => Self::MathRandom,
            "States.StringSplit" => Self::StringSplit,
            "States.StringToJson" => Self::StringToJson,
            "States.UUID" => Self::Uuid,
            _ => return None,
        })
    }

    /// Minimum and maximum number of arguments.
    pub(crate) fn arity(self) -> (usize, usize) {
        match self {
            Self::Array => (0, usize::MAX),
            Self::Format => (1, usize::MAX),
            Self::Uuid => (0, 0),
            Self::ArrayLength
            | Self::ArrayUnique
            | Self::Base64Decode
            | Self::Base64Encode
            | Self::JsonToString
            | Self::StringToJson => (1, 1),
            Self::ArrayContains
            | Self::ArrayGetItem
            | Self::ArrayPartition
            | Self::Hash
            | Self::MathAdd
            | Self::StringSplit => (2, 2),
            Self::MathRandom => (2, 3),
            Self::ArrayRange | Self::JsonMerge => (3, 3),
        }
    }
}
