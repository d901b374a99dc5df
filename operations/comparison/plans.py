"""The plan that leads from one revision of a stack to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from operations.comparison.arguments import (
    Defined,
    Schemas,
    defined_resources,
    file_ids,
    references,
    with_ids,
    without_ignored,
)
from operations.comparison.disks import with_volumes
from operations.comparison.replacement import Path, replacing_paths
from operations.comparison.state_moves import Arrivals
from operations.review import Action, PlanDocument
from operations.review.plan import STACK_GONE, Change, OutputChange
from operations.review.values import block, items, mapping, same


@dataclass(frozen=True)
class Arrived:
    """A resource whose entry in the states comes from another address: what it was there, and where that was."""

    defined: Defined
    ids: Mapping[str, str]
    """What the expressions in it stand for."""
    place: str


@dataclass(frozen=True)
class Moved:
    """What is moved in the states, for one stack: what it gets, by address, and which addresses it gives away."""

    arrived: Mapping[str, Arrived] = field(default_factory=dict)
    departed: frozenset[str] = frozenset()


def arrivals_of(
    stack: str, arrivals: Arrivals, configurations: Mapping[str, Mapping[str, Any]], schemas: Schemas
) -> Moved:
    """The resources that ``arrivals`` brings into ``stack``, as the stacks that they come from define them."""
    arrived = {}
    for address, (name, origin) in arrivals.origins.items():
        there = defined_resources(configurations[name], schemas)
        place = origin if name == stack else f"{name}: {origin}"
        arrived[address] = Arrived(there[origin], file_ids(there), place)
    return Moved(arrived, arrivals.departed)


@dataclass(frozen=True)
class _Declared:
    """What a stack says of resources that it moves, forgets and imports."""

    moved: Mapping[str, str]
    """The new addresses with the old ones."""
    forgotten: frozenset[str]
    imports: Mapping[str, str]


def plan_between(
    stack: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    schemas: Schemas,
    moved: Moved | None = None,
) -> PlanDocument:
    """What an apply of ``after`` does where ``before`` is applied and nothing was changed by hand.

    Args:
        before: a ``cdk.tf.json``; None where the stack is new. ``after`` likewise, where it is gone.
        moved: what is moved in the states before.
    """
    moved = moved or Moved()
    old, new = defined_resources(before or {}, schemas), defined_resources(after or {}, schemas)
    declared = _declared(after or {}, old, new)
    gone = _gone(stack, old, new, declared, moved)
    if after is None:
        gone = (replace(change, reason=STACK_GONE) for change in gone)
    return PlanDocument(
        stack=stack,
        changes=(*_kept_and_new(stack, old, new, declared, moved), *gone),
        outputs=tuple(_outputs(stack, before or {}, after or {})),
    )


def _declared(configuration: Mapping[str, Any], old: Mapping[str, Defined], new: Mapping[str, Defined]) -> _Declared:
    moved = {str(entry.get("to")): str(entry.get("from")) for entry in map(mapping, items(configuration.get("moved")))}
    removed = [entry for entry in map(mapping, items(configuration.get("removed"))) if not _destroys(entry)]
    return _Declared(
        moved={to: origin for to, origin in moved.items() if origin in old and to in new and to not in old},
        forgotten=frozenset(str(entry.get("from")) for entry in removed),
        imports={
            str(entry.get("to")): str(entry.get("id")) for entry in map(mapping, items(configuration.get("import")))
        },
    )


def _destroys(removed: Mapping[str, Any]) -> bool:
    return block(removed, "lifecycle").get("destroy") is not False


def _kept_and_new(
    stack: str, old: Mapping[str, Defined], new: Mapping[str, Defined], declared: _Declared, moved: Moved
) -> Iterator[Change]:
    origins = {address: declared.moved.get(address, address) for address in new}
    kept = {
        address: old[origin] for address, origin in origins.items() if origin in old and origin not in moved.departed
    }
    kept |= {address: entry.defined for address, entry in moved.arrived.items()}
    replaced = _replaced(kept, new)
    ids_before, ids_after = file_ids(old), file_ids(new)
    for address, resource in new.items():
        if address not in kept:
            imported = declared.imports.get(address)
            yield Change(
                stack,
                address,
                resource.type,
                Action.CREATE if imported is None else Action.NONE,
                before={} if imported is None else with_ids(resource.values, ids_after),
                after=with_ids(resource.values, ids_after),
                import_id=imported,
            )
            continue
        was: Mapping[str, Any] = kept[address].values
        values: Mapping[str, Any] = without_ignored(was, resource)
        paths, arrived = replaced.get(address), moved.arrived.get(address)
        if paths is None:
            was, values = with_volumes(resource.type, was, values)
        action = Action.NONE if same(was, values) else Action.UPDATE
        yield Change(
            stack,
            address,
            resource.type,
            Action.REPLACE if paths is not None else action,
            before=with_ids(was, arrived.ids if arrived else ids_before),
            after=with_ids(values, ids_after),
            replace_paths=paths or (),
            reason="" if paths is None else "replace_because_cannot_update" if paths else "replace_by_triggers",
            previous_address=arrived.place if arrived else declared.moved.get(address, ""),
            moved_by_state=arrived is not None,
            no_longer_kept=kept[address].is_kept and not resource.is_kept,
        )


def _gone(
    stack: str, old: Mapping[str, Defined], new: Mapping[str, Defined], declared: _Declared, moved: Moved
) -> Iterator[Change]:
    elsewhere = {*declared.moved.values(), *moved.departed}
    ids = file_ids(old)
    for address, resource in old.items():
        if address not in new and address not in elsewhere:
            yield Change(
                stack,
                address,
                resource.type,
                Action.FORGET if address in declared.forgotten else Action.DELETE,
                before=with_ids(resource.values, ids),
                reason="delete_because_no_resource_config",
            )


def _replaced(kept: Mapping[str, Defined], new: Mapping[str, Defined]) -> dict[str, tuple[Path, ...]]:
    """The resources that are made anew, with the arguments that ask for it; none where another one's does."""
    found: dict[str, tuple[Path, ...]] = {}
    while True:
        made_anew = frozenset(found)
        for address, before in kept.items():
            if address in found:
                continue
            resource = new[address]
            values = without_ignored(before.values, resource)
            paths = replacing_paths(resource.type, before.values, values, made_anew)
            if paths or any(_triggers(entry, kept, new, made_anew) for entry in resource.triggers):
                found[address] = paths
        if len(found) == len(made_anew):
            return found


def _triggers(entry: str, kept: Mapping[str, Defined], new: Mapping[str, Defined], made_anew: frozenset[str]) -> bool:
    """Whether what ``replace_triggered_by`` names changes: a resource that changes at all, or its argument."""
    address = next(references(entry), "")
    if address in made_anew:
        return True
    if address not in kept or address not in new:
        return False
    before, after = kept[address].values, without_ignored(kept[address].values, new[address])
    argument = entry.removeprefix(address).lstrip(".").partition(".")[0].partition("[")[0]
    return not (same(before.get(argument), after.get(argument)) if argument else same(before, after))


def _outputs(stack: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[OutputChange]:
    old, new = mapping(before.get("output")), mapping(after.get("output"))
    for name in {**old, **new}:
        if name not in new:
            yield OutputChange(stack, name, Action.DELETE)
        elif name not in old:
            yield OutputChange(stack, name, Action.CREATE)
        elif mapping(old[name]).get("value") != mapping(new[name]).get("value"):
            yield OutputChange(stack, name, Action.UPDATE)
