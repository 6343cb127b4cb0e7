#!/usr/bin/env bash
# The schema, made anew.
# $1 is the directory of get_redshift_creds.sh, $2 the secret's id: what the agent gives to every script.
source "$1/get_redshift_creds.sh" "$2"

rsql -q -h "$HOST" -U "$USER" -d "$DB" << 'EOF'
\remark 'making the schema blog_test'

DROP SCHEMA IF EXISTS blog_test CASCADE;
\if :ERROR <> 0
    \remark 'the old schema is in the way:' :LAST_ERROR_MESSAGE
    \exit 20
\endif

CREATE SCHEMA blog_test;
\if :ERROR <> 0
    \remark 'the schema cannot be made:' :LAST_ERROR_MESSAGE
    \exit 21
\endif

\exit 0
EOF
