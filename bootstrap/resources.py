"""Makes an Infisical instance hold what a document asks for, and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from bootstrap.client import Infisical
from bootstrap.compatibility import wait_until_supported
from bootstrap.desired import Resources
from bootstrap.errors import (
    CredentialsError,
    NotEmptyError,
    NotInitializedError,
    OutcomeUnknownError,
    UnauthorizedError,
)
from bootstrap.identity_login import IdentityLogins
from bootstrap.resource_plan import Change, Plan, plan_of
from bootstrap.resource_state import Owner, read_state
from bootstrap.resource_writer import Writer
from bootstrap.values import Values

ATTEMPTS = 3
"""How often a run looks again and goes on after an answer was lost."""


@dataclass(frozen=True)
class Credentials:
    """A machine identity's client id and secret. `identity_id` is empty where it is not known."""

    client_id: str
    client_secret: SecretStr
    identity_id: str = ""


@dataclass(frozen=True)
class ResourcesResult:
    """What changed, or with a plan only, would. `approvals` wait for somebody in Infisical."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    approvals: tuple[str, ...] = ()
    applied: bool = False
    project_ids: Mapping[str, str] = field(default_factory=dict)
    """The ids of the document's projects that are there, by slug."""


class ResourcesRun:
    """One run for one document.

    Args:
        wanted: the document.
        values: where the values of its secrets come from.
        directory: where logins of identities are saved.
        prune: also delete what was made for this owner and is not in the document any more.
    """

    def __init__(
        self, infisical: Infisical, wanted: Resources, values: Values, directory: Path, *, prune: bool
    ) -> None:
        self._infisical = infisical
        self._wanted = wanted
        self._values = values
        self._directory = directory
        self._prune = prune

    def plan(self, credentials: Credentials, *, wait_seconds: float, say: Callable[[str], None]) -> ResourcesResult:
        """What would change. Nothing is changed.

        Raises:
            BootstrapError: see the subclasses.
        """
        plan, writer = self._look(self._log_in(credentials, wait_seconds, say), credentials)
        return ResourcesResult(plan.changes, plan.notes, project_ids=writer.project_ids(self._wanted))

    def apply(self, credentials: Credentials, *, wait_seconds: float, say: Callable[[str], None]) -> ResourcesResult:
        """Carries out what has to change. The caller holds the locks. Safe to repeat.

        Where an answer is lost, it looks what is there and goes on from that.

        Raises:
            OutcomeUnknownError: answers were lost again and again.
            BootstrapError: see the subclasses.
        """
        token = self._log_in(credentials, wait_seconds, say)
        done: list[Change] = []
        kept: list[str] = []
        for attempt in range(1, ATTEMPTS + 1):
            plan, writer = self._look(token, credentials)
            for secret in plan.prompted:
                self._values.made(secret)
            try:
                kept.clear()
                for step in plan.steps:
                    try:
                        step.carry_out(writer)
                    except NotEmptyError as error:
                        kept.append(error.message)
                        continue
                    done += step.changes
                    for change in step.changes:
                        say(f"{change.action.value} {change.kind} {change.name}")
            except OutcomeUnknownError as error:
                if attempt == ATTEMPTS:
                    raise
                say(f"{error.message}; looking what is there")
                continue
            break
        ids = writer.project_ids(self._wanted)
        notes = (*plan.notes, *kept)
        return ResourcesResult(tuple(done), notes, tuple(writer.approvals), applied=True, project_ids=ids)

    def _log_in(self, credentials: Credentials, wait_seconds: float, say: Callable[[str], None]) -> SecretStr:
        wait_until_supported(self._infisical, wait_seconds=wait_seconds, say=say)
        if not self._infisical.config().initialized:
            raise NotInitializedError(
                f"{self._infisical.domain} has no administrator yet",
                "run first: python -m bootstrap admin, and python -m bootstrap identity",
            )
        try:
            return self._infisical.log_in_identity(
                client_id=credentials.client_id, client_secret=credentials.client_secret
            ).access_token
        except UnauthorizedError as error:
            raise CredentialsError(
                f"{self._infisical.domain} does not take the machine identity's client secret: {error.reason}",
                "run: python -m bootstrap identity",
            ) from None

    def _look(self, token: SecretStr, credentials: Credentials) -> tuple[Plan, Writer]:
        own = self._infisical.session(token)
        organization_id = own.whoami().organization.id
        session = self._infisical.projects(token)
        state = read_state(session, organization_id, self._wanted, prune=self._prune)
        logins = IdentityLogins(self._infisical, own, self._directory)
        identity_id = credentials.identity_id
        plan = plan_of(self._wanted, state, self._values, logins, prune=self._prune, own_identity_id=identity_id)
        return plan, Writer(session, state, Owner(self._wanted.owner), self._values, logins)
