"""``/pools``: pools and their members."""

from __future__ import annotations

from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import failed
from simulator.properties import split_list
from simulator.state import Cluster, Config


def _pool(cluster: Cluster, name: str) -> Config:
    if name not in cluster.pools:
        raise failed(f"no such pool '{name}'")
    return cluster.pools[name]


def _members(cluster: Cluster, name: str) -> list[Config]:
    members = []
    for member in sorted(cluster.pools[name]["members"]):
        if member.isdigit():
            guest = cluster.guests[int(member)]
            members.append(
                {
                    "id": f"{guest.kind}/{member}",
                    "node": guest.node,
                    "type": guest.kind,
                    "vmid": guest.vmid,
                    "name": guest.name,
                    "status": "running" if guest.running else "stopped",
                }
            )
        else:
            node = next(iter(cluster.nodes))
            members.append({"id": f"storage/{node}/{member}", "node": node, "type": "storage", "storage": member})
    return members


def _view(cluster: Cluster, name: str) -> Config:
    view: Config = {"poolid": name, "members": _members(cluster, name)}
    if comment := cluster.pools[name].get("comment"):
        view["comment"] = comment
    return view


@endpoint("GET", "/pools", "poolid type")
def list_pools(call: Call) -> Any:
    """All pools the caller may see; with ``poolid`` that one and its members."""
    if name := call.values.get("poolid"):
        call.require(f"/pool/{name}", "Pool.Audit")
        _pool(call.cluster, name)
        return [_view(call.cluster, name)]
    return [
        {"poolid": name} | ({"comment": pool["comment"]} if pool.get("comment") else {})
        for name, pool in sorted(call.cluster.pools.items())
        if call.may(f"/pool/{name}", "Pool.Audit")
    ]


@endpoint("GET", "/pools/{poolid}", "type", check="/pool/{poolid} Pool.Audit")
def read(call: Call) -> Any:
    """One pool with its members."""
    _pool(call.cluster, call.path["poolid"])
    return _view(call.cluster, call.path["poolid"])


@endpoint("POST", "/pools", "comment poolid!", check="/pool/{poolid} Pool.Allocate")
def create(call: Call) -> None:
    """Makes an empty pool."""
    name = call.values["poolid"]
    if name in call.cluster.pools:
        raise failed(f"pool '{name}' already exists")
    if "/" in name and name.rpartition("/")[0] not in call.cluster.pools:
        raise failed(f"parent '{name.rpartition('/')[0]}' of pool '{name}' does not exist")
    call.cluster.pools[name] = {"comment": call.values.get("comment", ""), "members": set()}


def _update(call: Call, name: str) -> None:
    cluster, values = call.cluster, call.values
    pool = _pool(cluster, name)
    if "comment" in values:
        pool["comment"] = values["comment"]
    for member in split_list(values.get("vms", "")) + split_list(values.get("storage", "")):
        if member.isdigit():
            if int(member) not in cluster.guests:
                raise failed(f"no such VM '{member}'")
            call.require(f"/vms/{member}", "VM.Allocate")
        else:
            cluster.storage(member)
            call.require(f"/storage/{member}", "Datastore.Allocate")
        what = "VM" if member.isdigit() else "Storage"
        current = cluster.pool_of.get(member)
        if values.get("delete"):
            if current != name:
                raise failed(f"{what} {member} is not a pool member")
            cluster.set_pool(member, None)
        else:
            if current == name:
                raise failed(f"{what} {member} is already a pool member")
            if current and member.isdigit() and not values.get("allow-move"):
                raise failed(f"VM {member} belongs already to pool '{current}' and 'allow-move' is not set")
            cluster.set_pool(member, name)


def _delete(call: Call, name: str) -> None:
    pool = _pool(call.cluster, name)
    if pool["members"]:
        raise failed(f"pool '{name}' is not empty (contains VMs or storage)")
    del call.cluster.pools[name]


_CHECK = "/pool/{poolid} Pool.Allocate"
_CHANGES = "allow-move:bool comment delete:bool storage vms"


@endpoint("PUT", "/pools", f"poolid! {_CHANGES}", check=_CHECK)
def update(call: Call) -> None:
    """Adds or removes members, changes the comment."""
    _update(call, call.values["poolid"])


@endpoint("PUT", "/pools/{poolid}", _CHANGES, check=_CHECK)
def update_by_path(call: Call) -> None:
    """The older form of `update`."""
    _update(call, call.path["poolid"])


@endpoint("DELETE", "/pools", "poolid!", check=_CHECK)
def delete(call: Call) -> None:
    """Removes an empty pool."""
    _delete(call, call.values["poolid"])


@endpoint("DELETE", "/pools/{poolid}", check=_CHECK)
def delete_by_path(call: Call) -> None:
    """The older form of `delete`."""
    _delete(call, call.path["poolid"])
