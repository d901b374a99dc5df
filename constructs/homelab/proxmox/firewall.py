"""The Proxmox firewall of guests and of the cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import ITerraformDependable, TerraformResource
from constructs import Construct

from homelab.config import firewall
from homelab.proxmox.address import lifecycle_of_part
from homelab.proxmox.literal import literal
from imports.proxmox.virtual_environment_cluster_firewall import (
    VirtualEnvironmentClusterFirewall,
    VirtualEnvironmentClusterFirewallLogRatelimit,
)
from imports.proxmox.virtual_environment_cluster_firewall_security_group import (
    VirtualEnvironmentClusterFirewallSecurityGroup,
    VirtualEnvironmentClusterFirewallSecurityGroupRule,
)
from imports.proxmox.virtual_environment_firewall_alias import VirtualEnvironmentFirewallAlias
from imports.proxmox.virtual_environment_firewall_ipset import (
    VirtualEnvironmentFirewallIpset,
    VirtualEnvironmentFirewallIpsetCidr,
)
from imports.proxmox.virtual_environment_firewall_options import VirtualEnvironmentFirewallOptions
from imports.proxmox.virtual_environment_firewall_rules import (
    VirtualEnvironmentFirewallRules,
    VirtualEnvironmentFirewallRulesRule,
)


class GuestFirewall(Construct):
    """Defines the firewall of one guest: its options, and all of its rules in order.

    Rules are positional in Proxmox, so this construct owns every rule of the guest: first those of ``allow``, then
    ``groups``, then ``rules``. The firewall takes effect where it is enabled for the cluster and for the guest's
    interface too.

    Args:
        node: the guest's node.
        vm_id: the guest's VMID.
        container: whether the guest is a container.
        settings: what is allowed; see ``homelab.config.firewall.GuestFirewall`` for the defaults.
        names: what names in rules stand for, such as a network's name for its subnet; other names go to Proxmox as
            they are.
        guest: the guest's resource, which has to exist first.
        addresses: of a virtual machine, the static address of each interface in order, None with DHCP. With
            ``ip_filter`` the machine can send from these alone; of a container Proxmox knows the addresses itself.

    Source: ``proxmox_virtual_environment_firewall_options``, ``proxmox_virtual_environment_firewall_rules`` and
    ``proxmox_virtual_environment_firewall_ipset``.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        node: str,
        vm_id: int,
        settings: firewall.GuestFirewall,
        guest: TerraformResource,
        names: Mapping[str, str] | None = None,
        container: bool = False,
        moved_by_ha: bool = False,
        addresses: Sequence[str | None] = (),
    ) -> None:
        super().__init__(scope, id_)
        lifecycle = lifecycle_of_part(guest, ignored=["node_name"] if moved_by_ha else [])
        # Without such a set Proxmox lets a machine send from no IPv4 address at all.
        senders = [
            VirtualEnvironmentFirewallIpset(
                self,
                f"ipfilter-net{index}",
                name=f"ipfilter-net{index}",
                node_name=node,
                vm_id=vm_id,
                cidr=[VirtualEnvironmentFirewallIpsetCidr(name=address)],
                depends_on=[guest],
                lifecycle=lifecycle,
            )
            for index, address in enumerate(addresses)
            if settings.ip_filter and address
        ]
        machine_id, container_id = (None, vm_id) if container else (vm_id, None)
        options = VirtualEnvironmentFirewallOptions(
            self,
            "options",
            node_name=node,
            vm_id=machine_id,
            container_id=container_id,
            enabled=settings.enabled,
            input_policy=settings.input_policy,
            output_policy=settings.output_policy,
            dhcp=settings.dhcp,
            ndp=settings.ndp,
            radv=settings.router_advertisement,
            macfilter=settings.mac_filter,
            ipfilter=settings.ip_filter,
            log_level_in=settings.log_in,
            log_level_out=settings.log_out,
            depends_on=[guest, *senders],
            lifecycle=lifecycle,
        )
        import_id = f"{'container' if container else 'vm'}/{node}/{vm_id}"
        if "options" in settings.adopted:
            options.import_from(import_id)
        rules = [
            *(allowed.rule() for allowed in settings.allow),
            *(firewall.Rule(group=group) for group in settings.groups),
            *settings.rules,
        ]
        if rules:
            all_rules = VirtualEnvironmentFirewallRules(
                self,
                "rules",
                node_name=node,
                vm_id=machine_id,
                container_id=container_id,
                rule=[VirtualEnvironmentFirewallRulesRule(**_rule_arguments(rule, names or {})) for rule in rules],
                depends_on=[guest],
                lifecycle=lifecycle,
            )
            if "rules" in settings.adopted:
                all_rules.import_from(import_id)


class ClusterFirewall(Construct):
    """Defines the cluster's firewall: options, aliases, IP sets, security groups and the rules that protect the nodes.

    Decided for you: nothing beyond ``settings``. Proxmox itself lets the local network and the IP set ``management``
    reach the nodes' web interface and SSH; the checks refuse settings that would lock everybody else out. The
    provider can't change the members of an IP set: other members are another set, and for a moment there is none.
    Where that would cut off who applies, give the rules a network or an alias instead, whose address changes in
    place.

    Source: ``proxmox_virtual_environment_cluster_firewall``, ``..._firewall_alias``, ``..._firewall_ipset``,
    ``..._cluster_firewall_security_group`` and ``..._firewall_rules``. The token needs Sys.Modify on ``/``.
    """

    def __init__(
        self, scope: Construct, id_: str, *, settings: firewall.ClusterFirewall, names: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(scope, id_)
        known = names or {}
        named: list[ITerraformDependable] = [
            VirtualEnvironmentFirewallAlias(
                self, f"alias-{name}", name=name, cidr=_as_read_back(alias.cidr), comment=literal(alias.comment)
            )
            for name, alias in sorted(settings.aliases.items())
            if alias.create
        ]
        # A set may have an alias among its members, and a group may name both: each has to wait for the others.
        ipsets = {
            name: VirtualEnvironmentFirewallIpset(
                self,
                f"ipset-{name}",
                name=name,
                comment=literal(ipset.comment),
                cidr=[
                    VirtualEnvironmentFirewallIpsetCidr(name=_as_read_back(known.get(address, address)))
                    for address in ipset.addresses
                ],
                depends_on=list(named) or None,
            )
            for name, ipset in sorted(settings.ipsets.items())
            if ipset.create
        }
        named += ipsets.values()
        groups = {
            name: VirtualEnvironmentClusterFirewallSecurityGroup(
                self,
                f"group-{name}",
                name=name,
                comment=literal(group.comment),
                rule=[
                    VirtualEnvironmentClusterFirewallSecurityGroupRule(**_rule_arguments(rule, known))
                    for rule in group.rules
                ],
                depends_on=list(named) or None,
            )
            for name, group in sorted(settings.groups.items())
            if group.create
        }
        before_enabling: list[ITerraformDependable] = [*named, *groups.values()]
        if settings.rules:
            rules = VirtualEnvironmentFirewallRules(
                self,
                "rules",
                rule=[VirtualEnvironmentFirewallRulesRule(**_rule_arguments(rule, known)) for rule in settings.rules],
                depends_on=list(before_enabling) or None,
            )
            before_enabling.append(rules)
            if "rules" in settings.adopted:
                rules.import_from("cluster")
        # Switched on last: with DROP as its policy and no rule yet it would cut off the connection that brings the
        # rules.
        options = VirtualEnvironmentClusterFirewall(
            self,
            "options",
            enabled=settings.enabled,
            input_policy=settings.input_policy,
            output_policy=settings.output_policy,
            log_ratelimit=VirtualEnvironmentClusterFirewallLogRatelimit(
                enabled=True, burst=settings.log_burst, rate=settings.log_rate
            ),
            depends_on=before_enabling or None,
        )
        if "options" in settings.adopted:
            options.import_from("cluster")
        for name, ipset_made in ipsets.items():
            if settings.ipsets[name].adopted:
                ipset_made.import_from(f"cluster/{name}")
        for name, group_made in groups.items():
            if settings.groups[name].adopted:
                group_made.import_from(name)


def _rule_arguments(rule: firewall.Rule, names: Mapping[str, str]) -> dict[str, Any]:
    """``rule`` as arguments of a provider's ``rule`` block, which is the same for guests, groups and the cluster."""
    if rule.group is not None:
        return {
            "security_group": rule.group,
            "iface": rule.interface,
            "comment": literal(rule.comment),
            "enabled": rule.enabled,
        }
    return {
        "type": rule.direction,
        "action": rule.action,
        "macro": rule.macro,
        "proto": rule.protocol,
        "dport": rule.port,
        "sport": rule.source_port,
        "source": _peers(rule.source, names),
        "dest": _peers(rule.destination, names),
        "iface": rule.interface,
        "log": rule.log,
        "comment": literal(rule.comment),
        "enabled": rule.enabled,
    }


def _peers(peers: str | None, names: Mapping[str, str]) -> str | None:
    return ",".join(names.get(peer.strip(), peer.strip()) for peer in peers.split(",")) if peers else None


def _as_read_back(address: str) -> str:
    # Proxmox reads a subnet of one address back as the address alone, which would be a change in every plan.
    return address.removesuffix("/32").removesuffix("/128")
