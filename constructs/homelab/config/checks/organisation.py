"""Tags, pools and groups: how guests are sorted, in Proxmox and in Terraform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab.config.checks.subject import Findings, Subject, listed, nearest, written
from homelab.config.problems import Path, Problem, Severity

RESERVED_GROUPS = ("access", "cluster", "ha", "sdn", "state-backend", "templates")
"""Names of stacks that hold no guests."""

RESERVED_BEGINNINGS = ("secrets-",)
"""What names of platforms' stacks begin with."""


def check(subject: Subject) -> Iterator[Problem]:
    """Pools are declared, groups are not called like other stacks, and no tag is there twice."""
    environment = subject.environment
    yield from _tags_twice(("tags",), environment.tags)
    for key, template in environment.templates.items():
        yield from _tags_twice(("templates", key, "tags"), template.tags)
    for guest in subject.first_guests:
        definition = guest.definition
        yield from _tags_twice((*guest.path, "tags"), definition.tags)
        if definition.pool is not None and definition.pool not in environment.pools:
            yield Problem(
                (*guest.path, "pool"),
                f"there is no pool {definition.pool}",
                value=definition.pool,
                allowed=listed(environment.pools),
                fix=nearest(definition.pool, environment.pools, f"add it to pools: {definition.pool}: {{}}"),
                refers_to=("pools", definition.pool),
            )
        if guest.path[0] in ("vms", "containers") and _is_reserved(definition.group):
            yield Problem(
                (*guest.path, "group"),
                f"the stack {environment.name}-{definition.group} is not for guests",
                value=definition.group,
                allowed=f"any name but {', '.join(RESERVED_GROUPS)}, or {', '.join(RESERVED_BEGINNINGS)} first",
                fix="choose another group",
            )
    yield from _nested_pools(subject)
    yield from _data_without_protection(subject)


def _is_reserved(group: str) -> bool:
    return group in RESERVED_GROUPS or group.startswith(RESERVED_BEGINNINGS)


def _tags_twice(path: Path, tags: tuple[str, ...]) -> Iterator[Problem]:
    for index, tag in enumerate(tags):
        if tag in tags[:index]:
            message = f"the tag {tag} is here twice"
            yield Problem((*path, index), message, tag, "each tag once", "remove one", severity=Severity.WARNING)


def _nested_pools(subject: Subject) -> Iterator[Problem]:
    pools = subject.environment.pools
    for name, pool in pools.items():
        parent = name.rpartition("/")[0]
        if pool.create and parent and parent not in pools:
            yield Problem(
                ("pools", name),
                f"the pool {parent}, in which it lies, is not declared",
                value=name,
                allowed=listed(pools),
                fix=f"add {parent}: {{}} to pools, with create: false when it exists already",
                refers_to=("pools", parent),
            )


def _data_without_protection(subject: Subject) -> Iterator[Problem]:
    for guest in subject.first_guests:
        definition = guest.definition
        disks = getattr(definition, "disks", {}) or {
            name: point for name, point in getattr(definition, "mount_points", {}).items() if point.size is not None
        }
        if disks and not definition.protection:
            yield Problem(
                guest.path,
                f"{written(guest.path)} keeps data ({', '.join(disks)}), "
                "and nothing stops Terraform from destroying it",
                allowed="protection: true, or guests without disks of their own",
                fix="add protection: true",
                severity=Severity.WARNING,
            )


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """One environment of a cluster makes a pool."""
    makers: dict[str, Subject] = {}
    for subject in subjects:
        for name, pool in subject.environment.pools.items():
            if not pool.create:
                continue
            maker = makers.setdefault(name, subject)
            if maker is not subject:
                yield (
                    subject,
                    Problem(
                        ("pools", name),
                        f"environment {maker.environment.name} makes the pool {name} already",
                        value=name,
                        allowed="create: true in one environment of a cluster",
                        fix="add create: false here",
                    ),
                )
