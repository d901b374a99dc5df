"""An environment of three nodes that is right, and what is said about it when something is changed."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import yaml

from homelab.config.checks import check_environments
from homelab.config.environment import Environment
from homelab.config.placement import with_placement
from tests.config.cases import merged

CLUSTER = """
proxmox:
  endpoint: https://pve.home.arpa:8006
  default_node: one
  nodes:
    one: &node
      cores: 16
      memory: 64GiB
      bridges: [vmbr0]
      datastores:
        local: {content: [iso, vztmpl, import, snippets, backup]}
        tank: {type: zfspool}
        shared: {type: nfs, shared: true}
    two: *node
    three: *node
defaults: {datastore: shared}
networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24}}
containers:
  dns: {os: debian-12, vm_id: 9200, node: one, ha: true, network: lan}
  web: {os: debian-12, vm_id: 9210, replicas: 2, node: two, ha: true, network: lan}
"""


def cluster(changes: str = "", *, placed: bool = True, name: str = "one") -> Environment:
    """The environment with ``changes``, which are YAML; with ``placed``, its guests have their places on record."""
    data: dict[str, Any] = merged(yaml.safe_load(CLUSTER), yaml.safe_load(dedent(changes)) or {})
    environment = Environment.model_validate({**data, "name": name})
    return with_placement(environment) if placed and not environment.placed else environment


def problems(*environments: Environment) -> list[str]:
    """Severity, place and message of everything that is said, without images that have no checksum."""
    return [
        f"{problem.severity} {problem.key_path}: {problem.message}"
        for found in check_environments(environments)
        for problem in found
        if "checksum" not in problem.message
    ]
