"""Firewall rules: that every name in them stands for something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from homelab.config.checks.firewall_macros import MACROS
from homelab.config.checks.subject import Findings, Subject, listed, nearest
from homelab.config.expansion import ExpandedGuest
from homelab.config.firewall import ClusterFirewall, Rule, SecurityGroup
from homelab.config.firewall_names import known_names
from homelab.config.problems import Path, Problem, Severity
from homelab.config.secrets import PEER_KEYS

_MANAGEMENT = "management"
"""An IP set that Proxmox has without being told: the nodes' own network, and what is added to it."""

_LOCAL_NETWORK = "local_network"
"""An alias that Proxmox has without being told."""


@dataclass(frozen=True)
class Definitions:
    """The names that rules of one environment may use.

    Of the cluster's firewall those of whichever environment owns it.
    """

    networks: tuple[str, ...]
    aliases: tuple[str, ...]
    ipsets: tuple[str, ...]
    groups: dict[str, SecurityGroup]
    complete: bool
    """Whether an environment at hand owns the cluster's firewall; otherwise there may be more names."""

    @classmethod
    def of(cls, subject: Subject, owners: Sequence[ClusterFirewall]) -> Definitions:
        """The names that rules of ``subject`` may use, where ``owners`` are what is known of the cluster's firewall."""
        return cls(
            networks=tuple(known_names(subject.environment)),
            aliases=tuple(name for owner in owners for name in owner.aliases),
            ipsets=tuple(name for owner in owners for name in owner.ipsets),
            groups={name: group for owner in owners for name, group in owner.groups.items()},
            complete=bool(owners),
        )


def firewall_of(subject: Subject, cluster: Sequence[Subject]) -> list[ClusterFirewall]:
    """The cluster's firewall as ``subject`` sees it: its own, else those of other environments of the cluster."""
    own = subject.environment.firewall
    if own is not None:
        return [own]
    return [other.environment.firewall for other in cluster if other.environment.firewall is not None]


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """Every name is defined, and one environment at most owns the cluster's firewall."""
    first: Subject | None = None
    for subject in subjects:
        if subject.environment.firewall is not None:
            if first is not None:
                yield subject, _owned_twice(first)
            first = first or subject
        definitions = Definitions.of(subject, firewall_of(subject, subjects))
        for problem in _problems(subject, definitions):
            yield subject, problem


def _owned_twice(first: Subject) -> Problem:
    return Problem(
        ("firewall",),
        f"environment {first.environment.name} already owns the cluster's firewall; "
        "each would undo the other's settings",
        allowed="one environment of a cluster has `firewall:`",
        fix="move both into one environment",
    )


def _problems(subject: Subject, definitions: Definitions) -> Iterator[Problem]:
    firewall = subject.environment.firewall
    if firewall is not None:
        yield from _cluster_problems(subject, firewall, definitions)
    for guest in subject.first_guests:
        settings = guest.definition.firewall
        path: Path = (*guest.path, "firewall")
        for index, allow in enumerate(settings.allow):
            yield from _peer_problems(_place_of_peer(guest, index), allow.from_, definitions)
        for index, name in enumerate(settings.groups):
            yield from _group_problems((*path, "groups", index), name, definitions)
        for index, rule in enumerate(settings.rules):
            yield from _rule_problems((*path, "rules", index), rule, definitions)
            yield from _interface_problems((*path, "rules", index, "interface"), rule, guest)
        if settings.enabled and settings.ip_filter:
            yield from _ip_filter_problems((*path, "ip_filter"), guest)


def _place_of_peer(guest: ExpandedGuest, index: int) -> Path:
    """Where the file says whom a rule of ``allow`` is for: the secrets platform's are made from keys of its own."""
    if guest.path == ("secrets",):
        return ("secrets", PEER_KEYS[index])
    return (*guest.path, "firewall", "allow", index, "from")


def _cluster_problems(subject: Subject, firewall: ClusterFirewall, definitions: Definitions) -> Iterator[Problem]:
    for index, rule in enumerate(firewall.rules):
        yield from _rule_problems(("firewall", "rules", index), rule, definitions)
    for name, group in firewall.groups.items():
        for index, rule in enumerate(group.rules):
            path: Path = ("firewall", "groups", name, "rules", index)
            if rule.group is not None:
                fix = f"write the rules of {rule.group} here, or name both groups in the guest"
                yield Problem(
                    (*path, "group"), "a security group holds no other group", rule.group, "rules without group", fix
                )
            else:
                yield from _rule_problems(path, rule, definitions)
    for name, ipset in firewall.ipsets.items():
        for index, member in enumerate(ipset.addresses):
            path = ("firewall", "ipsets", name, "addresses", index)
            if member.startswith("+"):
                yield Problem(
                    path,
                    "an IP set holds no other set",
                    member,
                    "addresses, subnets, networks and aliases",
                    "write its members here",
                )
            else:
                yield from _peer_problems(path, member, definitions)
    for name in firewall.aliases:
        if name in subject.environment.networks:
            yield Problem(
                ("firewall", "aliases", name),
                f"the name {name} is also that of a network, which rules would take",
                value=name,
                allowed="a name that no network has",
                fix="remove the alias: the network's name already stands for its subnet",
                refers_to=("networks", name),
            )


def _rule_problems(path: Path, rule: Rule, definitions: Definitions) -> Iterator[Problem]:
    if rule.group is not None:
        yield from _group_problems((*path, "group"), rule.group, definitions)
    yield from _peer_problems((*path, "source"), rule.source, definitions)
    yield from _peer_problems((*path, "destination"), rule.destination, definitions)
    if rule.macro is not None and rule.macro.lower() not in {name.lower() for name in MACROS}:
        yield Problem(
            (*path, "macro"),
            f"Proxmox VE 9 has no macro {rule.macro}",
            value=rule.macro,
            allowed=listed(MACROS, most=len(MACROS)),
            fix=nearest(rule.macro, MACROS, "write protocol and port instead"),
            severity=Severity.WARNING,
        )


def _interface_problems(path: Path, rule: Rule, guest: ExpandedGuest) -> Iterator[Problem]:
    names = [f"net{index}" for index in range(len(guest.interfaces))]
    if rule.interface is not None and rule.interface not in names:
        yield Problem(
            path,
            f"the guest has no interface {rule.interface}",
            rule.interface,
            listed(names, "it has no network"),
            "choose one of them",
        )


def _ip_filter_problems(path: Path, guest: ExpandedGuest) -> Iterator[Problem]:
    for index, interface in enumerate(guest.interfaces):
        if interface.firewall and interface.dhcp:
            yield Problem(
                path,
                f"Proxmox lets net{index} send from no address, as it does not know the one that DHCP gives it",
                value=True,
                allowed="true with static addresses on every filtered interface",
                fix="remove ip_filter, or give the interface an address, or write firewall: false for it",
            )


def _group_problems(path: Path, name: str, definitions: Definitions) -> Iterator[Problem]:
    if definitions.complete and name not in definitions.groups:
        yield Problem(
            path,
            f"there is no security group {name}",
            value=name,
            allowed=listed(definitions.groups),
            fix=nearest(name, definitions.groups, f"add it to firewall.groups: {name}: {{rules: [...]}}"),
            refers_to=("firewall", "groups", name),
        )


def _peer_problems(path: Path, peers: str | None, definitions: Definitions) -> Iterator[Problem]:
    parts = peers.split(",") if peers else []
    for part in parts:
        single = len(parts) == 1
        if _is_address(part) or part in definitions.networks:
            continue
        if not single and (part.startswith("+") or part in definitions.aliases):
            fix = "write one rule for each, or put the addresses into an IP set"
            yield Problem(
                path,
                f"{part} can't be one of several",
                peers,
                "addresses, subnets and networks, or one alias or IP set alone",
                fix,
            )
        elif part.startswith(("+guest/", "guest/", "+sdn/")):
            continue
        elif definitions.complete and part.startswith("+"):
            yield from _unknown_ipset(path, part, definitions)
        elif definitions.complete:
            yield from _unknown_name(path, part, definitions)


def _unknown_ipset(path: Path, part: str, definitions: Definitions) -> Iterator[Problem]:
    name = part[1:].removeprefix("dc/")
    known = dict.fromkeys((*definitions.ipsets, _MANAGEMENT))
    if name.lower() not in map(str.lower, known):
        written = [f"+{other}" for other in known]
        fix = nearest(part, written, "add it to firewall.ipsets, or write an address")
        refers_to: Path = ("firewall", "ipsets", name)
        yield Problem(path, f"there is no IP set {name}", part, listed(written), fix, refers_to=refers_to)


def _unknown_name(path: Path, part: str, definitions: Definitions) -> Iterator[Problem]:
    name = part.removeprefix("dc/")
    known = (*definitions.aliases, _LOCAL_NETWORK)
    if name.lower() not in map(str.lower, known):
        allowed = [*definitions.networks, *known]
        candidates = [*allowed, *(f"+{other}" for other in definitions.ipsets)]
        fix = nearest(part, candidates, "add it to networks or to firewall.aliases, or write an address")
        message = f"{name} is no network, no alias and no address"
        yield Problem(path, message, part, listed(allowed), fix, refers_to=("networks", name))


def _is_address(text: str) -> bool:
    first, dash, last = text.partition("-")
    try:
        if dash:
            return int(ip_address(first)) <= int(ip_address(last))
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
