"""``homelab deploy services --recreate``, ``--restore``, ``--rebuild-template`` from their beginning to their end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TextIO

from operations.deployment.backup import LATEST, Backup, BackupError, Backups
from operations.deployment.deployment import Confirm
from operations.deployment.ending import EXIT_FAILED, EXIT_OK, Report
from operations.deployment.recreate import (
    Service,
    chosen_backup,
    destroy_allowed,
    find_service,
    lift_protection,
    rebuilt,
    recreated,
    restored,
    target_of,
)
from operations.deployment.run import deploy
from operations.deployment.session import Session
from operations.diagnosis.diagnosis import Diagnosis
from operations.proxmox_api import ProxmoxError
from operations.review import Review
from operations.terraform.process import Interrupted
from operations.terraform.stacks import StackError

ConfirmLoss = Callable[[Service, str], bool]
"""Is asked before the containers of a service lose what they have; the text says what happens to them."""


_ONLY_PRIMARY = (
    "{name} is a replica: it copies the first container and has nothing of its own to bring back\n"
    "    fix:      --recreate {name} without --restore clones it again"
)


@dataclass(frozen=True)
class Request:
    """What is to be made anew.

    Attributes:
        recreate: the service, or the instance of one, whose containers are made anew.
        restore: ``latest`` or the volume of a backup, which they then get; empty clones them from the template.
        rebuild_template: the service whose template is made anew instead.
    """

    recreate: str = ""
    restore: str = ""
    rebuild_template: str = ""

    @property
    def is_given(self) -> bool:
        """Whether anything is to be made anew."""
        return bool(self.recreate or self.rebuild_template)

    @property
    def options(self) -> str:
        """As it is written on the command line."""
        if self.rebuild_template:
            return f"--rebuild-template {self.rebuild_template}"
        return f"--recreate {self.recreate}" + (f" --restore {self.restore}" if self.restore else "")

    @property
    def problem(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if self.recreate and self.rebuild_template:
            return "--recreate and --rebuild-template do not go together\n    fix:      one after the other"
        if self.restore and not self.recreate:
            return "--restore goes with --recreate\n    fix:      add --recreate SERVICE"
        return ""


def make_anew(
    session: Session,
    request: Request,
    *,
    confirm: Confirm,
    confirm_loss: ConfirmLoss,
    dry_run: bool = False,
    json_to: TextIO | None = None,
) -> int:
    """Does what ``request`` says and deploys the service's stack; returns the exit code.

    Args:
        confirm: is asked after the review.
        confirm_loss: is asked before that, where containers lose what they have.
        json_to: gets one JSON document at the end, in place of the summary.
    """
    report = Report(session, "deploy", json_to=json_to)
    name = request.recreate or request.rebuild_template
    try:
        service = find_service(session.stacks, name, session.environment.name)
        if request.rebuild_template:
            replacements = rebuilt(service)
        elif request.restore:
            replacements = restored(service)
        else:
            replacements = recreated(service)
    except StackError as error:
        return report.usage(str(error))
    if request.restore and service.primary is None:
        return report.usage(_ONLY_PRIMARY.format(name=name))
    # What is destroyed on the way; a container that is restored stays in Terraform's state.
    cloned = service.replicas if request.restore else service

    def confirm_and_lift(judged: Review) -> bool:
        if not confirm(judged):
            return False
        if session.api is not None and request.recreate:
            lift_protection(session.api, cloned)
        return True

    try:
        if request.recreate and not _prepare(session, service, request.restore, report, confirm_loss, dry_run=dry_run):
            return report.end([], "Nothing was changed.", code=EXIT_OK if dry_run else EXIT_FAILED)
        with destroy_allowed(cloned) if request.recreate else nullcontext():
            return deploy(
                session,
                [service.stack.name],
                confirm=confirm_and_lift,
                replacements=replacements,
                again=f"homelab deploy services {request.options} --environment {session.environment.name}",
                dry_run=dry_run,
                json_to=json_to,
            )
    except (BackupError, ProxmoxError) as error:
        return report.end(
            [], "", code=EXIT_FAILED, errors=[_failure(service, str(error), restore=bool(request.restore))]
        )
    except Interrupted:
        return report.end([], "Stopped; run the same command again to continue.", code=EXIT_FAILED)


def _prepare(
    session: Session, service: Service, restore: str, report: Report, confirm_loss: ConfirmLoss, *, dry_run: bool
) -> bool:
    """Says what there is to bring back and asks; restores where that is wanted. False ends the command."""
    if session.api is None:
        return True
    backups = Backups(session.api, session.processes.stop_if_interrupted)
    if not restore:
        for instance in service.primary.instances if service.primary else ():
            there = backups.of(target_of(instance))
            latest = f"its latest backup is {_described(there[0])}; --restore {LATEST} brings it back" if there else ""
            report.note(f"{instance.label}: {latest or 'there is no backup of it'}")
        for replica in service.replicas.instances:
            report.note(f"{replica.label}: it copies what the first container has")
        for instance in service.instances:
            if instance.prevents_destroy:
                report.note(f"{instance.label}: its protection is taken off for this, and is back afterwards")
        return dry_run or confirm_loss(service, "destroyed with all that is on its disks, and cloned again")
    primary = service.primary or service
    (instance,) = primary.instances
    backup = chosen_backup(backups, instance, restore)
    report.note(f"{instance.label} gets what is in {_described(backup)}")
    for replica in service.replicas.instances:
        report.note(f"{replica.label} is cloned again and copies it")
    if dry_run or not confirm_loss(primary, "overwritten with that: what came later is lost"):
        return False
    backups.restore(target_of(instance), backup.volume)
    report.note(f"{instance.label} is restored")
    return True


def _described(backup: Backup) -> str:
    return f"{backup.volume} ({backup.moment})"


def _failure(service: Service, reason: str, *, restore: bool) -> Diagnosis:
    without = ("or leave --restore out: its containers are cloned again, with nothing in them",) if restore else ()
    return Diagnosis(
        "not_made_anew",
        f"{service.name} could not be made anew",
        found=reason,
        fix=(
            "mend what it names and run the command again; a token needs VM.Backup and VM.Config.Options for this",
            *without,
        ),
        places=(f"stack {service.stack.name}",),
    )
