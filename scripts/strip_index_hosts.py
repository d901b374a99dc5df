"""Removes package-index hosts from Pipfile.lock, so that pip's own configuration decides where packages come from.

The hashes stay: whatever index serves a file, its content is the one that was locked.
"""

from __future__ import annotations

import json
from pathlib import Path

LOCK_FILE = Path(__file__).resolve().parent.parent / "Pipfile.lock"


def without_hosts(lock: dict[str, dict[str, dict[str, object]]]) -> dict[str, dict[str, dict[str, object]]]:
    """Returns the lock file's content with no source and no package bound to one."""
    stripped = {
        category: {
            name: {key: value for key, value in entry.items() if key != "index"} for name, entry in packages.items()
        }
        for category, packages in lock.items()
        if category != "_meta"
    }
    return {"_meta": {**lock["_meta"], "sources": []}, **stripped}  # type: ignore[dict-item]


if __name__ == "__main__":
    content = without_hosts(json.loads(LOCK_FILE.read_text(encoding="utf-8")))
    temporary = LOCK_FILE.with_suffix(".lock.new")
    temporary.write_text(json.dumps(content, indent=4, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(LOCK_FILE)
