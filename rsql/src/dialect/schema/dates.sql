-- Date and time functions.
-- https://docs.aws.amazon.com/redshift/latest/dg/Date_functions_header.html
-- Every function has a variant for text, so that a literal without a type is read as a date and not as a time with zone.

-- The one name of a date part.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html
CREATE OR REPLACE FUNCTION redshift.part_name(part text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN lower(part) IN ('millennium', 'millennia', 'mil', 'mils') THEN 'millennium'
    WHEN lower(part) IN ('century', 'centuries', 'c', 'cent', 'cents') THEN 'century'
    WHEN lower(part) IN ('decade', 'decades', 'dec', 'decs') THEN 'decade'
    WHEN lower(part) IN ('year', 'years', 'y', 'yr', 'yrs') THEN 'year'
    WHEN lower(part) IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN 'quarter'
    WHEN lower(part) IN ('month', 'months', 'mon', 'mons') THEN 'month'
    WHEN lower(part) IN ('week', 'weeks', 'w') THEN 'week'
    WHEN lower(part) IN ('day', 'days', 'd') THEN 'day'
    WHEN lower(part) IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN 'hour'
    WHEN lower(part) IN ('minute', 'minutes', 'm', 'min', 'mins') THEN 'minute'
    WHEN lower(part) IN ('second', 'seconds', 's', 'sec', 'secs') THEN 'second'
    WHEN lower(part) IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs', 'msecond', 'mseconds', 'millisec',
        'millisecs') THEN 'milliseconds'
    WHEN lower(part) IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs', 'microsec', 'microsecs', 'usecond',
        'useconds') THEN 'microseconds'
    WHEN lower(part) IN ('dow', 'dayofweek', 'dw', 'weekday') THEN 'dow'
    WHEN lower(part) IN ('doy', 'dayofyear', 'dy', 'yearday') THEN 'doy'
    ELSE lower(part)
END;

-- Seconds are whole; milliseconds and microseconds are those of the second. The first decade is that of the year 1.
DO $do$
DECLARE
    of text;
    kind text;
BEGIN
    FOREACH of IN ARRAY ARRAY['timestamp', 'timestamptz', 'date', 'time', 'timetz', 'interval'] LOOP
        kind := CASE of WHEN 'timestamptz' THEN 'STABLE' ELSE 'IMMUTABLE' END;
        EXECUTE format($f$
            CREATE OR REPLACE FUNCTION redshift.date_part(part text, moment %1$s) RETURNS double precision
            LANGUAGE sql %2$s PARALLEL SAFE
            RETURN CASE redshift.part_name(part)
                WHEN 'milliseconds' THEN floor(pg_catalog.date_part('milliseconds', moment))::bigint %% 1000
                WHEN 'microseconds' THEN floor(pg_catalog.date_part('microseconds', moment))::bigint %% 1000000
                WHEN 'second' THEN trunc(pg_catalog.date_part('second', moment))
                WHEN 'decade' THEN pg_catalog.date_part('decade', moment) + 1
                WHEN 'epoch' THEN %3$s
                ELSE pg_catalog.date_part(redshift.part_name(part), moment)
            END
        $f$, of, kind,
        CASE of WHEN 'timestamptz' THEN 'pg_catalog.date_part(''epoch'', moment)'
            ELSE 'trunc(pg_catalog.date_part(''epoch'', moment))' END);
    END LOOP;
END $do$;
CREATE OR REPLACE FUNCTION redshift.date_part(part text, moment text) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_part(part, moment::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_part_year(day timestamp) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.date_part('year', day)::integer;
CREATE OR REPLACE FUNCTION redshift.date_part_year(day text) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE RETURN pg_catalog.date_part('year', day::timestamp)::integer;

-- A date gives a TIMESTAMP, not a TIMESTAMPTZ.
CREATE OR REPLACE FUNCTION redshift.date_trunc(part text, moment date) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.date_trunc(redshift.part_name(part), moment::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_trunc(part text, moment text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE RETURN pg_catalog.date_trunc(redshift.part_name(part), moment::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_trunc(part text, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.date_trunc(redshift.part_name(part), moment);
CREATE OR REPLACE FUNCTION redshift.date_trunc(part text, moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE RETURN pg_catalog.date_trunc(redshift.part_name(part), moment);

CREATE OR REPLACE FUNCTION redshift.trunc(moment timestamp) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment::date;
CREATE OR REPLACE FUNCTION redshift.trunc(moment date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment;
CREATE OR REPLACE FUNCTION redshift.trunc(moment timestamptz) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE RETURN moment::date;

-- Whole years: from 29 February to a year without one is 1 March.
CREATE OR REPLACE FUNCTION redshift.add_years(moment timestamp, count bigint) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN moment + count * interval '1 year'
    + CASE WHEN pg_catalog.date_part('day', moment) <> pg_catalog.date_part('day', moment + count * interval '1 year')
        THEN interval '1 day' ELSE interval '0' END;

CREATE OR REPLACE FUNCTION redshift.date_add(part text, count bigint, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE redshift.part_name(part)
    WHEN 'millennium' THEN redshift.add_years(moment, 1000 * count)
    WHEN 'century' THEN redshift.add_years(moment, 100 * count)
    WHEN 'decade' THEN redshift.add_years(moment, 10 * count)
    WHEN 'year' THEN redshift.add_years(moment, count)
    WHEN 'quarter' THEN moment + 3 * count * interval '1 month'
    WHEN 'month' THEN moment + count * interval '1 month'
    WHEN 'week' THEN moment + count * interval '7 days'
    WHEN 'day' THEN moment + count * interval '1 day'
    WHEN 'doy' THEN moment + count * interval '1 day'
    WHEN 'dow' THEN moment + count * interval '1 day'
    WHEN 'hour' THEN moment + count * interval '1 hour'
    WHEN 'minute' THEN moment + count * interval '1 minute'
    WHEN 'second' THEN moment + count * interval '1 second'
    WHEN 'milliseconds' THEN moment + count * interval '1 millisecond'
    WHEN 'microseconds' THEN moment + count * interval '1 microsecond'
    -- An unknown part is refused by PostgreSQL's own function.
    ELSE moment + pg_catalog.date_part(part, moment) * interval '1 day'
END;
CREATE OR REPLACE FUNCTION redshift.date_add(part text, count bigint, moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_add(part, count, moment::timestamp)::timestamptz;
CREATE OR REPLACE FUNCTION redshift.date_add(part text, count bigint, moment date) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.date_add(part, count, moment::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_add(part text, count bigint, moment text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_add(part, count, moment::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_add(part text, count bigint, moment time) RETURNS time
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN redshift.date_add(part, count, timestamp '2000-01-01' + moment)::time;

-- How many boundaries of the part lie between two moments.
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first timestamp, second timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE redshift.part_name(part)
    WHEN 'millennium' THEN pg_catalog.date_part('millennium', second) - pg_catalog.date_part('millennium', first)
    WHEN 'century' THEN pg_catalog.date_part('century', second) - pg_catalog.date_part('century', first)
    WHEN 'decade' THEN pg_catalog.date_part('decade', second) - pg_catalog.date_part('decade', first)
    WHEN 'year' THEN pg_catalog.date_part('year', second) - pg_catalog.date_part('year', first)
    WHEN 'quarter' THEN 4 * (pg_catalog.date_part('year', second) - pg_catalog.date_part('year', first))
        + pg_catalog.date_part('quarter', second) - pg_catalog.date_part('quarter', first)
    WHEN 'month' THEN 12 * (pg_catalog.date_part('year', second) - pg_catalog.date_part('year', first))
        + pg_catalog.date_part('month', second) - pg_catalog.date_part('month', first)
    WHEN 'week' THEN (pg_catalog.date_trunc('week', second)::date - pg_catalog.date_trunc('week', first)::date) / 7
    WHEN 'day' THEN second::date - first::date
    WHEN 'doy' THEN second::date - first::date
    WHEN 'dow' THEN second::date - first::date
    WHEN 'hour' THEN (extract(epoch FROM pg_catalog.date_trunc('hour', second))
        - extract(epoch FROM pg_catalog.date_trunc('hour', first))) / 3600
    WHEN 'minute' THEN (extract(epoch FROM pg_catalog.date_trunc('minute', second))
        - extract(epoch FROM pg_catalog.date_trunc('minute', first))) / 60
    WHEN 'second' THEN extract(epoch FROM pg_catalog.date_trunc('second', second))
        - extract(epoch FROM pg_catalog.date_trunc('second', first))
    WHEN 'milliseconds' THEN (extract(epoch FROM pg_catalog.date_trunc('milliseconds', second))
        - extract(epoch FROM pg_catalog.date_trunc('milliseconds', first))) * 1000
    WHEN 'microseconds' THEN (extract(epoch FROM second) - extract(epoch FROM first)) * 1000000
    ELSE pg_catalog.date_part(part, second) - pg_catalog.date_part(part, first)
END::bigint;
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first timestamptz, second timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_diff(part, first::timestamp, second::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first date, second date) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN redshift.date_diff(part, first::timestamp, second::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first text, second text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_diff(part, first::timestamp, second::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first timestamp, second text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_diff(part, first, second::timestamp);
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first text, second timestamp) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.date_diff(part, first::timestamp, second);
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first time, second time) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN redshift.date_diff(part, timestamp '2000-01-01' + first, timestamp '2000-01-01' + second);

-- The last day of a month stays the last day.
CREATE OR REPLACE FUNCTION redshift.add_months(moment timestamp, count bigint) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.date_part('month', moment + interval '1 day') <> pg_catalog.date_part('month', moment)
    THEN pg_catalog.date_trunc('month', moment + count * interval '1 month') + interval '1 month - 1 day'
        + (moment - pg_catalog.date_trunc('day', moment))
    ELSE moment + count * interval '1 month' END;
CREATE OR REPLACE FUNCTION redshift.add_months(moment text, count bigint) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.add_months(moment::timestamp, count);

CREATE OR REPLACE FUNCTION redshift.last_day(moment timestamp) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (pg_catalog.date_trunc('month', moment) + interval '1 month - 1 day')::date;
CREATE OR REPLACE FUNCTION redshift.last_day(moment text) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN redshift.last_day(moment::timestamp);

-- Whole months where both days are the same or both the last; otherwise months have 31 days.
CREATE OR REPLACE FUNCTION redshift.months_between(first timestamp, second timestamp) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 12 * (pg_catalog.date_part('year', first) - pg_catalog.date_part('year', second))
    + pg_catalog.date_part('month', first) - pg_catalog.date_part('month', second)
    + CASE WHEN pg_catalog.date_part('day', first) = pg_catalog.date_part('day', second)
        OR first::date = redshift.last_day(first) AND second::date = redshift.last_day(second) THEN 0
    ELSE (pg_catalog.date_part('day', first) - pg_catalog.date_part('day', second)
        + extract(epoch FROM (first - first::date) - (second - second::date)) / 86400) / 31 END;
CREATE OR REPLACE FUNCTION redshift.months_between(first text, second text) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.months_between(first::timestamp, second::timestamp);

CREATE OR REPLACE FUNCTION redshift.next_day(moment timestamp, day text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN moment::date + 1 + mod(7 + CASE
    WHEN lower(day) IN ('su', 'sun', 'sunday') THEN 0
    WHEN lower(day) IN ('m', 'mo', 'mon', 'monday') THEN 1
    WHEN lower(day) IN ('tu', 'tues', 'tue', 'tuesday') THEN 2
    WHEN lower(day) IN ('w', 'we', 'wed', 'wednesday') THEN 3
    WHEN lower(day) IN ('th', 'thu', 'thurs', 'thursday') THEN 4
    WHEN lower(day) IN ('f', 'fr', 'fri', 'friday') THEN 5
    WHEN lower(day) IN ('sa', 'sat', 'saturday') THEN 6
    END - pg_catalog.date_part('dow', moment::date + 1)::integer, 7);
CREATE OR REPLACE FUNCTION redshift.next_day(moment text, day text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.next_day(moment::timestamp, day);

CREATE OR REPLACE FUNCTION redshift.convert_timezone(target text, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment AT TIME ZONE 'UTC' AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(target text, moment timestamptz) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(target text, moment date) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment::timestamp AT TIME ZONE 'UTC' AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(source text, target text, moment date) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment::timestamp AT TIME ZONE source AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(target text, moment text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE RETURN moment::timestamp AT TIME ZONE 'UTC' AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(source text, target text, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN moment AT TIME ZONE source AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(source text, target text, moment timestamptz) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE RETURN moment::timestamp AT TIME ZONE source AT TIME ZONE target;
CREATE OR REPLACE FUNCTION redshift.convert_timezone(source text, target text, moment text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE RETURN moment::timestamp AT TIME ZONE source AT TIME ZONE target;

-- Comparisons give -1, 0 or 1.
DO $do$
DECLARE
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[['date_cmp', 'date', 'date'], ['date_cmp_timestamp', 'date', 'timestamp'],
        ['timestamp_cmp', 'timestamp', 'timestamp'], ['timestamp_cmp_date', 'timestamp', 'date'],
        ['date_cmp_timestamptz', 'date', 'timestamptz'], ['timestamp_cmp_timestamptz', 'timestamp', 'timestamptz'],
        ['timestamptz_cmp', 'timestamptz', 'timestamptz'], ['timestamptz_cmp_date', 'timestamptz', 'date'],
        ['timestamptz_cmp_timestamp', 'timestamptz', 'timestamp'], ['interval_cmp', 'interval', 'interval'],
        ['bttext_pattern_cmp', 'text', 'text'], ['bpcharcmp', 'text', 'text'], ['bttextcmp', 'text', 'text']] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(first %s, second %s) RETURNS integer LANGUAGE sql STABLE
            PARALLEL SAFE RETURN CASE WHEN first < second THEN -1 WHEN first > second THEN 1 WHEN first = second THEN 0 END',
            pair[1], pair[2], pair[3]);
    END LOOP;
END $do$;

-- Days beyond their month, and hours beyond the day, run over unless `is_strict` says otherwise. The usual value is left to
-- PostgreSQL's function, because catching its error costs more than the conversion.
CREATE OR REPLACE FUNCTION redshift.part_of(value text, format text, part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN strpos(replace(upper(format), 'DDD', '   '), part) > 0
    THEN substr(value, strpos(replace(upper(format), 'DDD', '   '), part), 2) ELSE '00' END;
CREATE OR REPLACE FUNCTION redshift.lenient(value text, format text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
DECLARE
    day text := redshift.part_of(value, format, 'DD');
    hour text := redshift.part_of(value, format, 'HH24');
    plain text := value;
    rest interval := '0';
BEGIN
    RETURN to_timestamp(value, format);
EXCEPTION WHEN datetime_field_overflow THEN
    IF day ~ '^[0-9]{2}$' AND day > '28' THEN
        plain := overlay(plain PLACING '01' FROM strpos(replace(upper(format), 'DDD', '   '), 'DD') FOR 2);
        rest := rest + make_interval(days => day::integer - 1);
    END IF;
    IF hour ~ '^[0-9]{2}$' AND hour > '23' THEN
        plain := overlay(plain PLACING '00' FROM strpos(upper(format), 'HH24') FOR 2);
        rest := rest + make_interval(hours => hour::integer);
    END IF;
    RETURN to_timestamp(plain, format) + rest;
END $body$;
CREATE OR REPLACE FUNCTION redshift.to_date(value text, format text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN redshift.part_of(value, format, 'DD') > '28' THEN redshift.lenient(value, format)::date
    ELSE pg_catalog.to_date(value, format) END;
CREATE OR REPLACE FUNCTION redshift.to_date(value text, format text, is_strict boolean) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN is_strict THEN pg_catalog.to_date(value, format) ELSE redshift.to_date(value, format) END;
CREATE OR REPLACE FUNCTION redshift.to_date(value bigint, format text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.to_date(value::text, format);
CREATE OR REPLACE FUNCTION redshift.to_timestamp(value text, format text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN redshift.part_of(value, format, 'DD') > '28' OR redshift.part_of(value, format, 'HH24') > '23'
    THEN redshift.lenient(value, format) ELSE pg_catalog.to_timestamp(value, format) END;
CREATE OR REPLACE FUNCTION redshift.to_timestamp(value bigint, format text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE RETURN redshift.to_timestamp(value::text, format);
CREATE OR REPLACE FUNCTION redshift.to_timestamp(value text, format text, is_strict boolean) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN is_strict THEN pg_catalog.to_timestamp(value, format) ELSE redshift.to_timestamp(value, format) END;
CREATE OR REPLACE FUNCTION redshift.to_timestamp(value timestamp, format text, is_strict boolean DEFAULT false)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE RETURN value::timestamptz;

-- A number of days beside a time.
DO $do$
DECLARE
    kind text;
    call text[];
BEGIN
    FOREACH kind IN ARRAY ARRAY['timestamp', 'timestamptz'] LOOP
        FOREACH call SLICE 1 IN ARRAY ARRAY[['+', 'add_days'], ['-', 'subtract_days']] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(moment %s, days integer) RETURNS %2$s LANGUAGE sql
                STABLE PARALLEL SAFE RETURN moment %s make_interval(days => days)', call[2], kind, call[1]);
            IF to_regoperator(format('redshift.%s(%s,integer)', call[1], kind)) IS NULL THEN
                EXECUTE format('CREATE OPERATOR redshift.%s (function = redshift.%s, leftarg = %s, rightarg = integer)',
                    call[1], call[2], kind);
            END IF;
        END LOOP;
        -- A literal beside a time is an interval.
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.add_interval(moment %s, span text) RETURNS %1$s LANGUAGE sql
            STABLE PARALLEL SAFE RETURN moment + span::interval', kind);
        IF to_regoperator(format('redshift.+(%s,text)', kind)) IS NULL THEN
            EXECUTE format('CREATE OPERATOR redshift.+ (function = redshift.add_interval, leftarg = %s, rightarg = text)',
                kind);
        END IF;
    END LOOP;
END $do$;

-- TIMETZ.
CREATE OR REPLACE FUNCTION redshift.date_add(part text, count bigint, moment timetz) RETURNS timetz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN moment + (redshift.date_add(part, count, timestamp '2000-01-01') - timestamp '2000-01-01');
CREATE OR REPLACE FUNCTION redshift.date_diff(part text, first timetz, second timetz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN redshift.date_diff(part, timestamp '2000-01-01' + (first AT TIME ZONE 'UTC')::time,
    timestamp '2000-01-01' + (second AT TIME ZONE 'UTC')::time);
