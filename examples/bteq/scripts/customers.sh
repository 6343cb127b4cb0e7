#!/usr/bin/env bash
# The migrated job. Its RSQL is a file of its own, as the BTEQ was; its report goes into the log.
source "$1/get_redshift_creds.sh" "$2"

report=$(mktemp)
trap 'rm -f "$report"' EXIT

rsql -q -h "$HOST" -U "$USER" -d "$DB" -v report="$report" -f customers.rsql
rsqlexitcode=$?

cat "$report"
exit $rsqlexitcode
