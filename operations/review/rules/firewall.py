"""Proxmox's firewall: of guests, of nodes, of the cluster.

Read from the provider's source: destroying ``firewall_options`` or ``cluster_firewall`` sends nothing to Proxmox, which
keeps the settings; destroying ``firewall_rules`` removes the rules one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.estate import FIREWALL_OPTIONS, FIREWALL_RULES, guarded, guarded_by
from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Guest
from operations.review.plan import Action
from operations.review.values import blocks, masked

CLUSTER_OPTIONS = "proxmox_virtual_environment_cluster_firewall"
NODE_OPTIONS = ("proxmox_node_firewall", "proxmox_virtual_environment_node_firewall")
SECURITY_GROUP = "proxmox_virtual_environment_cluster_firewall_security_group"
CLOSED = ("DROP", "REJECT")
_KEPT = "Proxmox keeps them as they are; from then on nothing notices when somebody switches the firewall off"
_RULE = ("type", "security_group", "macro", "proto", "source", "sport", "dest", "dport", "iface")


def is_firewall_settings(type_: str) -> bool:
    """Whether a resource of this type switches a firewall on."""
    return type_ in (FIREWALL_OPTIONS, FIREWALL_RULES, CLUSTER_OPTIONS)


def guest_options(case: Case) -> Iterator[Finding]:
    """The firewall of a guest is switched off, opened, or no longer looked after."""
    change = case.change
    number = guarded(change)
    if change.type != FIREWALL_OPTIONS or number is None or number in case.estate.destroyed:
        return
    guest = case.estate.names.get(number)
    name = case.estate.name_of(number)
    leaves = change.action is Action.REPLACE and number not in guarded_by(change.after)
    if (change.action is Action.DELETE or leaves) and change.before.get("enabled") is True:
        yield case.finding(
            "firewall-options-removed",
            Severity.BLOCKED,
            f"{name}: the firewall's options are no longer managed",
            consequence=_KEPT,
            guest=guest,
        )
    elif change.action.leaves_one:
        if _goes_off(change.before, change.after, "enabled"):
            yield case.finding(
                "guest-firewall-off",
                Severity.BLOCKED,
                f"{name}: the firewall {_word(case, 'enabled')} switched off",
                consequence="Proxmox lets everything through to the guest; its rules stay and do nothing",
                guest=guest,
            )
        yield from _policies(case, name)
        for option, what in (
            ("macfilter", "other MAC addresses than its own"),
            ("ipfilter", "other addresses than its own"),
        ):
            if _goes_off(change.before, change.after, option):
                yield case.finding(
                    "firewall-filter-off",
                    Severity.DANGER,
                    f"{name}: the firewall's {option} {_word(case, option)} switched off",
                    consequence=f"The guest can send from {what}",
                    guest=guest,
                )


def cluster_options(case: Case) -> Iterator[Finding]:
    """The firewall of the whole cluster is switched off or opened."""
    change = case.change
    if change.type != CLUSTER_OPTIONS:
        return
    if change.action is Action.DELETE and change.before.get("enabled") is True:
        yield case.finding(
            "firewall-options-removed",
            Severity.BLOCKED,
            "the cluster firewall's options are no longer managed",
            consequence=_KEPT,
        )
    elif change.action.leaves_one:
        if _goes_off(change.before, change.after, "enabled"):
            yield case.finding(
                "cluster-firewall-off",
                Severity.BLOCKED,
                f"the cluster firewall {_word(case, 'enabled')} switched off",
                consequence="No rule works any more anywhere: neither those of the nodes nor those of any guest",
            )
        yield from _policies(case, "the cluster firewall")


def node_options(case: Case) -> Iterator[Finding]:
    """The firewall of a node is switched off. Without the resource Proxmox goes back to its default, which is on."""
    change = case.change
    if change.type in NODE_OPTIONS and change.action.leaves_one and _goes_off(change.before, change.after, "enabled"):
        node = case.estate.disclosure.value("node_name", change.after.get("node_name")) or "a node"
        yield case.finding(
            "node-firewall-off",
            Severity.BLOCKED,
            f"node {node}: the firewall {_word(case, 'enabled')} switched off",
            consequence="Its web interface, SSH and everything else that it serves can be reached from everywhere",
        )


def rules(case: Case) -> Iterator[Finding]:
    """Rules go: all of them, or one that kept something out."""
    change = case.change
    if not (found := ruled(case)):
        return
    name, guest = found
    if change.action is Action.DELETE and change.type == FIREWALL_RULES:
        yield case.finding(
            "firewall-rules-removed",
            Severity.DANGER,
            f"{name}: all firewall rules are removed",
            consequence="What they let in is cut off where the policy is DROP, what they kept out gets in where it is "
            "ACCEPT",
            guest=guest,
        )
    elif change.action.leaves_one:
        closed = [rule for rule in enabled_rules(change.before) if rule.get("action") in CLOSED]
        left = [identity(rule) for rule in enabled_rules(change.after)] if closed else []
        for rule in closed:
            if identity(rule) not in left:
                yield case.finding(
                    "firewall-rule-removed",
                    Severity.DANGER,
                    f"{name}: a firewall rule with {rule['action']} goes",
                    consequence="What it kept out is judged by the rules after it, and then by the policy",
                    guest=guest,
                )


def ruled(case: Case) -> tuple[str, Guest | None] | None:
    """What the rules of this object are for, in words and as the guest; None where there is nothing to judge."""
    change = case.change
    number = guarded(change)
    if change.type not in (FIREWALL_RULES, SECURITY_GROUP) or number in case.estate.destroyed:
        return None
    if number is not None:
        return case.estate.name_of(number), case.estate.names.get(number)
    shown = case.estate.disclosure.value
    if change.type == SECURITY_GROUP:
        return f"security group {shown('name', change.before.get('name'))}", None
    node = shown("node_name", change.before.get("node_name") or None)
    return ("the cluster" if node in (None, "none") else f"node {node}"), None


def _policies(case: Case, name: str) -> Iterator[Finding]:
    change = case.change
    for option, severity, meaning in (
        ("input_policy", Severity.BLOCKED, "Whatever no rule forbids gets in"),
        ("output_policy", Severity.DANGER, "Whatever no rule forbids gets out"),
        ("forward_policy", Severity.DANGER, "Whatever no rule forbids is forwarded"),
    ):
        after = change.after.get(option)
        unknown = masked(change.after_unknown, option)
        if change.before.get(option) in CLOSED and (unknown or after == "ACCEPT"):
            number = guarded(change)
            yield case.finding(
                "firewall-opened",
                severity,
                f"{name}: {option} {_word(case, option)} opened, from {change.before[option]} to "
                + ("what is known only after the apply" if unknown else "ACCEPT"),
                consequence=meaning,
                guest=case.estate.names.get(number) if number is not None else None,
            )


def _goes_off(before: Mapping[str, Any], after: Mapping[str, Any], option: str) -> bool:
    return before.get(option) is True and after.get(option) is not True


def _word(case: Case, option: str) -> str:
    return "may be" if masked(case.change.after_unknown, option) else "is"


def enabled_rules(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rules of a resource that are looked at, in their order."""
    return [rule for rule in blocks(values, "rule") if rule.get("enabled") is not False]


def identity(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a rule says, for comparing it with others."""
    # Whether it is dropped in silence or refused, it is kept out.
    action = rule.get("action")
    return (action in CLOSED or _said(action), *(_said(rule.get(name)) for name in _RULE))


def _said(value: Any) -> str | None:
    # A plan may have anything there, also what can't be in a set.
    return repr(value) if value else None
