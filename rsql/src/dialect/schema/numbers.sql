-- Numbers and aggregates.

-- AVG of whole numbers is a whole number, cut off; AVG of a decimal keeps its scale.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_AVG.html
CREATE OR REPLACE FUNCTION redshift.avg_add(state numeric[], value numeric) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN state
    ELSE ARRAY[state[1] + 1, state[2] + value, greatest(state[3], scale(value))] END;
CREATE OR REPLACE FUNCTION redshift.avg_remove(state numeric[], value numeric) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN state ELSE ARRAY[state[1] - 1, state[2] - value, state[3]] END;
CREATE OR REPLACE FUNCTION redshift.avg_add(state numeric[], value bigint) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN state ELSE ARRAY[state[1] + 1, state[2] + value, 0] END;
CREATE OR REPLACE FUNCTION redshift.avg_remove(state numeric[], value bigint) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN state ELSE ARRAY[state[1] - 1, state[2] - value, 0] END;
CREATE OR REPLACE FUNCTION redshift.avg_whole(state bigint[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN state[2] / nullif(state[1], 0);
CREATE OR REPLACE FUNCTION redshift.avg_whole(state numeric[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN trunc(state[2] / nullif(state[1], 0))::bigint;
CREATE OR REPLACE FUNCTION redshift.avg_decimal(state numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN round(state[2] / nullif(state[1], 0), state[3]::integer);
CREATE OR REPLACE AGGREGATE redshift.avg(smallint) (
    sfunc = int2_avg_accum, stype = bigint[], finalfunc = redshift.avg_whole, initcond = '{0,0}',
    msfunc = int2_avg_accum, minvfunc = int2_avg_accum_inv, mstype = bigint[], mfinalfunc = redshift.avg_whole,
    minitcond = '{0,0}', combinefunc = int4_avg_combine, parallel = safe);
CREATE OR REPLACE AGGREGATE redshift.avg(integer) (
    sfunc = int4_avg_accum, stype = bigint[], finalfunc = redshift.avg_whole, initcond = '{0,0}',
    msfunc = int4_avg_accum, minvfunc = int4_avg_accum_inv, mstype = bigint[], mfinalfunc = redshift.avg_whole,
    minitcond = '{0,0}', combinefunc = int4_avg_combine, parallel = safe);
CREATE OR REPLACE AGGREGATE redshift.avg(bigint) (
    sfunc = redshift.avg_add, stype = numeric[], finalfunc = redshift.avg_whole, initcond = '{0,0,0}',
    msfunc = redshift.avg_add, minvfunc = redshift.avg_remove, mstype = numeric[], mfinalfunc = redshift.avg_whole,
    minitcond = '{0,0,0}');
CREATE OR REPLACE AGGREGATE redshift.avg(numeric) (
    sfunc = redshift.avg_add, stype = numeric[], finalfunc = redshift.avg_decimal, initcond = '{0,0,0}',
    msfunc = redshift.avg_add, minvfunc = redshift.avg_remove, mstype = numeric[],
    mfinalfunc = redshift.avg_decimal, minitcond = '{0,0,0}');

CREATE OR REPLACE FUNCTION redshift.first_of(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1';
CREATE OR REPLACE FUNCTION redshift.last_of(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $2';
CREATE OR REPLACE AGGREGATE redshift.any_value(anyelement) (sfunc = redshift.first_of, stype = anyelement);
CREATE OR REPLACE AGGREGATE redshift.first_not_null(anyelement) (sfunc = redshift.first_of, stype = anyelement);
CREATE OR REPLACE AGGREGATE redshift.last_not_null(anyelement) (sfunc = redshift.last_of, stype = anyelement);

-- MEDIAN and PERCENTILE_CONT over a window: of the values as an array.
CREATE OR REPLACE FUNCTION redshift.percentile(sorted numeric[], fraction numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sorted[floor(1 + fraction * (cardinality(sorted) - 1))::integer]
    + (sorted[ceil(1 + fraction * (cardinality(sorted) - 1))::integer]
        - sorted[floor(1 + fraction * (cardinality(sorted) - 1))::integer])
    * (fraction * (cardinality(sorted) - 1) - floor(fraction * (cardinality(sorted) - 1)));
DO $do$
DECLARE
    kind text;
    result text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'] LOOP
        result := CASE WHEN kind IN ('real', 'double precision') THEN 'double precision' ELSE 'numeric' END;
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.percentile_cont(items %s[], fraction numeric) RETURNS %s
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (SELECT redshift.percentile(array_agg(item::numeric ORDER BY item), fraction)
            FROM unnest(items) AS item WHERE item IS NOT NULL)', kind, result);
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.median(items %s[]) RETURNS %s
            LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.percentile_cont(items, 0.5)', kind, result);
    END LOOP;
    FOREACH kind IN ARRAY ARRAY['date', 'timestamp', 'timestamptz'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.median(items %s[]) RETURNS %1$s
            LANGUAGE sql STABLE PARALLEL SAFE RETURN (SELECT to_timestamp(percentile_cont(0.5) WITHIN GROUP
            (ORDER BY extract(epoch FROM item)::double precision)) AT TIME ZONE ''UTC'' FROM unnest(items) AS item)::%1$s', kind);
    END LOOP;
END $do$;
CREATE OR REPLACE FUNCTION redshift.percentile_disc(items anyarray, fraction numeric) RETURNS anyelement
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
    SELECT (array_agg(item ORDER BY item))[greatest(1, ceil(fraction * count(*))::integer)]
    FROM unnest(items) AS item WHERE item IS NOT NULL
$body$;

CREATE OR REPLACE FUNCTION redshift.round(value double precision, digits integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.round(value::numeric, digits)::double precision;
CREATE OR REPLACE FUNCTION redshift.trunc(value double precision, digits integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.trunc(value::numeric, digits)::double precision;
-- The n-th value from the end.
CREATE OR REPLACE FUNCTION redshift.from_end(items anyarray, place bigint) RETURNS anyelement
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
'SELECT $1[pg_catalog.cardinality($1) OPERATOR(pg_catalog.-) $2::pg_catalog.int4 OPERATOR(pg_catalog.+) 1]';

-- NULL where a value does not convert.
CREATE OR REPLACE FUNCTION redshift.try_cast(value text, kind anyelement) RETURNS anyelement
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $body$
DECLARE
    result kind%TYPE;
BEGIN
    EXECUTE format('SELECT %L::%s', value, pg_typeof(kind)) INTO result;
    RETURN result;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $body$;
