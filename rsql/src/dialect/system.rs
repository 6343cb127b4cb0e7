//! Redshift's system tables as views of a schema `redshift`, which is made when a script first asks for one.
//!
//! `DROP SCHEMA redshift CASCADE` removes them. Names that Redshift documents and that are no views here are refused by
//! name.

/// The views' definitions.
pub(crate) const SYSTEM_SQL: &str = include_str!("system.sql");

/// What `obj_description` says of the view of load errors; a different text means older definitions.
pub(crate) const SYSTEM_VERSION: &str = "rsql system views 1";

/// Views and functions that exist in the schema.
const HERE: &[&str] = &[
    "pg_last_copy_count",
    "pg_last_copy_id",
    "pg_last_query_id",
    "pg_last_unload_count",
    "pg_last_unload_id",
    "pg_table_def",
    "stl_load_errors",
    "stl_loaderror_detail",
    "stl_query",
    "stl_querytext",
    "stl_replacements",
    "stv_inflight",
    "stv_recents",
    "stv_sessions",
    "svl_statementtext",
    "svv_all_columns",
    "svv_all_tables",
    "svv_columns",
    "svv_redshift_columns",
    "svv_redshift_tables",
    "svv_table_info",
    "svv_tables",
];

/// Documented system tables that are not here.
/// <https://docs.aws.amazon.com/redshift/latest/dg/c_intro_system_tables.html>
const ELSEWHERE: &[&str] = &[
    "stl_aggr",
    "stl_alert_event_log",
    "stl_analyze",
    "stl_analyze_compression",
    "stl_bcast",
    "stl_commit_stats",
    "stl_comp_update",
    "stl_connection_log",
    "stl_ddltext",
    "stl_delete",
    "stl_disk_full_diag",
    "stl_dist",
    "stl_error",
    "stl_explain",
    "stl_file_scan",
    "stl_hash",
    "stl_hashjoin",
    "stl_insert",
    "stl_limit",
    "stl_load_commits",
    "stl_merge",
    "stl_mergejoin",
    "stl_mv_state",
    "stl_nestloop",
    "stl_parse",
    "stl_plan_info",
    "stl_project",
    "stl_query_metrics",
    "stl_restarted_sessions",
    "stl_return",
    "stl_s3client",
    "stl_s3client_error",
    "stl_save",
    "stl_scan",
    "stl_schema_quota_violations",
    "stl_sessions",
    "stl_sort",
    "stl_sshclient_error",
    "stl_stream_segs",
    "stl_tr_conflict",
    "stl_undone",
    "stl_unique",
    "stl_unload_log",
    "stl_usage_control",
    "stl_userlog",
    "stl_utilitytext",
    "stl_vacuum",
    "stl_window",
    "stl_wlm_error",
    "stl_wlm_query",
    "stl_wlm_rule_action",
    "stv_active_cursors",
    "stv_blocklist",
    "stv_cursor_configuration",
    "stv_db_isolation_level",
    "stv_exec_state",
    "stv_load_state",
    "stv_locks",
    "stv_ml_model_info",
    "stv_mv_deps",
    "stv_mv_info",
    "stv_node_storage_capacity",
    "stv_partitions",
    "stv_query_metrics",
    "stv_slices",
    "stv_startup_recovery_state",
    "stv_tbl_perm",
    "stv_tbl_trans",
    "stv_wlm_classification_config",
    "stv_wlm_qmr_config",
    "stv_wlm_query_queue_state",
    "stv_wlm_query_state",
    "stv_wlm_query_task_state",
    "stv_wlm_service_class_config",
    "stv_wlm_service_class_state",
    "svcs_alert_event_log",
    "svcs_compile",
    "svcs_concurrency_scaling_usage",
    "svcs_explain",
    "svcs_plan_info",
    "svcs_query_summary",
    "svcs_s3list",
    "svcs_s3log",
    "svcs_s3partition_summary",
    "svcs_s3query_summary",
    "svcs_stream_segs",
    "svcs_unload_log",
    "svl_auto_worker_action",
    "svl_compile",
    "svl_datashare_change_log",
    "svl_datashare_cross_region_usage",
    "svl_datashare_usage_consumer",
    "svl_datashare_usage_producer",
    "svl_federated_query",
    "svl_multi_statement_violations",
    "svl_mv_refresh_status",
    "svl_qerror",
    "svl_qlog",
    "svl_query_metrics",
    "svl_query_metrics_summary",
    "svl_query_queue_info",
    "svl_query_report",
    "svl_query_summary",
    "svl_s3list",
    "svl_s3log",
    "svl_s3partition",
    "svl_s3partition_summary",
    "svl_s3query",
    "svl_s3query_summary",
    "svl_s3retries",
    "svl_spatial_simplify",
    "svl_spectrum_scan_error",
    "svl_stored_proc_call",
    "svl_stored_proc_messages",
    "svl_terminate",
    "svl_udf_log",
    "svl_user_info",
    "svl_vacuum_percentage",
    "svv_all_schemas",
    "svv_alter_table_recommendations",
    "svv_attached_masking_policy",
    "svv_column_privileges",
    "svv_database_privileges",
    "svv_datashare_consumers",
    "svv_datashare_objects",
    "svv_datashare_privileges",
    "svv_datashares",
    "svv_default_privileges",
    "svv_diskusage",
    "svv_external_columns",
    "svv_external_databases",
    "svv_external_partitions",
    "svv_external_schemas",
    "svv_external_tables",
    "svv_function_privileges",
    "svv_iam_privileges",
    "svv_identity_providers",
    "svv_interleaved_columns",
    "svv_language_privileges",
    "svv_masking_policy",
    "svv_ml_model_info",
    "svv_ml_model_privileges",
    "svv_mv_dependency",
    "svv_mv_info",
    "svv_query_inflight",
    "svv_query_state",
    "svv_redshift_databases",
    "svv_redshift_functions",
    "svv_redshift_schemas",
    "svv_relation_privileges",
    "svv_rls_applied_policy",
    "svv_rls_attached_policy",
    "svv_rls_policy",
    "svv_rls_relation",
    "svv_role_grants",
    "svv_roles",
    "svv_schema_privileges",
    "svv_schema_quota_state",
    "svv_system_privileges",
    "svv_transactions",
    "svv_user_grants",
    "svv_user_info",
    "svv_vacuum_progress",
    "svv_vacuum_summary",
    "sys_analyze_history",
    "sys_child_query_text",
    "sys_connection_log",
    "sys_copy_job",
    "sys_datashare_change_log",
    "sys_datashare_usage_consumer",
    "sys_datashare_usage_producer",
    "sys_external_query_detail",
    "sys_load_detail",
    "sys_load_error_detail",
    "sys_load_history",
    "sys_mv_refresh_history",
    "sys_procedure_call",
    "sys_procedure_messages",
    "sys_query_detail",
    "sys_query_explain",
    "sys_query_history",
    "sys_query_text",
    "sys_serverless_usage",
    "sys_session_history",
    "sys_stream_scan_errors",
    "sys_stream_scan_states",
    "sys_transaction_history",
    "sys_udf_log",
    "sys_unload_detail",
    "sys_unload_history",
    "sys_userlog",
    "sys_vacuum_history",
];

/// Whether a word names something of the schema.
pub(super) fn is_here(word: &str) -> bool {
    let mut bytes = word.bytes();
    // Every word of every statement is asked, so look at its beginning before folding it.
    matches!(bytes.next(), Some(b'p' | b's' | b'P' | b'S'))
        && word.contains('_')
        && HERE.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
}

/// Whether a translated statement needs the schema.
pub(crate) fn needs_system_views(sql: &str) -> bool {
    const SCHEMA: &str = "redshift.";
    sql.match_indices(SCHEMA).any(|(at, _)| {
        let name = &sql[at + SCHEMA.len()..];
        is_here(&name[..name.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()])
    })
}

/// The documented system table that this relation is, if it has no view here.
pub(crate) fn missing_system_table(relation: &str) -> Option<&str> {
    let name = relation.rsplit('.').next().unwrap_or(relation);
    ELSEWHERE.contains(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(HERE.is_sorted());
        assert!(HERE.iter().all(|name| SYSTEM_SQL.contains(&format!("redshift.{name}"))));
        assert!(is_here("SVV_Table_Info") && !is_here("svv_table") && !is_here("sales"));
        assert_eq!(missing_system_table("stl_wlm_query"), Some("stl_wlm_query"));
        assert_eq!(missing_system_table("pg_catalog.stl_scan"), Some("stl_scan"));
        assert_eq!(missing_system_table("svv_tables"), None);
        assert!(
            needs_system_views("select 1 from redshift.svv_tables")
                && !needs_system_views("select redshift.len(x)")
        );
    }
}
