# shellcheck shell=bash
# For the examples' demos, which source it: a PostgreSQL server in a directory of its own that stands in for Redshift,
# gone when the demo ends. Needs $work, the demo's directory. Sets $port, $password and $secret, a file with what AWS
# Secrets Manager would hold.

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
if [[ ! -t 1 || -n ${NO_COLOR:-} ]]; then say() { printf '\n%s\n' "$*"; }; fi

# --- a server: Redshift speaks PostgreSQL's protocol -----------------------------------------------------------

pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[[ -n $pg_bin ]] || { echo "PostgreSQL's server is missing: run 'make demo', which installs it" >&2; exit 1; }

# PostgreSQL refuses to run as root, so root lends it to the user that its package made. That user cannot
# always enter this checkout, so the server's files live under /tmp.
as_server=()
[[ $(id -u) -ne 0 ]] || as_server=(setpriv --reuid=postgres --regid=postgres --clear-groups)
server=$(mktemp -d /tmp/rsqlflow-demo.XXXXXX)
[[ ${#as_server[@]} -eq 0 ]] || chown postgres: "$server"

stop_server() {
    "${as_server[@]}" "$pg_bin/pg_ctl" -D "$server/data" stop -m immediate >/dev/null 2>&1 || true
    rm -rf "$server"
}
trap stop_server EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

mkdir -p "$work"
chmod 700 "$work"
rm -rf "$work/state"
password=$(head -c 18 /dev/urandom | base64 | tr -d '+/=')
port=$(free_port)

say "1. A PostgreSQL server on 127.0.0.1:$port stands in for Redshift"
(umask 077; printf '%s\n' "$password" > "$server/password")
[[ ${#as_server[@]} -eq 0 ]] || chown postgres: "$server/password"
cd "$server"
"${as_server[@]}" "$pg_bin/initdb" -D "$server/data" -U etl --auth=scram-sha-256 --pwfile="$server/password" >"$work/postgres.log"
"${as_server[@]}" "$pg_bin/pg_ctl" -D "$server/data" -l "$server/log" -w start \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" >>"$work/postgres.log"
cd - >/dev/null

secret=$work/secret.json
(umask 077; printf '{"host": "127.0.0.1", "port": %s, "username": "etl", "password": "%s", "dbname": "postgres"}\n' \
    "$port" "$password" > "$secret")
