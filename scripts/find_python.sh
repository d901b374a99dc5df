#!/bin/sh
# Prints the path of a Python, 3.11 or newer, that can make a virtual environment; prints nothing where there is none.
# The variable PYTHON names a program to try first.
set -u

for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done
