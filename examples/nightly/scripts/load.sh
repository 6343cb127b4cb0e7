#!/usr/bin/env bash
# Loads a file that another system delivers. The first two arguments are those that every script gets; the third is
# the file's name.
set -euo pipefail
file="$(dirname "$0")/../inbox/$3.csv"
echo "loading $3"
while [[ -e $file.part ]]; do
  sleep 0.2 # it is still being written
done
if [[ ! -s $file ]]; then
  echo "ERROR:  $3.csv has not arrived"
  exit 3
fi
echo "COPY $(wc -l < "$file")"
