"""``/nodes``: the nodes' own settings: status, name resolution, time, hosts file, configuration."""

from __future__ import annotations

import time
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import failed
from simulator.properties import GIB, split_list
from simulator.state import digest

from .cluster import version_view

_AUDIT = "/nodes/{node} Sys.Audit"
_MODIFY = "/nodes/{node} Sys.Modify"


@endpoint("GET", "/nodes")
def list_nodes(call: Call) -> Any:
    """All nodes; figures only for those who may audit them."""
    options = call.server.options
    return [
        {"node": name, "id": f"node/{name}", "type": "node", "status": _online(call, name), "ssl_fingerprint": ""}
        | (
            {"maxcpu": options.cores, "maxmem": options.memory_gib * GIB, "cpu": 0.02, "mem": GIB, "uptime": 86400}
            if call.may(f"/nodes/{name}", "Sys.Audit")
            else {}
        )
        for name in call.cluster.nodes
    ]


def _online(call: Call, name: str) -> str:
    return "offline" if name in call.cluster.failed_nodes else "online"


@endpoint("GET", "/nodes/{node}/status", check=_AUDIT)
def status(call: Call) -> Any:
    """Processors, memory and uptime."""
    options = call.server.options
    memory = options.memory_gib * GIB
    return {
        "cpu": 0.02,
        "cpuinfo": {"cores": options.cores, "cpus": options.cores, "sockets": 1, "model": "Simulated CPU"},
        "memory": {"total": memory, "used": GIB, "free": memory - GIB},
        "uptime": 86400,
        "pveversion": f"pve-manager/{options.version}",
        "loadavg": ["0.00", "0.00", "0.00"],
    }


@endpoint("GET", "/nodes/{node}/version")
def version(call: Call) -> Any:
    """The version this simulator behaves as."""
    return version_view(call)


@endpoint("GET", "/nodes/{node}/dns", check=_AUDIT)
def read_dns(call: Call) -> Any:
    """Search domain and up to three servers."""
    return dict(call.cluster.nodes[call.node].dns)


@endpoint("PUT", "/nodes/{node}/dns", "dns1 dns2 dns3 search!", check=_MODIFY)
def write_dns(call: Call) -> None:
    """Replaces the whole resolver configuration."""
    call.cluster.nodes[call.node].dns = dict(call.values)


@endpoint("GET", "/nodes/{node}/time", check=_AUDIT)
def read_time(call: Call) -> Any:
    """Time zone and clock."""
    now = int(time.time())
    return {"timezone": call.cluster.nodes[call.node].timezone, "time": now, "localtime": now}


@endpoint("PUT", "/nodes/{node}/time", "timezone!", check=_MODIFY)
def write_time(call: Call) -> None:
    """Sets the time zone."""
    call.cluster.nodes[call.node].timezone = call.values["timezone"]


@endpoint("GET", "/nodes/{node}/hosts", check="/ Sys.Audit")
def read_hosts(call: Call) -> Any:
    """The hosts file."""
    text = call.cluster.nodes[call.node].hosts
    return {"data": text, "digest": digest(text)}


@endpoint("POST", "/nodes/{node}/hosts", "data! digest", check=_MODIFY)
def write_hosts(call: Call) -> None:
    """Replaces the hosts file."""
    node = call.cluster.nodes[call.node]
    if call.values.get("digest", digest(node.hosts)) != digest(node.hosts):
        raise failed("detected modified configuration - file changed by other user? Try again.")
    node.hosts = call.values["data"]


@endpoint("GET", "/nodes/{node}/config", "property", check="/ Sys.Audit")
def read_config(call: Call) -> Any:
    """Description, wake-on-LAN, ACME and the delay of starting guests."""
    config = call.cluster.nodes[call.node].config
    return config | {"digest": digest(config)}


@endpoint(
    "PUT",
    "/nodes/{node}/config",
    "acme acmedomain[n] ballooning-target:int delete description digest location startall-onboot-delay:int wakeonlan",
    check="/ Sys.Modify",
)
def write_config(call: Call) -> None:
    """Sets what is given, removes what ``delete`` names."""
    values = {k: v for k, v in call.values.items() if k != "digest"}
    config = call.cluster.nodes[call.node].config
    for key in split_list(values.pop("delete", "")):
        config.pop(key, None)
    config |= values


@endpoint("GET", "/nodes/{node}/hardware/pci", "pci-class-blacklist verbose:bool", check="/ Sys.Audit|Sys.Modify")
def list_pci(_call: Call) -> Any:
    """One device that can be passed through."""
    return [
        {
            "id": "0000:01:00.0",
            "class": "0x030000",
            "vendor": "0x10de",
            "device": "0x1eb8",
            "vendor_name": "NVIDIA Corporation",
            "device_name": "TU104GL",
            "iommugroup": 1,
        }
    ]
