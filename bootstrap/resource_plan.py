"""What has to change until an instance holds what a document asks for: steps that can be shown, then carried out.

A step shows what it changes, never a value and nothing about one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from bootstrap.desired import Identity, Project, Prompted, Resources
from bootstrap.desired import Secret as WantedSecret
from bootstrap.errors import BootstrapError, UsageError
from bootstrap.identity_login import IdentityLogins
from bootstrap.project_models import Secret as PresentSecret
from bootstrap.resource_state import EnvironmentState, IdentityState, Owner, ProjectState, State
from bootstrap.resource_writer import Writer
from bootstrap.secret_requests import batches, in_order
from bootstrap.values import Values


class Action(StrEnum):
    """What happens to a thing."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One thing that changes. `detail` says how, for an update; of a secret's value only that it changes."""

    action: Action
    kind: str
    name: str
    detail: str = ""

    def document(self) -> dict[str, str]:
        """The change as `--json` prints it."""
        return {"action": self.action.value, "kind": self.kind, "name": self.name, "detail": self.detail}


@dataclass(frozen=True)
class Step:
    """One request, and what it changes: a method of the writer and what it is called with."""

    changes: tuple[Change, ...]
    method: Callable[..., None] = field(repr=False)
    arguments: tuple[object, ...] = field(repr=False)

    def carry_out(self, writer: Writer) -> None:
        """Sends the request."""
        self.method(writer, *self.arguments)


@dataclass(frozen=True)
class Plan:
    """Steps in the order they are carried out, and notes on what is left as it is.

    `prompted` are the secrets whose values somebody has to be asked for before the first step.
    """

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    prompted: tuple[WantedSecret, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Everything that changes."""
        return tuple(change for step in self.steps for change in step.changes)


def plan_of(
    wanted: Resources, state: State, values: Values, logins: IdentityLogins, *, prune: bool, own_identity_id: str
) -> Plan:
    """Compares what is wanted with what is there. Nothing is changed.

    Args:
        wanted: the document.
        state: what is there; read with the same `prune`.
        values: where values come from. Those of secrets that are there are compared, generated ones never.
        logins: the logins that are saved here.
        prune: also delete what the owner made and the document no longer names.
        own_identity_id: who carries the plan out; it does not take its own rights away.

    Raises:
        UsageError: the value of a secret can't be had, or a change would lock the caller out.
        CredentialsError: a saved login can't be read.
        BootstrapError: an identity of that name belongs to somebody else and has another role.
    """
    return _Planner(wanted, state, values, logins, own_identity_id).plan(prune=prune)


class _Planner:
    def __init__(
        self, wanted: Resources, state: State, values: Values, logins: IdentityLogins, own_identity_id: str
    ) -> None:
        self._wanted = wanted
        self._state = state
        self._values = values
        self._logins = logins
        self._own = own_identity_id
        self._owner = Owner(wanted.owner)
        self._notes: list[str] = []
        self._prompted: list[WantedSecret] = []

    def plan(self, *, prune: bool) -> Plan:
        steps: list[Step] = []
        for project in self._wanted.projects:
            steps += self._project(project)
        for identity in self._wanted.identities:
            steps += self._identity(identity)
        if prune:
            for project in self._wanted.projects:
                if project.key in self._state.projects:
                    steps += self._superfluous(project, self._state.projects[project.key])
            steps += self._superfluous_identities()
        return Plan(tuple(steps), tuple(self._notes), tuple(self._prompted))

    def _project(self, project: Project) -> Iterator[Step]:
        found = self._state.projects.get(project.key)
        if found is None:
            yield _step(Action.CREATE, "project", project.slug, Writer.create_project, project)
        else:
            before = {"name": found.project.name, "description": found.project.description or ""}
            after = {"name": project.name, "description": project.description.strip()}
            differing = [key for key in after if before[key] != after[key]]
            if differing:
                detail = ", ".join(f"{key}: {before[key]!r} -> {after[key]!r}" for key in differing)
                yield _step(Action.UPDATE, "project", project.slug, Writer.update_project, project, detail=detail)
        for environment in project.environments:
            there = found.environments.get(environment.slug) if found else None
            name = f"{project.slug}/{environment.slug}"
            if there is None:
                yield _step(Action.CREATE, "environment", name, Writer.create_environment, project, environment)
            elif there.name != environment.name:
                rename, detail = Writer.rename_environment, f"name: {there.name!r} -> {environment.name!r}"
                yield _step(Action.UPDATE, "environment", name, rename, project, there.id, environment, detail=detail)
            for path in project.folder_paths(environment.slug):
                if there is None or path not in there.folders:
                    folder = f"{name}:{path}"
                    yield _step(Action.CREATE, "folder", folder, Writer.create_folder, project, environment.slug, path)
            plain = [one for one in project.secrets if one.environment == environment.slug and not one.references]
            yield from self._secrets(project, plain, there)
        # Infisical refuses a reference to what is not there yet, also to what the same request makes.
        for secret in in_order([one for one in project.secrets if one.references], self._values):
            yield from self._secrets(project, [secret], found.environments.get(secret.environment) if found else None)

    def _secrets(
        self, project: Project, wanted: Sequence[WantedSecret], there: EnvironmentState | None
    ) -> Iterator[Step]:
        """What has to change about secrets of one environment: a request for each folder, or some where it is much."""
        missing: dict[str, list[WantedSecret]] = defaultdict(list)
        different: dict[str, list[tuple[WantedSecret, str]]] = defaultdict(list)
        present = there.secrets if there else {}
        for secret in wanted:
            found = present.get((secret.path, secret.name))
            if found is None:
                self._check(secret)
                missing[secret.path].append(secret)
            elif changed := self._differing(project, secret, found):
                different[secret.path].append((secret, ", ".join(changed)))
        for path, secrets in missing.items():
            for batch in batches(secrets, lambda one: self._size(one, None)):
                changes = tuple(Change(Action.CREATE, "secret", _secret_name(project, secret)) for secret in batch)
                yield Step(changes, Writer.create_secrets, (project, path, tuple(batch)))
        for path, updates in different.items():
            for part in batches(updates, lambda one: self._size(one[0], present.get((one[0].path, one[0].name)))):
                changes = tuple(
                    Change(Action.UPDATE, "secret", _secret_name(project, secret), detail) for secret, detail in part
                )
                old = tuple(secret for secret, _ in part)
                yield Step(changes, Writer.update_secrets, (project, path, old, present))

    def _size(self, secret: WantedSecret, found: PresentSecret | None) -> int:
        """How much of a request a secret takes, in bytes; what somebody is asked for is short."""
        value = self._values.wanted(secret) or (found.secret_value if found else None)
        return len(secret.comment.encode()) + (len(value.get_secret_value().encode()) if value else 0)

    def _check(self, secret: WantedSecret) -> None:
        """Finds out whether the value of a secret that is to be made can be had."""
        if isinstance(secret.value, Prompted):
            self._prompted.append(secret)
        else:
            self._values.made(secret)

    def _differing(self, project: Project, secret: WantedSecret, found: PresentSecret) -> list[str]:
        differing = []
        value = self._values.wanted(secret)
        if value is not None and found.secret_value_hidden:
            self._notes.append(f"{_secret_name(project, secret)} is not compared: this identity may not read it")
        elif value is not None and value != found.secret_value:
            differing.append("value")
        elif value is None and not self._values.kept(secret):
            self._notes.append(f"{_secret_name(project, secret)} is not compared: its variable is not set")
        if secret.comment.strip() != found.secret_comment and not found.secret_value_hidden:
            differing.append("comment")
        return differing

    def _identity(self, identity: Identity) -> Iterator[Step]:
        found = self._state.identities.get(identity.name)
        if found is None:
            yield _step(Action.CREATE, "identity", identity.name, Writer.create_identity, identity)
        elif found.role != identity.role:
            self._require_changeable(identity, found)
            detail = f"role: {found.role} -> {identity.role}"
            yield _step(Action.UPDATE, "identity", identity.name, Writer.change_identity_role, identity, detail=detail)
        for wanted in identity.projects:
            project = next(one for one in self._wanted.projects if one.key == wanted.project)
            there = self._state.projects.get(project.key)
            name = f"{identity.name} in {project.slug}"
            arguments = (identity, project, wanted.role)
            member = there.members.get(found.id) if there and found else None
            if member is not None:
                before = ", ".join(sorted(role.name for role in member.roles))
                before += " (temporary)" if any(role.is_temporary for role in member.roles) else ""
            elif there is None and found is not None and found.id == self._own:
                # Who makes a project is its admin from the start.
                before = "admin"
            else:
                yield _step(Action.CREATE, "role", name, Writer.add_member, *arguments, detail=wanted.role)
                continue
            if before != wanted.role:
                self._require_not_own(found, f"its role in the project {project.slug}")
                detail = f"{before} -> {wanted.role}"
                yield _step(Action.UPDATE, "role", name, Writer.change_member, *arguments, detail=detail)
        if identity.universal_auth and (found is None or self._logins.is_missing(identity.name, found.id)):
            file = self._logins.path(identity.name).name
            yield _step(Action.CREATE, "login", identity.name, Writer.create_login, identity, detail=f"saved in {file}")

    def _superfluous(self, project: Project, state: ProjectState) -> Iterator[Step]:
        wanted_secrets = {(one.environment, one.path, one.name) for one in project.secrets}
        for slug, environment in state.environments.items():
            deleted: dict[str, list[str]] = defaultdict(list)
            for (path, name), secret in environment.secrets.items():
                if (slug, path, name) not in wanted_secrets and self._owner.made_secret(secret):
                    deleted[path].append(name)
            for path, names in deleted.items():
                base = f"{project.slug}/{slug}:{path.rstrip('/')}"
                changes = tuple(Change(Action.DELETE, "secret", f"{base}/{name}") for name in names)
                yield Step(changes, Writer.delete_secrets, (project, slug, path, tuple(names)))
            yield from self._superfluous_folders(project, slug, environment, deleted)
        yield from self._superfluous_roles(project, state)

    def _superfluous_folders(
        self, project: Project, slug: str, environment: EnvironmentState, deleted: dict[str, list[str]]
    ) -> Iterator[Step]:
        wanted = project.folder_paths(slug)
        used = {path for path, name in environment.secrets if name not in deleted.get(path, [])}
        kept = {str(parent) for path in used for parent in (PurePosixPath(path), *PurePosixPath(path).parents)}
        # The deepest first: a folder with something in it that stays, stays too.
        for path, folder in sorted(environment.folders.items(), key=lambda item: -item[0].count("/")):
            name = f"{project.slug}/{slug}:{path}"
            made = self._owner.made_folder(folder)
            if made and path not in wanted and path not in kept:
                yield _step(Action.DELETE, "folder", name, Writer.delete_folder, project, slug, path, folder.id)
                continue
            kept.add(str(PurePosixPath(path).parent))
            if made and path not in wanted:
                self._notes.append(f"the folder {name} stays: something of others is in it")

    def _superfluous_roles(self, project: Project, state: ProjectState) -> Iterator[Step]:
        for identity in self._wanted.identities:
            found = self._state.identities.get(identity.name)
            if found is None or found.id not in state.members or not self._owner.made_identity(found):
                continue
            if project.key not in {one.project for one in identity.projects}:
                self._require_not_own(found, f"its role in the project {project.slug}")
                name = f"{identity.name} in {project.slug}"
                yield _step(Action.DELETE, "role", name, Writer.remove_member, project, found.id)

    def _superfluous_identities(self) -> Iterator[Step]:
        staying = {identity.id for identity in (*self._state.identities.values(), *self._state.others)}
        for identity in self._state.others:
            if self._owner.made_identity(identity) and identity.id != self._own:
                yield _step(Action.DELETE, "identity", identity.name, Writer.delete_identity, identity.id)
                staying.remove(identity.id)
        deleted = {identity.id for identity in self._state.others} - staying
        wanted = {identity.name for identity in self._wanted.identities}
        # Also of one that an earlier run deleted before it was killed.
        for name, id_ in self._logins.saved_for(staying):
            if name not in wanted and (id_ in deleted or self._logins.is_gone(id_)):
                detail = f"{self._logins.path(name).name} is removed"
                yield _step(Action.DELETE, "login", name, Writer.forget_login, name, id_, detail=detail)

    def _require_changeable(self, identity: Identity, found: IdentityState) -> None:
        self._require_not_own(found, "its role in the organization")
        if not self._owner.made_identity(found):
            raise BootstrapError(
                f"the machine identity {identity.name!r} was not made for {self._wanted.owner!r}; its role is"
                f" {found.role!r}, wanted is {identity.role!r}",
                "change its role in Infisical if it is the right one, or choose another name",
            )

    def _require_not_own(self, found: IdentityState | None, what: str) -> None:
        if found is not None and found.id == self._own:
            raise UsageError(
                f"the machine identity {found.name!r} would change {what}, and it is the one that does this",
                "give it the role it has in the document, or leave it out",
            )


def _step(
    action: Action, kind: str, name: str, method: Callable[..., None], *arguments: object, detail: str = ""
) -> Step:
    return Step((Change(action, kind, name, detail),), method, arguments)


def _secret_name(project: Project, secret: WantedSecret) -> str:
    return f"{project.slug}/{secret.environment}:{secret.path.rstrip('/')}/{secret.name}"
