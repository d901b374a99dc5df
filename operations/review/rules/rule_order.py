"""Firewall rules that let more in than before, without any rule that kept something out being gone.

Proxmox takes the first rule that fits: an ACCEPT that comes before a DROP lets in what the DROP was to keep out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Guest
from operations.review.objects import short_type
from operations.review.rules.firewall import CLOSED, enabled_rules, identity, ruled
from operations.review.values import blocks, text

_EVERYWHERE = (None, "0.0.0.0/0", "::/0", "0/0")
_LIMITS = ("macro", "proto", "dport", "sport", "dest", "iface")
"""What can narrow a rule down, besides where the traffic comes from."""

_SETS = {"firewall_alias": "alias", "firewall_ipset": "IP set"}
_Network = IPv4Network | IPv6Network
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
        yield from _grown(case, found, before, after)
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


def _grown(case: Case, found: _Found, before: Sequence[_Rule], after: Sequence[_Rule]) -> Iterator[Finding]:
    """A rule lets in a network of which it let in a part."""
    name, guest = found
    known, left = {said for said, _ in before}, {said for said, _ in after}
    gone = [rule for said, rule in before if said not in left and _accepts(rule)]
    for said, rule in after:
        if said in known or not _accepts(rule) or _from_everywhere(rule):
            continue
        old = next((old for old in gone if _is_like(old, rule) and _holds(rule.get("source"), old.get("source"))), None)
        if old is not None:
            yield case.finding(
                "firewall-rule-widened",
                Severity.DANGER,
                f"{name}: a firewall rule lets in more: {_shown(case, old)} → {_shown(case, rule)}",
                consequence="Its source is a larger network with the one from before in it",
                guest=guest,
            )


def sets(case: Case) -> Iterator[Finding]:
    """A named address or set of addresses grows into a larger network, and with it every rule that names it."""
    change = case.change
    kind = _SETS.get(short_type(change.type))
    if kind is None or not change.action.leaves_one:
        return
    before, after = _networks(change.before), _networks(change.after)
    for network in (network for network in after if network not in before):
        if old := next((old for old in before if old not in after and _contains(network, old)), None):
            name = case.estate.disclosure.value("name", change.before.get("name")) or ""
            yield case.finding(
                "firewall-rule-widened",
                Severity.DANGER,
                f"{kind} {name} takes in more: {case.estate.disclosure.text(str(old))} → "
                f"{case.estate.disclosure.text(str(network))}",
                consequence="Every rule that names it as its source lets in the larger network",
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
    return not _from_everywhere(old) and _is_like(old, new)


def _is_like(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the two say the same but for the source."""
    return identity(old) == identity({**new, "source": old.get("source")})


def _shown(case: Case, rule: Mapping[str, Any]) -> str:
    return case.estate.disclosure.value("source", rule.get("source")) or ""


def _holds(large: Any, small: Any) -> bool:
    one, other = _network(large), _network(small)
    return one is not None and other is not None and _contains(one, other)


def _contains(large: _Network, small: _Network) -> bool:
    """Whether ``small`` is a part of ``large``, and not all of it."""
    if large.version != small.version or large.prefixlen >= small.prefixlen:
        return False
    return small.network_address in large


def _network(value: Any) -> _Network | None:
    """The address or network that a text is; None for ranges, lists and names."""
    try:
        return ip_network(value, strict=False) if isinstance(value, str) else None
    except ValueError:
        return None


def _networks(values: Mapping[str, Any]) -> list[_Network]:
    """The addresses and networks of an alias, or of a set but for those that it leaves out."""
    entries = [block.get("name") for block in blocks(values, "cidr") if block.get("nomatch") is not True]
    return [network for entry in (*entries, values.get("cidr")) if (network := _network(entry)) is not None]
