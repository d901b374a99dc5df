"""The command `cdktf`: CDK for Terraform's own command line, run with what it needs on this machine.

It runs on the Node of the project's environment, finds the providers in the project's mirror, adds what the stacks to
deploy depend on, and sends nothing home.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from operations.cdktf_dependencies import with_dependencies
from operations.provider_mirror import (
    PROJECT,
    ProviderMirrorError,
    cache_folder,
    terraform_environment,
    terraform_program,
)
from operations.terraform.process import PRIVATE

LOCKING_COMMANDS = frozenset({"deploy", "destroy", "diff"})
"""The commands that run Terraform, and end its `init` by asking the registry for the checksums of every platform."""


def cdktf_folder() -> Path:
    """Returns where `make setup` installs cdktf-cli: in the cache, by the content of package-lock.json."""
    lock = (PROJECT / "package-lock.json").read_bytes()
    return cache_folder() / "cdktf" / hashlib.sha256(lock).hexdigest()[:16]


def cdktf_arguments(arguments: list[str]) -> list[str]:
    """Returns the arguments for cdktf: the user's, without a look-up in the registry."""
    if arguments and arguments[0] in LOCKING_COMMANDS and "--skip-provider-lock" not in arguments:
        return [arguments[0], "--skip-provider-lock", *arguments[1:]]
    return arguments


def cdktf_environment() -> dict[str, str]:
    """Returns the complete environment for cdktf.

    Raises:
        ProviderMirrorError: Terraform, or a folder in `HOMELAB_PROVIDER_MIRRORS`, is missing.
    """
    environment = terraform_environment()
    return environment | {
        "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), environment.get("PATH", os.defpath)]),
        "TERRAFORM_BINARY_NAME": terraform_program(),
        "CDKTF_EXPERIMENTAL_PROVIDER_SCHEMA_CACHE_PATH": str(PROJECT / "schemas"),
        # cdktf's own plugin cache is shared by the stacks it deploys in parallel; they overwrite each other's files.
        "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "1",
        "DISABLE_VERSION_CHECK": "1",
    }


def main() -> None:
    """Becomes cdktf, with the arguments of this process."""
    program = cdktf_folder() / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"
    if not program.is_file():
        sys.exit(f"cdktf is not installed in {cdktf_folder()}. Run `make setup`.")
    try:
        environment = cdktf_environment()
    except ProviderMirrorError as error:
        sys.exit(str(error))
    node = str(Path(sys.prefix) / "bin" / "node")
    arguments = cdktf_arguments(with_dependencies(sys.argv[1:], environment))
    if arguments and arguments[0] in LOCKING_COMMANDS:
        os.umask(PRIVATE)
    os.execve(node, [node, str(program), *arguments], environment)  # noqa: S606 - no shell is meant
