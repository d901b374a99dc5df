"""A plan as the review knows it: what happens to which object, with the values before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ReviewError(Exception):
    """Something can't be reviewed; the message says what, what is allowed, and what to do."""


class Action(StrEnum):
    """What a plan does with one object."""

    NONE = "no-op"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    READ = "read"
    UNKNOWN = "unknown"

    @property
    def destroys(self) -> bool:
        """Whether the object that is there is destroyed."""
        return self in (Action.DELETE, Action.REPLACE)

    @property
    def leaves_one(self) -> bool:
        """Whether an object is there before and after: the same one changed, or another in its place."""
        return self in (Action.UPDATE, Action.REPLACE)


ACTIONS = {
    ("no-op",): Action.NONE,
    ("create",): Action.CREATE,
    ("read",): Action.READ,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
    # The old object stays where it is, unmanaged, and another one is made.
    ("create", "forget"): Action.CREATE,
    ("forget", "create"): Action.CREATE,
    ("open",): Action.READ,
}


STACK_GONE = "stack_gone"
"""The ``reason`` of what a stack had that is gone. Terraform has none for it: it plans only stacks that are there."""


@dataclass(frozen=True)
class Change:
    """What a plan does with one object, with the values before and after.

    Attributes:
        stack: the plan that it is in.
        before_sensitive: what Terraform knows to be secret, in the shape of the values; so is ``after_sensitive``.
        after_unknown: what is known only after the apply.
        reason: Terraform's ``action_reason``, or `STACK_GONE`.
        deposed: the key of an object that a replacement left behind; empty for the object itself.
        import_id: the id that it is imported by; None when it is not.
    """

    stack: str
    address: str
    type: str
    action: Action
    before: Mapping[str, Any] = field(default_factory=dict, repr=False)
    after: Mapping[str, Any] = field(default_factory=dict, repr=False)
    after_unknown: Any = field(default=None, repr=False)
    before_sensitive: Any = field(default=None, repr=False)
    after_sensitive: Any = field(default=None, repr=False)
    replace_paths: tuple[tuple[str | int, ...], ...] = ()
    reason: str = ""
    previous_address: str = ""
    deposed: str = ""
    import_id: str | None = None
    moved_by_state: bool = False
    """Whether its new address comes from a move in the states that is still to be done, and not from the plan."""
    no_longer_kept: bool = False
    """Whether ``prevent_destroy`` goes. A plan doesn't say so; only a comparison of configurations knows."""
    leaves_old: bool = False
    """Whether the object that was there stays, unmanaged, beside a new one."""

    @property
    def exists_after(self) -> bool:
        """Whether the object is there after the apply."""
        return not self.deposed and self.action is not Action.DELETE

    @property
    def values(self) -> Mapping[str, Any]:
        """The values after the apply; those before it of what is destroyed or forgotten."""
        return self.after or self.before


@dataclass(frozen=True)
class OutputChange:
    """An output whose value changes; the value itself is not kept."""

    stack: str
    name: str
    action: Action


@dataclass(frozen=True)
class Untouched:
    """An object in the state that the plan doesn't mention, as those beside a ``-target``."""

    address: str
    type: str
    values: Mapping[str, Any] = field(repr=False)
    sensitive: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class PlanDocument:
    """One plan.

    Attributes:
        changes: the managed objects in the plan, those without a change too.
        drift: what was changed without Terraform since the last apply.
        untouched: what is in the state and not in the plan.
        deferred: addresses that Terraform puts off to a later plan.
        failed_checks: addresses whose conditions (``check``, ``precondition``, ``postcondition``) fail.
        invocations: addresses of actions that the apply runs, which are no resources.
        secrets: values that are secret wherever they turn up.
        errored: the plan ended with an error and is only a part.
        complete: everything in the configuration is in the plan; not so with ``-target``.
        applyable: an apply would do something; None where Terraform is too old to say so.
        labels: what people call the objects at some addresses; others are called by their address.
        root_disks: the sizes (GiB) of containers' root disks as the configuration has them, by address.
    """

    stack: str
    terraform_version: str = ""
    changes: tuple[Change, ...] = ()
    drift: tuple[Change, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    untouched: tuple[Untouched, ...] = ()
    deferred: tuple[str, ...] = ()
    failed_checks: tuple[str, ...] = ()
    invocations: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    errored: bool = False
    complete: bool = True
    applyable: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    root_disks: Mapping[str, float] = field(default_factory=dict)
