"""`python -m bootstrap`: the only place of the package that reads the process environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bootstrap.command_line import run
from bootstrap.command_surroundings import Surroundings


def main() -> int:
    """Runs the command named by the arguments of the process."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return run(sys.argv[1:], Surroundings(dict(os.environ), cache / "homelab" / "locks"))


if __name__ == "__main__":
    sys.exit(main())
