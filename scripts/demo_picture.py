"""Runs the demo and draws what it shows: ``python -m scripts.demo_picture`` writes docs/demo.svg."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PROJECT = Path(__file__).resolve().parent.parent
COLUMNS = 84
STYLES = {
    "  +": "green",
    "  ~": "yellow",
    "  applied": "green",
    "demo-": "bold",
    "VMID": "bold",
    "1.": "bold",
    "3.": "bold",
}
SHOWN = (
    ("1. homelab deploy", "demo-templates  5"),
    ("  applied    demo-cluster", "Together"),
    ("3. somebody", "  applied"),
)


def main() -> None:
    """Draw the parts of the demo that tell the story: the plan's beginning, what exists, and the drift."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo"],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print("$ make demo", style="bold green", highlight=False)
    for first, last in SHOWN:
        start = next(index for index, line in enumerate(lines) if line.startswith(first))
        end = next(index for index, line in enumerate(lines) if index > start and line.startswith(last))
        for line in lines[start : end + 1]:
            console.print(Text(line, style=_style(line)))
        console.print()
    console.save_svg(str(PROJECT / "docs" / "demo.svg"), title="homelab")


def _style(line: str) -> str:
    # Without a terminal the demo prints plain lines and no live display; this gives them their colours back.
    return next((style for start, style in STYLES.items() if line.startswith(start)), "")


if __name__ == "__main__":
    main()
