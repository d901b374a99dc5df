"""What holds for every plan: no crash, no secret, and no verdict that gets milder when a change is added."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations.review import Review, ReviewError, Verdict, as_json, as_markdown, as_text, read_plan, review
from tests.operations.review.plans import CONTAINER, JOB, OPTIONS, RULES, VM, change, container, disk, document, nic, vm

UNIQUE = st.uuids()
"""For addresses, of which a plan has each once."""
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CANARY = "canary-91c0de"

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
KEYS = """
    vm_id name node_name started template protection disk network_device network_interface mount_point initialization
    cpu memory clone interface size datastore_id backup firewall bridge volume path enabled vmid all pool pool_id
    prune_backups input_policy rule action user_data_file_id hostname dedicated cores mac_address id content_type
    password user_account description tags
"""
names = st.sampled_from(KEYS.split())
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=4), inner, max_size=5),
    max_leaves=12,
)
types = st.sampled_from(
    [
        VM,
        CONTAINER,
        JOB,
        OPTIONS,
        RULES,
        "proxmox_virtual_environment_cluster_firewall",
        "proxmox_node_firewall",
        "proxmox_virtual_environment_file",
        "proxmox_pool_membership",
        "proxmox_download_file",
        "random_password",
    ]
)
actions = st.sampled_from(
    [
        ["no-op"],
        ["create"],
        ["read"],
        ["update"],
        ["delete"],
        ["delete", "create"],
        ["create", "delete"],
        ["forget"],
        ["x"],
    ]
) | st.lists(st.text(max_size=6), max_size=3)


@st.composite
def wild_changes(draw: st.DrawFn) -> dict[str, Any]:
    """An entry of ``resource_changes`` with anything in it."""
    type_ = draw(types)
    return {
        "address": f"{type_}.{draw(st.text(max_size=5))}{draw(UNIQUE)}",
        "type": type_,
        "action_reason": draw(anything),
        "previous_address": draw(anything),
        "deposed": draw(anything),
        "change": {
            "actions": draw(actions),
            **draw(
                st.fixed_dictionaries(
                    {},
                    optional=dict.fromkeys(
                        [
                            "before",
                            "after",
                            "after_unknown",
                            "before_sensitive",
                            "after_sensitive",
                            "replace_paths",
                            "importing",
                        ],
                        anything,
                    ),
                )
            ),
        },
    }


def shown(result: Review) -> str:
    """Everything that a review shows."""
    return "\n".join([as_text(result), as_json(result), *as_markdown(result)])


@MANY
@given(
    anything
    | st.fixed_dictionaries(
        {"format_version": st.just("1.2"), "planned_values": anything},
        optional=dict.fromkeys(
            [
                "resource_changes",
                "resource_drift",
                "output_changes",
                "prior_state",
                "checks",
                "configuration",
                "variables",
                "complete",
                "errored",
                "applyable",
                "deferred_changes",
            ],
            anything,
        ),
    )
)
def test_any_json_is_read_or_refused(content: Any) -> None:
    with contextlib.suppress(ReviewError):
        assert shown(review([read_plan(json.dumps(content), "p")]))


@MANY
@given(st.lists(wild_changes(), max_size=4), st.lists(wild_changes(), max_size=2))
def test_any_values_are_judged(changes: list[dict[str, Any]], drift: list[dict[str, Any]]) -> None:
    result = review([read_plan(json.dumps(document(*changes, resource_drift=drift)), "p")])
    text = shown(result)
    text.encode("utf-8")
    json.loads(as_json(result))
    assert all(len(piece) < 65_000 for piece in as_markdown(result))


def with_canaries(value: Any, mask: Any, *, covered: bool = False) -> Any:
    """``value`` with a secret in each text that ``mask`` covers."""
    covered = covered or mask is True
    if isinstance(value, dict):
        inner = mask if isinstance(mask, dict) else {}
        return {key: with_canaries(item, inner.get(key), covered=covered) for key, item in value.items()}
    if isinstance(value, list):
        masks = mask if isinstance(mask, list) else []
        return [
            with_canaries(item, masks[index] if index < len(masks) else None, covered=covered)
            for index, item in enumerate(value)
        ]
    return f"{CANARY}-{value}" if covered and isinstance(value, str) else value


PATHS: list[tuple[str | int, ...]] = [
    ("name",),
    ("node_name",),
    ("description",),
    ("id",),
    ("hotplug",),
    ("tags",),
    ("tags", 0),
    ("disk",),
    ("disk", 0),
    ("disk", 0, "datastore_id"),
    ("disk", 1, "interface"),
    ("network_device",),
    ("network_device", 0, "bridge"),
]


def mask_of(paths: set[tuple[str | int, ...]]) -> Any:
    """A mask in Terraform's shape that covers ``paths``."""
    mask: dict[str, Any] = {}
    for path in sorted(paths, key=len, reverse=True):
        head, *rest = path
        if not rest:
            mask[str(head)] = True
            continue
        entries = mask.setdefault(str(head), [{}, {}])
        if len(rest) == 1:
            entries[rest[0]] = True
        elif isinstance(entries[rest[0]], dict):
            entries[rest[0]][rest[1]] = True
    return mask


guests = st.builds(
    vm,
    st.integers(100, 104),
    name=st.sampled_from(["web", "dns"]),
    node_name=st.sampled_from(["pve", "pve2"]),
    started=st.booleans(),
    protection=st.booleans(),
    tags=st.lists(st.sampled_from(["a", "b"]), max_size=2),
    description=st.sampled_from(["one", "two"]),
    disk=st.lists(st.builds(disk, st.sampled_from(["scsi0", "scsi1"]), st.integers(1, 9)), max_size=2, unique_by=str),
    network_device=st.lists(
        st.builds(nic, bridge=st.sampled_from(["vmbr0", "vmbr1"]), firewall=st.booleans()), max_size=2
    ),
    memory=st.builds(lambda size: [{"dedicated": size}], st.integers(512, 520)),
)


@st.composite
def secret_changes(draw: st.DrawFn) -> dict[str, Any]:
    """A change of a guest with secrets in random places, marked as Terraform marks them."""
    values, masks = [], []
    for _ in range(2):
        value = draw(guests)
        mask = mask_of(draw(st.sets(st.sampled_from(PATHS), max_size=4)))
        values.append(with_canaries(value, mask))
        masks.append(mask)
    action = draw(st.sampled_from([["update"], ["delete"], ["delete", "create"], ["create"], ["forget"]]))
    before = None if action == ["create"] else values[0]
    after = None if action in (["delete"], ["forget"]) else values[1]
    paths: list[list[str | int]] = draw(
        st.lists(st.sampled_from([["name"], ["node_name"], ["disk", 0, "datastore_id"], ["tags"]]), max_size=2)
    )
    return change(
        f"{VM}.x{draw(UNIQUE)}",
        before,
        after,
        actions=action,
        before_sensitive=masks[0] if before else False,
        after_sensitive=masks[1] if after else False,
        replace_paths=paths,
    )


@MANY
@given(st.lists(secret_changes(), min_size=1, max_size=3), st.lists(secret_changes(), max_size=2))
def test_no_sensitive_value_is_ever_shown(changes: list[dict[str, Any]], drift: list[dict[str, Any]]) -> None:
    assert CANARY not in shown(review([read_plan(json.dumps(document(*changes, resource_drift=drift)), "p")]))


jobs = st.builds(
    lambda vm_ids, **values: {"id": "j", "vmid": [str(number) for number in vm_ids], **values},
    st.lists(st.integers(100, 104), max_size=3, unique=True),
    enabled=st.booleans(),
)
options = st.builds(
    lambda **values: values,
    vm_id=st.integers(100, 104),
    enabled=st.booleans(),
    input_policy=st.sampled_from(["DROP", "ACCEPT"]),
)
CONTAINERS = st.builds(container, st.integers(200, 203), protection=st.booleans(), started=st.booleans())


@st.composite
def plain_changes(draw: st.DrawFn, *, with_jobs: bool = True) -> dict[str, Any]:
    """A change that Terraform could plan."""
    kinds = [(VM, guests), (CONTAINER, CONTAINERS), (OPTIONS, options), *([(JOB, jobs)] if with_jobs else [])]
    type_, values = draw(st.sampled_from(kinds))
    before, after = draw(values), draw(values)
    for name in ("id", "vm_id"):
        if name in before:
            after[name] = before[name]
    action = draw(st.sampled_from([["no-op"], ["update"], ["delete"], ["delete", "create"], ["create"], ["forget"]]))
    return change(
        f"{type_}.x{draw(UNIQUE)}",
        None if action == ["create"] else before,
        before if action == ["no-op"] else None if action in (["delete"], ["forget"]) else after,
        actions=action,
    )


ORDER = list(Verdict)


def verdict(changes: list[dict[str, Any]]) -> Verdict:
    return review([read_plan(json.dumps(document(*changes, applyable=None)), "p")]).verdict


@MANY
@given(st.lists(plain_changes(), max_size=4), plain_changes(with_jobs=False))
def test_a_further_change_never_makes_the_verdict_milder(changes: list[dict[str, Any]], more: dict[str, Any]) -> None:
    # Only a further backup job may: one that takes the guests which another one drops.
    assert ORDER.index(verdict([*changes, more])) >= ORDER.index(verdict(changes))


@MANY
@given(st.lists(plain_changes(), max_size=4), jobs, jobs)
def test_a_further_job_makes_it_milder_only_by_taking_guests(
    changes: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any]
) -> None:
    takes_less = {
        **after,
        "vmid": sorted({*after["vmid"]} & {*before["vmid"]}),
        "enabled": before["enabled"] and after["enabled"],
    }
    job = change(f"{JOB}.more", before, takes_less, actions=["update"])
    same = change(f"{JOB}.more", before, before)
    assert ORDER.index(verdict([*changes, job])) >= ORDER.index(verdict([*changes, same]))


@MANY
@given(st.lists(plain_changes(), min_size=1, max_size=4), st.randoms())
def test_the_order_of_changes_does_not_matter(changes: list[dict[str, Any]], random: Any) -> None:
    other = list(changes)
    random.shuffle(other)
    assert verdict(other) is verdict(changes)


@MANY
@given(guests)
def test_a_plan_without_changes_is_nothing(guest: dict[str, Any]) -> None:
    assert verdict([change(f"{VM}.x", guest, guest)]) is Verdict.NOTHING
