#!/bin/sh
# What the official image's entry point does, as far as it is used: POSTGRES_USER, _PASSWORD and _DB the first time,
# arguments of the server every time.
set -eu

case ${1:-} in -*) set -- postgres "$@" ;; esac
if [ "${1:-}" = postgres ]; then
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA"
        chown -R postgres "$PGDATA"
        chmod 700 "$PGDATA"
        mkdir -p /var/run/postgresql
        chown postgres /var/run/postgresql
        exec gosu postgres "$0" "$@"
    fi
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        if [ -z "${POSTGRES_PASSWORD:-}" ]; then
            echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
            exit 1
        fi
        user=${POSTGRES_USER:-postgres}
        password=$(mktemp)
        printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
        initdb --username="$user" --pwfile="$password" --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
        rm "$password"
        echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
        echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
        pg_ctl --silent --wait --options="-c listen_addresses=''" start
        if [ "${POSTGRES_DB:-$user}" != postgres ]; then
            createdb --username="$user" --maintenance-db=postgres "${POSTGRES_DB:-$user}"
        fi
        pg_ctl --silent --wait --mode=fast stop
    fi
fi
exec "$@"
