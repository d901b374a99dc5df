"""Environments that differ from a valid one, and what is said about them, as text."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import yaml

from homelab.config.checks import ImageChecksums, check_environments
from homelab.config.environment import Environment
from homelab.config.problems import render

BASE = """
proxmox:
  endpoint: https://pve.home.arpa:8006
  nodes:
    pve:
      cores: 16
      memory: 64GiB
      bridges: [vmbr0]
      datastores:
        local: {content: [iso, vztmpl, import, snippets, backup]}
        local-lvm: {size: 900GiB}
networks:
  lan: {bridge: vmbr0, cidr: 10.0.0.0/24, gateway: 10.0.0.1}
"""


def merged(base: Any, changes: Any) -> Any:
    """``base`` with ``changes``: maps are merged key by key, null removes a key, anything else replaces."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(base.get(key, {} if isinstance(value, dict) else None), value)
    return result


def environment(changes: str = "", name: str = "one") -> Environment:
    """The environment ``name``: the base with ``changes``, which are YAML."""
    data = merged(yaml.safe_load(BASE), yaml.safe_load(dedent(changes)) or {})
    return Environment.model_validate({**data, "name": name})


def said(*changes: str, image_lock: ImageChecksums | None = None) -> str:
    """Everything that is said about one environment for each of ``changes``, called one, two, ..."""
    names = ("one", "two", "three")
    environments = [environment(text, name) for text, name in zip(changes, names, strict=False)]
    found = check_environments(environments, image_lock)
    several = len(environments) > 1
    texts = [
        f"{one.name}: {render(problem)}" if several else render(problem)
        for one, problems in zip(environments, found, strict=True)
        for problem in problems
    ]
    return "\n".join(texts)


def expected(text: str) -> str:
    """``text`` of a test as ``said`` writes it."""
    return dedent(text).strip()
