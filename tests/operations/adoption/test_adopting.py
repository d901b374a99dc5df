"""What an environment file says about guests that were found."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from operations.adoption.adopting import Adoption, Wishes
from operations.adoption.checking import checked
from operations.adoption.reading import FoundCluster, FoundGuest, FoundNode

DATASTORES = ({"storage": "local-lvm", "content": "images,rootdir", "total": 100 * 1024**3},)
BRIDGE = {"iface": "vmbr0", "type": "bridge", "cidr": "10.0.0.2/24", "gateway": "10.0.0.1"}
NODE = FoundNode("pve", 128, 256 * 1024, (BRIDGE,), DATASTORES)
CONTAINER = {
    "arch": "amd64",
    "ostype": "debian",
    "rootfs": "local-lvm:vm-200-disk-0,size=8G",
    "unprivileged": 1,
    "net0": "name=eth0,bridge=vmbr0,ip=dhcp,type=veth",
}
MACHINE = {"scsihw": "virtio-scsi-pci", "scsi0": "local-lvm:vm-200-disk-0,size=8G", "boot": "order=scsi0"}


def _adopted(kind: Literal["lxc", "qemu"], config: dict[str, Any], *, pool: str = "") -> Adoption:
    guest = FoundGuest(200, kind, "pve", "dns", True, pool, config)
    cluster = FoundCluster((NODE,), (guest,), ({"poolid": pool},) if pool else (), None, ())
    return checked(cluster, Wishes("https://pve.home.arpa:8006"), name="home", others=list[Path]())


@pytest.mark.parametrize("pool", ["ha", "sdn", "templates", "secrets", "secrets-host", "services", "Access"])
def test_a_pool_with_the_name_of_a_stack_has_another_group(pool: str) -> None:
    found = _adopted("lxc", CONTAINER, pool=pool)
    assert found.refused == []
    assert found.content["containers"]["dns"]["group"] == f"pool-{pool.lower()}"
    assert found.content["containers"]["dns"]["pool"] == pool


def test_a_container_with_more_cores_than_can_be_written_keeps_them() -> None:
    (entry,) = _adopted("lxc", {**CONTAINER, "cores": 96}).entries
    assert entry.ignored == {"cpu": "it has 96 cores"}
    (entry,) = _adopted("lxc", {**CONTAINER, "cores": 64}).entries
    assert (entry.ignored, entry.values["cores"]) == ({}, 64)


@pytest.mark.parametrize("memory", [2048, "2048", "current=2048"])
def test_memory_as_proxmox_writes_it(memory: Any) -> None:
    found = _adopted("qemu", {**MACHINE, "memory": memory})
    assert found.content["vms"]["dns"]["memory"] == "2GiB"


def test_disks_are_written_in_the_order_in_which_the_provider_reads_them() -> None:
    drives = {f"scsi{number}": f"local-lvm:vm-200-disk-{number},size=8G" for number in (10, 2)}
    found = _adopted("qemu", {**MACHINE, **drives, "ide2": "none,media=cdrom"})
    assert list(found.content["vms"]["dns"]["adopted"]["disks"]) == ["scsi0", "scsi2", "scsi10"]
