"""``/nodes/{node}/storage/{storage}/content``: volumes, downloads and uploads."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp

from simulator.call import Call
from simulator.disks import Disk, allocate, clones_of
from simulator.endpoints import endpoint
from simulator.errors import TaskFailure, bad_parameters, failed
from simulator.files import file_format, storage_path
from simulator.properties import KIB, parse_size
from simulator.state import Config, Volume
from simulator.tasks import Task

_CONTENT = "/nodes/{node}/storage/{storage}/content"
_READ = "/storage/{storage} Datastore.Audit|Datastore.AllocateSpace"
HEAD_BYTES = 64
_ALGORITHMS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
_NAMES = {
    "iso": re.compile(r"\.(iso|img)$", re.IGNORECASE),
    "vztmpl": re.compile(r"\.tar(\.(gz|xz|zst|bz2))?$"),
    "import": re.compile(r"\.(ova|qcow2|raw|vmdk)$"),
}
_HINTS = {
    "iso": "wrong file extension",
    "vztmpl": "wrong file extension",
    "import": "invalid filename or wrong extension",
}


def _view(volume: Volume) -> Config:
    view: Config = {
        "volid": volume.volid,
        "content": volume.content,
        "format": volume.format,
        "size": volume.size,
        "ctime": volume.ctime,
    }
    if volume.vmid is not None:
        view["vmid"] = volume.vmid
    if volume.parent:
        view["parent"] = volume.parent
    if volume.notes:
        view["notes"] = volume.notes
    if volume.protected:
        view["protected"] = 1
    return view


@endpoint("GET", _CONTENT, "content vmid:int", check=_READ)
def list_content(call: Call) -> Any:
    """Volumes, by type of content and guest if asked."""
    name = call.path["storage"]
    call.cluster.storage(name, call.node)
    call.server.files.refresh(name, call.node)
    content, vmid = call.values.get("content"), call.values.get("vmid")
    return [
        _view(volume)
        for volume in call.cluster.volumes_on(name, call.node).values()
        if content in (None, volume.content) and vmid in (None, volume.vmid)
    ]


@endpoint("POST", _CONTENT, "filename! format size! vmid!:int", check="/storage/{storage} Datastore.AllocateSpace")
def allocate_disk(call: Call) -> Any:
    """Makes an empty disk image for a guest; ``size`` is in KiB unless it has a unit."""
    size = call.values["size"]
    try:
        bytes_ = parse_size(size) if size[-1:].isalpha() else int(size) * KIB
    except ValueError as problem:
        raise bad_parameters({"size": str(problem)}) from None
    disk = Disk(
        call.path["storage"], call.node, call.values["vmid"], "images", bytes_, call.values.get("format", ""),
        name=call.values["filename"].rpartition(".")[0] or call.values["filename"],
    )  # fmt: skip
    return allocate(call.cluster, disk).volid


def _volume(call: Call) -> Volume:
    volid = call.path["volume"]
    if ":" not in volid:
        volid = f"{call.path['storage']}:{volid}"
    call.server.files.refresh(call.path["storage"], call.node)
    return call.cluster.volume(volid, call.node)


def _check_volume(call: Call, volume: Volume, *, change: bool) -> None:
    storage = f"/storage/{call.path['storage']}"
    if volume.content in ("images", "rootdir") and volume.vmid is not None:
        if not call.may(storage, "Datastore.Allocate"):
            call.require(f"/vms/{volume.vmid}", "VM.Config.Disk")
    elif volume.content == "backup" and change:
        if not call.may(storage, "Datastore.Allocate"):
            call.require(f"/vms/{volume.vmid}", "VM.Backup")
    elif change:
        call.require(storage, "Datastore.AllocateTemplate")
    else:
        call.require(storage, "Datastore.Audit", "Datastore.AllocateSpace", either=True)


@endpoint("GET", f"{_CONTENT}/{{volume}}")
def read_volume(call: Call) -> Any:
    """Path, format and size of one volume."""
    volume = _volume(call)
    _check_volume(call, volume, change=False)
    base = storage_path(call.cluster.storage(call.path["storage"]))
    name = volume.volid.partition(":")[2]
    path = f"{base}/{name}" if base else f"/dev/{call.path['storage']}/{name}"
    return {"path": path, "format": volume.format, "size": volume.size, "used": volume.size}


@endpoint("PUT", f"{_CONTENT}/{{volume}}", "notes protected:bool")
def update_volume(call: Call) -> None:
    """Sets notes and protection of a backup."""
    volume = _volume(call)
    _check_volume(call, volume, change=True)
    volume.notes = call.values.get("notes", volume.notes)
    volume.protected = bool(call.values.get("protected", volume.protected))


@endpoint("DELETE", f"{_CONTENT}/{{volume}}", "delay:int")
def delete_volume(call: Call) -> Any:
    """Removes a volume nothing uses."""
    volume = _volume(call)
    _check_volume(call, volume, change=True)
    if volume.protected:
        raise failed(f"cannot remove volume '{volume.volid}' - protection mode enabled")
    if users := clones_of(call.cluster, volume.volid, call.node):
        raise failed(f"base volume '{volume.volid}' is still in use by linked clone '{users[0]}'")
    guest = call.cluster.guests.get(volume.vmid) if volume.vmid is not None else None
    if volume.content in ("images", "rootdir") and guest:
        raise failed(f"Cannot remove image, a guest with VMID '{volume.vmid}' exists!")

    def remove(task: Task) -> None:
        call.cluster.remove_volume(volume.volid, call.node)
        call.server.files.remove(call.path["storage"], call.node, volume.content, volume.volid.rpartition("/")[2])
        task.log(f"Removed volume '{volume.volid}'")

    return call.task("imgdel", "", remove)


def _check_name(content: str, name: str) -> None:
    if content not in _NAMES:
        raise bad_parameters({"content": f"value '{content}' does not have a value in the enumeration"})
    if not _NAMES[content].search(name):
        raise bad_parameters({"filename": _HINTS[content]})


def _check_checksum(call: Call, data: bytes, task: Task) -> None:
    algorithm, wanted = call.values.get("checksum-algorithm", ""), call.values.get("checksum", "")
    if not wanted:
        return
    found = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
    task.log("calculating checksum...")
    if not hmac.compare_digest(found, wanted.lower()):
        raise TaskFailure(f"checksum mismatch: got '{found}' != expect '{wanted}'")
    task.log("OK, checksum verified")


def _verify_algorithm(call: Call) -> None:
    algorithm = call.values.get("checksum-algorithm")
    if call.values.get("checksum") and not algorithm:
        raise bad_parameters({"checksum-algorithm": "property is missing and it is not optional"})
    if algorithm and algorithm not in _ALGORITHMS:
        raise bad_parameters({"checksum-algorithm": f"value '{algorithm}' does not have a value in the enumeration"})


async def _fetch(call: Call, url: str) -> bytes | None:
    source = call.server.options.downloads.get(url)
    if source is None or isinstance(source, bytes):
        return source
    if not urlsplit(source).scheme:
        return await asyncio.to_thread(Path(source).read_bytes)
    async with aiohttp.ClientSession() as session, session.get(source) as response:
        if response.status != 200:
            raise TaskFailure(f"download failed: {response.status} {response.reason}")
        return await response.read()


@endpoint(
    "POST",
    "/nodes/{node}/storage/{storage}/download-url",
    "checksum checksum-algorithm compression content! filename! url! verify-certificates:bool",
    check="/storage/{storage} Datastore.AllocateTemplate",
)
def download(call: Call) -> Any:
    """Records a file from a URL; a checksum is verified where the simulator was given the URL's content."""
    if not call.may("/", "Sys.Audit") or not call.may("/", "Sys.Modify"):
        call.require(f"/nodes/{call.node}", "Sys.AccessNetwork")
    name, content, filename = call.path["storage"], call.values["content"], call.values["filename"]
    _check_name(content, filename)
    _verify_algorithm(call)
    if not re.match(r"^https?://", call.values["url"]):
        raise bad_parameters({"url": "value does not match the regex pattern"})
    call.cluster.storage_for(name, call.node, content)
    volid = f"{name}:{content}/{filename}"

    async def store(task: Task) -> None:
        task.log(f"downloading {call.values['url']} to {name}")
        try:
            data = await _fetch(call, call.values["url"])
        except (OSError, aiohttp.ClientError) as problem:
            raise TaskFailure(f"download failed: {problem}") from problem
        size = call.server.options.download_bytes
        if data is not None:
            _check_checksum(call, data, task)
            size = len(data)
        elif call.values.get("checksum"):
            task.log("the simulator was not given this file: its checksum is not verified")
        volume = Volume(volid, content, file_format(filename, content), size, head=data[:HEAD_BYTES] if data else b"")
        call.cluster.add_volume(name, call.node, volume)
        task.log("download finished successfully")

    return call.task("download", filename, store)


@endpoint(
    "POST",
    "/nodes/{node}/storage/{storage}/upload",
    "checksum checksum-algorithm content! filename! tmpfilename",
    check="/storage/{storage} Datastore.AllocateTemplate",
    raw=True,
)
def upload(call: Call) -> Any:
    """Stores an uploaded file."""
    if call.upload is None:
        raise bad_parameters({"filename": "property is missing and it is not optional"})
    filename, data = call.upload
    content, name = call.values["content"], call.path["storage"]
    _check_name(content, filename)
    _verify_algorithm(call)
    call.cluster.storage_for(name, call.node, content)

    def store(task: Task) -> None:
        _check_checksum(call, data, task)
        volid = f"{name}:{content}/{filename}"
        volume = Volume(volid, content, file_format(filename, content), len(data), head=data[:HEAD_BYTES])
        call.cluster.add_volume(name, call.node, volume)
        task.log(f"finished file import to '{volid}'")

    return call.task("imgcopy", "", store)


@endpoint("GET", "/nodes/{node}/query-url-metadata", "url! verify-certificates:bool")
async def query_url(call: Call) -> Any:
    """Name, size and type of what is behind a URL, without going to the Internet."""
    if not (call.may("/", "Sys.Audit") and call.may("/", "Sys.Modify")):
        call.require(f"/nodes/{call.node}", "Sys.AccessNetwork")
    url = call.values["url"]
    try:
        data = await _fetch(call, url)
    except (OSError, aiohttp.ClientError, TaskFailure) as problem:
        raise failed(f"invalid server response: '{problem}'") from problem
    return {
        "filename": unquote(urlsplit(url).path.rpartition("/")[2]),
        "size": call.server.options.download_bytes if data is None else len(data),
        "mimetype": "application/octet-stream",
    }
