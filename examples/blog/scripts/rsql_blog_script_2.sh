#!/usr/bin/env bash
# The table that the later stages fill.
# HOST, PORT, USER, DB and RSPASSWORD come from the workflow's secret.
set -euo pipefail

export PGPASSWORD="$RSPASSWORD"
psql --no-psqlrc --set ON_ERROR_STOP=1 -h "$HOST" -p "$PORT" -U "$USER" -d "$DB" <<'SQL'
CREATE TABLE blog_test.orders (
    order_id   integer      NOT NULL PRIMARY KEY,
    customer   varchar(64)  NOT NULL,
    amount     decimal(12,2) NOT NULL,
    loaded_by  varchar(64)  NOT NULL
);
SQL
