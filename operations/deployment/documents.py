"""What the review reads about a plan: the plan in full, or the stack's configuration where that says the same.

``terraform show`` starts the provider once more. A plan that only creates, or does nothing, needs it not: what is new
has the values of the configuration, and what stays has them before and after, or the plan would change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from operations.review import Action, PlanDocument, read_plan
from operations.review.plan import Change, OutputChange
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Plan, Terraform

_ACTIONS = {"create": Action.CREATE, "update": Action.UPDATE, "delete": Action.DELETE}
_META_ARGUMENTS = frozenset({"//", "connection", "depends_on", "lifecycle", "provider", "provisioner"})
_REPEATED = frozenset({"count", "dynamic", "for_each"})


def document_of(plan: Plan, terraform: Terraform) -> PlanDocument:
    """The plan as the review reads it.

    Raises:
        TerraformError: the plan can't be shown.
        ReviewError: Terraform writes plans that the review can't read.
    """
    if configuration_is_enough(plan):
        return _labelled(plan.stack, _from_configuration(plan))
    return full_document_of(plan.stack, terraform.show(plan))


def full_document_of(stack: Stack, shown: str) -> PlanDocument:
    """The plan as ``terraform show`` writes it.

    Raises:
        ReviewError: the review can't read it.
    """
    return _labelled(stack, read_plan(shown, stack.name))


def configuration_is_enough(plan: Plan) -> bool:
    """Whether the configuration says of every object in the plan what it is before and after."""
    configuration = plan.stack.configuration
    return not (
        any(change.action not in ("create", "read") for change in plan.changes)
        or plan.drift
        or {"module", "check"} & configuration.keys()
        or any(_REPEATED & resource.arguments.keys() for resource in plan.stack.resources.values())
    )


def _from_configuration(plan: Plan) -> PlanDocument:
    new = {change.address for change in plan.changes}
    return PlanDocument(
        stack=plan.stack.name,
        changes=tuple(_changes(plan.stack, new)),
        outputs=tuple(
            OutputChange(plan.stack.name, name, _ACTIONS.get(action, Action.UNKNOWN))
            for name, action in plan.outputs.items()
        ),
        applyable=not plan.is_empty,
    )


def _changes(stack: Stack, new: set[str]) -> Iterator[Change]:
    for resource in stack.resources.values():
        written = {name: value for name, value in resource.arguments.items() if name not in _META_ARGUMENTS}
        values, unknown = _known(written)
        is_new = resource.address in new
        yield Change(
            stack=stack.name,
            address=resource.address,
            type=resource.type,
            action=Action.CREATE if is_new else Action.NONE,
            before={} if is_new else values,
            after=values,
            after_unknown=unknown if is_new else None,
        )


def _known(value: Any) -> tuple[Any, Any]:
    """``value`` without expressions, whose values only Terraform knows, and the mask of where they were."""
    if isinstance(value, Mapping):
        pairs = {key: _known(inner) for key, inner in value.items()}
        return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items() if pair[1]}
    if isinstance(value, list):
        entries = [_known(inner) for inner in value]
        return [entry[0] for entry in entries], [entry[1] for entry in entries]
    return (None, True) if isinstance(value, str) and "${" in value else (value, None)


def _labelled(stack: Stack, document: PlanDocument) -> PlanDocument:
    labels = {
        change.address: stack.resource(change.address, change.before).label
        for change in (*document.changes, *document.drift)
    }
    return replace(document, labels=labels)
