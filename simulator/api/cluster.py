"""``/version``, ``/cluster`` itself: next VMID, resources, status and options."""

from __future__ import annotations

import json
import time
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import ApiError
from simulator.ha_manager import has_majority
from simulator.properties import GIB, parse_properties, parse_size, split_list
from simulator.state import Config, Guest

_STRUCTURED = {
    "crs": "ha",
    "ha": "shutdown_policy",
    "migration": "type",
    "next-id": "lower",
    "notify": "",
    "replication": "type",
    "tag-style": "shape",
    "u2f": "appid",
    "user-tag-access": "user-allow",
    "webauthn": "id",
}
"""Options that are read back as objects, with the key of a bare word."""


def version_view(call: Call) -> Config:
    """Version, release and repository id."""
    number = call.server.options.version
    return {"version": number, "release": number.rpartition(".")[0], "repoid": "42db4a6cf33dac83"}


@endpoint("GET", "/version")
def version(call: Call) -> Any:
    """The version this simulator behaves as."""
    return version_view(call)


@endpoint("GET", "/cluster/nextid", "vmid:int")
def next_id(call: Call) -> Any:
    """A free VMID, or the one asked about if it is free."""
    vmid = call.values.get("vmid")
    if vmid is None:
        return str(call.cluster.free_vmid())
    if vmid in call.cluster.guests:
        raise ApiError(400, "Parameter verification failed.", {"vmid": f"VM {vmid} already exists"})
    return str(vmid)


def disk_bytes(guest: Guest) -> int:
    """Size of the first disk in bytes."""
    keys = ("rootfs",) if guest.kind == "lxc" else ("scsi0", "virtio0", "sata0", "ide0")
    for key in keys:
        if key in guest.config:
            size = parse_properties(str(guest.config[key]), "file").get("size", "0")
            return parse_size(size)
    return 0


def memory_mib(guest: Guest) -> int:
    """Configured memory in MiB."""
    return int(parse_properties(str(guest.config.get("memory", 512)), "current").get("current", 512))


def processors(guest: Guest) -> int:
    """Configured virtual processors."""
    if guest.kind == "lxc":
        return int(guest.config.get("cores") or 1)
    return int(guest.config.get("cores", 1)) * int(guest.config.get("sockets", 1))


def summary(guest: Guest) -> Config:
    """What lists say about a guest."""
    view: Config = {
        "vmid": guest.vmid,
        "name": guest.name,
        "status": "running" if guest.running else "stopped",
        "cpu": 0,
        "mem": 0,
        "disk": 0,
        "netin": 0,
        "netout": 0,
        "maxmem": memory_mib(guest) * 1024 * 1024,
        "maxdisk": disk_bytes(guest),
        "uptime": max(1, int(time.monotonic() - guest.started_at)) if guest.running else 0,
    }
    if guest.is_template:
        view["template"] = 1
    for key in ("tags", "lock"):
        if guest.config.get(key):
            view[key] = guest.config[key]
    return view


@endpoint("GET", "/cluster/resources", "type")
def resources(call: Call) -> Any:
    """Guests, nodes and storages the caller may see."""
    wanted = str(call.values.get("type", ""))
    return call.server.prepare((call.who.name, wanted), lambda: _resources(call, wanted))


def _resources(call: Call, wanted: str) -> list[Config]:
    cluster = call.cluster
    found: list[Config] = []
    if wanted in ("", "vm"):
        for guest in cluster.guests.values():
            if call.may(f"/vms/{guest.vmid}", "VM.Audit"):
                view = summary(guest)
                view |= {
                    "id": f"{guest.kind}/{guest.vmid}",
                    "type": guest.kind,
                    "node": guest.node,
                    "maxcpu": processors(guest),
                    "template": int(guest.is_template),
                }
                if guest.node in cluster.failed_nodes:
                    view["status"] = "unknown"
                if pool := cluster.pool_of.get(str(guest.vmid)):
                    view["pool"] = pool
                found.append(view)
    if wanted in ("", "node"):
        found += [
            {
                "id": f"node/{name}",
                "type": "node",
                "node": name,
                "status": "offline" if name in cluster.failed_nodes else "online",
                "maxcpu": call.server.options.cores,
                "maxmem": call.server.options.memory_gib * GIB,
            }
            for name in cluster.nodes
        ]
    if wanted in ("", "storage"):
        for name, config in cluster.storages.items():
            for node in cluster.nodes:
                if not config.get("nodes") or node in str(config["nodes"]).split(","):
                    found.append(
                        {
                            "id": f"storage/{node}/{name}",
                            "type": "storage",
                            "node": node,
                            "storage": name,
                            "plugintype": config["type"],
                            "status": "unknown" if node in cluster.failed_nodes else "available",
                            "shared": int(cluster.is_shared(name)),
                        }
                    )
    return found


@endpoint("GET", "/cluster/status", check="/ Sys.Audit")
def cluster_status(call: Call) -> Any:
    """The cluster, and which of its nodes are online."""
    nodes = list(call.cluster.nodes)
    failed = call.cluster.failed_nodes
    answer: list[Config] = []
    if len(nodes) > 1:
        quorate = int(has_majority(call.cluster))
        answer.append({"type": "cluster", "id": "cluster", "name": "homelab", "nodes": len(nodes), "quorate": quorate})
    for number, name in enumerate(nodes):
        answer.append(
            {
                "type": "node",
                "id": f"node/{name}",
                "name": name,
                "ip": call.server.options.host,
                "online": int(name not in failed),
                "local": int(number == 0),
                "nodeid": number + 1 if len(nodes) > 1 else 0,
            }
        )
    return answer


@endpoint("GET", "/cluster/options", check="/ Sys.Audit")
def read_options(call: Call) -> Any:
    """Datacenter options; compound ones as objects."""
    answer: Config = {}
    for key, value in call.cluster.options.items():
        if key in _STRUCTURED:
            parts: Config = dict(parse_properties(str(value), _STRUCTURED[key]))
            if key == "user-tag-access" and "user-allow-list" in parts:
                parts["user-allow-list"] = split_list(parts["user-allow-list"])
            answer[key] = parts
        elif key == "registered-tags":
            answer[key] = split_list(str(value))
        else:
            answer[key] = value
    return json.loads(json.dumps(answer))


@endpoint(
    "PUT",
    "/cluster/options",
    "bwlimit consent-text console crs delete description email_from fencing ha http_proxy keyboard language "
    "location mac_prefix max_workers:int migration migration_unsecure:bool next-id notify registered-tags "
    "replication tag-style u2f user-tag-access webauthn",
    check="/ Sys.Modify",
)
def write_options(call: Call) -> None:
    """Sets what is given, removes what ``delete`` names."""
    values = dict(call.values)
    for key in split_list(values.pop("delete", "")):
        call.cluster.options.pop(key, None)
    call.cluster.options |= values
