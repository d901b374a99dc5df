"""``/storage`` and ``/nodes/{node}/storage``: definitions and state of datastores."""

from __future__ import annotations

import re
from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.properties import GIB, split_list
from simulator.state import Config, digest

_COMMON = (
    "blocksize bwlimit comstar_hg comstar_tg content content-dirs create-base-path:bool create-subdirs:bool "
    "data-pool disable:bool domain encryption-key fingerprint format fs-name fuse:bool is_mountpoint keyring "
    "krbd:bool lio_tpg master-pubkey max-protected-backups:int mkdir:bool monhost mountpoint namespace nocow:bool "
    "nodes nowritecache:bool options password pool port:int preallocation prune-backups saferemove:bool "
    "saferemove-stepsize:int saferemove_throughput server shared:bool skip-cert-verification:bool smbversion "
    "snapshot-as-volume-chain:bool sparse:bool subdir tagged_only:bool username zfs-base-path"
)
_FIXED = "authsupported base datastore export iscsiprovider path portal share storage! target thinpool type! vgname"
_REQUIRED = {
    "dir": ("path",),
    "nfs": ("server", "export"),
    "cifs": ("server", "share"),
    "lvm": ("vgname",),
    "lvmthin": ("vgname", "thinpool"),
    "zfspool": ("pool",),
    "pbs": ("server", "datastore"),
    "btrfs": ("path",),
    "cephfs": (),
    "rbd": ("pool",),
}
_CONTENT = {
    "dir": "images rootdir vztmpl iso backup snippets import none",
    "nfs": "images rootdir vztmpl iso backup snippets import none",
    "cifs": "images rootdir vztmpl iso backup snippets import none",
    "btrfs": "images rootdir vztmpl iso backup snippets import none",
    "cephfs": "vztmpl iso backup snippets import none",
    "lvm": "images rootdir none",
    "lvmthin": "images rootdir none",
    "zfspool": "images rootdir none",
    "rbd": "images rootdir none",
    "pbs": "backup none",
}
_DEFAULT_CONTENT = {"pbs": "backup", "dir": "vztmpl,iso,backup,images,rootdir", "nfs": "images", "cifs": "images"}
_NAME = re.compile(r"^[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]$")
_SECRET = frozenset({"password", "encryption-key", "master-pubkey", "keyring"})


@endpoint("GET", "/storage", "type")
def list_definitions(call: Call) -> Any:
    """All definitions the caller may see."""
    return [
        _view(config)
        for name, config in call.cluster.storages.items()
        if call.values.get("type") in (None, config["type"])
        and (call.may(f"/storage/{name}", "Datastore.Audit") or call.may(f"/storage/{name}", "Datastore.AllocateSpace"))
    ]


def _view(config: Config) -> Config:
    return {k: v for k, v in config.items() if k not in _SECRET} | {"digest": digest(config)}


def _verify(call: Call, kind: str, values: Config) -> None:
    allowed = _CONTENT[kind].split()
    for content in split_list(str(values.get("content", ""))):
        if content not in allowed:
            raise failed(f"storage does not support content type '{content}'")
    for node in split_list(str(values.get("nodes", ""))):
        call.cluster.node(node)


@endpoint("POST", "/storage", f"{_COMMON} {_FIXED}", check="/storage Datastore.Allocate")
def create(call: Call) -> Any:
    """Defines a datastore."""
    values = dict(call.values)
    name, kind = values["storage"], values["type"]
    if not _NAME.match(name):
        raise bad_parameters({"storage": f"invalid format - storage ID '{name}' contains illegal characters"})
    if kind not in _REQUIRED:
        raise bad_parameters({"type": f"value '{kind}' does not have a value in the enumeration"})
    if missing := [key for key in _REQUIRED[kind] if not values.get(key)]:
        raise bad_parameters(dict.fromkeys(missing, "property is missing and it is not optional"))
    if name in call.cluster.storages:
        raise failed(f"create storage failed: storage ID '{name}' already defined")
    _verify(call, kind, values)
    values.setdefault("content", _DEFAULT_CONTENT.get(kind, "images,rootdir"))
    if kind in ("nfs", "cifs", "cephfs"):
        values.setdefault("path", f"/mnt/pve/{name}")
    if kind in ("nfs", "cifs", "pbs", "cephfs", "rbd"):
        values["shared"] = 1
    call.cluster.storages[name] = values
    call.server.files.prepare(name)
    return {"storage": name, "type": kind, "config": {}}


@endpoint("GET", "/storage/{storage}", check="/storage/{storage} Datastore.Allocate")
def read(call: Call) -> Any:
    """One definition, without its secrets."""
    return _view(call.cluster.storage(call.path["storage"]))


@endpoint("PUT", "/storage/{storage}", f"{_COMMON} delete digest", check="/storage Datastore.Allocate")
def update(call: Call) -> Any:
    """Changes what is given, removes what ``delete`` names."""
    config = call.cluster.storage(call.path["storage"])
    values = {k: v for k, v in call.values.items() if k != "digest"}
    removed = split_list(values.pop("delete", ""))
    _verify(call, config["type"], values)
    for key in removed:
        if key in _REQUIRED[config["type"]]:
            raise failed(f"unable to delete required option '{key}'")
        config.pop(key, None)
    config |= values
    call.server.files.prepare(call.path["storage"])
    return {"storage": call.path["storage"], "type": config["type"], "config": {}}


@endpoint("DELETE", "/storage/{storage}", check="/storage Datastore.Allocate")
def delete(call: Call) -> None:
    """Removes the definition; what is on it stays where it is."""
    name = call.path["storage"]
    call.cluster.storage(name)
    del call.cluster.storages[name]
    call.cluster.set_pool(name, None)
    for key in [k for k in call.cluster.volumes if k[0] == name]:
        del call.cluster.volumes[key]


def _status(call: Call, name: str, config: Config) -> Config:
    total = call.cluster.sizes_gib.get(name, 900) * GIB
    used = call.cluster.used_bytes(name, call.node)
    return {
        "type": config["type"],
        "content": config.get("content", ""),
        "active": 1,
        "enabled": int(not config.get("disable")),
        "shared": int(call.cluster.is_shared(name)),
        "total": total,
        "used": used,
        "avail": max(0, total - used),
    }


@endpoint("GET", "/nodes/{node}/storage", "content enabled:bool format:bool storage target")
def list_on_node(call: Call) -> Any:
    """The datastores a node has."""
    found = []
    wanted = set(split_list(call.values.get("content", "")))
    for name, config in call.cluster.storages.items():
        nodes = str(config.get("nodes") or "")
        if (nodes and call.node not in nodes.split(",")) or call.values.get("storage", name) != name:
            continue
        if wanted and not wanted & set(str(config["content"]).split(",")):
            continue
        if call.may(f"/storage/{name}", "Datastore.Audit") or call.may(f"/storage/{name}", "Datastore.AllocateSpace"):
            status = _status(call, name, config)
            found.append({"storage": name, "used_fraction": status["used"] / max(1, status["total"]), **status})
    return found


@endpoint(
    "GET",
    "/nodes/{node}/storage/{storage}/status",
    check="/storage/{storage} Datastore.Audit|Datastore.AllocateSpace",
)
def read_status(call: Call) -> Any:
    """Capacity and use on this node."""
    name = call.path["storage"]
    return _status(call, name, call.cluster.storage(name, call.node))
