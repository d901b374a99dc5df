"""Firewall rules that let more in than before, without any rule that kept something out being gone.

Proxmox takes the first rule that fits: an ACCEPT that comes before a DROP lets in what the DROP was to keep out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Guest
from operations.review.rules.firewall import CLOSED, enabled_rules, identity, ruled
from operations.review.values import text

_EVERYWHERE = (None, "0.0.0.0/0", "::/0", "0/0")
_LIMITS = ("macro", "proto", "dport", "sport", "dest", "iface")
"""What can narrow a rule down, besides where the traffic comes from."""

_Found = tuple[str, Guest | None]
_Rule = tuple[tuple[Any, ...], Mapping[str, Any]]
"""What it says, and its arguments."""


def weakened(case: Case) -> Iterator[Finding]:
    """Rules that stay or come let in more than those before."""
    if not case.change.action.leaves_one or not (found := ruled(case)):
        return
    before = [(identity(rule), rule) for rule in enabled_rules(case.change.before)]
    after = [(identity(rule), rule) for rule in enabled_rules(case.change.after)]
    if before != after:
        yield from _opened(case, found, before, after)
        yield from _reordered(case, found, before, after)


def _opened(case: Case, found: _Found, before: Sequence[_Rule], after: Sequence[_Rule]) -> Iterator[Finding]:
    """A rule lets everybody in that let in some before, or everything at all."""
    name, guest = found
    known, left = {said for said, _ in before}, {said for said, _ in after}
    gone = [rule for said, rule in before if said not in left]
    for said, rule in after:
        if said in known or not _accepts(rule) or not _from_everywhere(rule):
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


def _reordered(case: Case, found: _Found, before: Sequence[_Rule], after: Sequence[_Rule]) -> Iterator[Finding]:
    """A rule that lets something in comes before one that keeps things out, and came after it until now."""
    name, guest = found
    places: dict[tuple[Any, ...], int] = {}
    for place, (said, _) in enumerate(before):
        places.setdefault(said, place)
    last_accepting = -1
    for said, rule in after:
        earlier = places.get(said)
        if earlier is None:
            continue
        if rule.get("action") not in CLOSED:
            last_accepting = max(last_accepting, earlier)
        elif last_accepting > earlier:
            yield case.finding(
                "firewall-rules-reordered",
                Severity.DANGER,
                f"{name}: a firewall rule with {rule['action']} comes after one that it came before",
                consequence="Proxmox takes the first rule that fits: the other one may let in what this one kept out",
                guest=guest,
            )


def _accepts(rule: Mapping[str, Any]) -> bool:
    return text(rule.get("action")) == "ACCEPT" and text(rule.get("type")) in (None, "in")


def _from_everywhere(rule: Mapping[str, Any]) -> bool:
    return text(rule.get("source")) in _EVERYWHERE


def _only_narrower(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether ``old`` is ``new`` for a part of the senders."""
    return not _from_everywhere(old) and identity(old) == identity({**new, "source": old.get("source")})
