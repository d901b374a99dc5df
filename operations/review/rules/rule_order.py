"""Firewall rules that let more in than before, without any rule that kept something out being gone.

Proxmox takes the first rule that fits: an ACCEPT that comes before a DROP lets in what the DROP was to keep out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.findings import Case, Finding, Severity
from operations.review.rules.firewall import CLOSED, STAYING, identity, ruled
from operations.review.values import blocks, text

_EVERYWHERE = (None, "0.0.0.0/0", "::/0", "0/0")
_LIMITS = ("macro", "proto", "dport", "sport", "dest", "iface")
"""What can narrow a rule down, besides where the traffic comes from."""

_Rule = Mapping[str, Any]


def opened(case: Case) -> Iterator[Finding]:
    """A rule lets everybody in that let in some before, or everything at all."""
    if case.change.action not in STAYING or not (found := ruled(case)):
        return
    name, guest = found
    before, after = _enabled(case.change.before), _enabled(case.change.after)
    known = {identity(rule) for rule in before}
    left = {identity(rule) for rule in after}
    gone = [rule for rule in before if identity(rule) not in left]
    for rule in after:
        if identity(rule) in known or not _accepts(rule) or not _from_everywhere(rule):
            continue
        if not any(text(rule.get(limit)) for limit in _LIMITS):
            yield case.finding(
                "firewall-opened",
                Severity.BLOCKED,
                f"{name}: a new firewall rule lets everything in",
                consequence="The rules after it and the policy do nothing any more",
                guest=guest,
            )
        elif any(_only_narrower(old, rule) for old in gone):
            yield case.finding(
                "firewall-rule-widened",
                Severity.DANGER,
                f"{name}: a firewall rule that let in some lets in everybody",
                consequence="Its source was an address, a network or a set of them, and is none any more",
                guest=guest,
            )


def reordered(case: Case) -> Iterator[Finding]:
    """A rule that lets something in comes before one that keeps things out, and came after it until now."""
    if case.change.action not in STAYING or not (found := ruled(case)):
        return
    name, guest = found
    before, after = _enabled(case.change.before), _enabled(case.change.after)
    places: dict[tuple[Any, ...], int] = {}
    for place, rule in enumerate(before):
        places.setdefault(identity(rule), place)
    accepting: list[int] = []
    for rule in after:
        earlier = places.get(identity(rule))
        if earlier is None:
            continue
        if rule.get("action") in CLOSED and any(other > earlier for other in accepting):
            yield case.finding(
                "firewall-rules-reordered",
                Severity.DANGER,
                f"{name}: a firewall rule with {rule['action']} comes after one that it came before",
                consequence="Proxmox takes the first rule that fits: the other one may let in what this one kept out",
                guest=guest,
            )
        elif rule.get("action") not in CLOSED:
            accepting.append(earlier)


def _enabled(values: Mapping[str, Any]) -> list[_Rule]:
    return [rule for rule in blocks(values, "rule") if rule.get("enabled") is not False]


def _accepts(rule: _Rule) -> bool:
    return text(rule.get("action")) == "ACCEPT" and text(rule.get("type")) in (None, "in")


def _from_everywhere(rule: _Rule) -> bool:
    return text(rule.get("source")) in _EVERYWHERE


def _only_narrower(old: _Rule, new: _Rule) -> bool:
    """Whether ``old`` is ``new`` for a part of the senders."""
    return not _from_everywhere(old) and identity(old) == identity({**new, "source": old.get("source")})
