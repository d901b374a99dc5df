"""Which changed arguments make Terraform destroy a resource and make it anew.

A provider's schema does not say so. The lists come from plans of the providers named in ``providers/``; the tests hold
them against plans that the real provider makes of the same changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from operations.comparison.arguments import references, texts
from operations.review.values import same

VM = "proxmox_virtual_environment_vm"
CONTAINER = "proxmox_virtual_environment_container"

_FORCES: Mapping[str, tuple[str, ...]] = {
    VM: (
        "vm_id",
        "node_name",
        "clone",
        "disk.file_id",
        "efi_disk.type",
        "tpm_state.version",
        "initialization.user_data_file_id",
        "initialization.vendor_data_file_id",
        "initialization.network_data_file_id",
        "initialization.meta_data_file_id",
    ),
    CONTAINER: (
        "vm_id",
        "node_name",
        "clone",
        "unprivileged",
        "template",
        "pool_id",
        "operating_system.template_file_id",
        "disk.datastore_id",
        "initialization.user_account.keys",
        "initialization.user_account.password",
        "mount_point.volume",
        "mount_point.size",
    ),
    "proxmox_virtual_environment_file": (
        "content_type",
        "datastore_id",
        "node_name",
        "source_file",
        "source_raw",
    ),
    "proxmox_download_file": ("content_type", "datastore_id", "file_name", "node_name", "url"),
    "proxmox_backup_job": ("id",),
    "proxmox_virtual_environment_pool": ("pool_id",),
    "proxmox_pool_membership": ("pool_id", "vm_id", "storage_id"),
    "proxmox_acl": ("path", "user_id", "group_id", "token_id"),
    "proxmox_virtual_environment_user": ("user_id",),
    "proxmox_virtual_environment_role": ("role_id",),
    "proxmox_user_token": ("user_id", "token_name"),
    "proxmox_replication": ("id", "target", "type"),
    "proxmox_virtual_environment_firewall_options": ("node_name", "vm_id", "container_id"),
    "proxmox_virtual_environment_firewall_rules": ("node_name", "vm_id", "container_id"),
    "proxmox_virtual_environment_firewall_ipset": ("node_name", "vm_id", "container_id", "name", "cidr"),
    "null_resource": ("triggers",),
    "terraform_data": ("triggers_replace",),
    "docker_volume": ("name", "driver", "driver_opts"),
    "docker_image": ("name",),
    "docker_network": ("name", "driver", "internal", "ipam_config", "ipam_driver", "options"),
}
_IN_PLACE: Mapping[str, frozenset[str]] = {
    # Every other argument of these makes a new one.
    "docker_container": frozenset(
        {
            "restart",
            "max_retry_count",
            "cpu_shares",
            "cpu_set",
            "cpus",
            "memory",
            "memory_swap",
            "must_run",
            "wait",
            "wait_timeout",
            "start",
            "remove_volumes",
            "destroy_grace_seconds",
            "container_read_refresh_timeout_milliseconds",
        }
    ),
    "random_password": frozenset(),
    "random_bytes": frozenset(),
    "random_id": frozenset(),
}

Path = tuple[str | int, ...]


def replacing_paths(
    type_: str, before: Mapping[str, Any], after: Mapping[str, Any], made_anew: frozenset[str] = frozenset()
) -> tuple[Path, ...]:
    """The paths of the changed arguments that a resource of this type can't take in place.

    Args:
        made_anew: addresses of resources that are replaced: what refers to one has another value too.
    """
    found: list[Path] = []
    for pattern in _patterns(type_, before, after):
        if pattern == "node_name" and type_ == VM and after.get("migrate") is True:
            continue
        old, new = list(_at(before, pattern.split("."))), list(_at(after, pattern.split(".")))
        for left, right in zip_longest(old, new, fillvalue=((), None)):
            if not same(left[1], right[1]) or _refers(right[1], made_anew):
                found.append(right[0] or left[0])
                break
    return tuple(found)


def _patterns(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if type_ in _IN_PLACE:
        yield from sorted({*before, *after} - _IN_PLACE[type_])
    else:
        yield from _FORCES.get(type_, ())


def _at(value: Any, steps: list[str], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list) and steps:
        for index, entry in enumerate(value):
            yield from _at(entry, steps, (*path, index))
    elif not steps:
        yield path, value
    elif isinstance(value, dict):
        yield from _at(value.get(steps[0]), steps[1:], (*path, steps[0]))
    else:
        yield path, None


def _refers(value: Any, made_anew: frozenset[str]) -> bool:
    return bool(made_anew) and any("${" in text and not made_anew.isdisjoint(references(text)) for text in texts(value))
