#!/usr/bin/env bash
# Makes the tables if they are not there, and stages what a load would bring tonight.
source "$1/get_redshift_creds.sh" "$2"

rsql -q -v ON_ERROR_STOP=1 -h "$HOST" -U "$USER" -d "$DB" << 'EOF'
CREATE SCHEMA IF NOT EXISTS bteq_stage;
CREATE SCHEMA IF NOT EXISTS bteq_dw;

CREATE TABLE IF NOT EXISTS bteq_stage.customers (
    customer_id INTEGER NOT NULL,
    name        VARCHAR(64) ENCODE zstd,
    city        VARCHAR(64) ENCODE bytedict,
    changed_at  TIMESTAMP
)
DISTKEY (customer_id);

CREATE TABLE IF NOT EXISTS bteq_dw.customers (
    customer_id INTEGER NOT NULL,
    name        VARCHAR(64),
    city        VARCHAR(64)
)
DISTKEY (customer_id)
SORTKEY (customer_id);

-- Twice the same customer: the later change counts.
INSERT INTO bteq_stage.customers VALUES
    (1, 'Ada',    'London',    '2026-01-05 09:00:00'),
    (1, 'Ada L.', 'London',    '2026-01-05 17:30:00'),
    (2, 'Edsger', 'Rotterdam', '2026-01-05 11:15:00'),
    (3, 'Grace',  'New York',  '2026-01-05 12:45:00'),
    (4, 'Alan',   'London',    '2026-01-05 13:00:00');
\remark 'rows staged:' :ACTIVITYCOUNT
EOF
