"""What a review finds: how bad it is, which guest it concerns, why it happens, and what it means in Proxmox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from operations.review.allow_list import Allowance
from operations.review.differences import Difference, differences
from operations.review.estate import Estate, key_of
from operations.review.guests import Guest
from operations.review.plan import Action, Change


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    BLOCKED = "blocked"
    """Data or protection is lost: not to be applied unless it is allowed by its address."""
    DANGER = "danger"
    """Somebody will notice: a guest is stopped, moved, cut off."""
    CHANGE = "change"
    """Worth knowing before an apply: a reboot, an object made anew."""
    INFO = "info"
    """Nothing happens on a node."""


@dataclass(frozen=True)
class Finding:
    """One thing that a person has to know before the apply. All texts may be shown.

    Attributes:
        kind: which rule found it, such as ``disk-removed``; stable, for machines and allow-lists.
        stack: the plan.
        address: Terraform's address; empty where it concerns a whole plan.
        what: what happens.
        cause: why Terraform does it.
        consequence: what it means in Proxmox.
        guest: the name of the guest that it concerns, or empty.
        vm_id: its VMID.
        node: where it is.
        allowance: the entry of the allow-list that lets it pass.
    """

    kind: str
    severity: Severity
    stack: str
    address: str
    what: str
    cause: str = ""
    consequence: str = ""
    guest: str = ""
    vm_id: int | None = None
    node: str = ""
    allowance: Allowance | None = None

    @property
    def blocks(self) -> bool:
        """Whether it forbids an apply."""
        return self.severity is Severity.BLOCKED and self.allowance is None


@dataclass(frozen=True)
class Case:
    """One object of a plan with what a rule needs to judge it."""

    change: Change
    estate: Estate

    @property
    def before(self) -> Guest | None:
        """The guest before the apply, where the object is one."""
        return self.estate.before.get(key_of(self.change))

    @property
    def after(self) -> Guest | None:
        """The guest after the apply, where the object is one and is still there."""
        return self.estate.after.get(key_of(self.change))

    @property
    def guests(self) -> tuple[Guest, Guest] | None:
        """Before and after, where a guest stays and is changed in place."""
        in_place = self.change.action is Action.UPDATE
        return (self.before, self.after) if in_place and self.before and self.after else None

    @property
    def successors(self) -> tuple[Guest, Guest] | None:
        """Before and after, where a guest is there before and after, the same one or another in its place."""
        stays = self.change.action.leaves_one
        return (self.before, self.after) if stays and self.before and self.after else None

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The arguments that an update changes."""
        return differences(self.change, self.estate.disclosure)

    def finding(
        self,
        kind: str,
        severity: Severity,
        what: str,
        *,
        cause: str = "",
        consequence: str = "",
        guest: Guest | None = None,
    ) -> Finding:
        """A finding about this object, its texts made fit to be shown."""
        subject = guest or self.before or self.after
        show = self.estate.disclosure.text
        return Finding(
            kind=kind,
            severity=severity,
            stack=show(self.change.stack),
            address=show(self.change.address, 300),
            what=show(what, 400),
            cause=show(cause, 400),
            consequence=show(consequence, 600),
            guest=show(subject.name) if subject else "",
            vm_id=subject.vm_id if subject else None,
            node=show(subject.node) if subject else "",
        )


Rule = Callable[[Case], Iterator[Finding]]
"""Looks at one object of a plan for one danger."""
