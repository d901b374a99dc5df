#!/bin/sh
# Names, all at once, the programs that set-up needs and this machine lacks, with how to get each.
set -u

here=$(dirname "$0")
missing=0

lacks() {
    missing=1
    printf 'Missing: %s\n' "$@" >&2
}

if [ -z "$("$here/find_python.sh")" ]; then
    lacks "Python 3.11 or newer with venv and ensurepip.
    Debian, Ubuntu: apt install python3-venv    Fedora: dnf install python3    macOS: brew install python@3.13
    Or name a program: make PYTHON=/path/to/python3"
fi

terraform=${TERRAFORM_BINARY_NAME:-}
if [ -z "$terraform" ]; then
    terraform=$(command -v terraform || command -v tofu || true)
fi
# A setting that names a missing file would put an error in front of the version.
version=$(env -u TF_CLI_CONFIG_FILE CHECKPOINT_DISABLE=1 "${terraform:-terraform}" version -json 2>/dev/null |
    sed -n 's/.*"terraform_version": *"\([0-9]*\.[0-9]*\).*/\1/p')
major=${version%%.*}
minor=${version##*.}
if [ -z "$version" ]; then
    lacks "Terraform 1.9 or newer, or OpenTofu 1.9 or newer, on PATH${terraform:+ ($terraform does not run)}.
    https://developer.hashicorp.com/terraform/install    https://opentofu.org/docs/intro/install/
    Or name a program: make TERRAFORM=/path/to/terraform"
elif [ "$major" -lt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -lt 9 ]; }; then
    lacks "Terraform 1.9 or newer: $terraform is $version.
    https://developer.hashicorp.com/terraform/install    https://opentofu.org/docs/intro/install/"
fi

exit "$missing"
