#!/usr/bin/env bash
# $1 and $2 are what every script gets; then the job's own arguments, which come from an event: always in quotes.
set -euo pipefail
bucket=$3
key=$4
printf 'loading s3://%s/%s\n' "$bucket" "$key"
