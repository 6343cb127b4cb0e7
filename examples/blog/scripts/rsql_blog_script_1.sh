#!/usr/bin/env bash
# The schema, made anew.
# HOST, PORT, USER, DB and RSPASSWORD come from the workflow's secret.
set -euo pipefail

export PGPASSWORD="$RSPASSWORD"
psql --no-psqlrc --set ON_ERROR_STOP=1 -h "$HOST" -p "$PORT" -U "$USER" -d "$DB" <<'SQL'
DROP SCHEMA IF EXISTS blog_test CASCADE;
CREATE SCHEMA blog_test;
SQL
