"""What a killed Terraform made and could not note in its state any more, where the provider does not go on with it.

Terraform writes its state when a provider has answered. Killed in between, it leaves something that it does not know,
and the next apply fails because that is there already. What is certainly the environment's own is taken up or removed:

* firewall rules of a guest that it has: they are imported, so that the plan shows how they differ;
* a container on a Docker Engine that carries the labels of the stack: it is removed. Its data is in volumes, which are
  made again under the same name without harm. A network of that name goes too if nobody uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from operations.deployment.changes import Change
from operations.proxmox_api import ProxmoxApi
from operations.terraform.stacks import Resource, Stack
from operations.terraform.terraform import Terraform

FIREWALL_RULES = "proxmox_virtual_environment_firewall_rules"
CONTAINER, NETWORK = "docker_container", "docker_network"
_LABEL = '{{index .Config.Labels "homelab.stack"}}'
_OF_A_RULE = ("type", "action", "proto", "sport", "dport", "source", "dest", "comment", "macro", "iface")
_ELSEWHERE = re.compile(r"\$\{data\.terraform_remote_state\.[\w-]+\.outputs\.([\w-]+)\}")
_SECONDS = 60.0


def _facts(rule: Mapping[str, Any]) -> dict[str, str]:
    """What makes a firewall rule, in the API's form or as an argument of the resource."""
    if rule.get("security_group"):
        rule = {**rule, "type": "group", "action": rule["security_group"]}
    return {name: str(rule[name]) for name in _OF_A_RULE if rule.get(name)}


@dataclass(frozen=True)
class Rules:
    """Firewall rules that are there already, and how Terraform's import calls them."""

    resource: Resource
    import_id: str


def existing_rules(
    changes: Iterable[Change], guests: Mapping[int, Mapping[str, object]], api: ProxmoxApi
) -> list[Rules]:
    """The firewall rules that a plan would create for guests of ours, and that, or some of them, are there already.

    Args:
        changes: of one stack. A guest that is created too may be there as well: Terraform, when it is killed, has not
            noted what it made last, and the rules may be later than the last note.
        guests: the guests of the cluster by VMID, of which the plan creates none that is somebody else's.

    Raises:
        ProxmoxError: the rules can't be read.
    """
    found = []
    for change in changes:
        arguments = change.resource.arguments
        kind, number = (
            ("container", arguments.get("container_id"))
            if "container_id" in arguments
            else ("vm", arguments.get("vm_id"))
        )
        if change.action != "create" or change.resource.type != FIREWALL_RULES or not isinstance(number, int):
            continue
        there = guests.get(number)
        if there is None:
            continue
        existing = [_facts(rule) for rule in api.get(f"/nodes/{there['node']}/{there['type']}/{number}/firewall/rules")]
        wanted = [_facts(rule) for rule in arguments.get("rule", ())]
        # Others were made by somebody: the provider refuses, and says so.
        if existing and all(rule in wanted for rule in existing):
            found.append(Rules(change.resource, f"{kind}/{there['node']}/{number}"))
    return found


class Engine:
    """The Docker Engine of a stack, reached as the stack's own provider reaches it.

    Args:
        outputs: outputs of the stacks before, which its address may come from.
    """

    def __init__(self, stack: Stack, terraform: Terraform, outputs: Mapping[str, object]) -> None:
        self._stack = stack
        self._terraform = terraform
        declared = stack.configuration.get("provider", {}).get("docker") or [{}]
        provider = declared[0] if isinstance(declared, list) else declared
        host = _ELSEWHERE.sub(lambda match: str(outputs.get(match[1], match[0])), str(provider.get("host", "")))
        self._address = urlsplit(host) if host.startswith("ssh://") and "$" not in host else None
        self._options: Sequence[str] = provider.get("ssh_opts") or ()

    def remove_leftovers(self, changes: Iterable[Change]) -> list[str]:
        """Removes what the plan would create and what is there already and ours; what that was, in words.

        Where the engine can't be asked nothing is done: the provider says better than this could what is wrong.
        """
        created = [change.resource for change in changes if change.action == "create"]
        containers = [str(one.arguments.get("name")) for one in created if one.type == CONTAINER]
        networks = [str(one.arguments.get("name")) for one in created if one.type == NETWORK]
        removed = []
        for name in containers:
            ours = self._docker("container", "inspect", "--format", _LABEL, name) == self._stack.name
            if ours and self._docker("container", "rm", "--force", name) is not None:
                removed.append(f"container {name}")
        removed += [f"network {name}" for name in networks if self._docker("network", "rm", name) is not None]
        return removed

    def _docker(self, *words: str) -> str | None:
        """What ``docker`` prints on the engine's host; None where it fails."""
        if self._address is None:
            return None
        target = f"{self._address.username or 'root'}@{self._address.hostname}"
        command = " ".join(["docker", *(f"'{word}'" for word in words)])
        finished = self._terraform.processes.run(
            ["ssh", *self._options, "-p", str(self._address.port or 22), target, command],
            folder=self._stack.folder,
            environment=self._terraform.environment,
            longest=_SECONDS,
        )
        return None if finished.code else finished.stdout.strip()
