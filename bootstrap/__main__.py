"""`python -m bootstrap`: the only place of the package that reads the process environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

INTERRUPTED = 130
NO_HOME = 2


def main() -> int:
    """Runs the command named by the arguments of the process."""
    try:
        # What it needs takes a moment to load, and Ctrl-C is to be quiet then too.
        from bootstrap.command_line import run
        from bootstrap.command_surroundings import Surroundings

        cache = _cache()
        if cache is None:
            print("error: there is no home directory\nnext: set HOME, or XDG_CACHE_HOME", file=sys.stderr)
            return NO_HOME
        code = run(sys.argv[1:], Surroundings(dict(os.environ), cache / "homelab" / "locks"))
    except KeyboardInterrupt:
        print("error: interrupted\nnext: run the same command again", file=sys.stderr)
        return INTERRUPTED
    _end_output()
    return code


def _cache() -> Path | None:
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named) if named else Path.home() / ".cache"
    except RuntimeError:
        return None


def _end_output() -> None:
    """Gives up what could not be written, which was told before; Python would tell it again in a way of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
