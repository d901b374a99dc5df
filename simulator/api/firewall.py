"""``firewall``: rules and options of the cluster, nodes and guests, security groups."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.firewall_state import Firewall
from simulator.sections import change, check_digest, view
from simulator.state import Config, digest

Find = Callable[[Call], Firewall]
_RULE = "action{} comment dest digest dport enable:int icmp-type iface log macro {} proto source sport type{}"
_CREATE = _RULE.format("!", "pos:int", "!")
_UPDATE = _RULE.format("", "delete moveto:int", "")
_ACTIONS = frozenset({"ACCEPT", "DROP", "REJECT"})
_PORT_RANGE = re.compile(r"^(\d+)(?::(\d+))?$")
_MACRO_NAMES = """
    Amanda Auth BGP BitTorrent BitTorrent32 CVS Ceph Citrix DAAP DCC DHCPfwd DHCPv6 DNS Distcc FTP Finger GNUnet GRE
    Git HKP HTTP HTTPS ICPV2 ICQ IMAP IMAPS IPIP IPsec IPsecah IPsecnat IRC Jetdirect L2TP LDAP LDAPS MDNS MSNP
    MSSQL Mail MongoDB Munin MySQL NNTP NNTPS NTP NeighborDiscovery OSPF OpenVPN PBS PCA PMG POP3 POP3S PPtP Ping
    PostgreSQL Printer RDP RIP RNDC Razor Rdate Rsync SANE SMB SMBswat SMTP SMTPS SNMP SPAMD SPICEproxy SSH SVN
    SixXS Squid Submission Syslog TFTP Telnet Telnets Time Trcrt VNC VNCL Web Webcache Webmin Whois
"""
MACROS = frozenset(_MACRO_NAMES.split())


def cluster_firewall(call: Call) -> Firewall:
    """The cluster's own."""
    return call.cluster.firewall


def node_firewall(call: Call) -> Firewall:
    """The node's in the path."""
    return call.cluster.nodes[call.node].firewall


def guest_firewall(kind: str) -> Find:
    """That of the guest in the path."""
    return lambda call: call.guest(kind).firewall


# verification


def _known_set(call: Call, firewall: Firewall, name: str) -> bool:
    scope, _, rest = name.rpartition("/")
    if scope == "dc":
        return rest in call.cluster.firewall.ipsets
    if scope == "guest":
        return rest in firewall.ipsets
    return rest in firewall.ipsets or rest in call.cluster.firewall.ipsets or rest.startswith("ipfilter-net")


def _known_alias(call: Call, firewall: Firewall, name: str) -> bool:
    scope, _, rest = name.rpartition("/")
    places = {"dc": [call.cluster.firewall], "guest": [firewall]}.get(scope, [firewall, call.cluster.firewall])
    return any(rest.lower() in place.aliases for place in places)


def _check_address(call: Call, firewall: Firewall, text: str) -> str:
    if text.startswith("+"):
        return "" if _known_set(call, firewall, text[1:]) else f"no such ipset '{text[1:]}'"
    for item in text.split(","):
        try:
            if "-" in item and not re.search("[a-zA-Z]", item):
                first, last = (ipaddress.ip_address(part) for part in item.split("-", 1))
                if first.version != last.version:
                    return f"invalid IP range '{item}'"
            else:
                ipaddress.ip_network(item, strict=False)
        except ValueError:
            if not re.match(r"^(?:(?:dc|guest)/)?[A-Za-z][A-Za-z0-9\-_]+$", item):
                return f"invalid format - '{item}' is not a valid IP address, network, alias or ipset"
            if not _known_alias(call, firewall, item):
                return f"no such alias '{item}'"
    return ""


def _check_ports(text: str) -> str:
    for item in text.split(","):
        if match := _PORT_RANGE.match(item):
            numbers = [int(n) for n in match.groups() if n]
            if any(n > 65535 for n in numbers):
                return f"invalid port '{item}'"
            if len(numbers) == 2 and numbers[0] > numbers[1]:
                return f"invalid port range '{item}'"
        elif not re.match(r"^[a-z][a-z0-9\-]*$", item):
            return f"invalid port '{item}'"
    return ""


def check_rule(call: Call, firewall: Firewall, rule: Config) -> None:
    """Refuses a rule that names something unknown or contradicts itself."""
    errors = _check_action(call, rule)
    for key in ("source", "dest"):
        if rule.get(key) and (problem := _check_address(call, firewall, str(rule[key]))):
            errors[key] = problem
    for key in ("sport", "dport"):
        if rule.get(key):
            if problem := _check_ports(str(rule[key])):
                errors[key] = problem
            elif not rule.get("proto"):
                errors["proto"] = f"missing property - '{key}' requires this property"
    if errors:
        raise bad_parameters(errors)


def _check_action(call: Call, rule: Config) -> dict[str, str]:
    errors: dict[str, str] = {}
    if rule["type"] not in ("in", "out", "forward", "group"):
        errors["type"] = f"value '{rule['type']}' does not have a value in the enumeration 'in, out, forward, group'"
    elif rule["type"] == "group":
        if rule["action"] not in call.cluster.firewall.groups:
            errors["action"] = f"no such security group '{rule['action']}'"
    elif rule["action"] not in _ACTIONS:
        errors["action"] = f"unknown action '{rule['action']}'"
    if rule.get("macro") and rule["macro"] not in MACROS:
        errors["macro"] = f"unknown macro '{rule['macro']}'"
    return errors


# rules


def _at(rules: list[Config], call: Call) -> int:
    text = call.path["pos"]
    if not text.isdigit() or int(text) >= len(rules):
        raise failed(f"no rule at position {text}")
    return int(text)


def _create(call: Call, firewall: Firewall, rules: list[Config]) -> None:
    values = {k: v for k, v in call.values.items() if k not in ("pos", "digest")}
    values.setdefault("enable", 0)
    check_rule(call, firewall, values)
    rules.insert(0, values)


def _list(rules: list[Config]) -> Any:
    return [{"pos": position, **rule} for position, rule in enumerate(rules)]


def _update(call: Call, firewall: Firewall, rules: list[Config]) -> None:
    position = _at(rules, call)
    values = dict(call.values)
    moveto = values.pop("moveto", None)
    rule = dict(rules[position])
    check_digest(rule, values.pop("digest", None))
    if moveto is not None:
        moved = rules.pop(position)
        rules.insert(moveto if moveto <= position else moveto - 1, moved)
        return
    change(rule, values)
    check_rule(call, firewall, rule)
    rules[position] = rule


def _add_rules(path: str, find: Find, rules: Callable[[Call], list[Config]], audit: str, modify: str) -> None:
    endpoint("GET", path, check=audit)(lambda call: _list(rules(call)))
    endpoint("POST", path, _CREATE, check=modify)(lambda call: _create(call, find(call), rules(call)))
    one = f"{path}/{{pos}}"

    def read(call: Call) -> Any:
        position = _at(rules(call), call)
        rule = rules(call)[position]
        return {"pos": str(position), **view(rule)}

    def delete(call: Call) -> None:
        position = _at(rules(call), call)
        check_digest(rules(call)[position], call.values.get("digest"))
        del rules(call)[position]

    endpoint("GET", one, check=audit)(read)
    endpoint("PUT", one, _UPDATE, check=modify)(lambda call: _update(call, find(call), rules(call)))
    endpoint("DELETE", one, "digest", check=modify)(delete)


# security groups


def _group(call: Call) -> Config:
    name = call.path["group"]
    if name not in call.cluster.firewall.groups:
        raise failed(f"no such security group '{name}'")
    return call.cluster.firewall.groups[name]


@endpoint("GET", "/cluster/firewall/groups")
def list_groups(call: Call) -> Any:
    """Security groups with their comments."""
    groups = call.cluster.firewall.groups
    return [
        {"group": name, "digest": digest(group)} | ({"comment": group["comment"]} if group.get("comment") else {})
        for name, group in sorted(groups.items())
    ]


@endpoint("POST", "/cluster/firewall/groups", "comment digest group! rename", check="/ Sys.Modify")
def write_group(call: Call) -> None:
    """Makes a group; with ``rename``, gives an existing one another name or comment."""
    groups, name, old = call.cluster.firewall.groups, call.values["group"], call.values.get("rename")
    comment = call.values.get("comment", "")
    if old is None:
        if name in groups:
            raise failed(f"Security group '{name}' already exists")
        groups[name] = {"comment": comment, "rules": []}
        return
    if old not in groups:
        raise failed(f"Security group '{old}' does not exist")
    if name != old and name in groups:
        raise failed(f"Security group '{name}' already exists")
    groups[name] = groups.pop(old) | ({"comment": comment} if "comment" in call.values else {})
    for rules in _all_rules(call):
        for rule in rules:
            if rule["type"] == "group" and rule["action"] == old:
                rule["action"] = name


def _all_rules(call: Call) -> list[list[Config]]:
    cluster = call.cluster
    places = [cluster.firewall, *(n.firewall for n in cluster.nodes.values())]
    return [place.rules for place in (*places, *(g.firewall for g in cluster.guests.values()))]


@endpoint("DELETE", "/cluster/firewall/groups/{group}", check="/ Sys.Modify")
def delete_group(call: Call) -> None:
    """Removes an empty group."""
    if _group(call)["rules"]:
        raise failed(f"Security group '{call.path['group']}' is not empty")
    del call.cluster.firewall.groups[call.path["group"]]


# options

_GUEST_OPTIONS = (
    "delete dhcp:bool digest enable:bool ipfilter:bool log_level_in log_level_out macfilter:bool ndp:bool policy_in "
    "policy_out radv:bool"
)
_OPTIONS = {
    "cluster": "delete digest ebtables:bool enable:int log_ratelimit policy_forward policy_in policy_out",
    "node": (
        "delete digest enable:bool log_level_forward log_level_in log_level_out log_nf_conntrack:bool ndp:bool "
        "nf_conntrack_allow_invalid:bool nf_conntrack_helpers nf_conntrack_max:int "
        "nf_conntrack_tcp_timeout_established:int nf_conntrack_tcp_timeout_syn_recv:int nftables:bool nosmurfs:bool "
        "protection_synflood:bool protection_synflood_burst:int protection_synflood_rate:int smurf_log_level "
        "tcp_flags_log_level tcpflags:bool"
    ),
    "guest": _GUEST_OPTIONS,
}


def _add_options(path: str, find: Find, table: str, audit: str, modify: str) -> None:
    endpoint("GET", f"{path}/options", check=audit)(lambda call: view(find(call).options))

    def write(call: Call) -> None:
        for key in ("policy_in", "policy_out"):
            if call.values.get(key, "DROP") not in _ACTIONS:
                text = f"value '{call.values[key]}' does not have a value in the enumeration 'ACCEPT, REJECT, DROP'"
                raise bad_parameters({key: text})
        change(find(call).options, call.values)

    endpoint("PUT", f"{path}/options", table, check=modify)(write)


@endpoint("GET", "/cluster/firewall/macros")
def list_macros(_call: Call) -> Any:
    """Names of the macros rules may use."""
    return [{"macro": name, "descr": name} for name in sorted(MACROS)]


_CLUSTER = ("/ Sys.Audit", "/ Sys.Modify")
_NODE = ("/nodes/{node} Sys.Audit", "/nodes/{node} Sys.Modify")
GUEST_CHECKS = ("/vms/{vmid} VM.Audit", "/vms/{vmid} VM.Config.Network")
SCOPES: list[tuple[str, str, Find, tuple[str, str]]] = [
    ("cluster", "/cluster/firewall", cluster_firewall, _CLUSTER),
    ("node", "/nodes/{node}/firewall", node_firewall, _NODE),
    ("guest", "/nodes/{node}/qemu/{vmid}/firewall", guest_firewall("qemu"), GUEST_CHECKS),
    ("guest", "/nodes/{node}/lxc/{vmid}/firewall", guest_firewall("lxc"), GUEST_CHECKS),
]


def _rules_of(find: Find) -> Callable[[Call], list[Config]]:
    return lambda call: find(call).rules


def _group_rules(call: Call) -> list[Config]:
    rules: list[Config] = _group(call)["rules"]
    return rules


for _scope, _path, _find, (_audit, _modify) in SCOPES:
    _add_rules(f"{_path}/rules", _find, _rules_of(_find), _audit, _modify)
    _add_options(_path, _find, _OPTIONS[_scope], _audit, _modify)
_add_rules("/cluster/firewall/groups/{group}", cluster_firewall, _group_rules, *_CLUSTER)
