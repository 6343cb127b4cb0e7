//! The schema `redshift`: functions and operators with Redshift's rules, in the database itself.
//!
//! The server finds them by the types of the arguments, which the text of a statement does not say. The schema stands
//! on the search path before `pg_catalog`, and behind the script's own schemas. It is created on first use, replaced
//! when a newer version comes, and removed by `DROP SCHEMA redshift CASCADE`.

/// The name of the schema.
pub const NAME: &str = "redshift";

/// The parts, in the order of their dependencies.
const PARTS: [&str; 6] = [
    include_str!("session.sql"),
    include_str!("super.sql"),
    include_str!("text.sql"),
    include_str!("dates.sql"),
    include_str!("numbers.sql"),
    include_str!("comparison.sql"),
];

/// The names of the schema's functions, in lower case and each at least once.
pub fn functions() -> impl Iterator<Item = &'static str> {
    // A few are created in loops over a list of names.
    const LISTED: [&str; 8] = [
        "date_cmp",
        "date_cmp_timestamp",
        "timestamp_cmp",
        "timestamp_cmp_date",
        "interval_cmp",
        "is_array",
        "is_object",
        "is_scalar",
    ];
    let name = |text: &'static str| {
        let end = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        (end > 0).then(|| &text[..end])
    };
    let defined = PARTS.iter().flat_map(|part| part.split("redshift.").skip(1));
    defined.filter_map(name).chain(LISTED)
}

/// Puts the schema on the search path, has numbers shown with Redshift's digits, and answers with the version that the
/// database has: empty if it has none, and `?` if a schema of this name is somebody else's.
pub const OPEN: &str = "\
SELECT coalesce((SELECT coalesce(obj_description(oid, 'pg_namespace'), '?') FROM pg_catalog.pg_namespace \
WHERE nspname = 'redshift'), ''), pg_catalog.set_config('extra_float_digits', '0', false), \
pg_catalog.set_config('search_path', CASE WHEN current_setting('search_path') ~ 'redshift, pg_catalog$' \
THEN current_setting('search_path') ELSE pg_catalog.concat_ws(', ', \
nullif(pg_catalog.regexp_replace(current_setting('search_path'), '(^|, )\"?pg_catalog\"?', '', 'g'), ''), \
'redshift', 'pg_catalog') END, false)";

/// How the comment on the schema begins; the version follows.
const MARK: &str = "Redshift dialect of rsql, version ";

/// The comment on the schema, which says its version.
#[must_use]
pub fn comment() -> String {
    format!("{MARK}{:016x}", version())
}

/// Whether a comment on a schema says that it is ours, of whatever version.
#[must_use]
pub fn is_ours(comment: &str) -> bool {
    comment.starts_with(MARK)
}

/// The statements that create the schema or bring it to this version, as one text and one transaction.
#[must_use]
pub fn script() -> String {
    let mut script = String::from(
        // Two sessions may come at once; the second finds the work done.
        "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(7238461905);\n\
         SET LOCAL client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS redshift;\n\
         GRANT USAGE ON SCHEMA redshift TO PUBLIC;\n\
         SET LOCAL search_path = pg_catalog;\n",
    );
    for part in PARTS {
        script.push_str(part);
        script.push('\n');
    }
    script.push_str(&format!("COMMENT ON SCHEMA redshift IS '{}';\nCOMMIT;", comment()));
    script
}

/// A digest of the parts (FNV-1a), so that no change of them is forgotten.
const fn version() -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut part = 0;
    while part < PARTS.len() {
        let bytes = PARTS[part].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        part += 1;
    }
    hash
}
