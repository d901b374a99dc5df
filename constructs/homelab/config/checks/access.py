"""The role, user and token for this app."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab.config.checks.subject import Findings, Subject
from homelab.config.problems import Problem


def check(subject: Subject) -> Iterator[Problem]:
    """The user is one of its own, and not root."""
    access = subject.environment.access
    if access is not None and access.user.partition("@")[0] == "root":
        yield Problem(
            ("access", "user"),
            "root may do everything, so a token of root's is no least privilege",
            value=access.user,
            allowed="a user that only this app has",
            fix="write homelab@pve",
        )


def check_cluster(subjects: Sequence[Subject]) -> Findings:
    """No user and no role twice in a cluster: each environment would take the other's privileges away."""
    users: dict[str, Subject] = {}
    roles: dict[str, Subject] = {}
    for subject in subjects:
        access = subject.environment.access
        if access is None:
            continue
        for key, value, owners in (("user", access.user, users), ("role", access.role, roles)):
            owner = owners.setdefault(value, subject)
            if owner is not subject:
                yield (
                    subject,
                    Problem(
                        ("access", key),
                        f"environment {owner.environment.name} makes the {key} {value} already",
                        value=value,
                        allowed=f"a {key} that no other environment of the cluster makes",
                        fix=f"write {key}: {_own(key, value, subject)}",
                    ),
                )


def _own(key: str, value: str, subject: Subject) -> str:
    name, at, realm = value.partition("@")
    return f"{name}-{subject.environment.name}{at}{realm}" if key == "user" else f"{value}-{subject.environment.name}"
