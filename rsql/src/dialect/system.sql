-- Redshift's system tables on PostgreSQL, with the documented columns. What only a cluster has (slices, blocks,
-- distribution) has the value of a cluster with one slice, or is NULL.
CREATE SCHEMA IF NOT EXISTS redshift;
GRANT USAGE ON SCHEMA redshift TO PUBLIC;

CREATE SEQUENCE IF NOT EXISTS redshift.query_ids;
GRANT USAGE, SELECT ON redshift.query_ids TO PUBLIC;

CREATE TABLE IF NOT EXISTS redshift.load_errors (
    userid int, slice int, tbl int, starttime timestamp, session int, query int, filename text, line_number bigint,
    colname text, type text, col_length text, position int, raw_line text, raw_field_value text, err_code int,
    err_reason text, is_partial int, start_offset bigint, copy_job_id bigint);
CREATE TABLE IF NOT EXISTS redshift.replacements (
    userid int, query int, slice int, node int, starttime timestamp, session int, filename text, line_number bigint,
    colname text, raw_line text);
GRANT INSERT ON redshift.load_errors, redshift.replacements TO PUBLIC;

-- Superusers see all rows, others their own.
CREATE OR REPLACE FUNCTION redshift.is_mine(owner int) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = pg_catalog AS
    $$ SELECT usesuper OR usesysid::int = owner FROM pg_user WHERE usename = current_user $$;

CREATE OR REPLACE VIEW redshift.stl_load_errors AS
    SELECT userid, slice, tbl, starttime, session, query, filename::char(256) AS filename, line_number,
        colname::char(127) AS colname, type::char(10) AS type, col_length::char(10) AS col_length, position,
        raw_line::char(1024) AS raw_line, raw_field_value::char(1024) AS raw_field_value, err_code,
        err_reason::char(100) AS err_reason, is_partial, start_offset, copy_job_id
    FROM redshift.load_errors WHERE redshift.is_mine(userid);

CREATE OR REPLACE VIEW redshift.stl_loaderror_detail AS
    SELECT userid, slice, session, query, filename::char(256) AS filename, line_number, 0 AS field,
        colname::char(1024) AS colname, raw_field_value::char(1024) AS value, 0 AS is_null, type::char(10) AS type,
        col_length::char(10) AS col_length
    FROM redshift.load_errors WHERE redshift.is_mine(userid);

CREATE OR REPLACE VIEW redshift.stl_replacements AS
    SELECT userid, query, slice, node, starttime, session, filename::char(256) AS filename, line_number,
        colname::char(127) AS colname, raw_line::char(1024) AS raw_line
    FROM redshift.replacements WHERE redshift.is_mine(userid);

CREATE OR REPLACE FUNCTION redshift.number_of(setting text) RETURNS bigint LANGUAGE sql STABLE
    SET search_path = pg_catalog AS
    $$ SELECT coalesce(nullif(current_setting('redshift.' || setting, true), ''), '-1')::bigint $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_id() RETURNS int LANGUAGE sql STABLE AS
    $$ SELECT redshift.number_of('last_copy_id')::int $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT greatest(redshift.number_of('last_copy_count'), 0) $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_unload_id() RETURNS int LANGUAGE sql STABLE AS
    $$ SELECT redshift.number_of('last_unload_id')::int $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_unload_count() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT greatest(redshift.number_of('last_unload_count'), 0) $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_query_id() RETURNS int LANGUAGE sql STABLE AS
    $$ SELECT redshift.number_of('last_query_id')::int $$;

-- Rows are counted, because PostgreSQL's own estimate is of the last ANALYZE.
CREATE OR REPLACE FUNCTION redshift.rows_of(relation regclass) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    counted bigint;
BEGIN
    IF NOT pg_catalog.has_table_privilege(relation, 'SELECT') THEN
        RETURN (SELECT greatest(c.reltuples, 0)::bigint FROM pg_catalog.pg_class c WHERE c.oid = relation);
    END IF;
    EXECUTE pg_catalog.format('SELECT count(*) FROM ONLY %s', relation) INTO counted;
    RETURN counted;
END $$;

-- Redshift's view has no row for an empty table.
CREATE OR REPLACE VIEW redshift.svv_table_info AS
    SELECT pg_catalog.current_database()::text AS database, n.nspname::text AS schema, c.oid AS table_id,
        c.relname::text AS "table", 'N'::text AS encoded, 'EVEN'::text AS diststyle, NULL::text AS sortkey1,
        coalesce((SELECT max(a.atttypmod - 4) FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid = 1043 AND NOT a.attisdropped), 0)::int AS max_varchar,
        NULL::char(32) AS sortkey1_enc, 0 AS sortkey_num,
        ceil(pg_catalog.pg_total_relation_size(c.oid) / 1048576.0)::bigint AS size,
        NULL::numeric(10, 4) AS pct_used, 0::bigint AS empty, NULL::numeric(5, 2) AS unsorted,
        CASE WHEN c.reltuples < 0 THEN 100.00 ELSE 0.00 END::numeric(5, 2) AS stats_off,
        counted.n::numeric(38, 0) AS tbl_rows, NULL::numeric(19, 2) AS skew_sortkey1,
        NULL::numeric(19, 2) AS skew_rows, counted.n::numeric(38, 0) AS estimated_visible_rows,
        NULL::text AS risk_event, NULL::numeric(12, 2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT CASE WHEN pg_catalog.pg_is_other_temp_schema(n.oid) THEN 0
        ELSE redshift.rows_of(c.oid) END AS n) counted
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redshift')
        AND n.nspname NOT LIKE 'pg\_toast%' AND counted.n > 0;

CREATE OR REPLACE VIEW redshift.pg_table_def AS
    SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
        pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, 'none'::char(32) AS encoding, false AS distkey,
        0 AS sortkey, a.attnotnull AS "notnull"
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND pg_catalog.pg_table_is_visible(c.oid)
        AND n.nspname <> 'redshift';

CREATE OR REPLACE VIEW redshift.svv_tables AS
    SELECT t.table_catalog::text, t.table_schema::text, t.table_name::text, t.table_type::text,
        pg_catalog.obj_description(pg_catalog.to_regclass(pg_catalog.format('%I.%I', t.table_schema, t.table_name)),
            'pg_class') AS remarks
    FROM information_schema.tables t WHERE t.table_schema <> 'redshift';

CREATE OR REPLACE VIEW redshift.svv_columns AS
    SELECT c.table_catalog::text, c.table_schema::text, c.table_name::text, c.column_name::text,
        c.ordinal_position::int, c.column_default::text, c.is_nullable::text, c.data_type::text,
        c.character_maximum_length::int, c.numeric_precision::int, c.numeric_precision_radix::int,
        c.numeric_scale::int, c.datetime_precision::int, c.interval_type::text, c.interval_precision::text,
        c.character_set_catalog::text, c.character_set_schema::text, c.character_set_name::text,
        c.collation_catalog::text, c.collation_schema::text, c.collation_name::text, c.domain_name::text,
        pg_catalog.col_description(pg_catalog.to_regclass(pg_catalog.format('%I.%I', c.table_schema, c.table_name)),
            c.ordinal_position) AS remarks
    FROM information_schema.columns c WHERE c.table_schema <> 'redshift';

CREATE OR REPLACE VIEW redshift.svv_redshift_tables AS
    SELECT table_catalog AS database_name, table_schema AS schema_name, table_name,
        CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' ELSE table_type END AS table_type, NULL::text AS table_acl, remarks
    FROM redshift.svv_tables;
CREATE OR REPLACE VIEW redshift.svv_all_tables AS
    SELECT database_name, schema_name, table_name, table_type, table_acl, remarks FROM redshift.svv_redshift_tables;

CREATE OR REPLACE VIEW redshift.svv_redshift_columns AS
    SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
        data_type, column_default, is_nullable, 'none'::text AS encoding, false AS distkey, 0 AS sortkey,
        NULL::text AS column_acl, remarks
    FROM redshift.svv_columns;
CREATE OR REPLACE VIEW redshift.svv_all_columns AS
    SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
        column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
    FROM redshift.svv_columns;

-- PostgreSQL keeps the last statement of each session; these views show what it keeps.
CREATE OR REPLACE VIEW redshift.stl_query AS
    SELECT a.usesysid::int AS userid, a.pid AS query, 'default'::char(320) AS label,
        coalesce(a.backend_xid::text::bigint, 0) AS xid, a.pid, a.datname::char(32) AS database,
        a.query::char(4000) AS querytxt, a.query_start::timestamp AS starttime,
        CASE WHEN a.state = 'active' THEN NULL ELSE a.state_change::timestamp END AS endtime,
        CASE WHEN a.state = 'idle in transaction (aborted)' THEN 1 ELSE 0 END AS aborted, 0 AS insert_pristine,
        0 AS concurrency_scaling_status
    FROM pg_catalog.pg_stat_activity a WHERE a.query_start IS NOT NULL AND redshift.is_mine(a.usesysid::int);

CREATE OR REPLACE VIEW redshift.stl_querytext AS
    SELECT q.userid, q.xid, q.pid, q.query, part.n AS sequence,
        pg_catalog.substr(a.query, part.n * 200 + 1, 200)::char(200) AS text
    FROM redshift.stl_query q JOIN pg_catalog.pg_stat_activity a ON a.pid = q.pid
    CROSS JOIN LATERAL pg_catalog.generate_series(0, greatest(length(a.query) - 1, 0) / 200) AS part(n);

CREATE OR REPLACE VIEW redshift.svl_statementtext AS
    SELECT q.userid, q.xid, q.pid, q.label, q.starttime, q.endtime, part.n AS sequence,
        CASE WHEN pg_catalog.upper(a.query) ~ '^\s*(CREATE|ALTER|DROP)\M' THEN 'DDL'
            WHEN pg_catalog.upper(a.query) ~ '^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\M' THEN 'QUERY'
            ELSE 'UTILITY' END::varchar(10) AS type,
        pg_catalog.substr(a.query, part.n * 200 + 1, 200)::char(200) AS text
    FROM redshift.stl_query q JOIN pg_catalog.pg_stat_activity a ON a.pid = q.pid
    CROSS JOIN LATERAL pg_catalog.generate_series(0, greatest(length(a.query) - 1, 0) / 200) AS part(n);

CREATE OR REPLACE VIEW redshift.stv_recents AS
    SELECT a.usesysid::int AS userid, CASE WHEN a.state = 'active' THEN 'Running' ELSE 'Done' END::char(20) AS status,
        a.query_start::timestamp AS starttime,
        (extract(epoch FROM CASE WHEN a.state = 'active' THEN pg_catalog.clock_timestamp() ELSE a.state_change END
            - a.query_start) * 1000000)::bigint AS duration,
        a.usename::char(50) AS user_name, a.datname::char(50) AS db_name, a.query::char(600) AS query,
        CASE WHEN a.state = 'active' THEN a.pid ELSE -1 END AS pid
    FROM pg_catalog.pg_stat_activity a WHERE a.query_start IS NOT NULL AND redshift.is_mine(a.usesysid::int);

CREATE OR REPLACE VIEW redshift.stv_inflight AS
    SELECT a.usesysid::int AS userid, 0 AS slice, a.pid AS query, 'default'::char(320) AS label,
        coalesce(a.backend_xid::text::bigint, 0) AS xid, a.pid, a.query_start::timestamp AS starttime,
        a.query::char(100) AS text, 0 AS suspended, 0 AS insert_pristine, 0 AS concurrency_scaling_status
    FROM pg_catalog.pg_stat_activity a WHERE a.state = 'active' AND redshift.is_mine(a.usesysid::int);

CREATE OR REPLACE VIEW redshift.stv_sessions AS
    SELECT a.backend_start::timestamp AS starttime, a.pid AS process, a.usename::char(50) AS user_name,
        a.datname::char(50) AS db_name, 0 AS timeout_sec
    FROM pg_catalog.pg_stat_activity a WHERE a.datname IS NOT NULL AND redshift.is_mine(a.usesysid::int);

GRANT SELECT ON ALL TABLES IN SCHEMA redshift TO PUBLIC;
REVOKE SELECT ON redshift.load_errors, redshift.replacements FROM PUBLIC;
