#!/bin/sh
# Gets the Debian packages that the tests marked `system` need (tests/system-packages.txt) and prints pytest's arguments on
# standard output: none where those tests can run, else the arguments that leave them out, with the reason on standard error.
# With SYSTEM_TESTS=required it fails instead of leaving tests out.
set -eu

list=$(dirname "$0")/../tests/system-packages.txt
packages=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$list")

reason=
if [ ! -f /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    reason="this is not Debian"
elif [ "$(id -u)" -ne 0 ]; then
    reason="this is not root"
fi

if [ -n "$reason" ]; then
    {
        echo "The tests marked 'system' need root on Debian, and $reason."
        # shellcheck disable=SC2086 # one word for each package
        echo "They need the packages:" $packages
        echo "To run them there: apt-get install the packages, then .venv/bin/python -m pytest -m system"
    } >&2
    if [ "${SYSTEM_TESTS:-}" = required ]; then
        echo "SYSTEM_TESTS=required: nothing may be left out." >&2
        exit 1
    fi
    echo "These tests are left out." >&2
    echo "-m 'not system'"
    exit 0
fi

absent=
for package in $packages; do
    case $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true) in
    installed) ;;
    *) absent="$absent $package" ;;
    esac
done
if [ -n "$absent" ]; then
    echo "==> Debian packages for the system tests:$absent" >&2
    export DEBIAN_FRONTEND=noninteractive
    # Services of these packages are started by the tests, on loopback, not by their installation.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    else
        policy=
    fi
    # cloud-init is wanted for its schema; on the next boot it must not configure this machine.
    case $absent in *cloud-init*) mkdir -p /etc/cloud && touch /etc/cloud/cloud-init.disabled ;; esac
    log=$(mktemp)
    trap 'rm -f "$policy" "$log"' EXIT
    # shellcheck disable=SC2086 # one word for each package
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $absent; } >"$log" 2>&1; then
        cat "$log" >&2
        echo "apt-get could not install:$absent. Its messages are above." >&2
        exit 1
    fi
fi
