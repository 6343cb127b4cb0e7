-- The search path, and collations.

-- What a script asks for, with the dialect behind it and before PostgreSQL's own schema.
CREATE OR REPLACE FUNCTION redshift.with_dialect(path text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat_ws(', ', nullif(array_to_string(ARRAY(
    SELECT btrim(item) FROM unnest(string_to_array(path, ',')) WITH ORDINALITY AS list(item, place)
    WHERE btrim(item) NOT IN ('', 'redshift', 'pg_catalog', '"redshift"', '"pg_catalog"') ORDER BY place), ', '), ''),
    'redshift', 'pg_catalog');
CREATE OR REPLACE FUNCTION redshift.set_config(name text, value text, is_local boolean) RETURNS text LANGUAGE sql
RETURN pg_catalog.set_config(name,
    CASE lower(name) WHEN 'search_path' THEN redshift.with_dialect(value) ELSE value END, is_local);
-- The path as the script set it.
CREATE OR REPLACE FUNCTION redshift.search_path() RETURNS text LANGUAGE sql STABLE
RETURN regexp_replace(pg_catalog.current_setting('search_path'), '(, )?redshift, pg_catalog$', '');
-- What a script set that only Redshift has.
CREATE OR REPLACE FUNCTION redshift.kept_setting(name text) RETURNS text LANGUAGE sql STABLE
RETURN coalesce(nullif(pg_catalog.current_setting('redshift.' || lower(name), true), ''), 'unset');
CREATE OR REPLACE FUNCTION redshift.current_setting(name text, missing_ok boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE
RETURN CASE WHEN lower(name) = 'search_path' THEN redshift.search_path()
    WHEN lower(name) = 'query_group' OR redshift.kept_setting(name) <> 'unset' THEN redshift.kept_setting(name)
    ELSE pg_catalog.current_setting(name, missing_ok) END;
CREATE OR REPLACE FUNCTION redshift.current_schemas(include_implicit boolean) RETURNS name[] LANGUAGE sql STABLE
RETURN array_remove(array_remove(pg_catalog.current_schemas(include_implicit), 'redshift'),
    CASE WHEN include_implicit THEN NULL ELSE 'pg_catalog'::name END);
CREATE OR REPLACE FUNCTION redshift.db_collation() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'case_sensitive';
DO $do$
BEGIN
    IF to_regcollation('redshift.case_insensitive') IS NULL THEN
        CREATE COLLATION redshift.case_insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    END IF;
EXCEPTION WHEN OTHERS THEN
    -- A PostgreSQL without ICU: COLLATE CASE_INSENSITIVE will say that the collation does not exist.
    NULL;
END $do$;
