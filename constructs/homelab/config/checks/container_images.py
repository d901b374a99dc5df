"""Container images of platforms: locked by digest."""

from __future__ import annotations

from collections.abc import Iterator

from homelab.config.checks.subject import Subject
from homelab.config.platform_images import container_images
from homelab.config.problems import Problem, Severity


def check(subject: Subject) -> Iterator[Problem]:
    """Every image has a digest, its own or the lock file's; else ``policy.unlocked_images`` says what that is."""
    lock, reaction = subject.image_lock, subject.environment.policy.unlocked_images
    if lock is None or reaction == "ignore":
        return
    for used in container_images(subject.environment):
        if lock.digest_for(used.reference) is None:
            yield Problem(
                used.path,
                "the image has no digest, so whatever its tag points to that day runs",
                value=used.reference,
                allowed="an image with digest, in the file or in the lock file",
                fix="run `homelab images lock`",
                severity=Severity(reaction),
            )
