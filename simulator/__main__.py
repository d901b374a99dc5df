"""``python -m simulator serve | demo``."""

from __future__ import annotations

import sys

_USAGE = """\
usage: python -m simulator COMMAND [OPTIONS]

  serve   serve a simulated Proxmox VE API on loopback until interrupted
  demo    plan, apply, check and destroy a small homelab on it

Each command explains its options with --help.
"""


def main(arguments: list[str]) -> int:
    """Runs one command and returns the exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "serve":
        from .command_line import serve

        return serve(rest)
    if command == "demo":
        from .demo import main as demo

        return int(demo(rest) or 0)
    print(_USAGE, end="", file=sys.stdout if command in ("-h", "--help") else sys.stderr)
    return 0 if command in ("-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
