"""``homelab review`` of a plan with many changes: seconds and size of the document."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.synthesizing import PROJECT

HOMELAB = str(PROJECT / ".venv/bin/homelab")
BLOCKED = 3
VM = "proxmox_virtual_environment_vm"
UNSET_BLOCKS = """
    agent amd_sev audio_device boot_order cdrom efi_disk hostpci numa operating_system rng serial_device smbios startup
    tpm_state usb vga virtiofs watchdog
"""


@dataclass(frozen=True)
class Cost:
    """The best of several runs, of a document of so many MB."""

    seconds: float
    megabytes: float


def review(changes: int, folder: Path, output_format: str = "markdown", runs: int = 3) -> Cost:
    """The whole process, from reading the document to the written review."""
    file = write_plan(changes, folder)
    command = [HOMELAB, "review", str(file), "--format", output_format]
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - started)
        if done.returncode != BLOCKED:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return Cost(min(seconds), file.stat().st_size / 1e6)


def write_plan(changes: int, folder: Path) -> Path:
    """A plan as Terraform shows it, state and planned values included: updates, replacements, additions, in turn."""
    entries, prior, planned = [], [], []
    for index in range(changes):
        before, after = _machine(index), _machine(index)
        after["memory"][0]["dedicated"] = 4096
        after["disk"][0]["size"] = 10 if index % 50 == 0 else 40
        action = [["update"], ["delete", "create"], ["create"], ["update"]][index % 4]
        address = f'{VM}.guest["{index}"]'
        entry = {"address": address, "mode": "managed", "type": VM, "name": "guest", "index": str(index)}
        existed = action != ["create"]
        entries.append(
            {
                **entry,
                "change": {
                    "actions": action,
                    "before": before if existed else None,
                    "after": after,
                    "after_unknown": {"ipv4_addresses": True},
                    "before_sensitive": _mask() if existed else False,
                    "after_sensitive": _mask(),
                    **({"replace_paths": [["node_name"]]} if action[0] == "delete" else {}),
                },
            }
        )
        prior += [{**entry, "values": before, "sensitive_values": _mask()}] if existed else []
        planned.append({**entry, "values": after, "sensitive_values": _mask()})
    document = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": entries,
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": prior}}},
        "configuration": {"root_module": {}},
        "applyable": True,
        "complete": True,
        "errored": False,
    }
    path = folder / "plan-of-many-changes.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _machine(index: int) -> dict[str, Any]:
    return {
        **{name: [] for name in UNSET_BLOCKS.split()},
        "id": str(1000 + index),
        "vm_id": 1000 + index,
        "name": f"guest-{index}",
        "node_name": f"pve{index % 3}",
        "description": f"Guest number {index}",
        "tags": ["homelab", "web"],
        "bios": "seabios",
        "started": True,
        "on_boot": True,
        "template": False,
        "protection": False,
        "migrate": True,
        "reboot_after_update": True,
        "hotplug": "",
        "clone": [{"datastore_id": "local-lvm", "full": True, "node_name": "pve", "retries": 1, "vm_id": 9000}],
        "cpu": [{"cores": 2, "sockets": 1, "hotplugged": 0, "limit": 0, "numa": False, "type": "host", "units": 0}],
        "memory": [{"dedicated": 2048, "floating": 0, "hugepages": None, "keep_hugepages": False, "shared": 0}],
        "disk": [
            {"interface": "scsi0", "datastore_id": "local-lvm", "size": 20, "backup": True, "speed": []},
            {"interface": "scsi1", "datastore_id": "tank", "size": 100, "backup": True, "speed": []},
        ],
        "network_device": [
            {"bridge": "vmbr0", "firewall": True, "mac_address": f"02:00:00:00:{index:05}", "vlan_id": 20}
        ],
        "initialization": [
            {
                "datastore_id": "local-lvm",
                "ip_config": [{"ipv4": [{"address": "dhcp", "gateway": None}], "ipv6": []}],
                "user_account": [{"keys": ["ssh-ed25519 AAAA"], "password": f"password-{index}", "username": "debian"}],
            }
        ],
        "ipv4_addresses": [["127.0.0.1"], [f"10.0.{index // 250}.{index % 250}"]],
    }


def _mask() -> dict[str, Any]:
    return {
        **{name: [] for name in UNSET_BLOCKS.split()},
        "cpu": [{}],
        "memory": [{}],
        "disk": [{"speed": []}, {"speed": []}],
        "network_device": [{}],
        "initialization": [
            {"ip_config": [{"ipv4": [{}], "ipv6": []}], "user_account": [{"keys": [False], "password": True}]}
        ],
    }
