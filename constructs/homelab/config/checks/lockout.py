"""Firewalls that shut people out: of the nodes, or of a guest. And firewalls that do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from homelab.config.checks.firewall import firewall_of
from homelab.config.checks.subject import Findings, Subject, written
from homelab.config.expansion import ExpandedGuest
from homelab.config.firewall import ClusterFirewall, GuestFirewall, Rule, SecurityGroup
from homelab.config.problems import Problem, Severity
from homelab.config.virtual_machine import VirtualMachine

SSH = 22
_NODE_PORTS = {8006: "the web interface and the API", SSH: "SSH"}
_MACRO_PORTS = {"ssh": (SSH,), "pmg": (8006,)}


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """The nodes stay reachable, guests with keys can be reached by SSH, and filtered guests are really filtered."""
    for subject in subjects:
        own = subject.environment.firewall
        owners = firewall_of(subject, subjects)
        if own is not None and own.enabled:
            for problem in _nodes_locked(own):
                yield subject, problem
        groups = {name: group for owner in owners for name, group in owner.groups.items()}
        for problem in _guests_locked(subject, groups, complete=bool(owners)):
            yield subject, problem
        if not any(owner.enabled for owner in owners):
            for problem in _without_effect(subject, known=bool(owners)):
                yield subject, problem


def _nodes_locked(firewall: ClusterFirewall) -> Iterator[Problem]:
    managed = "management" in firewall.ipsets
    # One that was adopted is in force already, and whoever applies this has got in.
    severity = Severity.WARNING if "options" in firewall.adopted else Severity.ERROR
    for port, what in _NODE_PORTS.items():
        rule = f"{{protocol: tcp, port: {port}, source: ...}}"
        decided = _decision(firewall.rules, port, firewall.groups)
        if decided is None and not managed and firewall.input_policy != "ACCEPT":
            yield Problem(
                ("firewall",),
                f"input_policy {firewall.input_policy} would shut you out of the nodes: "
                f"nothing lets port {port} ({what}) in",
                allowed=f"an IP set `management`, or a rule that accepts tcp {port}",
                fix=f"add firewall.ipsets.management: {{addresses: [...]}} with your own network, or the rule {rule}",
                severity=severity,
            )
        elif decided not in (None, "ACCEPT"):
            yield Problem(
                ("firewall", "rules"),
                f"a rule would shut you out of the nodes: it drops port {port} ({what}) for everybody",
                allowed=f"a rule that accepts tcp {port} before the one that drops it",
                fix=f"write {rule} before it",
                severity=severity,
            )


def _decision(rules: Iterable[Rule], port: int, groups: Mapping[str, SecurityGroup]) -> str | None:
    """What the first rule says that decides about ``port``; None where all leave it to the policy.

    A rule that accepts counts whoever it is for; one that drops counts only where it is for everybody.
    """
    for rule in rules:
        if not rule.enabled or rule.direction != "in":
            continue
        if rule.group is not None:
            group = groups.get(rule.group)
            decided = _decision(group.rules, port, groups) if group is not None else "ACCEPT"
            if decided is not None:
                return decided
        elif _is_about(rule, port) and (rule.action == "ACCEPT" or rule.source is None):
            return rule.action
    return None


def _is_about(rule: Rule, port: int) -> bool:
    if rule.macro is not None:
        return port in _MACRO_PORTS.get(rule.macro.lower(), ())
    if rule.protocol not in (None, "tcp"):
        return False
    return rule.port is None or any(_covers(part, port) for part in rule.port.split(","))


def _covers(part: str, port: int) -> bool:
    first, colon, last = part.partition(":")
    return int(first) <= port <= int(last if colon else first)


def _guests_locked(subject: Subject, groups: Mapping[str, SecurityGroup], *, complete: bool) -> Iterator[Problem]:
    for guest in subject.first_guests:
        firewall = guest.definition.firewall
        if not firewall.enabled or not any(interface.firewall for interface in guest.interfaces):
            continue
        if not firewall.dhcp and any(interface.dhcp for interface in guest.interfaces):
            yield Problem(
                (*guest.path, "firewall", "dhcp"),
                "the guest gets its address by DHCP, which its firewall does not let pass",
                value=False,
                allowed="true, or a static address",
                fix="remove dhcp: false",
                severity=Severity.WARNING,
            )
        if _has_keys(subject, guest) and not _lets_ssh_in(firewall, groups, complete=complete):
            yield Problem(
                (*guest.path, "firewall"),
                f"{written(guest.path)} has SSH keys, and its firewall never lets port {SSH} in",
                allowed="any rules; this is only likely to be forgotten",
                fix=f"add allow: [{{port: {SSH}, from: ...}}]",
                severity=Severity.WARNING,
            )


def _has_keys(subject: Subject, guest: ExpandedGuest) -> bool:
    definition = guest.definition
    own = definition.cloud_init.ssh_keys if isinstance(definition, VirtualMachine) else definition.ssh_keys
    return bool(own or subject.environment.defaults.ssh_keys)


def _lets_ssh_in(firewall: GuestFirewall, groups: Mapping[str, SecurityGroup], *, complete: bool) -> bool:
    if not complete and (firewall.groups or any(rule.group for rule in firewall.rules)):
        return True
    in_order = [
        *(allow.rule() for allow in firewall.allow),
        *(Rule(group=name) for name in firewall.groups),
        *firewall.rules,
    ]
    decided = _decision(in_order, SSH, groups)
    return decided == "ACCEPT" or (decided is None and firewall.input_policy == "ACCEPT")


def _without_effect(subject: Subject, *, known: bool) -> Iterator[Problem]:
    filtered = [guest for guest in subject.first_guests if guest.definition.firewall.enabled]
    if filtered:
        first = written(filtered[0].path)
        more = f" and {len(filtered) - 1} more have a firewall" if len(filtered) > 1 else " has a firewall"
        cause = "the cluster's is not enabled" if known else "no environment given here owns the cluster's"
        yield Problem(
            (*filtered[0].path, "firewall"),
            f"{first}{more}, but {cause}, and without it no guest is filtered",
            allowed="firewall.enabled: true in one environment of the cluster",
            fix="set it there, or check that environment together with this one",
            severity=Severity.WARNING,
            refers_to=("firewall",),
        )
