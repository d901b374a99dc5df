"""Nodes: that what is placed on one names one that is there."""

from __future__ import annotations

from collections.abc import Iterator

from homelab.config.checks.subject import Subject, listed, nearest, written
from homelab.config.expansion import policy_of
from homelab.config.platform_containers import all_containers
from homelab.config.problems import Path, Problem, Severity


def check(subject: Subject) -> Iterator[Problem]:
    """Every template and guest is on a declared node, named or by default."""
    proxmox = subject.environment.proxmox
    if proxmox.default_node is not None and proxmox.default_node not in proxmox.nodes:
        yield _no_such_node(("proxmox", "default_node"), proxmox.default_node, subject)
    if proxmox.insecure:
        yield Problem(
            ("proxmox", "insecure"),
            "the certificate of the endpoint is not verified, so anybody in between can read the token",
            value=True,
            allowed="false",
            fix="remove it, and set SSL_CERT_FILE to the node's /etc/pve/pve-root-ca.pem",
            severity=Severity.WARNING,
        )
    homeless: list[Path] = []
    for path, node in _placed(subject):
        if node is not None and node not in proxmox.nodes:
            yield _no_such_node((*path, "node"), node, subject)
        elif node is None and subject.default_node is None:
            homeless.append(path)
    if homeless:
        names = f" and {len(homeless) - 1} more name" if len(homeless) > 1 else " names"
        yield Problem(
            (*homeless[0], "node"),
            f"{written(homeless[0])}{names} no node, and there is no default",
            allowed=listed(proxmox.nodes),
            fix=f"add proxmox.default_node: {next(iter(proxmox.nodes))}, or node to each of them",
            refers_to=("proxmox", "nodes"),
        )


def _placed(subject: Subject) -> Iterator[tuple[Path, str | None]]:
    environment = subject.environment
    for key, template in environment.templates.items():
        yield ("templates", key), template.node
    for key, machine in environment.vms.items():
        if policy_of(environment, machine) is None:
            yield ("vms", key), machine.node
    for defined in all_containers(environment):
        if policy_of(environment, defined.container) is None:
            yield defined.path, defined.container.node


def _no_such_node(path: Path, name: str, subject: Subject) -> Problem:
    nodes = subject.environment.proxmox.nodes
    return Problem(
        path,
        f"there is no node {name}",
        value=name,
        allowed=listed(nodes),
        fix=nearest(name, nodes, f"add it to proxmox.nodes: {name}: {{cores: ..., memory: ..., datastores: ...}}"),
        refers_to=("proxmox", "nodes", name),
    )
