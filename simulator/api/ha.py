"""``/cluster/ha``: resources, rules (from Proxmox VE 9) and groups (before)."""

from __future__ import annotations

import re
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.ha_manager import blocked, has_majority
from simulator.moving import move_guest
from simulator.properties import split_list
from simulator.sections import change, view
from simulator.state import Config, Guest
from simulator.tasks import Task

_AUDIT = "/ Sys.Audit"
_CHANGE = "/ Sys.Console"
_STATES = frozenset({"started", "stopped", "enabled", "disabled", "ignored"})
_RESOURCE = "auto-rebalance:bool comment failback:bool group max_relocate:int max_restart:int state"
_RULE = "affinity comment disable:bool nodes strict:bool"


def _sid(text: str, call: Call) -> str:
    match = re.match(r"^(?:(vm|ct):)?(\d+)$", text)
    if not match:
        raise bad_parameters({"sid": f"invalid format - value '{text}' does not look like a valid service ID"})
    if match[1]:
        return text
    guest = call.cluster.guests.get(int(match[2]))
    return f"{'ct' if guest and guest.kind == 'lxc' else 'vm'}:{match[2]}"


def _resource(call: Call) -> Config:
    sid = _sid(call.path["sid"], call)
    if sid not in call.cluster.ha_resources:
        raise failed(f"no such resource '{sid}'")
    return call.cluster.ha_resources[sid]


def _check_resource(call: Call) -> None:
    state = call.values.get("state", "started")
    if state not in _STATES:
        raise bad_parameters({"state": f"value '{state}' does not have a value in the enumeration"})
    if group := call.values.get("group"):
        if modern(call):
            raise failed("invalid parameter 'group': ha groups have been migrated to rules")
        if group not in call.cluster.ha_groups:
            raise failed(f"HA group '{group}' does not exist")


def modern(call: Call) -> bool:
    """Whether the simulated version has rules in place of groups."""
    return int(call.server.options.version.partition(".")[0]) >= 9


@endpoint("GET", "/cluster/ha/resources", "type", check=_AUDIT)
def list_resources(call: Call) -> Any:
    """All HA resources."""
    kind = call.values.get("type")
    return [view(entry) for entry in call.cluster.ha_resources.values() if kind in (None, entry["type"])]


@endpoint("POST", "/cluster/ha/resources", f"{_RESOURCE} sid! type", check=_CHANGE)
def create_resource(call: Call) -> None:
    """Puts a guest under HA."""
    sid = _sid(call.values["sid"], call)
    kind, _, vmid = sid.partition(":")
    _check_resource(call)
    guest = call.cluster.guests.get(int(vmid))
    if guest is None or (guest.kind == "lxc") != (kind == "ct"):
        raise failed(f"unable to add service '{sid}': {'CT' if kind == 'ct' else 'VM'} {vmid} does not exist")
    if sid in call.cluster.ha_resources:
        raise failed(f"resource ID '{sid}' already defined")
    values = {k: v for k, v in call.values.items() if k not in ("sid", "type")}
    call.cluster.ha_resources[sid] = {"state": "started", **values, "sid": sid, "type": kind}


@endpoint("GET", "/cluster/ha/resources/{sid}", check=_AUDIT)
def read_resource(call: Call) -> Any:
    """One HA resource."""
    return view(_resource(call))


@endpoint("PUT", "/cluster/ha/resources/{sid}", f"{_RESOURCE} delete digest", check=_CHANGE)
def update_resource(call: Call) -> None:
    """Changes an HA resource."""
    _check_resource(call)
    change(_resource(call), call.values)


@endpoint("DELETE", "/cluster/ha/resources/{sid}", "purge:bool", check=_CHANGE)
def delete_resource(call: Call) -> None:
    """Takes a guest out of HA, and with ``purge`` out of the rules."""
    sid = _resource(call)["sid"]
    del call.cluster.ha_resources[sid]
    if call.values.get("purge", 1):
        for name, rule in list(call.cluster.ha_rules.items()):
            rest = [r for r in split_list(rule["resources"]) if r != sid]
            rule["resources"] = ",".join(rest)
            if not rest:
                del call.cluster.ha_rules[name]


# moving and status


def _move(call: Call, guest: Guest, target: str) -> Config:
    """Lets the HA manager take the guest to the node, as soon as it can."""
    sid = guest.ha_id
    if target not in call.cluster.nodes or target in call.cluster.failed_nodes:
        raise failed(f"cluster node '{target}' is not available")
    if cause := blocked(call.cluster, guest, target):
        return {"sid": sid, "requested-node": target, "blocking-resources": [{"sid": sid, "cause": cause}]}
    hand_over(call, guest, target)
    return {"sid": sid, "requested-node": target}


def hand_over(call: Call, guest: Guest, target: str) -> str:
    """The HA manager moves the guest: a machine live, a container stopped and started again."""

    def move(_task: Task) -> None:
        if guest.node != target:
            move_guest(call.cluster, guest, target, None)

    return call.task("hamigrate", guest.vmid, move, guest=guest, node=guest.node)


def _managed_guest(call: Call) -> Guest:
    return call.cluster.guests[int(_resource(call)["sid"].partition(":")[2])]


@endpoint("POST", "/cluster/ha/resources/{sid}/migrate", "node!", check=_CHANGE)
def migrate_resource(call: Call) -> Any:
    """Asks the HA manager for a live migration."""
    return _move(call, _managed_guest(call), call.values["node"])


@endpoint("POST", "/cluster/ha/resources/{sid}/relocate", "node!", check=_CHANGE)
def relocate_resource(call: Call) -> Any:
    """Asks the HA manager to stop the guest and to start it on another node."""
    return _move(call, _managed_guest(call), call.values["node"])


@endpoint("GET", "/cluster/ha/status/current", check=_AUDIT)
def current_status(call: Call) -> Any:
    """The quorum, and each resource with the node it is on."""
    quorate = has_majority(call.cluster)
    answer: list[Config] = [
        {"id": "quorum", "type": "quorum", "quorate": int(quorate), "status": "OK" if quorate else "No quorum!"}
    ]
    for sid, entry in call.cluster.ha_resources.items():
        guest = call.cluster.guests.get(int(sid.partition(":")[2]))
        if guest is not None:
            lost = guest.node in call.cluster.failed_nodes
            wanted = entry.get("state", "started")
            state = "fence" if lost else "error" if wanted == "started" and not guest.running else wanted
            shown = {"id": f"service:{sid}", "type": "service", "sid": sid, "node": guest.node, "state": state}
            answer.append({**shown, "status": f"{sid} ({guest.node}, {state})"})
    return answer


# rules


def _rule(call: Call) -> Config:
    name = call.path["rule"]
    if name not in call.cluster.ha_rules:
        raise failed(f"no such ha rule '{name}'")
    return call.cluster.ha_rules[name]


def _check_rule(call: Call, rule: Config) -> None:
    errors = {}
    missing = "property is missing and it is not optional"
    if rule["type"] == "node-affinity":
        if not rule.get("nodes"):
            errors["nodes"] = missing
        for node in split_list(str(rule.get("nodes", ""))):
            if node.partition(":")[0] not in call.cluster.nodes:
                errors["nodes"] = f"cluster node '{node.partition(':')[0]}' does not exist"
    elif rule["type"] == "resource-affinity":
        if rule.get("affinity") not in ("positive", "negative"):
            errors["affinity"] = missing
        if len(split_list(rule["resources"])) < 2:
            errors["resources"] = "rule is ineffective as there are less than two resources"
    else:
        errors["type"] = f"value '{rule['type']}' does not have a value in the enumeration"
    if errors:
        raise bad_parameters(errors)


@endpoint("GET", "/cluster/ha/rules", "resource type", check=_AUDIT)
def list_rules(call: Call) -> Any:
    """All rules, of one type or about one resource if asked."""
    kind, sid = call.values.get("type"), call.values.get("resource")
    return [
        view(rule)
        for rule in call.cluster.ha_rules.values()
        if kind in (None, rule["type"]) and (sid is None or sid in split_list(rule["resources"]))
    ]


@endpoint("POST", "/cluster/ha/rules", f"{_RULE} resources! rule! type!", check=_CHANGE)
def create_rule(call: Call) -> None:
    """Makes a rule."""
    name = call.values["rule"]
    if name in call.cluster.ha_rules:
        raise failed(f"HA rule '{name}' already defined")
    _check_rule(call, call.values)
    call.cluster.ha_rules[name] = dict(call.values)


@endpoint("GET", "/cluster/ha/rules/{rule}", check=_AUDIT)
def read_rule(call: Call) -> Any:
    """One rule."""
    return view(_rule(call))


@endpoint("PUT", "/cluster/ha/rules/{rule}", f"{_RULE} delete digest resources type!", check=_CHANGE)
def update_rule(call: Call) -> None:
    """Changes a rule; its type stays."""
    rule = _rule(call)
    if call.values["type"] != rule["type"]:
        raise bad_parameters({"type": "can't change type of an existing rule"})
    changed = dict(rule)
    change(changed, call.values)
    _check_rule(call, changed)
    change(rule, call.values)


@endpoint("DELETE", "/cluster/ha/rules/{rule}", check=_CHANGE)
def delete_rule(call: Call) -> None:
    """Removes a rule."""
    _rule(call)
    del call.cluster.ha_rules[call.path["rule"]]


# groups


def _group(call: Call) -> Config:
    name = call.path["group"]
    if name not in call.cluster.ha_groups:
        raise failed(f"no such ha group '{name}'")
    return call.cluster.ha_groups[name]


@endpoint("GET", "/cluster/ha/groups", check=_AUDIT)
def list_groups(call: Call) -> Any:
    """All groups."""
    return [view(group) for group in call.cluster.ha_groups.values()]


@endpoint("POST", "/cluster/ha/groups", "comment group! nodes! nofailback:bool restricted:bool type", check=_CHANGE)
def create_group(call: Call) -> None:
    """Makes a group; Proxmox VE 9 has rules instead."""
    if modern(call):
        raise failed("cannot create group: ha groups have been migrated to rules")
    name = call.values["group"]
    if name in call.cluster.ha_groups:
        raise failed(f"ha group ID '{name}' already defined")
    call.cluster.ha_groups[name] = {"nofailback": 0, "restricted": 0, **call.values, "type": "group"}


@endpoint("GET", "/cluster/ha/groups/{group}", check=_AUDIT)
def read_group(call: Call) -> Any:
    """One group."""
    return view(_group(call))


@endpoint(
    "PUT", "/cluster/ha/groups/{group}", "comment delete digest nodes nofailback:bool restricted:bool", check=_CHANGE
)
def update_group(call: Call) -> None:
    """Changes a group."""
    change(_group(call), call.values)


@endpoint("DELETE", "/cluster/ha/groups/{group}", check=_CHANGE)
def delete_group(call: Call) -> None:
    """Removes a group nothing is in."""
    _group(call)
    name = call.path["group"]
    if any(entry.get("group") == name for entry in call.cluster.ha_resources.values()):
        raise failed(f"ha group is used by a resource: '{name}'")
    del call.cluster.ha_groups[name]
