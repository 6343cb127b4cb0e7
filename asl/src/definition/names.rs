//! Features of the language that are not supported, with their messages.

/// Fields that only exist with the query language JSONata.
pub(super) fn jsonata_only(field: &str) -> bool {
    matches!(field, "Arguments" | "Output" | "Condition" | "Items")
}

/// Fields that only exist in a Distributed Map.
pub(super) fn distributed_only(field: &str) -> bool {
    matches!(
        field,
        "ItemReader"
            | "ItemBatcher"
            | "ResultWriter"
            | "Label"
            | "ToleratedFailureCount"
            | "ToleratedFailureCountPath"
            | "ToleratedFailurePercentage"
            | "ToleratedFailurePercentagePath"
    )
}

pub(super) const NO_JSONATA: &str = "JSONata is not supported; use the query language JSONPath";
pub(super) const NO_DISTRIBUTED: &str = "Distributed Map is not supported; use the mode INLINE";
