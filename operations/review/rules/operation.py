"""What people notice of a change in place: guests that stop, reboot, move to another node, or become templates.

Which arguments make the provider reboot a guest is read from its source: those that set ``rebootRequired`` in its
update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Guest
from operations.review.values import block, blocks, changed, masked, number, same, text

_VM_REBOOTS = """
    acpi agent amd_sev audio_device bios boot_order efi_disk hostpci initialization keyboard_layout kvm_arguments
    machine numa operating_system rng scsi_hardware serial_device tablet_device tpm_state usb vga virtiofs watchdog
"""
_CONTAINER_REBOOTS = (
    "console",
    "device_passthrough",
    "environment_variables",
    "idmap",
    "memory",
    "mount_point",
    "network_interface",
    "operating_system",
)
_CONTAINER_INITIALIZATION = ("dns", "hostname", "entrypoint", "ip_config")
_DEFAULT_HOTPLUG = "network,disk,usb"


def stopped(case: Case) -> Iterator[Finding]:
    """A running guest is shut down."""
    if case.guests and case.guests[0].runs and case.change.after.get("started") is not True:
        if case.guests[1].is_template:
            return
        yield case.finding(
            "guest-stopped",
            Severity.DANGER,
            f"{case.guests[0].label} {'may be' if masked(case.change.after_unknown, 'started') else 'is'} stopped",
            consequence="Proxmox shuts it down, and it stays off: what it serves is gone until somebody starts it",
        )


def becomes_template(case: Case) -> Iterator[Finding]:
    """A virtual machine or container is turned into a template."""
    if case.guests and not case.guests[0].is_template and case.guests[1].is_template:
        yield case.finding(
            "becomes-template",
            Severity.DANGER,
            f"{case.guests[0].label} becomes a template",
            consequence="Proxmox stops it and makes its disks read-only; there is no way back, only clones of it run",
        )


def node(case: Case) -> Iterator[Finding]:
    """A guest moves to another node without being made anew."""
    if case.guests and changed(case.change.before, case.change.after, "node_name"):
        before, after = case.guests
        how = "Proxmox migrates it live" if before.runs and not before.is_container else "Proxmox migrates it"
        yield case.finding(
            "node-changed",
            Severity.DANGER,
            f"{before.label} moves from {before.node} to {after.node or 'a node that is known after the apply'}",
            consequence=f"{how}; disks on datastores that the nodes don't share are copied, and devices of the node "
            "that it uses forbid it",
        )


def reboots(case: Case) -> Iterator[Finding]:
    """A change takes effect only after a reboot, which the provider does by itself."""
    if not case.guests or not case.guests[0].runs or not case.guests[1].runs:
        return
    guest = case.guests[0]
    before, after = case.change.before, case.change.after
    causes = list((_container_causes if guest.is_container else _vm_causes)(before, after))
    if not causes:
        return
    by_itself = guest.is_container or after.get("reboot_after_update") is not False
    yield case.finding(
        "guest-reboots" if by_itself else "reboot-needed",
        Severity.CHANGE,
        f"{guest.label} {'reboots' if by_itself else 'needs a reboot'}",
        cause=f"{', '.join(causes)} can't be changed while it runs",
        consequence=_downtime(guest)
        if by_itself
        else "The change waits until somebody reboots it (reboot_after_update is off)",
    )


def _downtime(guest: Guest) -> str:
    return "Proxmox restarts it: what it serves is away for " + ("seconds" if guest.is_container else "a minute or so")


def _vm_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in _VM_REBOOTS.split() if changed(before, after, name))
    hotplug = (text(after.get("hotplug")) or _DEFAULT_HOTPLUG).split(",")
    everything = hotplug == ["1"]
    if changed(before, after, "cpu"):
        old, new = block(before, "cpu"), block(after, "cpu")
        only_hotplugged = all(same(old.get(key), new.get(key)) for key in {*old, *new} - {"hotplugged"})
        if not (only_hotplugged and (everything or "cpu" in hotplug)):
            yield "cpu"
    if changed(before, after, "memory"):
        old, new = block(before, "memory"), block(after, "memory")
        grows = all(
            (number(new.get(key)) or 0) >= (number(old.get(key)) or 0) for key in ("dedicated", "floating", "shared")
        )
        pages = any(not same(old.get(key), new.get(key)) for key in ("hugepages", "keep_hugepages"))
        if not (grows and not pages and (everything or "memory" in hotplug)):
            yield "memory"
    later = {disk.get("interface"): disk for disk in blocks(after, "disk")}
    if any(
        not same(disk.get(key), later[disk.get("interface")].get(key))
        for disk in blocks(before, "disk")
        if disk.get("interface") in later
        for key in ("aio", "queues")
    ):
        yield "disk"


def _container_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in _CONTAINER_REBOOTS if changed(before, after, name))
    old, new = block(before, "initialization"), block(after, "initialization")
    yield from (f"initialization.{name}" for name in _CONTAINER_INITIALIZATION if changed(old, new, name))
    if changed(block(before, "disk"), block(after, "disk"), "mount_options"):
        yield "disk.mount_options"
