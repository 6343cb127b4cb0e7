-- Operators between types that Redshift converts and PostgreSQL does not.

-- Trailing blanks do not matter when text is compared.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
DO $do$
DECLARE
    operators CONSTANT text[] := ARRAY[['=', '=', '<>', 'eq'], ['<>', '<>', '=', 'ne'], ['<', '>', '>=', 'lt'],
        ['<=', '>=', '>', 'le'], ['>', '<', '<=', 'gt'], ['>=', '<=', '<', 'ge']];
    operator text[];
    pair text[];

    -- Text against a number, a boolean against a number, a date against text: the text is converted.
    pairs CONSTANT text[] := ARRAY[
        ['text', 'smallint', 'a::numeric', 'b::numeric'], ['smallint', 'text', 'a::numeric', 'b::numeric'],
        ['text', 'integer', 'a::numeric', 'b::numeric'], ['integer', 'text', 'a::numeric', 'b::numeric'],
        ['text', 'bigint', 'a::numeric', 'b::numeric'], ['bigint', 'text', 'a::numeric', 'b::numeric'],
        ['text', 'numeric', 'a::numeric', 'b'], ['numeric', 'text', 'a', 'b::numeric'],
        ['text', 'double precision', 'a::double precision', 'b'],
        ['double precision', 'text', 'a', 'b::double precision'],
        ['boolean', 'integer', 'a', '(b <> 0)'], ['integer', 'boolean', '(a <> 0)', 'b'],
        ['boolean', 'text', 'a', 'b::boolean'], ['text', 'boolean', 'a::boolean', 'b'],
        ['date', 'text', 'a', 'b::date'], ['text', 'date', 'a::date', 'b'],
        ['timestamp', 'text', 'a', 'b::timestamp'], ['text', 'timestamp', 'a::timestamp', 'b'],
        ['timestamptz', 'text', 'a', 'b::timestamptz'], ['text', 'timestamptz', 'a::timestamptz', 'b'],
        ['jsonb', 'smallint', 'redshift.super_number(a)', 'b'], ['smallint', 'jsonb', 'a', 'redshift.super_number(b)'],
        ['jsonb', 'integer', 'redshift.super_number(a)', 'b'], ['integer', 'jsonb', 'a', 'redshift.super_number(b)'],
        ['jsonb', 'bigint', 'redshift.super_number(a)', 'b'], ['bigint', 'jsonb', 'a', 'redshift.super_number(b)'],
        ['jsonb', 'numeric', 'redshift.super_number(a)', 'b'], ['numeric', 'jsonb', 'a', 'redshift.super_number(b)'],
        ['jsonb', 'double precision', 'redshift.super_number(a)', 'b'],
        ['double precision', 'jsonb', 'a', 'redshift.super_number(b)'],
        ['jsonb', 'boolean', 'redshift.super_boolean(a)', 'b'], ['boolean', 'jsonb', 'a', 'redshift.super_boolean(b)'],
        ['jsonb', 'text', 'redshift.super_text(a)', 'b'], ['text', 'jsonb', 'a', 'redshift.super_text(b)']];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY pairs LOOP
        FOREACH operator SLICE 1 IN ARRAY operators LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.compare_%s(a %s, b %s) RETURNS boolean LANGUAGE sql
                %s PARALLEL SAFE RETURN %s %s %s', operator[4], pair[1], pair[2],
                CASE WHEN pair[1] || pair[2] ~ 'date|timestamp' THEN 'STABLE' ELSE 'IMMUTABLE' END,
                pair[3], operator[1], pair[4]);
            IF to_regoperator(format('redshift.%s(%s,%s)', operator[1], pair[1], pair[2])) IS NULL THEN
                EXECUTE format('CREATE OPERATOR redshift.%s (function = redshift.compare_%s, leftarg = %s, rightarg = %s)',
                    operator[1], operator[4], pair[1], pair[2]);
            END IF;
        END LOOP;
    END LOOP;
    -- As text, so that the body is read with the collation of the operands.
    FOREACH operator SLICE 1 IN ARRAY operators LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.compare_%s(a text, b text) RETURNS boolean LANGUAGE sql
            IMMUTABLE PARALLEL SAFE AS ''SELECT pg_catalog.rtrim($1, '''' '''') OPERATOR(pg_catalog.%s)
            pg_catalog.rtrim($2, '''' '''')''', operator[4], operator[1]);
        IF to_regoperator(format('redshift.%s(text,text)', operator[1])) IS NULL THEN
            EXECUTE format('CREATE OPERATOR redshift.%s (function = redshift.compare_%s, leftarg = text, rightarg = text)',
                operator[1], operator[4]);
        END IF;
    END LOOP;
END $do$;

-- Patterns over what is no text.
DO $do$
DECLARE
    kind text;
    operator text[];
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'double precision', 'date', 'timestamp',
        'timestamptz', 'time', 'jsonb'] LOOP
        FOREACH operator SLICE 1 IN ARRAY ARRAY[['~~', 'like'], ['!~~', 'not_like'], ['~~*', 'ilike'],
            ['!~~*', 'not_ilike'], ['~', 'match'], ['!~', 'not_match']] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%s(a %s, b text) RETURNS boolean LANGUAGE sql STABLE
                PARALLEL SAFE RETURN %s %s b', operator[2], kind,
                CASE kind WHEN 'jsonb' THEN 'redshift.super_text(a)' ELSE 'a::text' END, operator[1]);
            IF to_regoperator(format('redshift.%s(%s,text)', operator[1], kind)) IS NULL THEN
                EXECUTE format('CREATE OPERATOR redshift.%s (function = redshift.%s, leftarg = %s, rightarg = text)',
                    operator[1], operator[2], kind);
            END IF;
        END LOOP;
    END LOOP;
END $do$;

-- `+` also joins text.
CREATE OR REPLACE FUNCTION redshift.join_text(a text, b text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN a || b;
DO $do$
BEGIN
    IF to_regoperator('redshift.+(text,text)') IS NULL THEN
        CREATE OPERATOR redshift.+ (function = redshift.join_text, leftarg = text, rightarg = text);
    END IF;
END $do$;

-- The size of a column is in bytes. What is too long is refused; what ends in blanks is said once a session, because
-- GROUP BY and DISTINCT tell such values apart here and do not in Redshift.
CREATE OR REPLACE FUNCTION redshift.misfit(value text, bytes integer) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
BEGIN
    IF octet_length(value) > bytes THEN
        RAISE string_data_right_truncation USING
            MESSAGE = format('value too long for type character varying(%s)', bytes),
            DETAIL = format('The size is in bytes; the value has %s.', octet_length(value));
    END IF;
    IF value LIKE '% ' AND current_setting('redshift.warned_blanks', true) IS DISTINCT FROM 'on' THEN
        PERFORM set_config('redshift.warned_blanks', 'on', false);
        RAISE WARNING USING MESSAGE = 'a stored value ends in blanks: GROUP BY, DISTINCT and UNION count them here, '
            'and not in Redshift';
    END IF;
    RETURN true;
END $body$;
CREATE OR REPLACE FUNCTION redshift.fits(value text, bytes integer) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN octet_length(value) <= bytes AND octet_length(rtrim(value)) = octet_length(value)
    OR redshift.misfit(value, bytes);
