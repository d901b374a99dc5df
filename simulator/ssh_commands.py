"""What the provider runs on a node over SSH: the sudo probe, ``tee``, id maps of containers, ``qm disk import``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .disks import Disk, allocate
from .errors import ApiError
from .properties import format_properties, parse_properties

if TYPE_CHECKING:
    from .ssh import SshCommand

COMMANDS: list[tuple[str, Callable[[SshCommand], int]]] = []
_READS_INPUT: set[object] = set()
_H = TypeVar("_H", bound=Callable[..., object])


def reads_input(handler: object) -> bool:
    """Whether a handler wants all of the command's input first."""
    return handler in _READS_INPUT


def with_input(handler: _H) -> _H:
    """Marks a handler that wants the command's input."""
    _READS_INPUT.add(handler)
    return handler


def _command(pattern: str) -> Callable[[Callable[[SshCommand], int]], Callable[[SshCommand], int]]:
    def add(handler: Callable[[SshCommand], int]) -> Callable[[SshCommand], int]:
        COMMANDS.append((pattern, handler))
        return handler

    return add


@_command(r"^if \[ \"\$\(id -u\)\" = \"0\" \].*pvesm apiinfo")
def sudo_probe(command: SshCommand) -> int:
    """``0`` for root, who needs no sudo; ``1`` for others, who have it."""
    command.print("0" if command.user == "root" else "1")
    return 0


@_command(r"try_sudo /usr/bin/tee (?P<path>/.+)$")
@with_input
def tee(command: SshCommand) -> int:
    """Writes a file below the node's folder."""
    root = command.server.files.root(command.node).resolve()
    path = (root / command.match["path"].strip().lstrip("/")).resolve()
    if not path.is_relative_to(root) or not path.parent.is_dir():
        command.print(f"tee: {command.match['path']}: No such file or directory")
        return 1
    path.write_bytes(command.stdin)
    command.output += command.stdin
    return 0


@_command(r"sed -i '/\^lxc\\\.idmap:/d' /etc/pve/lxc/(?P<vmid>\d+)\.conf(?:; echo '(?P<lines>[^']*)')?")
def id_map(command: SshCommand) -> int:
    """Replaces the ``lxc.idmap`` lines of a container's configuration."""
    guest = command.server.cluster.guests.get(int(command.match["vmid"]))
    if guest is None or guest.node != command.node:
        command.print(f"sed: can't read /etc/pve/lxc/{command.match['vmid']}.conf: No such file or directory")
        return 2
    guest.raw_lxc = [line for line in guest.raw_lxc if line[0] != "lxc.idmap"]
    for line in (command.match["lines"] or "").splitlines():
        key, _, value = line.partition(": ")
        guest.raw_lxc.append([key, value])
    return 0


@_command(r"qm disk import \$vm_id \$source_image \$datastore_id_target")
def disk_import(command: SshCommand) -> int:
    """``pvesm path``, ``qm disk import`` and ``qm set`` in the one script in which the provider calls them."""
    given = dict(re.findall(r"(?:^|; )(\w+)=([^;$]+?)(?=;|$)", command.script))
    cluster = command.server.cluster
    vmid = int(given["vm_id"])
    guest = cluster.guests.get(vmid)
    if guest is None or guest.node != command.node:
        command.print(f"Configuration file 'nodes/{command.node}/qemu-server/{vmid}.conf' does not exist")
        return 255
    try:
        source = cluster.volume(given["file_id"], command.node)
        target = given["datastore_id_target"]
        cluster.storage_for(target, command.node, "images")
    except ApiError as error:
        command.print(error.message)
        return 255
    volume = allocate(cluster, Disk(target, command.node, vmid, "images", source.size, given["file_format"]))
    options = {"file": volume.volid, **parse_properties(given["disk_options"], "file")}
    for known in ("size", "format"):
        options.pop(known, None)
    options["size"] = f"{source.size // 1024**2}M" if source.size % 1024**3 else f"{source.size // 1024**3}G"
    guest.config[given["disk_interface"]] = format_properties(options, "file")
    command.print(f"update VM {vmid}: -{given['disk_interface']} {volume.volid}")
    return 0
