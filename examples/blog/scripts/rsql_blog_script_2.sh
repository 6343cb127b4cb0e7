#!/usr/bin/env bash
# The table that the later stages fill.
# $1 is the directory of get_redshift_creds.sh, $2 the secret's id: what the agent gives to every script.
source "$1/get_redshift_creds.sh" "$2"

rsql -q -h "$HOST" -U "$USER" -d "$DB" << 'EOF'
CREATE TABLE blog_test.orders (
    order_id   INTEGER       NOT NULL ENCODE az64,
    customer   VARCHAR(64)   NOT NULL ENCODE zstd,
    amount     DECIMAL(12,2) NOT NULL,
    loaded_by  VARCHAR(64)   NOT NULL,
    loaded_at  TIMESTAMP     DEFAULT GETDATE()
)
DISTSTYLE KEY
DISTKEY (order_id)
SORTKEY (order_id);
\if :ERROR <> 0
    \remark 'the table cannot be made:' :LAST_ERROR_MESSAGE
    \exit 21
\endif

\remark 'blog_test.orders is ready'
\exit 0
EOF
