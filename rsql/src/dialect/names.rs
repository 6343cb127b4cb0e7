//! Names of Redshift that have no counterpart here: functions and statements.

/// Documented functions that PostgreSQL has not, and the schema `redshift` neither.
const FUNCTIONS: &[&str] = &[
    "approximate_percentile_disc",
    "array_contains",
    "array_distinct",
    "array_except",
    "array_intersection",
    "array_position",
    "array_positions",
    "array_sort",
    "array_union",
    "arrays_overlap",
    "asin_d",
    "bpchar_pattern_lt",
    "change_query_priority",
    "change_session_priority",
    "change_user_priority",
    "checksum",
    "crc32",
    "current_aws_account",
    "current_namespace",
    "current_user_id",
    "difference",
    "explain_model",
    "farmfingerprint64",
    "farmhash64",
    "fnv_hash",
    "from_hex",
    "from_varbyte",
    "func_sha1",
    "default_iam_role",
    "geometrytype",
    "has_assumerole_privilege",
    "json_serialize_to_varbyte",
    "mask_get_policy_for_role_on_column",
    "mask_get_policy_for_user_on_column",
    "proc_is_rls_safe",
    "getbit",
    "get_number_attributes",
    "h3_boundary",
    "h3_center",
    "h3_fromlonglat",
    "h3_frompoint",
    "h3_polyfill",
    "hll",
    "hll_cardinality",
    "hll_combine",
    "hll_combine_sketches",
    "hll_create_sketch",
    "is_geometry",
    "is_super",
    "last_user_query_id",
    "lower_attribute_names",
    "mask_get_column",
    "murmur3_32_hash",
    "object_transform",
    "percentile_disc_approx",
    "pg_get_cols",
    "pg_get_grantee_by_iam_role",
    "pg_get_iam_role_by_user",
    "pg_get_late_binding_view_cols",
    "pg_get_session_roles",
    "role_is_member_of",
    "sha",
    "sha1",
    "slice_num",
    "soundex",
    "supportsbbox",
    "text_to_int_alt",
    "text_to_numeric_alt",
    "to_varbyte",
    "upper_attribute_names",
    "user_is_member_of",
    "varbyte_concat",
    "addbbox",
    "dropbbox",
    "st_geomfromtext",
    "st_point",
    "st_distance",
    "st_contains",
    "st_within",
    "st_x",
    "st_y",
    "st_area",
    "st_length",
    "st_asgeojson",
    "st_astext",
];

/// Whether a function is documented and cannot be had here. Geometry is refused as a whole.
pub(super) fn is_refused_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
        || name.starts_with("st_")
        || name.starts_with("h3_")
        || name.starts_with("hll_")
}

/// What a statement is called whose first words say that only Redshift has it; `words` are in lower case.
pub(super) fn refused_statement(words: &[&str]) -> Option<String> {
    let length = match words {
        [
            "show",
            "tables" | "schemas" | "databases" | "columns" | "grants" | "functions" | "procedures"
            | "parameters" | "policies" | "datashares" | "constraints" | "model",
            ..,
        ]
        | ["show", "table" | "view" | "procedure" | "external", ..]
        | ["attach" | "detach", "rls" | "masking", ..]
        | ["alter", "system" | "identity" | "integration", ..]
        | ["desc" | "describe", ..]
        | ["use", _, ..] => 2,
        ["create" | "alter" | "drop", "rls" | "masking" | "identity" | "external", _, ..]
        | [
            "create" | "alter" | "drop",
            "datashare" | "model" | "library" | "integration" | "namespace",
            ..,
        ] => 2,
        ["cancel", ..] => 1,
        ["grant" | "revoke", .., "datashare", _] => 1,
        _ => return None,
    };
    Some(words[..length].join(" ").to_ascii_uppercase())
}
