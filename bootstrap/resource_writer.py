"""Carries the steps of a plan out: turns the document's names into the server's ids and values into requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap.desired import Identity, Project, ProjectEnvironment, Resources, Secret
from bootstrap.errors import BootstrapError
from bootstrap.identity_login import IdentityLogins
from bootstrap.project_client import Place, ProjectSession, SecretToWrite
from bootstrap.project_models import Approval
from bootstrap.project_models import Secret as PresentSecret
from bootstrap.resource_state import Owner, State
from bootstrap.values import Values


class Writer:
    """Writes to one instance. `approvals` lists what waits for somebody's approval instead of being done."""

    def __init__(
        self, session: ProjectSession, state: State, owner: Owner, values: Values, logins: IdentityLogins
    ) -> None:
        self._session = session
        self._owner = owner
        self._values = values
        self._logins = logins
        self._organization_id = state.organization_id
        self._project_ids = {key: found.project.id for key, found in state.projects.items()}
        self._identity_ids = {name: found.id for name, found in state.identities.items()}
        self.approvals: list[str] = []

    def create_project(self, project: Project) -> None:
        """Makes a project without environments."""
        made = self._session.create_project(name=project.name, slug=project.slug, description=project.description)
        self._project_ids[project.key] = made.id

    def update_project(self, project: Project) -> None:
        """Sets name and description."""
        self._session.update_project(self._id(project), name=project.name, description=project.description)

    def create_environment(self, project: Project, environment: ProjectEnvironment) -> None:
        """Makes an environment."""
        self._session.create_environment(self._id(project), name=environment.name, slug=environment.slug)

    def rename_environment(self, project: Project, environment_id: str, environment: ProjectEnvironment) -> None:
        """Sets an environment's name."""
        self._session.rename_environment(self._id(project), environment_id, name=environment.name)

    def create_folder(self, project: Project, environment: str, path: str) -> None:
        """Makes a folder with the mark."""
        place = Place(self._id(project), environment, path)
        self._session.create_folder(place, description=self._owner.description)

    def create_secrets(self, project: Project, path: str, secrets: Sequence[Secret]) -> None:
        """Makes the secrets of one folder, with the mark."""
        place = Place(self._id(project), secrets[0].environment, path)
        new = [SecretToWrite(one.name, self._values.made(one), one.comment, self._owner.metadata) for one in secrets]
        self._note(self._session.create_secrets(place, new), place)

    def update_secrets(
        self,
        project: Project,
        path: str,
        secrets: Sequence[Secret],
        present: Mapping[tuple[str, str], PresentSecret],
    ) -> None:
        """Sets values and comments of secrets of one folder; a value that is made once stays."""
        place = Place(self._id(project), secrets[0].environment, path)
        new = []
        for one in secrets:
            value = self._values.wanted(one)
            new.append(SecretToWrite(one.name, value or present[path, one.name].secret_value, one.comment))
        self._note(self._session.upsert_secrets(place, new), place)

    def delete_secrets(self, project: Project, environment: str, path: str, names: Sequence[str]) -> None:
        """Deletes secrets of one folder."""
        place = Place(self._id(project), environment, path)
        self._note(self._session.delete_secrets(place, names), place)

    def delete_folder(self, project: Project, environment: str, path: str, folder_id: str) -> None:
        """Deletes a folder."""
        self._session.delete_folder(Place(self._id(project), environment, path), folder_id)

    def create_identity(self, identity: Identity) -> None:
        """Makes an identity with the mark."""
        made = self._session.create_identity(
            name=identity.name, organization_id=self._organization_id, role=identity.role, metadata=self._owner.metadata
        )
        self._identity_ids[identity.name] = made.id

    def change_identity_role(self, identity: Identity) -> None:
        """Sets an identity's role in the organization."""
        self._session.change_identity_role(self._identity_ids[identity.name], identity.role)

    def create_login(self, identity: Identity) -> None:
        """Gives an identity a client secret, and saves it."""
        self._logins.make(identity.name, self._identity_ids[identity.name])

    def delete_identity(self, identity_id: str) -> None:
        """Deletes an identity."""
        self._session.delete_identity(identity_id)

    def add_member(self, identity: Identity, project: Project, role: str) -> None:
        """Gives an identity a role in a project."""
        self._session.write_role(self._id(project), self._identity_ids[identity.name], role, method="POST")

    def change_member(self, identity: Identity, project: Project, role: str) -> None:
        """Gives an identity another role in a project."""
        self._session.write_role(self._id(project), self._identity_ids[identity.name], role, method="PATCH")

    def forget_login(self, name: str, identity_id: str) -> None:
        """Removes the saved client secret of an identity that is gone."""
        self._logins.forget(name, identity_id)

    def remove_member(self, project: Project, identity_id: str) -> None:
        """Takes an identity out of a project."""
        self._session.remove_member(self._id(project), identity_id)

    def project_ids(self, wanted: Resources) -> dict[str, str]:
        """The ids of the document's projects that are there, by slug."""
        return {one.slug: self._project_ids[one.key] for one in wanted.projects if one.key in self._project_ids}

    def _id(self, project: Project) -> str:
        try:
            return self._project_ids[project.key]
        except KeyError:
            raise BootstrapError(f"the project {project.slug!r} is not there", "run the same command again") from None

    def _note(self, approval: Approval | None, place: Place) -> None:
        if approval is not None:
            self.approvals.append(f"request {approval.slug} for {place.environment}:{place.path}")
