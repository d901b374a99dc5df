"""Guests, templates, images and everything else that is destroyed, or destroyed and made anew."""

from __future__ import annotations

from collections.abc import Iterator

from operations.review.causes import cause_of, made_anew_snippet
from operations.review.estate import FIREWALL_OPTIONS, FIREWALL_RULES
from operations.review.findings import Case, Finding, Severity
from operations.review.guests import Guest, is_guest
from operations.review.objects import loss_of, short_type
from operations.review.plan import STACK_GONE, Action
from operations.review.rules.backups import is_backup_job
from operations.review.rules.firewall import is_firewall_settings
from operations.review.values import masked


def guests(case: Case) -> Iterator[Finding]:
    """A guest or template is destroyed, with or without another one in its place: its data is lost."""
    change, before = case.change, case.before
    if not change.action.destroys or not is_guest(change.type):
        return
    guest = before or Guest(change.type, "", "", None)
    thing = "template" if guest.is_template else "guest"
    cause = cause_of(change, case.estate)
    if change.action is Action.REPLACE and change.reason == "replace_by_triggers" and _is_built(case, guest):
        yield case.finding(
            "template-rebuilt",
            Severity.DANGER,
            f"{guest.label} is destroyed and built again",
            cause=cause,
            consequence="Containers that were cloned from it in full own their disks and are not touched",
            guest=guest,
        )
        return
    if change.action is Action.REPLACE:
        kind = "snippet-cascade" if made_anew_snippet(change, case.estate) else f"{thing}-replaced"
        after = case.after
        moves = after is not None and guest.node and after.node and after.node != guest.node
        elsewhere = f" on {guest.node} and made anew on {after.node}" if after and moves else " and made anew"
        what = f"{guest.label} is destroyed{elsewhere}"
    else:
        kind, what = f"{thing}-destroyed", f"{guest.label} is destroyed"
    yield case.finding(
        kind,
        Severity.BLOCKED,
        what,
        cause=cause,
        consequence=". ".join(_what_is_lost(case, guest)),
        guest=guest,
    )


def _is_built(case: Case, guest: Guest) -> bool:
    """Whether it is a container template that scripts make, without linked clones: nothing in it is anybody's data."""
    return guest.is_template and guest.is_container and not case.estate.linked.get(guest.vm_id or 0)


def _what_is_lost(case: Case, guest: Guest) -> Iterator[str]:
    change, after = case.change, case.after
    own = [disk.label for disk in guest.own_disks]
    lost = _listed(own) if own else "its disks"
    yield f"Proxmox deletes {lost} with all that is on {'it' if len(own) == 1 else 'them'}; backups made before stay"
    if bound := [disk.label for disk in guest.disks if disk.is_bind]:
        yield f"{_listed(bound)} {'is a folder' if len(bound) == 1 else 'are folders'} of the node and not touched"
    if change.before.get("delete_unreferenced_disks_on_destroy") is True:
        yield "Volumes of its VMID that it doesn't refer to go too"
    if guest.is_template and guest.vm_id is not None and (clones := case.estate.linked.get(guest.vm_id)):
        names = _listed([clone.label for clone in clones])
        yield f"Linked clones need its disks, so Proxmox refuses while they are there: {names}"
    if change.before.get("protection") is True:
        yield "Protection is on: Proxmox refuses, and the apply stops there with what was done until then"
    if change.action is Action.DELETE and (there := case.estate.made.get(guest.vm_id or 0)):
        if change.reason == STACK_GONE:
            yield f"{there} makes one with its VMID, which Proxmox refuses while this one is there"
        else:
            kept = "if only its key or group changed, homelab moves keeps it"
            yield f"The plan makes one with its VMID as {there}: {kept}"
    if after is None:
        return
    if after.node != guest.node and not guest.is_container:
        yield f"It would move to {after.node} with its disks if it had migrate = true"
    if guest.vm_id is not None and after.vm_id == guest.vm_id and (lost_with_it := _lost_with_it(case, guest.vm_id)):
        yield f"Proxmox drops {lost_with_it} with the old guest; only the apply after this one puts them back"


def _lost_with_it(case: Case, vm_id: int) -> str:
    """What Proxmox removes along with a guest, and Terraform believes to be there still."""
    kept = (Action.NONE, Action.UPDATE)
    firewall = any(
        change.action in kept and change.type in (FIREWALL_OPTIONS, FIREWALL_RULES)
        for change in case.estate.firewalls.get(vm_id, ())
    )
    purged = case.change.before.get("purge_on_destroy") is True
    jobs = [job for job in case.estate.jobs_after.values() if purged and vm_id in job.vm_ids]
    parts = ["its firewall options and rules"] if firewall else []
    return " and ".join([*parts, *(["its place in backup jobs"] if jobs else [])])


def objects(case: Case) -> Iterator[Finding]:
    """Something else is destroyed or made anew: an image, a datastore, a bridge, a token."""
    change = case.change
    if not change.action.destroys or is_guest(change.type):
        return
    if is_backup_job(change.type) or (is_firewall_settings(change.type) and change.action is Action.DELETE):
        # Judged by what they protect, in the rules about backups and firewalls.
        return
    if change.type in _SCRIPTS:
        kind, happens, stays = (
            ("script-runs-again", "runs again", "")
            if change.action is Action.REPLACE
            else ("script-gone", "is gone", "Nothing runs on a node or in a guest; what it did there stays")
        )
        yield case.finding(
            kind,
            Severity.CHANGE,
            f"{change.address} {happens}",
            cause=cause_of(change, case.estate),
            consequence=stays,
        )
        return
    loss = loss_of(change)
    label = f"{loss.noun} {_name(case)}".strip()
    if change.action is Action.REPLACE:
        severity, consequence = loss.replacing or loss.severity, loss.replaced or loss.destroyed
        yield case.finding(
            "object-replaced",
            severity,
            f"{label} is destroyed and made anew",
            cause=cause_of(change, case.estate),
            consequence=_sentence(consequence),
        )
    else:
        yield case.finding(
            "object-destroyed",
            loss.severity,
            f"{label} is destroyed",
            cause=cause_of(change, case.estate),
            consequence=_sentence(loss.destroyed),
        )


def _name(case: Case) -> str:
    """What people call an object, as far as it may be shown: an id says nothing about secrets in Proxmox alone."""
    values, is_proxmox = case.change.before, short_type(case.change.type) != case.change.type
    key = next((key for key in (*_NAMES, *(["id"] if is_proxmox else [])) if values.get(key)), None)
    if key is None or not isinstance(values[key], str) or masked(case.change.before_sensitive, key):
        return ""
    return case.estate.disclosure.value("name", values[key]) or ""


_SCRIPTS = ("null_resource", "terraform_data")
"""Nothing but what runs when they are made, and their values."""
_NAMES = ("file_name", "name", "pool_id", "id_name", "user_id", "role_id", "resource_id")


def left_behind(case: Case) -> Iterator[Finding]:
    """A replacement that leaves the old object where it is, unmanaged."""
    if case.change.leaves_old:
        label = case.before.label if case.before else case.change.address
        yield case.finding(
            "left-behind",
            Severity.DANGER,
            f"{label} is forgotten and another one is made",
            consequence="The old one stays on its node, unmanaged. A VMID can be used only once in a cluster",
        )


def not_understood(case: Case) -> Iterator[Finding]:
    """An action that no known version of Terraform has; it may be anything."""
    if case.change.action is Action.UNKNOWN:
        yield case.finding(
            "unknown-action",
            Severity.BLOCKED,
            "the plan does something that this review doesn't know",
            consequence="It can't be judged. Use a newer homelab, or look at the plan itself",
        )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
