# shellcheck shell=bash
# Credentials of a database for a script, which says:
#
#     source "$1/get_redshift_creds.sh" "$2"
#
# $1 is the directory of this file and $2 the secret's id in AWS Secrets Manager, a JSON object with "host", "port",
# "username", "password" and "dbname". Afterwards HOST, PORT, USER, DB and RSPASSWORD are exported, and RSQL_PORT,
# which rsql takes where a script names no port.
#
# For a host of Amazon Redshift, RSQL_SSLMODE is verify-full, unless it is set: rsql then verifies the server's
# certificate and name before it sends the password. The trusted roots are those of amazon-trust-ca-bundle.crt beside
# this file or in /etc/rsqlflow, if it is there, and the system's otherwise.
#
# In a job the agent has already put them there, and nothing is fetched. Elsewhere the AWS CLI fetches them, and jq or
# Python reads them. No secret becomes an argument of a program, and `set -x` does not show any.

_rsqlflow_tls() {
    case ${HOST-} in
        *.redshift.amazonaws.com | *.redshift-serverless.amazonaws.com | *.redshift.amazonaws.com.cn | *.redshift-serverless.amazonaws.com.cn) ;;
        *) return 0 ;;
    esac
    export RSQL_SSLMODE=${RSQL_SSLMODE:-verify-full}
    [[ -z ${RSQL_SSLROOTCERT-} ]] || return 0
    local bundle
    for bundle in "${BASH_SOURCE[0]%/*}/amazon-trust-ca-bundle.crt" /etc/rsqlflow/amazon-trust-ca-bundle.crt; do
        if [[ -r $bundle ]]; then
            export RSQL_SSLROOTCERT=$bundle
            return 0
        fi
    done
}

_rsqlflow_creds() {
    local secret_id=${1-}
    # `source FILE` without arguments hands on the script's own, of which the first is this directory.
    [[ $secret_id != "${BASH_SOURCE[0]%/*}" ]] || secret_id=
    if [[ -n ${RSQLFLOW_SECRET_ID-} && -n ${RSPASSWORD-} && ${secret_id:-$RSQLFLOW_SECRET_ID} == "$RSQLFLOW_SECRET_ID" ]]; then
        _rsqlflow_tls
        return 0
    fi
    if [[ -z $secret_id ]]; then
        echo "get_redshift_creds.sh: no secret is named: give its id as the first argument" >&2
        return 2
    fi
    local text
    if ! text=$(aws secretsmanager get-secret-value --secret-id "$secret_id" --query SecretString --output text); then
        echo "get_redshift_creds.sh: the secret $secret_id cannot be fetched" >&2
        return 1
    fi
    local fields=()
    local field
    while IFS= read -r -d '' field; do
        fields+=("$field")
    done < <(printf '%s' "$text" | _rsqlflow_fields 2>/dev/null)
    if [[ ${#fields[@]} -ne 5 || -z ${fields[2]} ]]; then
        echo "get_redshift_creds.sh: the secret $secret_id is not a JSON object with a username, or neither jq nor python3 is here to read it" >&2
        return 1
    fi
    # What the secret does not name becomes empty: nothing of another database may stay.
    HOST=${fields[0]} PORT=${fields[1]} USER=${fields[2]} DB=${fields[3]} RSPASSWORD=${fields[4]}
    RSQL_PORT=$PORT RSQLFLOW_SECRET_ID=$secret_id
    export HOST PORT USER DB RSPASSWORD RSQL_PORT RSQLFLOW_SECRET_ID
    _rsqlflow_tls
}

# host, port, user, database and password of the JSON on standard input, each with a NUL behind it.
_rsqlflow_fields() {
    if command -v jq >/dev/null; then
        jq -j '[.host, .port, .username // .user, .dbname // .database // .dbName, .password][]
            | (if . == null then "" else tostring end) + "\u0000"'
    else
        python3 -c '
import json, sys
secret = json.load(sys.stdin)
for names in (["host"], ["port"], ["username", "user"], ["dbname", "database", "dbName"], ["password"]):
    value = next((secret[name] for name in names if secret.get(name) is not None), "")
    sys.stdout.write(str(value) + "\0")
'
    fi
}

# The trace would show the values. The caller has it back afterwards.
case $- in
    *x*)
        { set +x; } 2>/dev/null
        _rsqlflow_creds "$@"
        # The status is that of the line before, whatever the trace does.
        { _rsqlflow_status=$?; set -x; } 2>/dev/null
        ;;
    *)
        _rsqlflow_creds "$@"
        _rsqlflow_status=$?
        ;;
esac
unset -f _rsqlflow_creds _rsqlflow_fields _rsqlflow_tls
return "$_rsqlflow_status"
