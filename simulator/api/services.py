"""``/cluster/replication``, ``/cluster/metrics/server`` and ``/cluster/mapping``."""

from __future__ import annotations

import re
from typing import Any

from simulator.call import Call
from simulator.disks import guest_volumes
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.properties import parse_properties
from simulator.sections import change, view
from simulator.state import Config

# replication

_JOB = "comment disable:bool rate:num remove_job schedule source"


def _job(call: Call, *privileges: str) -> Config:
    job = call.cluster.replication.get(call.path["id"])
    if job is None:
        raise failed(f"no such replication job '{call.path['id']}'")
    call.require(f"/vms/{job['guest']}", *privileges)
    return job


@endpoint("GET", "/cluster/replication")
def list_replications(call: Call) -> Any:
    """Jobs of the guests the caller may see."""
    return [view(job) for job in call.cluster.replication.values() if call.may(f"/vms/{job['guest']}", "VM.Audit")]


@endpoint("POST", "/cluster/replication", f"{_JOB} id! target! type!")
def create_replication(call: Call) -> None:
    """Makes a job; all of a guest's disks must be on ZFS."""
    values = dict(call.values)
    match = re.match(r"^([1-9]\d{2,8})-(\d+)$", values["id"])
    if not match:
        raise bad_parameters({"id": "value does not match the regex pattern"})
    vmid = int(match[1])
    call.require(f"/vms/{vmid}", "VM.Replicate")
    guest = call.cluster.guests.get(vmid)
    if values["id"] in call.cluster.replication:
        raise failed(f"replication job '{values['id']}' already exists")
    if guest is None:
        raise failed(f"guest '{vmid}' does not exist")
    if values["target"] not in call.cluster.nodes:
        raise failed(f"replication target '{values['target']}' does not exist")
    if values["target"] == guest.node:
        raise failed("cannot sync to the node the guest is on")
    if values.get("source", guest.node) != guest.node:
        raise failed(f"Source '{values['source']}' does not match current node of guest '{vmid}' ({guest.node})")
    for _key, volid in guest_volumes(guest):
        if call.cluster.storage(volid.partition(":")[0])["type"] != "zfspool":
            raise failed(f"missing replicate feature on volume '{volid}'")
    if any(job["guest"] == vmid and job["target"] == values["target"] for job in call.cluster.replication.values()):
        raise failed(f"replication job for guest '{vmid}' to target '{values['target']}' already exists")
    numbers = {"guest": vmid, "jobnum": int(match[2]), "source": guest.node}
    call.cluster.replication[values["id"]] = {"schedule": "*/15", **numbers, **values}


@endpoint("GET", "/cluster/replication/{id}")
def read_replication(call: Call) -> Any:
    """One job."""
    return view(_job(call, "VM.Audit"))


@endpoint("PUT", "/cluster/replication/{id}", f"{_JOB} delete digest")
def update_replication(call: Call) -> None:
    """Changes a job."""
    change(_job(call, "VM.Replicate"), call.values)


@endpoint("DELETE", "/cluster/replication/{id}", "force:bool keep:bool")
def delete_replication(call: Call) -> None:
    """Removes a job."""
    _job(call, "VM.Replicate")
    del call.cluster.replication[call.path["id"]]


# metric servers

_SERVER = (
    "api-path-prefix bucket disable:bool influxdbproto max-body-size:int mtu:int organization otel-compression "
    "otel-headers otel-max-body-size:int otel-path otel-protocol otel-resource-attributes otel-timeout:int "
    "otel-verify-ssl:bool path port!:int proto server! timeout:int token verify-certificate:bool"
)
_SERVER_PATH = "/cluster/metrics/server/{id}"


def _server(call: Call) -> Config:
    name = call.path["id"]
    if name not in call.cluster.metric_servers:
        raise failed(f"status server entry '{name}' does not exist")
    return call.cluster.metric_servers[name]


@endpoint("GET", "/cluster/metrics/server", check="/ Sys.Audit")
def list_servers(call: Call) -> Any:
    """All metric servers."""
    return [{k: v for k, v in s.items() if k != "token"} for s in call.cluster.metric_servers.values()]


@endpoint("GET", _SERVER_PATH, check="/ Sys.Audit")
def read_server(call: Call) -> Any:
    """One metric server, without its token."""
    return {k: v for k, v in view(_server(call)).items() if k != "token"}


@endpoint("POST", _SERVER_PATH, f"{_SERVER} type!", check="/ Sys.Modify")
def create_server(call: Call) -> None:
    """Adds a metric server."""
    name = call.path["id"]
    if name in call.cluster.metric_servers:
        raise failed(f"metric server '{name}' already exists")
    if call.values["type"] not in ("graphite", "influxdb", "opentelemetry"):
        raise bad_parameters({"type": f"value '{call.values['type']}' does not have a value in the enumeration"})
    call.cluster.metric_servers[name] = {**call.values, "id": name}


@endpoint("PUT", _SERVER_PATH, f"{_SERVER} delete digest", check="/ Sys.Modify")
def update_server(call: Call) -> None:
    """Changes a metric server."""
    change(_server(call), {k: v for k, v in call.values.items() if k != "digest"})


@endpoint("DELETE", _SERVER_PATH, check="/ Sys.Modify")
def delete_server(call: Call) -> None:
    """Removes a metric server."""
    _server(call)
    del call.cluster.metric_servers[call.path["id"]]


# hardware mappings

_TABLES = {
    "dir": ("description id! map!:list", "delete description digest map:list"),
    "pci": (
        "description id! live-migration-capable:bool map!:list mdev:bool",
        "delete description digest live-migration-capable:bool map:list mdev:bool",
    ),
    "usb": ("description id! map!:list", "delete description digest map!:list"),
}


_READ = ("Mapping.Use", "Mapping.Modify", "Mapping.Audit")


def _mapping(call: Call, kind: str) -> Config:
    entry = call.cluster.mappings[kind].get(call.path["id"])
    if entry is None:
        raise failed(f"mapping '{call.path['id']}' not found in cluster: no such resource")
    return entry


def _check_mapped_nodes(call: Call) -> None:
    for text in call.values.get("map", []):
        node = parse_properties(text, "").get("node", "")
        if node not in call.cluster.nodes:
            raise bad_parameters({"map": f"node '{node}' does not exist"})


def _add_mapping(kind: str) -> None:
    base, one = f"/cluster/mapping/{kind}", f"/cluster/mapping/{kind}/{{id}}"
    create_table, update_table = _TABLES[kind]

    def list_all(call: Call) -> Any:
        entries = call.cluster.mappings[kind].items()
        return [view(e) for name, e in entries if any(call.may(f"/mapping/{kind}/{name}", p) for p in _READ)]

    def create(call: Call) -> None:
        name = call.values["id"]
        if name in call.cluster.mappings[kind]:
            raise failed(f"{kind} ID '{name}' already defined")
        _check_mapped_nodes(call)
        call.cluster.mappings[kind][name] = {**call.values, "type": kind}

    def update(call: Call) -> None:
        _check_mapped_nodes(call)
        change(_mapping(call, kind), call.values)

    def delete(call: Call) -> None:
        _mapping(call, kind)
        del call.cluster.mappings[kind][call.path["id"]]

    modify = f"/mapping/{kind} Mapping.Modify"
    any_of = f"/mapping/{kind}/{{id}} {'|'.join(_READ)}"
    endpoint("GET", base, "check-node")(list_all)
    endpoint("POST", base, create_table, check=modify)(create)
    endpoint("GET", one, check=any_of)(lambda call: view(_mapping(call, kind)))
    endpoint("PUT", one, update_table, check=f"/mapping/{kind}/{{id}} Mapping.Modify")(update)
    endpoint("DELETE", one, check=modify)(delete)


for _kind in _TABLES:
    _add_mapping(_kind)
