#!/usr/bin/env bash
# One row of four.
# HOST, PORT, USER, DB and RSPASSWORD come from the workflow's secret.
set -euo pipefail

export PGPASSWORD="$RSPASSWORD"
psql --no-psqlrc --set ON_ERROR_STOP=1 -h "$HOST" -p "$PORT" -U "$USER" -d "$DB" <<'SQL'
INSERT INTO blog_test.orders (order_id, customer, amount, loaded_by)
VALUES (4, 'Barbara', 499.50, 'rsql_blog_script_6.sh');
SQL
