"""Who may reach what, as the firewall of each guest says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homelab.config.environment import Environment
from homelab.config.expansion import ExpandedGuest
from homelab.config.firewall import Rule

ANYWHERE = "anywhere"
EVERYTHING = "everything"
NO_FIREWALL = "no firewall"


@dataclass(frozen=True)
class Flow:
    """Something that is let in to a guest.

    Attributes:
        source: a network, an IP set (``+name``), an address, or anywhere; as the file has it.
        what: protocol and ports, such as ``tcp 80,443``; a macro's name; or everything.
        group: the security group that the rule comes from; empty for the guest's own.
    """

    guest: str
    source: str
    what: str
    comment: str = ""
    group: str = ""
    is_unfiltered: bool = False
    """Whether it is no rule that lets this in, but that nothing keeps it out."""


def flows_of(environment: Environment, guest: ExpandedGuest) -> Iterator[Flow]:
    """What the firewall of ``guest`` lets in, each once; without one everything from everywhere, which is one flow."""
    if not guest.interfaces:
        return
    unfiltered = _unfiltered(environment, guest)
    for why in unfiltered:
        yield Flow(guest.key, ANYWHERE, EVERYTHING, why, is_unfiltered=True)
    if NO_FIREWALL in unfiltered:
        return
    seen: set[tuple[str, str]] = set()
    for rule, group in _rules(environment, guest):
        if not rule.enabled or rule.direction != "in" or rule.action != "ACCEPT":
            continue
        flow = Flow(guest.key, rule.source or ANYWHERE, _what(rule), rule.comment or "", group)
        if (flow.source, flow.what) not in seen:
            seen.add((flow.source, flow.what))
            yield flow


def _unfiltered(environment: Environment, guest: ExpandedGuest) -> list[str]:
    """Why everything comes in, as far as it does."""
    firewall = guest.definition.firewall
    on = firewall.enabled and environment.firewall is not None and environment.firewall.enabled
    open_ones = list(dict.fromkeys(one.network_name for one in guest.interfaces if not one.firewall))
    if not on or all(not one.firewall for one in guest.interfaces):
        return [NO_FIREWALL]
    policy = ["what no rule forbids: input_policy is ACCEPT"] if firewall.input_policy == "ACCEPT" else []
    return [*policy, *(f"{NO_FIREWALL} in {name}" for name in open_ones)]


def _rules(environment: Environment, guest: ExpandedGuest) -> Iterator[tuple[Rule, str]]:
    firewall = guest.definition.firewall
    groups = environment.firewall.groups if environment.firewall else {}
    yield from ((allowed.rule(), "") for allowed in firewall.allow)
    for name in firewall.groups:
        yield from ((rule, name) for rule in (groups[name].rules if name in groups else ()))
    for rule in firewall.rules:
        if rule.group is None:
            yield rule, ""
        elif rule.enabled and rule.group in groups:
            yield from ((inner, rule.group) for inner in groups[rule.group].rules)


def _what(rule: Rule) -> str:
    if rule.macro:
        return rule.macro
    if rule.protocol is None:
        return EVERYTHING
    return f"{rule.protocol} {rule.port}" if rule.port else rule.protocol
