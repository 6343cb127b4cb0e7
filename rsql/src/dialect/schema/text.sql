-- Text functions.
-- https://docs.aws.amazon.com/redshift/latest/dg/String_functions_header.html

-- PostgreSQL's concat leaves NULL out.
CREATE OR REPLACE FUNCTION redshift.concat(first text, second text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN first || second;

CREATE OR REPLACE FUNCTION redshift.len(value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN length(value);
CREATE OR REPLACE FUNCTION redshift.len(value bpchar) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN length(value);
CREATE OR REPLACE FUNCTION redshift.textlen(value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN length(value);
CREATE OR REPLACE FUNCTION redshift.charindex(part text, value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN strpos(value, part);
-- POSITION(part IN value).
CREATE OR REPLACE FUNCTION redshift.position(value text, part text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN strpos(value, part);
CREATE OR REPLACE FUNCTION redshift.octetindex(part text, value text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE strpos(value, part) WHEN 0 THEN 0 ELSE octet_length(left(value, strpos(value, part) - 1)) + 1 END;
CREATE OR REPLACE FUNCTION redshift.replicate(value text, count integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN repeat(value, count);
CREATE OR REPLACE FUNCTION redshift.strtol(value text, base integer) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $body$
DECLARE
    digits text := regexp_replace(lower(btrim(value)), '^[-+]?(0x)?', '');
    total numeric := 0;
    digit integer;
BEGIN
    IF value IS NULL OR base IS NULL THEN
        RETURN NULL;
    END IF;
    IF base < 2 OR base > 36 OR digits = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('invalid input for STRTOL: "%s", base %s', value, base);
    END IF;
    FOR at IN 1 .. length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, at, 1)) - 1;
        IF digit < 0 OR digit >= base THEN
            RAISE invalid_parameter_value USING MESSAGE = format('invalid input for STRTOL: "%s", base %s', value, base);
        END IF;
        total := total * base + digit;
    END LOOP;
    RETURN CASE WHEN btrim(value) LIKE '-%' THEN -total ELSE total END;
END $body$;
CREATE OR REPLACE FUNCTION redshift.sha2(value text, bits integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE bits
    WHEN 0 THEN encode(sha256(convert_to(value, 'UTF8')), 'hex')
    WHEN 224 THEN encode(sha224(convert_to(value, 'UTF8')), 'hex')
    WHEN 256 THEN encode(sha256(convert_to(value, 'UTF8')), 'hex')
    WHEN 384 THEN encode(sha384(convert_to(value, 'UTF8')), 'hex')
    WHEN 512 THEN encode(sha512(convert_to(value, 'UTF8')), 'hex')
END;

-- Redshift converts an argument that is no text.
DO $do$
DECLARE
    kind text;
    call text[];
BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'double precision', 'date', 'timestamp', 'timestamptz',
        'jsonb'] LOOP
        FOREACH call SLICE 1 IN ARRAY ARRAY[
            ['left', 'value %s, count integer', 'value::text, count', 'text'],
            ['right', 'value %s, count integer', 'value::text, count', 'text'],
            ['substring', 'value %s, start integer', 'value::text, start', 'text'],
            ['substring', 'value %s, start integer, count integer', 'value::text, start, count', 'text'],
            ['substr', 'value %s, start integer', 'value::text, start', 'text'],
            ['substr', 'value %s, start integer, count integer', 'value::text, start, count', 'text'],
            ['length', 'value %s', 'value::text', 'integer'],
            ['char_length', 'value %s', 'value::text', 'integer'],
            ['octet_length', 'value %s', 'value::text', 'integer'],
            ['upper', 'value %s', 'value::text', 'text'],
            ['lower', 'value %s', 'value::text', 'text'],
            ['btrim', 'value %s', 'value::text', 'text'],
            ['ltrim', 'value %s', 'value::text', 'text'],
            ['rtrim', 'value %s', 'value::text', 'text'],
            ['btrim', 'value %s, characters text', 'value::text, characters', 'text'],
            ['ltrim', 'value %s, characters text', 'value::text, characters', 'text'],
            ['rtrim', 'value %s, characters text', 'value::text, characters', 'text'],
            ['lpad', 'value %s, count integer', 'value::text, count', 'text'],
            ['lpad', 'value %s, count integer, fill text', 'value::text, count, fill', 'text'],
            ['rpad', 'value %s, count integer', 'value::text, count', 'text'],
            ['rpad', 'value %s, count integer, fill text', 'value::text, count, fill', 'text'],
            ['replace', 'value %s, old text, new text', 'value::text, old, new', 'text'],
            ['reverse', 'value %s', 'value::text', 'text'],
            ['repeat', 'value %s, count integer', 'value::text, count', 'text'],
            ['split_part', 'value %s, delimiter text, part integer', 'value::text, delimiter, part', 'text'],
            ['strpos', 'value %s, part text', 'value::text, part', 'integer'],
            ['position', 'value %s, part text', 'value::text, part', 'integer'],
            ['translate', 'value %s, old text, new text', 'value::text, old, new', 'text'],
            ['md5', 'value %s', 'value::text', 'text']] LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION redshift.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL SAFE
                RETURN pg_catalog.%I(%s)', call[1], format(call[2], kind), call[4], call[1],
                CASE kind WHEN 'jsonb' THEN replace(call[3], 'value::text', 'redshift.super_text(value)') ELSE call[3] END);
        END LOOP;
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.len(value %s) RETURNS integer LANGUAGE sql STABLE
            PARALLEL SAFE RETURN length(%s)', kind, CASE kind WHEN 'jsonb' THEN 'redshift.super_text(value)' ELSE 'value::text' END);
        EXECUTE format('CREATE OR REPLACE FUNCTION redshift.charindex(part text, value %s) RETURNS integer LANGUAGE sql
            STABLE PARALLEL SAFE RETURN strpos(value::text, part)', kind);
    END LOOP;
END $do$;

-- Regular expressions. `$1` in a replacement is PostgreSQL's `\1`, `$0` its `\&`; REGEXP_REPLACE replaces every occurrence.
CREATE OR REPLACE FUNCTION redshift.replacement(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(replace(value, '$0', '\&'), '\$([1-9])', '\\\1', 'g');
CREATE OR REPLACE FUNCTION redshift.regexp_flags(parameters text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(parameters, '[^ic]', '', 'g');
CREATE OR REPLACE FUNCTION redshift.regexp_replace(value text, pattern text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.regexp_replace(value, pattern, '', 'g');
CREATE OR REPLACE FUNCTION redshift.regexp_replace(value text, pattern text, replacement text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(value, pattern,
    redshift.replacement(replacement), 'g');
CREATE OR REPLACE FUNCTION redshift.regexp_replace(value text, pattern text, replacement text, start integer)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(value, start - 1) || redshift.regexp_replace(substr(value, start), pattern, replacement);
CREATE OR REPLACE FUNCTION redshift.regexp_replace(value text, pattern text, replacement text, start integer,
    parameters text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(value, start - 1) || pg_catalog.regexp_replace(substr(value, start), pattern,
    redshift.replacement(replacement), 'g' || redshift.regexp_flags(parameters));

CREATE OR REPLACE FUNCTION redshift.regexp_substr(value text, pattern text, start integer DEFAULT 1,
    occurrence integer DEFAULT 1, parameters text DEFAULT '') RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NOT NULL AND pattern IS NOT NULL THEN
    coalesce(pg_catalog.regexp_substr(value, pattern, start, occurrence, redshift.regexp_flags(parameters),
        CASE WHEN parameters LIKE '%e%' THEN 1 ELSE 0 END), '') END;
CREATE OR REPLACE FUNCTION redshift.regexp_instr(value text, pattern text, start integer DEFAULT 1,
    occurrence integer DEFAULT 1, option integer DEFAULT 0, parameters text DEFAULT '') RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_instr(value, pattern, start, occurrence, option, redshift.regexp_flags(parameters),
    CASE WHEN parameters LIKE '%e%' THEN 1 ELSE 0 END);
CREATE OR REPLACE FUNCTION redshift.regexp_count(value text, pattern text, start integer DEFAULT 1,
    parameters text DEFAULT '') RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_count(value, pattern, start, redshift.regexp_flags(parameters));
