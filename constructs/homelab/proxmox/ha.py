"""High availability: guests under HA, and the rules that HA goes by."""

from collections.abc import Sequence

from cdktf import TerraformResource
from constructs import Construct

from homelab.config.guest import GuestSpec
from homelab.config.ha import HaRule as RuleSettings
from homelab.config.ha import NodeAffinity
from homelab.config.virtual_machine import VirtualMachineSpec
from homelab.proxmox.address import lifecycle_of_part
from homelab.proxmox.literal import literal
from imports.proxmox.hagroup import Hagroup
from imports.proxmox.haresource import Haresource
from imports.proxmox.harule import Harule


def put_under_ha(guest: TerraformResource, spec: GuestSpec) -> None:
    """Defines that Proxmox restarts ``guest``, and moves it when its node fails; nothing where ``spec.ha`` is None.

    Args:
        guest: the guest's resource, which gets this as its part ``ha``.
        spec: what the guest is.

    Source: ``proxmox_haresource``. The token needs Sys.Console on ``/``.
    """
    if spec.ha is None:
        return
    kind = "vm" if isinstance(spec, VirtualMachineSpec) else "ct"
    Haresource(
        guest,
        "ha",
        resource_id=f"{kind}:{spec.vm_id}",
        state=spec.ha.state,
        max_restart=spec.ha.max_restart,
        max_relocate=spec.ha.max_relocate,
        failback=spec.ha.failback,
        group=spec.ha_group,
        comment=literal(spec.ha.comment),
        depends_on=[guest],
        lifecycle=lifecycle_of_part(guest),
    )


class HaRule(Construct):
    """Defines a rule of HA (Proxmox VE 9).

    Args:
        rule: its id, unique in the cluster.
        settings: what it says.
        resources: the guests that it is about, as ``vm:9100`` or ``ct:9200``. All of them have to be under HA.

    Source: ``proxmox_harule``. The token needs Sys.Console on ``/``.
    """

    def __init__(
        self, scope: Construct, id_: str, *, rule: str, settings: RuleSettings, resources: Sequence[str]
    ) -> None:
        super().__init__(scope, id_)
        by_node = settings if isinstance(settings, NodeAffinity) else None
        rule_resource = Harule(
            self,
            "Default",
            rule=rule,
            type=settings.type,
            resources=sorted(resources),
            disable=not settings.enabled,
            comment=literal(settings.comment),
            strict=by_node.strict if by_node else None,
            affinity=None if isinstance(settings, NodeAffinity) else settings.affinity,
        )
        if by_node:
            rule_resource.add_override("nodes", _priorities(by_node))


class HaGroup(Construct):
    """Defines an HA group, which Proxmox VE 8 has in place of node-affinity rules.

    Args:
        group: its id, unique in the cluster.
        settings: what it says.

    Source: ``proxmox_hagroup``. The token needs Sys.Console on ``/``.
    """

    def __init__(self, scope: Construct, id_: str, *, group: str, settings: NodeAffinity) -> None:
        super().__init__(scope, id_)
        made = Hagroup(
            self, "Default", group=group, nodes={}, restricted=settings.strict, comment=literal(settings.comment)
        )
        made.add_override("nodes", _priorities(settings))


def _priorities(settings: NodeAffinity) -> dict[str, int | str]:
    # Escape hatch: a node without priority is null, and cdktf leaves out a None, and the node with it.
    return {node: "${null}" if priority is None else priority for node, priority in sorted(settings.nodes.items())}
