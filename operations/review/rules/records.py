"""What only Terraform's own books record: nothing happens on a node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from operations.review.findings import Case, Finding, Severity
from operations.review.guests import is_guest
from operations.review.plan import Action

_TAKEN_OVER = {
    Action.NONE: "Terraform takes it over as it is",
    Action.REPLACE: "Terraform takes it over, destroys it and makes another one",
}
_TO_MOVE = (
    "It stays as it is if its entry in the states is moved first: homelab deploy offers that, homelab moves --apply "
    "does it; without that it is destroyed and made anew"
)
_GUEST_ID = re.compile(r"[A-Za-z0-9.-]+/\d{3,10}")


def metadata_only(case: Case) -> Iterator[Finding]:
    """An update without any difference: only marks of sensitivity differ, or ways of saying that nothing is set."""
    change = case.change
    if change.action is Action.UPDATE and not case.differences:
        alike = change.before == change.after
        yield case.finding(
            "metadata-only",
            Severity.INFO,
            f"{_label(case)}: only metadata changes",
            cause="what Terraform marks as sensitive differs"
            if alike
            else "arguments that aren't set are written in another way",
            consequence="Nothing changes on a node",
        )


def moved(case: Case) -> Iterator[Finding]:
    """Another address for the same object."""
    change = case.change
    if change.previous_address and change.previous_address != change.address:
        to_do = change.moved_by_state and is_guest(change.type) and not change.action.destroys
        yield case.finding(
            "state-move" if to_do else "moved",
            Severity.CHANGE if to_do else Severity.INFO,
            f"{_label(case)} was {change.previous_address}",
            consequence=_TO_MOVE if to_do else "Only its address in the state changes",
        )


def imported(case: Case) -> Iterator[Finding]:
    """An object that is there already becomes Terraform's."""
    change = case.change
    if change.import_id is not None:
        # An import id can be the secret itself; of a guest it is the node and the VMID.
        shown = f" as {change.import_id}" if is_guest(change.type) and _GUEST_ID.fullmatch(change.import_id) else ""
        yield case.finding(
            "imported",
            Severity.INFO,
            f"{_label(case)} is imported{shown}",
            consequence=_TAKEN_OVER.get(change.action, "Terraform takes it over and changes it"),
        )


def forgotten(case: Case) -> Iterator[Finding]:
    """An object stays as it is, and Terraform no longer knows it."""
    if case.change.action is Action.FORGET:
        yield case.finding(
            "forgotten",
            Severity.CHANGE,
            f"{_label(case)} is forgotten",
            consequence="It stays as it is; from then on Terraform neither changes nor notices it",
        )


def _label(case: Case) -> str:
    guest = case.before or case.after
    return guest.label if guest else case.change.address
