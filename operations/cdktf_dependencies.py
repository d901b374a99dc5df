"""The stacks that `cdktf deploy PATTERN...` needs besides those that it names.

cdktf refuses a deployment that leaves a dependency out, and wants it named. Here it is added: deploying
`prod-secrets-*` to an empty node takes the container template in `prod-templates` too, which has no changes where it is
there already.
"""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from operations.terraform.stacks import Stack, StackError, read_stacks

_WITH_VALUE = frozenset(
    {
        "--app",
        "-a",
        "--output",
        "-o",
        "--outputs-file",
        "--parallelism",
        "--terraform-parallelism",
        "--var",
        "--var-file",
        "--log-level",
        "--log-file-directory",
    }
)
_LEFT_ALONE = ("--ignore-missing-stack-dependencies", "--skip-synth", "--app", "-a", "--help", "-h")
"""Options with which the user has said how it is to be, or with which nothing is deployed."""


def patterns_in(arguments: Sequence[str]) -> list[str]:
    """The stacks that the arguments of `cdktf deploy` name, in their order."""
    found: list[str] = []
    is_value = False
    for word in arguments[1:]:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            is_value = word in _WITH_VALUE
        else:
            found.append(word)
    return found


def missing_dependencies(patterns: Sequence[str], stacks: Sequence[Stack]) -> list[str]:
    """The stacks that those which `patterns` name depend on, directly or not, and that none of `patterns` names."""
    by_name = {stack.name: stack for stack in stacks}
    named = {name for name in by_name if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)}
    needed, open_ones = set(named), list(named)
    while open_ones:
        for name in by_name[open_ones.pop()].dependencies:
            if name in by_name and name not in needed:
                needed.add(name)
                open_ones.append(name)
    return [stack.name for stack in stacks if stack.name in needed - named]


def with_dependencies(arguments: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The arguments of cdktf with the stacks that are missing; what is added is said on stderr.

    The app in the current folder is synthesized for that, elsewhere than `cdktf.out`. Where it can't be, the arguments
    stay as they are, and cdktf says why.
    """
    given = list(arguments)
    patterns = patterns_in(given)
    asked = any(word.partition("=")[0] in _LEFT_ALONE for word in given)
    if not given or given[0] != "deploy" or not patterns or asked or not Path("main.py").is_file():
        return given
    with tempfile.TemporaryDirectory(prefix="homelab-cdktf-") as folder:
        synthesized = subprocess.run(
            [sys.executable, "-O", "main.py"],
            env={**environ, "CDKTF_OUTDIR": folder},
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        try:
            missing = missing_dependencies(patterns, read_stacks(Path(folder))) if not synthesized.returncode else []
        except StackError:
            return given
    if missing:
        print(f"cdktf: also deploys {', '.join(missing)}, which they depend on", file=sys.stderr)
    return [*given, *missing]
