"""Moves this project from CDK for Terraform, which is archived, to CDK Terrain (cdktn), its living fork.

    python -m scripts.move_to_cdktn [FOLDER]

Rewrites imports, Pipfile, package.json and the path of the command line; nothing else refers to either by name. What is
synthesized stays the same but for its metadata. docs/leaving-cdktf.md has the whole recipe.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

CDKTN = "0.24.0"
PROVIDERS = {"aws": "25.8.1", "docker": "16.1.0", "random": "15.0.1"}
"""The prebuilt bindings for that version of cdktn."""

_PYTHON = (
    (re.compile(r"\bcdktf_cdktf_provider_"), "cdktn_provider_"),
    (re.compile(r"^(\s*from )cdktf( import )", re.MULTILINE), r"\1cdktn\2"),
    (re.compile(r"^(\s*import )cdktf$", re.MULTILINE), r"\1cdktn"),
    (re.compile(r'"cdktf-cli" / "bundle" / "bin" / "cdktf"'), '"cdktn-cli" / "bundle" / "bin" / "cdktn.js"'),
)
_PIPFILE = (
    (re.compile(r'^cdktf = "==[^"]+"', re.MULTILINE), f'cdktn = "=={CDKTN}"'),
    *(
        (re.compile(rf'^cdktf-cdktf-provider-{name} = "==[^"]+"', re.MULTILINE), f'cdktn-provider-{name} = "=={new}"')
        for name, new in PROVIDERS.items()
    ),
)
_PACKAGE = ((re.compile(r'"cdktf-cli": "[^"]+"'), f'"cdktn-cli": "{CDKTN}"'),)
_FOLDERS = ("constructs", "operations", "scripts", "simulator", "tests", "benchmarks")


def changes(project: Path) -> Iterator[tuple[Path, str]]:
    """The files that change, with their new text."""
    python = [project / "main.py", *(path for folder in _FOLDERS for path in sorted((project / folder).rglob("*.py")))]
    rules = [(path, _PYTHON) for path in python if path.resolve() != Path(__file__).resolve()]
    for path, patterns in (*rules, (project / "Pipfile", _PIPFILE), (project / "package.json", _PACKAGE)):
        if not path.is_file() or path.name == Path(__file__).name:
            continue
        before = after = path.read_text(encoding="utf-8")
        for pattern, new in patterns:
            after = pattern.sub(new, after)
        if after != before:
            yield path, after


def main(arguments: list[str]) -> int:
    """Rewrites the project in the folder that is named, or in this one."""
    project = Path(arguments[0] if arguments else ".").resolve()
    if not (project / "cdktf.json").is_file():
        print(f"{project} is no such project: it has no cdktf.json", file=sys.stderr)
        return 2
    count = 0
    for path, text in list(changes(project)):
        path.write_text(text, encoding="utf-8")
        count += 1
    print(f"{count} files changed. Next: make lock setup snapshots, and look at the diff of tests/stacks/snapshots.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
