"""Writes the document of an environment's projects and secrets for ``python -m bootstrap resources``.

``python -m operations.secrets_document FILE`` reads the document on standard input, percent-encoded as a stack hands it
over, and writes FILE in one step. It names where values of secrets come from and holds none.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote


def write_document(encoded: str, path: Path) -> None:
    """Write the percent-encoded JSON document ``encoded`` to ``path``, indented, with mode 0600.

    Raises:
        ValueError: it is no JSON.
        OSError: it can't be written.
    """
    document = json.loads(unquote(encoded))
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
            file.write("\n")
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> int:
    """Write what is on standard input; 0, or 1 when that was not possible, or 2 when called wrongly."""
    if len(arguments) != 1:
        print("usage: python -m operations.secrets_document FILE", file=sys.stderr)
        return 2
    try:
        write_document(sys.stdin.read(), Path(arguments[0]))
    except (ValueError, OSError) as error:
        print(f"{arguments[0]} can't be written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
