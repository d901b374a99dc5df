"""What an Infisical instance holds of what a document asks for, and who made it.

Ownership is written on the server, so that no file can get lost: a secret carries the metadata `managed-by`, an
identity too, and a folder a description. Projects, environments and roles have no place for a mark: projects and
environments are never deleted, and a role counts as ours where the identity is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootstrap.desired import Project, Resources
from bootstrap.errors import BootstrapError, ForbiddenError
from bootstrap.models import IdentityMembership
from bootstrap.project_client import ProjectSession
from bootstrap.project_models import Folder, ProjectMembership, Secret
from bootstrap.project_models import Project as PresentProject

MARK = "managed-by"


@dataclass(frozen=True)
class Owner:
    """Whose marks are looked for."""

    name: str

    @property
    def mark(self) -> str:
        """The value of the metadata `managed-by`, and the description of a folder after `managed-by: `."""
        return f"homelab/{self.name}"

    @property
    def metadata(self) -> dict[str, str]:
        """The mark on a secret or an identity."""
        return {MARK: self.mark}

    @property
    def description(self) -> str:
        """The mark on a folder."""
        return f"{MARK}: {self.mark}"

    def made_secret(self, secret: Secret) -> bool:
        """Whether a secret carries the mark."""
        return any(one.key == MARK and one.value == self.mark for one in secret.secret_metadata)

    def made_identity(self, identity: IdentityState) -> bool:
        """Whether an identity carries the mark."""
        return identity.metadata.get(MARK) == self.mark

    def made_folder(self, folder: Folder) -> bool:
        """Whether a folder carries the mark."""
        return folder.description == self.description


@dataclass(frozen=True)
class EnvironmentState:
    """What is in an environment: folders by path, secrets by path and name."""

    id: str
    name: str
    folders: dict[str, Folder]
    secrets: dict[tuple[str, str], Secret]


@dataclass(frozen=True)
class ProjectState:
    """A project as it is, its environments by slug and its identities by id."""

    project: PresentProject
    environments: dict[str, EnvironmentState]
    members: dict[str, ProjectMembership]


@dataclass(frozen=True)
class IdentityState:
    """An identity of the organization."""

    id: str
    name: str
    role: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class State:
    """What is there. `projects` go by the document's keys; those that are missing are not in it."""

    organization_id: str
    projects: dict[str, ProjectState] = field(default_factory=dict)
    identities: dict[str, IdentityState] = field(default_factory=dict)
    others: tuple[IdentityState, ...] = ()
    """Identities that the document does not name, where it was asked for them."""


def read_state(session: ProjectSession, organization_id: str, wanted: Resources, *, prune: bool) -> State:
    """Reads what is there; nothing is changed. With `prune` also what only a deletion has to know.

    Raises:
        BootstrapError: an identity's name is there twice, or a project exists and this identity is no member of it.
    """
    projects: dict[str, ProjectState] = {}
    for project in wanted.projects:
        state = _project(session, project, prune=prune)
        if state is not None:
            projects[project.key] = state
    named: dict[str, IdentityState] = {}
    others: list[IdentityState] = []
    names = {identity.name for identity in wanted.identities}
    listed = session.identities(organization_id) if names or prune else ()
    for membership in listed:
        is_named = membership.identity.name in names
        if is_named and membership.identity.name in named:
            raise _twice(membership.identity.name, listed)
        if is_named or prune:
            state_of = IdentityState(
                membership.identity_id,
                membership.identity.name,
                membership.custom_role.slug if membership.custom_role else membership.role,
                session.identity_metadata(membership.identity_id),
            )
            if is_named:
                named[state_of.name] = state_of
            else:
                others.append(state_of)
    return State(organization_id, projects, named, tuple(others))


def _project(session: ProjectSession, wanted: Project, *, prune: bool) -> ProjectState | None:
    try:
        found = session.project(wanted.slug)
    except ForbiddenError as error:
        raise BootstrapError(
            f"the project {wanted.slug!r} exists, and this identity may not see it: {error.reason}",
            "add the identity to the project as its admin in Infisical, or choose another slug",
        ) from None
    if found is None:
        return None
    needed = {environment.slug for environment in wanted.environments}
    environments = {}
    for environment in found.environments:
        if environment.slug in needed or prune:
            environments[environment.slug] = EnvironmentState(
                environment.id,
                environment.name,
                session.folders(found.id, environment.slug),
                {(one.secret_path or "/", one.secret_key): one for one in session.secrets(found.id, environment.slug)},
            )
    members = {member.identity_id: member for member in session.memberships(found.id)}
    return ProjectState(found, environments, members)


def _twice(name: str, listed: tuple[IdentityMembership, ...]) -> BootstrapError:
    ids = ", ".join(one.identity_id for one in listed if one.identity.name == name)
    return BootstrapError(
        f"there are several machine identities named {name!r}: {ids}",
        "delete or rename those that are not used: which of them is meant can't be told",
    )
