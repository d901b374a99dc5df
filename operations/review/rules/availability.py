"""High availability and datastores that are switched off without being removed.

Source: ``proxmox_haresource`` (``state``), ``proxmox_harule`` and ``proxmox_replication`` (``disable``),
``proxmox_storage_*`` (``disable``, ``nodes``, ``content``).
"""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.estate import is_datastore
from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Guest
from operations.review.objects import short_type
from operations.review.plan import Action
from operations.review.values import items, text, whole

_OFF = ("stopped", "disabled")
_DISABLED = {
    "replication": (
        "replication-off",
        "replication {name} is switched off",
        "The copy on the other node gets older; after a failure the guest starts there with old data",
    ),
    "harule": (
        "ha-rule-off",
        "rule {name} of high availability is switched off",
        "Proxmox may put its guests on any node, also on one and the same",
    ),
    "storage": (
        "datastore-off",
        "datastore {name} is switched off",
        "What is on it stays; guests with disks there can't start, and backups can't be written",
    ),
}
"""By what is switched off: the finding, its words, and the consequence."""


def ha_state(case: Case) -> Iterator[Finding]:
    """High availability stops a running guest, or leaves it to itself."""
    change = case.change
    if short_type(change.type) != "haresource" or not (change.action.leaves_one or change.action is Action.CREATE):
        return
    before, after = text(change.before.get("state")), text(change.after.get("state"))
    guest = _guest(case, text(change.after.get("resource_id")) or "")
    ran = before not in (*_OFF, None) if change.before else guest is not None and guest.runs
    if after in _OFF and ran:
        yield case.finding(
            "guest-stopped",
            Severity.DANGER,
            f"{_name(case)} is stopped by high availability",
            consequence=f"Its state becomes {after}: Proxmox shuts it down on whatever node it is, and it stays off",
            guest=guest,
        )
    elif after == "ignored" and before not in ("ignored", None):
        yield case.finding(
            "ha-off",
            Severity.DANGER,
            f"{_name(case)} is ignored by high availability",
            consequence="Nothing restarts it when its node fails",
            guest=guest,
        )


def disabled(case: Case) -> Iterator[Finding]:
    """A replication, a rule of high availability, or a datastore is switched off."""
    change = case.change
    switched_off = change.before.get("disable") is not True and change.after.get("disable") is True
    kind = "storage" if is_datastore(change.type) else short_type(change.type)
    if not (change.action.leaves_one and switched_off and kind in _DISABLED):
        return
    finding, words, consequence = _DISABLED[kind]
    name = case.estate.disclosure.value("resource_id", change.before.get("rule") or change.before.get("id")) or ""
    yield case.finding(finding, Severity.DANGER, words.format(name=name), consequence=consequence)


def datastore_narrowed(case: Case) -> Iterator[Finding]:
    """A datastore is taken from nodes, or no longer takes a kind of content."""
    change = case.change
    if not (is_datastore(change.type) and change.action.leaves_one):
        return
    shown = case.estate.disclosure.value
    name = shown("storage_id", change.before.get("id")) or ""
    before, after = items(change.before.get("nodes")), items(change.after.get("nodes"))
    lost = [node for node in before if node not in after]
    if after and (lost or not before):
        where = f"node {shown('nodes', lost)}" if lost else f"every node but {shown('nodes', list(after))}"
        yield case.finding(
            "datastore-narrowed",
            Severity.DANGER,
            f"datastore {name} is taken from {where}",
            consequence="Guests there that have disks on it can't start any more",
        )
    kinds = items(change.after.get("content"))
    if kinds and (gone := [kind for kind in items(change.before.get("content")) if kind not in kinds]):
        yield case.finding(
            "datastore-narrowed",
            Severity.DANGER,
            f"datastore {name} no longer takes {shown('content_type', gone)}",
            consequence="What of that is on it stays and can't be used: guests with disks there can't start, backups "
            "can't be written or restored",
        )


def _guest(case: Case, resource_id: str) -> Guest | None:
    number = whole(resource_id.rpartition(":")[2])
    return case.estate.names.get(number) if number is not None else None


def _name(case: Case) -> str:
    resource_id = text(case.change.after.get("resource_id")) or ""
    guest = _guest(case, resource_id)
    return guest.label if guest else f"the guest {case.estate.disclosure.value('resource_id', resource_id)}"
