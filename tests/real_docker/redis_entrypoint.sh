#!/bin/sh
# What the official image's entry point does: a server that runs as its own user and owns its data.
set -eu

case ${1:-} in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown -R redis /data
    exec gosu redis "$0" "$@"
fi
exec "$@"
