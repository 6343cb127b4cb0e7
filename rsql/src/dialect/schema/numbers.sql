-- Numbers and aggregates.

-- AVG of whole numbers is a whole number, cut off; AVG of a decimal keeps its scale.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_AVG.html
--
-- The translation writes `avg(pg_catalog.avg(x), pg_catalog.sum(x), kind(x) FILTER (WHERE false))`: PostgreSQL's
-- aggregates are fast, and the third argument has the type of x. A whole number is computed from the sum, because the
-- average is rounded to some 16 digits. Aggregates with one argument serve texts that are not translated.
CREATE OR REPLACE FUNCTION redshift.avg(mean numeric, total numeric, kind bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN mean = 0 THEN 0 ELSE div(total, round(total / mean)) END::bigint;
CREATE OR REPLACE FUNCTION redshift.avg(mean numeric, total bigint, kind integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.avg(mean, total::numeric, kind::bigint);
CREATE OR REPLACE FUNCTION redshift.avg(mean numeric, total bigint, kind smallint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.avg(mean, total::numeric, kind::bigint);
-- The sum has the scale of the values.
CREATE OR REPLACE FUNCTION redshift.avg(mean numeric, total numeric, kind numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN round(mean, scale(total));
CREATE OR REPLACE FUNCTION redshift.avg(mean double precision, total double precision, kind double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN mean;
CREATE OR REPLACE FUNCTION redshift.avg(mean double precision, total real, kind real) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN mean;
CREATE OR REPLACE FUNCTION redshift.avg(mean interval, total interval, kind interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN mean;
-- The number that an aggregate takes: that of a SUPER, and any other as it is.
DO $do$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'interval'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.number(value %s) RETURNS %1$s LANGUAGE sql IMMUTABLE
            PARALLEL SAFE RETURN value', kind);
    END LOOP;
END $do$;
CREATE OR REPLACE FUNCTION redshift.number(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN redshift.super_number(value);
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


-- SUM of BIGINT is BIGINT, of REAL is DOUBLE PRECISION.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_SUM.html
CREATE OR REPLACE AGGREGATE redshift.sum(bigint) (sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe,
    msfunc = int8pl, minvfunc = int8mi, mstype = bigint);
CREATE OR REPLACE FUNCTION redshift.sum_of(state double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN state[1] > 0 THEN state[2] END;
CREATE OR REPLACE AGGREGATE redshift.sum(real) (sfunc = float4_accum, stype = double precision[],
    finalfunc = redshift.sum_of, initcond = '{0,0,0}', combinefunc = float8_combine, parallel = safe);
CREATE OR REPLACE FUNCTION redshift.sum_add(state numeric, value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN state IS NULL OR redshift.super_number(value) IS NULL
    THEN coalesce(state, redshift.super_number(value)) ELSE state + redshift.super_number(value) END;
CREATE OR REPLACE AGGREGATE redshift.sum(jsonb) (sfunc = redshift.sum_add, stype = numeric);

CREATE OR REPLACE FUNCTION redshift.first_of(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1';
CREATE OR REPLACE FUNCTION redshift.last_of(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $2';
-- NULL of the type of its argument, for `FILTER (WHERE false)`: the state's functions are never called.
CREATE OR REPLACE AGGREGATE redshift.kind(anyelement) (sfunc = redshift.first_of, stype = anyelement,
    combinefunc = redshift.first_of, parallel = safe, msfunc = redshift.first_of, minvfunc = redshift.first_of,
    mstype = anyelement);
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

-- These give DOUBLE PRECISION, whatever they are given.
DO $do$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sqrt', 'exp', 'log', 'dsqrt', 'dexp', 'dlog1', 'dlog10'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(value numeric) RETURNS double precision LANGUAGE sql
            IMMUTABLE PARALLEL SAFE RETURN pg_catalog.%s(value::double precision)', name, name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['power', 'pow'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(a numeric, b numeric) RETURNS double precision LANGUAGE sql
            IMMUTABLE PARALLEL SAFE RETURN pg_catalog.power(a::double precision, b::double precision)', name);
    END LOOP;
    IF to_regoperator('redshift.^(numeric,numeric)') IS NULL THEN
        CREATE OPERATOR redshift.^ (function = redshift.power, leftarg = numeric, rightarg = numeric);
    END IF;
END $do$;
-- Whole numbers stay whole numbers.
DO $do$
DECLARE
    kind text;
    call text[];
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint'] LOOP
        FOREACH call SLICE 1 IN ARRAY ARRAY[['ceil', 'value'], ['ceiling', 'value'], ['floor', 'value'],
            ['round', 'value'], ['trunc', 'value'], ['sign', 'sign(value::numeric)::integer']] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(value %s) RETURNS %2$s LANGUAGE sql IMMUTABLE
                PARALLEL SAFE RETURN (%s)::%2$s', call[1], kind, call[2]);
        END LOOP;
        FOREACH call SLICE 1 IN ARRAY ARRAY[['round', 'round(value::numeric, digits)'],
            ['trunc', 'trunc(value::numeric, digits)']] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(value %s, digits integer) RETURNS %2$s LANGUAGE sql
                IMMUTABLE PARALLEL SAFE RETURN (%s)::%2$s', call[1], kind, call[2]);
        END LOOP;
    END LOOP;
END $do$;

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
