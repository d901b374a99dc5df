"""The folder constructs/ and PyPI's package of the same name live side by side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def test_constructs_is_a_source_root_and_no_package() -> None:
    package_file = PROJECT / "constructs" / "__init__.py"
    assert not package_file.exists(), (
        "constructs/__init__.py makes this folder a package that hides PyPI's `constructs`, and every "
        "`from constructs import Construct` fails. Remove it; see constructs/README.md."
    )


@pytest.mark.parametrize("switches", [[], ["-O"], ["-P"]], ids=["plain", "optimised", "safe path"])
@pytest.mark.parametrize("folder", [PROJECT, PROJECT / "tests"], ids=["from the root", "from elsewhere"])
def test_both_packages_import_in_a_fresh_python(switches: list[str], folder: Path) -> None:
    program = (
        "import constructs, homelab, pathlib\n"
        "assert isinstance(constructs.Construct, type), 'constructs.Construct is not the class from PyPI'\n"
        "print(pathlib.Path(constructs.__file__).parts[-3], pathlib.Path(homelab.__file__).parts[-3])"
    )
    run = subprocess.run(
        [sys.executable, *switches, "-c", program], cwd=folder, check=False, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, (
        f"`import constructs` must find PyPI's package and `import homelab` the folder constructs/homelab. See "
        f"constructs/README.md, and run `make setup` if the project is not installed.\n{run.stderr}"
    )
    assert run.stdout.split() == ["site-packages", "constructs"]
    assert run.stderr == "", "importing constructs says something on standard error, such as jsii's banner about Node"
