-- SUPER, which is jsonb here.
-- https://docs.aws.amazon.com/redshift/latest/dg/query-super.html

-- The value of a SUPER as text: a string without its quotes.
CREATE OR REPLACE FUNCTION redshift.super_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) IN ('object', 'array') THEN NULL ELSE value #>> '{}' END;
CREATE OR REPLACE FUNCTION redshift.super_number(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END;
CREATE OR REPLACE FUNCTION redshift.super_boolean(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'boolean' THEN (value #>> '{}')::boolean END;

-- JSON text without blanks.
CREATE OR REPLACE FUNCTION redshift.compact(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(value, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g');
CREATE OR REPLACE FUNCTION redshift.json_parse(value text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN value::jsonb;
CREATE OR REPLACE FUNCTION redshift.json_serialize(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN redshift.compact(value::text);
CREATE OR REPLACE FUNCTION redshift.is_valid_json(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
BEGIN
    RETURN value IS NULL OR jsonb_typeof(value::jsonb) IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END $body$;
CREATE OR REPLACE FUNCTION redshift.can_json_parse(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.is_valid_json(value);
CREATE OR REPLACE FUNCTION redshift.json_or_null(value text, null_if_invalid boolean) RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
BEGIN
    RETURN value::json;
EXCEPTION WHEN invalid_text_representation THEN
    IF null_if_invalid THEN
        RETURN NULL;
    END IF;
    RAISE;
END $body$;
CREATE OR REPLACE FUNCTION redshift.is_valid_json_array(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(json_typeof(redshift.json_or_null(value, true)) = 'array', false);
CREATE OR REPLACE FUNCTION redshift.json_array_length(value text, null_if_invalid boolean DEFAULT false)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN json_typeof(redshift.json_or_null(value, null_if_invalid)) = 'array' OR NOT null_if_invalid
    THEN json_array_length(redshift.json_or_null(value, null_if_invalid)) END;
CREATE OR REPLACE FUNCTION redshift.json_extract_array_element_text(value text, place integer,
    null_if_invalid boolean DEFAULT false) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN place >= 0 THEN redshift.json_or_null(value, null_if_invalid) ->> place END;
CREATE OR REPLACE FUNCTION redshift.json_extract_path_text(value text, VARIADIC path text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN value::json #>> path;
CREATE OR REPLACE FUNCTION redshift.json_path_or_null(value text, path text[], null_if_invalid boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.json_or_null(value, null_if_invalid) #>> path;

CREATE OR REPLACE FUNCTION redshift.json_typeof(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_typeof(value);
CREATE OR REPLACE FUNCTION redshift.get_array_length(value jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value) END;
CREATE OR REPLACE FUNCTION redshift.array_concat(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(a) = 'array' AND jsonb_typeof(b) = 'array' THEN a || b END;
CREATE OR REPLACE FUNCTION redshift.subarray(value jsonb, start integer, count integer) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(jsonb_agg(item ORDER BY place), '[]') FROM jsonb_array_elements(value)
    WITH ORDINALITY AS element(item, place) WHERE place > start AND place <= start + count);
CREATE OR REPLACE FUNCTION redshift.array_flatten(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(inside.item ORDER BY outside.place, inside.place), '[]')
    FROM jsonb_array_elements(value) WITH ORDINALITY AS outside(item, place),
    LATERAL jsonb_array_elements(CASE jsonb_typeof(outside.item) WHEN 'array' THEN redshift.array_flatten(outside.item)
        ELSE jsonb_build_array(outside.item) END) WITH ORDINALITY AS inside(item, place));
END $body$;
CREATE OR REPLACE FUNCTION redshift.split_to_array(value text, delimiter text DEFAULT ',') RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN to_jsonb(string_to_array(value, delimiter));
DO $do$
DECLARE
    kind text[];
BEGIN
    FOREACH kind SLICE 1 IN ARRAY ARRAY[['is_array', '= ''array'''], ['is_object', '= ''object'''],
        ['is_scalar', 'IN (''string'', ''number'', ''boolean'')'], ['is_varchar', '= ''string'''],
        ['is_boolean', '= ''boolean'''], ['is_char', '= ''string''']] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
            PARALLEL SAFE RETURN jsonb_typeof(value) %s', kind[1], kind[2]);
    END LOOP;
    FOREACH kind SLICE 1 IN ARRAY ARRAY[['is_integer', '^-?[0-9]{1,10}$'], ['is_bigint', '^-?[0-9]+$'],
        ['is_smallint', '^-?[0-9]{1,5}$'], ['is_decimal', '^-?[0-9]+([.][0-9]+)?$'], ['is_float', '[.eE]']] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(value jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
            PARALLEL SAFE RETURN jsonb_typeof(value) = ''number'' AND value::text ~ %L', kind[1], kind[2]);
    END LOOP;
END $do$;
-- The elements of an array, or the value itself, one a row, counted from 0.
CREATE OR REPLACE FUNCTION redshift.elements(value jsonb) RETURNS TABLE (item jsonb, place bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
    SELECT element, number - 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(value) = 'array' THEN value
        WHEN value IS NULL OR jsonb_typeof(value) = 'null' THEN '[]' ELSE jsonb_build_array(value) END) WITH ORDINALITY AS all_of_it(element, number);
END;
CREATE OR REPLACE FUNCTION redshift.json_extract_path_text(value jsonb, VARIADIC path text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.compact(value #>> path);

-- The greatest and the least value; NULL is left out.
CREATE OR REPLACE FUNCTION redshift.lesser(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN b < a THEN b ELSE a END;
CREATE OR REPLACE FUNCTION redshift.greater(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN b > a THEN b ELSE a END;
CREATE OR REPLACE AGGREGATE redshift.min(jsonb) (sfunc = redshift.lesser, stype = jsonb);
CREATE OR REPLACE AGGREGATE redshift.max(jsonb) (sfunc = redshift.greater, stype = jsonb);

-- A scalar as SUPER: a text is a string, and no JSON to be parsed.
CREATE OR REPLACE FUNCTION redshift.to_super(value text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_jsonb(value);
CREATE OR REPLACE FUNCTION redshift.to_super(value anyelement) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
AS 'SELECT pg_catalog.to_jsonb($1)';

-- The attributes of an object, one a row: UNPIVOT.
CREATE OR REPLACE FUNCTION redshift.members(value jsonb) RETURNS TABLE (item jsonb, name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
    SELECT each.value, each.key FROM jsonb_each(CASE jsonb_typeof(members.value) WHEN 'object' THEN members.value ELSE '{}' END)
        AS each(key, value);
END;

CREATE OR REPLACE FUNCTION redshift.json_size(value jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN octet_length(redshift.json_serialize(value));
CREATE OR REPLACE FUNCTION redshift.decimal_precision(value jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN length(regexp_replace(redshift.super_number(value)::text, '^-?0*|[.]', '', 'g'));
CREATE OR REPLACE FUNCTION redshift.decimal_scale(value jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN scale(redshift.super_number(value));
-- Functions of numbers: what is no number gives NULL.
DO $do$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['abs', 'ceil', 'ceiling', 'floor', 'round', 'trunc', 'sign'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
            PARALLEL SAFE RETURN to_jsonb(pg_catalog.%s(redshift.super_number(value)))', name, name);
    END LOOP;
END $do$;
