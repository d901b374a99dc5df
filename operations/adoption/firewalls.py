"""The firewall of the cluster and those of guests, as an environment file has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from homelab.config.firewall import Alias, ClusterFirewall, GuestFirewall, IpSet, Rule
from operations.adoption.entries import Entry, accepts
from operations.adoption.properties import flag, properties
from operations.adoption.reading import Config, FoundFirewall

_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
_GUEST: TypeAdapter[GuestFirewall] = TypeAdapter(GuestFirewall)
_CLUSTER: TypeAdapter[ClusterFirewall] = TypeAdapter(ClusterFirewall)
_ALIAS: TypeAdapter[Alias] = TypeAdapter(Alias)
_IP_SET: TypeAdapter[IpSet] = TypeAdapter(IpSet)
_POSITIONAL = frozenset({"pos", "digest", "enable", "ipversion"})
_NAMES = {
    "type": "direction",
    "action": "action",
    "macro": "macro",
    "proto": "protocol",
    "dport": "port",
    "sport": "source_port",
    "source": "source",
    "dest": "destination",
    "iface": "interface",
    "log": "log",
    "comment": "comment",
}
# What Proxmox assumes of an option that nobody ever set (PUT /nodes/{node}/{kind}/{vmid}/firewall/options). The
# provider and this app let DHCP pass by default, Proxmox does not.
_OPTION_DEFAULTS: dict[str, tuple[str, Any]] = {
    "dhcp": ("dhcp", False),
    "ndp": ("ndp", True),
    "radv": ("router_advertisement", False),
    "macfilter": ("mac_filter", True),
    "ipfilter": ("ip_filter", False),
}


class _Beyond(Exception):
    """Something that no setting can express."""


def guest_firewall(entry: Entry) -> None:
    """Fills in the firewall of a guest where it is switched on; otherwise it stays as it is, unmanaged."""
    guest = entry.guest
    options, rules = guest.firewall_options, guest.firewall_rules
    if not flag(options.get("enable", 0)):
        if rules:
            entry.notes.append(f"its firewall is off; the {_counted(rules)} it has are left alone")
        return
    try:
        value = _guest_options(options) | ({"rules": [_rule(rule) for rule in rules]} if rules else {})
    except _Beyond as error:
        entry.notes.append(f"its firewall is left alone: {error}")
        return
    value["adopted"] = ["options", "rules"] if rules else ["options"]
    if not accepts(_GUEST, value):
        entry.notes.append("its firewall is left alone: no setting can express it")
        return
    entry.values["firewall"] = value


def _guest_options(options: Config) -> dict[str, Any]:
    value: dict[str, Any] = {
        "input_policy": options.get("policy_in", "DROP"),
        "output_policy": options.get("policy_out", "ACCEPT"),
    }
    for name, (key, default) in _OPTION_DEFAULTS.items():
        found = flag(options[name]) if name in options else default
        if found != GuestFirewall.model_fields[key].default:
            value[key] = found
    for name, key in (("log_level_in", "log_in"), ("log_level_out", "log_out")):
        if options.get(name, "nolog") != "nolog":
            value[key] = options[name]
    return value


def _rule(rule: Config) -> dict[str, Any]:
    settings = {name: value for name, value in rule.items() if name not in _POSITIONAL and value not in ("", None)}
    value: dict[str, Any] = {}
    if rule.get("type") == "group":
        value["group"] = settings.pop("action")
        settings.pop("type")
    value |= {_NAMES[name]: settings.pop(name) for name in list(settings) if name in _NAMES}
    if "group" not in value:
        value.setdefault("log", None)
    if value.get("log") == "nolog":
        del value["log"]
    if value.get("direction") == "in":
        del value["direction"]
    if not flag(rule.get("enable", 0)):
        value["enabled"] = False
    place = f"rule {rule.get('pos', '?')}"
    if settings:
        raise _Beyond(f"{place} has {', '.join(sorted(settings))}")
    try:
        _RULE.validate_python(value)
    except ValidationError as error:
        raise _Beyond(f"{place}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    return value


def _counted(rules: Sequence[Config]) -> str:
    return "one rule" if len(rules) == 1 else f"{len(rules)} rules"


def cluster_firewall(found: FoundFirewall, left_out: list[str]) -> dict[str, Any] | None:
    """The cluster's firewall; None where nobody uses it, or where it can't be expressed, which ``left_out`` says.

    Aliases are written down as existing, because the provider can't import them.
    """
    if not found.is_used:
        return None
    value: dict[str, Any] = {"enabled": flag(found.options.get("enable", 0)), "adopted": ["options"]}
    for name, key in (("policy_in", "input_policy"), ("policy_out", "output_policy")):
        if name in found.options:
            value[key] = found.options[name]
    limit = properties(found.options.get("log_ratelimit", ""), "enable")
    if "burst" in limit:
        value["log_burst"] = int(limit["burst"])
    if "rate" in limit:
        value["log_rate"] = limit["rate"]
    if unknown := sorted(set(found.options) - {"enable", "policy_in", "policy_out", "log_ratelimit", "digest"}):
        left_out.append(f"options of the cluster's firewall stay as they are: {', '.join(unknown)}")
    value["aliases"] = dict(_aliases(found.aliases, left_out))
    value["ipsets"] = dict(_ip_sets(found, left_out))
    value["groups"] = dict(_groups(found, left_out))
    try:
        rules = [_rule(rule) for rule in found.rules]
    except _Beyond as error:
        left_out.append(f"the rules of the cluster's firewall stay as they are: {error}")
        rules = []
    if rules:
        value["rules"] = rules
        value["adopted"].append("rules")
    value = {name: setting for name, setting in value.items() if setting not in ({}, [])}
    if not accepts(_CLUSTER, value):
        left_out.append("the cluster's firewall stays as it is: no setting can express it")
        return None
    return value


def _commented(value: dict[str, Any], entry: Config) -> dict[str, Any]:
    return value | ({"comment": entry["comment"]} if entry.get("comment") else {})


def _aliases(aliases: Iterable[Config], left_out: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for alias in aliases:
        value = _commented({"cidr": alias["cidr"], "create": False}, alias)
        if accepts(_ALIAS, value):
            yield str(alias["name"]), value
            left_out.append(f"alias {alias['name']} stays as it is: the provider can't import an alias")
        else:
            left_out.append(f"alias {alias['name']} stays as it is: {alias['cidr']} is nothing that the model takes")


def _ip_sets(found: FoundFirewall, left_out: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for entry, members in found.ipsets:
        value = _commented({"addresses": [member["cidr"] for member in members]}, entry)
        plain = not any(member.get("nomatch") or member.get("comment") for member in members)
        value |= {"adopted": True} if plain else {"create": False}
        if not accepts(_IP_SET, value):
            left_out.append(f"IP set {entry['name']} stays as it is: it is empty, or no setting can express it")
            continue
        if not plain:
            left_out.append(f"IP set {entry['name']} stays as it is: its members have comments, or are exceptions")
        yield str(entry["name"]), value


def _groups(found: FoundFirewall, left_out: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for entry, rules in found.groups:
        name = str(entry["group"])
        try:
            value = _commented({"rules": [_rule(rule) for rule in rules]}, entry)
        except _Beyond as error:
            left_out.append(f"security group {name} stays as it is: {error}")
            continue
        if rules:
            yield name, value | {"adopted": True}
        else:
            left_out.append(f"security group {name} stays as it is: it has no rules")
