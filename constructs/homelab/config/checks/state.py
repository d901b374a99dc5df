"""State: locked where several may write it, outside of what is thrown away, and each stack's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from homelab.config.checks.organisation import RESERVED_GROUPS
from homelab.config.checks.subject import Findings, Subject
from homelab.config.problems import Path, Problem, Severity
from homelab.config.state import LocalState, S3State


def check(subject: Subject) -> Iterator[Problem]:
    """What one environment says about its state."""
    state = subject.environment.state
    yield from _local(state) if isinstance(state, LocalState) else _s3(state)


def _local(state: LocalState) -> Iterator[Problem]:
    path: Path = ("state", "directory")
    folder = PurePosixPath(state.directory)
    if ".." in folder.parts:
        fix = "write a folder of the project, such as state"
        yield Problem(path, "the state would lie outside of the project", state.directory, "a folder without ..", fix)
    elif folder.is_absolute():
        yield Problem(
            path,
            "an absolute folder is another one on every machine",
            state.directory,
            "a folder of the project",
            "write a relative folder, such as state",
            severity=Severity.WARNING,
        )


def _s3(state: S3State) -> Iterator[Problem]:
    if state.lock_table is None and not state.lock_file:
        yield Problem(
            ("state",),
            "the state has no lock: two people who apply at the same time destroy each other's work",
            allowed="lock_table or lock_file",
            fix="add lock_file: true (Terraform 1.10 or later), or lock_table: homelab-locks",
            severity=Severity.WARNING,
        )
    for key in ("endpoint", "dynamodb_endpoint"):
        address = getattr(state, key)
        if address is not None and address.startswith("http://") and not _is_loopback(address):
            yield Problem(
                ("state", key),
                "the state, which holds secrets, would go over the network in clear text",
                value=address,
                allowed="https://",
                fix=f"write https{address[4:]}",
                severity=Severity.WARNING,
            )
    if not state.encrypt:
        yield Problem(
            ("state", "encrypt"),
            "the state, which holds secrets, would lie on the server in clear text",
            value=False,
            allowed="true, where the server has keys",
            fix="give the server keys (MinIO: MINIO_KMS_SECRET_KEY) and remove encrypt, or encrypt the server's disk",
            severity=Severity.WARNING,
        )


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_all(subjects: Sequence[Subject]) -> Findings:
    """No two stacks with one name, whatever the cluster; no bucket made twice."""
    owners: dict[str, tuple[Subject, Path]] = {}
    buckets: dict[str, Subject] = {}
    for subject in subjects:
        for stack, path in _stacks(subject):
            owner, _ = owners.setdefault(stack, (subject, path))
            if owner is not subject:
                yield (
                    subject,
                    Problem(
                        path,
                        f"environment {owner.environment.name} has a stack {stack} already, "
                        "and both would write one state",
                        value=stack,
                        allowed="stacks are called <environment>-<group>, each once",
                        fix="rename the group or the environment",
                    ),
                )
                break
        state = subject.environment.state
        if isinstance(state, S3State) and state.create:
            maker = buckets.setdefault(state.bucket, subject)
            if maker is not subject:
                yield (
                    subject,
                    Problem(
                        ("state", "create"),
                        f"environment {maker.environment.name} makes the bucket {state.bucket} already",
                        value=True,
                        allowed="create: true in one environment",
                        fix="remove create",
                    ),
                )


def _stacks(subject: Subject) -> Iterator[tuple[str, Path]]:
    name = subject.environment.name
    for reserved in RESERVED_GROUPS:
        yield f"{name}-{reserved}", ()
    seen: set[str] = set()
    for guest in subject.first_guests:
        group = guest.definition.group
        if group not in seen:
            seen.add(group)
            yield f"{name}-{group}", (*guest.path, "group")
