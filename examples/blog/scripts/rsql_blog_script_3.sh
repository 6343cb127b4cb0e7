#!/usr/bin/env bash
# One row of four.
# $1 is the directory of get_redshift_creds.sh, $2 the secret's id: what the agent gives to every script.
source "$1/get_redshift_creds.sh" "$2"

rsql -q -h "$HOST" -U "$USER" -d "$DB" << 'EOF'
INSERT INTO blog_test.orders (order_id, customer, amount, loaded_by)
VALUES (1, 'Ada', 199.50, 'rsql_blog_script_3.sh');
\if :ERROR <> 0
    \remark 'order 1 was not inserted:' :LAST_ERROR_MESSAGE
    \exit 21
\elseif :ACTIVITYCOUNT <> 1
    \remark 'one row was to be inserted, and it was' :ACTIVITYCOUNT
    \exit 22
\endif

\remark 'rows inserted:' :ACTIVITYCOUNT
\exit 0
EOF
