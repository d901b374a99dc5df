"""An estate that grew by hand over years: what `homelab adopt` has to take over without touching it.

Everything is made through the API, as Proxmox's own web interface makes it.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import yaml

from simulator import Simulator, SimulatorOptions
from simulator.options import DIRECTORY_CONTENT, StorageOptions

OPTIONS = SimulatorOptions(
    nodes=("pve", "pve2"),
    bridges=("vmbr0", "vmbr1"),
    storages=(
        StorageOptions("local", "dir", (*DIRECTORY_CONTENT, "images", "rootdir"), size_gib=400),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir"), size_gib=4000),
        StorageOptions("tank", "zfspool", ("images", "rootdir"), size_gib=4000),
        StorageOptions("nas", "nfs", ("images", "iso", "backup"), shared=True, size_gib=4000),
    ),
    cores=32,
    memory_gib=256,
    task_seconds=0,
    address_seconds=0,
    dhcp={"vmbr0": "192.168.1.0/24", "vmbr0.30": "10.0.30.0/24"},
)

_GUESTS = yaml.safe_load((Path(__file__).parent / "estate.yaml").read_text(encoding="utf-8"))
MACHINES: dict[int, dict[str, Any]] = _GUESTS["machines"]
ON_THE_OTHER_NODE: dict[int, dict[str, Any]] = _GUESTS["machines_of_pve2"]
CONTAINERS: dict[int, dict[str, Any]] = _GUESTS["containers"]
_VZTMPL = "debian-12-standard_12.7-1_amd64.tar.zst"
LINKED_CLONES = {130: "runner-1", 131: "runner-2", 132: "runner-3"}
FULL_CLONES = {133: "build"}
RUNNING = (100, 102, 103, 109, 110, 111, 119, 130)
CLONED_CONTAINERS = {218: "clone-a", 219: "clone-b"}
RUNNING_CONTAINERS = (200, 201, 204, 208, 213, 218)
UNDER_HA = ("vm:103", "ct:208")
POOLS = {
    "media": ("Films and photos", (201, 100)),
    "lab": ("", (116, 130, 131, 132, 218)),
    "empty": ("Nothing yet", ()),
}


class Estate:
    """The estate on a simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        context = ssl.create_default_context(cafile=str(simulator.ca_file))
        self._client = httpx.Client(base_url=f"{simulator.endpoint}api2/json", verify=context, timeout=30)
        # As root with a password: much of this only root may set.
        ticket = self.post("/access/ticket", username="root@pam", password=simulator.root_password)
        self._client.headers["Cookie"] = f"PVEAuthCookie={ticket['ticket']}"
        self._client.headers["CSRFPreventionToken"] = ticket["CSRFPreventionToken"]

    def send(self, method: str, path: str, **values: Any) -> Any:
        """Sends a request that has to be answered with 200; ``data`` of the answer."""
        sent: dict[str, Any] = {"params" if method == "GET" else "data": values}
        answer = self._client.request(method, path, **sent)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def post(self, path: str, **values: Any) -> Any:
        return self.send("POST", path, **values)

    def put(self, path: str, **values: Any) -> Any:
        return self.send("PUT", path, **values)

    def build(self) -> None:
        """Makes everything."""
        for node in ("pve", "pve2"):
            self._download(node, "iso", "installer.iso")
            self._download(node, "vztmpl", _VZTMPL)
        self.post("/cluster/mapping/pci", id="coral", map="node=pve,path=0000:02:00.0,id=1ac1:089a")
        for vm_id, settings in MACHINES.items():
            self.post("/nodes/pve/qemu", vmid=vm_id, **settings)
        for vm_id, settings in ON_THE_OTHER_NODE.items():
            self.post("/nodes/pve2/qemu", vmid=vm_id, **settings)
        for vm_id, settings in CONTAINERS.items():
            self.post(
                "/nodes/pve/lxc",
                vmid=vm_id,
                ostemplate=f"local:vztmpl/{_VZTMPL}",
                password="not-a-real-one",
                **settings,
            )
        self.put("/nodes/pve/qemu/118/config", delete="scsi1")
        for template in (9000, 9001):
            self.post(f"/nodes/pve/qemu/{template}/template")
        self.post("/nodes/pve/lxc/216/template")
        for vm_id, name in LINKED_CLONES.items():
            self.post("/nodes/pve/qemu/9000/clone", newid=vm_id, name=name, full=0)
            self.put(f"/nodes/pve/qemu/{vm_id}/config", net0=f"virtio=BC:24:11:00:01:{vm_id - 80},bridge=vmbr0,tag=30")
        for vm_id, name in FULL_CLONES.items():
            self.post("/nodes/pve/qemu/9000/clone", newid=vm_id, name=name, full=1, storage="tank")
        for vm_id, name in CLONED_CONTAINERS.items():
            self.post("/nodes/pve/lxc/216/clone", newid=vm_id, hostname=name, full=0)
        for vm_id in RUNNING:
            self.post(f"/nodes/pve/qemu/{vm_id}/status/start")
        for vm_id in RUNNING_CONTAINERS:
            self.post(f"/nodes/pve/lxc/{vm_id}/status/start")
        self._pools()
        self._firewall()
        for sid in UNDER_HA:
            self.post("/cluster/ha/resources", sid=sid, state="started")
        self.post("/cluster/backup", id="nightly", schedule="02:00", storage="local", vmid="100,200", enabled=1)
        self.simulator.lock_guest(121)
        self._client.close()

    def _download(self, node: str, content: str, name: str) -> None:
        url = f"https://mirror.example.org/{name}"
        self.post(f"/nodes/{node}/storage/local/download-url", content=content, filename=name, url=url)

    def _pools(self) -> None:
        for pool, (comment, members) in POOLS.items():
            self.post("/pools", poolid=pool, comment=comment)
            if members:
                self.put("/pools", poolid=pool, vms=",".join(str(member) for member in members))

    def _firewall(self) -> None:
        cluster = "/cluster/firewall"
        self.post(f"{cluster}/aliases", name="workstation", cidr="192.168.1.7", comment="Where people sit")
        self.post(f"{cluster}/ipset", name="trusted", comment="May come in")
        for cidr in ("192.168.1.0/24", "10.0.30.9"):
            self.post(f"{cluster}/ipset/trusted", cidr=cidr)
        self.post(f"{cluster}/groups", group="web", comment="HTTP and HTTPS")
        self.post(f"{cluster}/groups/web", type="in", action="ACCEPT", proto="tcp", dport="80,443", enable=1)
        self.post(f"{cluster}/groups/web", type="in", action="ACCEPT", macro="Ping", enable=1, source="+trusted")
        self.post(
            f"{cluster}/rules", type="in", action="ACCEPT", macro="SSH", source="+trusted", enable=1, comment="SSH"
        )
        self.put(f"{cluster}/options", enable=1, policy_in="DROP", policy_out="ACCEPT")
        for kind, vm_id in (("qemu", 119), ("lxc", 213), ("qemu", 100), ("lxc", 200)):
            firewall = f"/nodes/pve/{kind}/{vm_id}/firewall"
            self.put(f"{firewall}/options", enable=1, policy_in="DROP", policy_out="ACCEPT", log_level_in="info")
            if vm_id == 200:
                self.post(
                    f"{firewall}/rules",
                    type="in",
                    action="ACCEPT",
                    proto="icmp",
                    **{"icmp-type": "echo-request"},
                    enable=1,
                )
            elif vm_id != 100:
                # The first is put in last: Proxmox inserts at the top.
                self.post(
                    f"{firewall}/rules",
                    type="in",
                    action="ACCEPT",
                    proto="tcp",
                    dport="22",
                    source="workstation",
                    enable=1,
                )
                self.post(f"{firewall}/rules", type="group", action="web", enable=1, iface="net0")
        self.post("/nodes/pve/lxc/202/firewall/rules", type="in", action="ACCEPT", proto="udp", dport="53", enable=1)

    def configurations(self) -> dict[int, dict[str, Any]]:
        """Everything that makes up the guests, for comparing: configuration, power, pool, firewall."""

        def look(cluster: Any) -> dict[int, dict[str, Any]]:
            return {
                vm_id: {
                    "node": guest.node,
                    "config": dict(guest.config),
                    "running": guest.running,
                    "started_at": guest.started_at,
                    "firewall": repr(guest.firewall),
                    "pool": cluster.pool_of.get(str(vm_id)),
                }
                for vm_id, guest in cluster.guests.items()
            }

        return self.simulator.inspect(look)
