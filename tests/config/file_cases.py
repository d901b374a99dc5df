"""Files that differ from a valid one in one section, and what is said about them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from homelab.config.loading import check_files
from homelab.config.problems import render

BASE = """\
proxmox:
  endpoint: https://pve:8006
  nodes: {pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}
networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24}}
templates: {debian-12: {vm_id: 9000, image: debian-12}}
"""


def said(folder: Path, change: str) -> str:
    """What is said about the base with ``change`` as its last line, in place of the section that it begins with.

    Each problem begins with its column.
    """
    section = change.partition(":")[0]
    sections = BASE.replace("\n  ", "\0  ").splitlines()
    kept = [text.replace("\0", "\n") for text in sections if not text.startswith(f"{section}:")]
    path = folder / "dev.yaml"
    path.write_text("\n".join([*kept, change]) + "\n")
    line = path.read_text().count("\n")
    return "\n".join(render(problem).replace(f"{path}:{line}:", "") for problem in check_files([path]))


def aligned(text: str) -> str:
    """``text`` of a test as ``said`` writes it."""
    return dedent(text).strip()
