"""The Infisical API of projects: environments, folders, secrets, and who has which role in them.

One method for each call. Requests that make something Infisical refuses to make twice are not repeated after a lost
answer either: who calls looks what is there and goes on from that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import SecretStr

from bootstrap import models, project_models
from bootstrap.errors import ApiError, NotEmptyError, NotFoundError
from bootstrap.session import OrganizationSession
from bootstrap.transport import Repeat

_NOT_EMPTY = {"deleteFolder", "DeleteFolderProtectedByPolicy"}
"""What Infisical calls its refusals to delete a folder with something in it."""

PAGE_SIZE = 100
"""Memberships asked for at a time; Infisical gives 20 unless told, and 1000 at most."""


@dataclass(frozen=True)
class Place:
    """A folder of an environment of a project, the place of secrets."""

    project_id: str
    environment: str
    path: str = "/"

    def document(self, path_name: str) -> dict[str, str]:
        """The place as requests name it; some call the path `path`, others `secretPath`."""
        return {"projectId": self.project_id, "environment": self.environment, path_name: self.path}


@dataclass(frozen=True)
class SecretToWrite:
    """A secret as it is to be. A comment or metadata of None stays as it is."""

    name: str
    value: SecretStr
    comment: str | None = None
    metadata: Mapping[str, str] | None = None


class ProjectSession(OrganizationSession):
    """The projects of an organization, with a token that belongs to it."""

    def project(self, slug: str) -> project_models.Project | None:
        """`GET /api/v1/projects/slug/{slug}`; None where there is none.

        Raises:
            ForbiddenError: there is one, and this identity is no member of it.
        """
        try:
            return self._request(project_models.Project, "GET", f"/api/v1/projects/slug/{slug}", Repeat.SAFE)
        except NotFoundError:
            return None

    def create_project(self, *, name: str, slug: str, description: str) -> project_models.Project:
        """`POST /api/v1/projects`, without the environments Infisical would make by itself."""
        body = {
            "projectName": name,
            "slug": slug,
            "projectDescription": description,
            "type": "secret-manager",
            "shouldCreateDefaultEnvs": False,
        }
        return self._request(project_models.ProjectAnswer, "POST", "/api/v1/projects", Repeat.UNSENT, body=body).project

    def update_project(self, project_id: str, *, name: str, description: str) -> None:
        """`PATCH /api/v1/projects/{id}`."""
        body = {"name": name, "description": description}
        self._request(models.Ignored, "PATCH", f"/api/v1/projects/{project_id}", Repeat.SAFE, body=body)

    def create_environment(self, project_id: str, *, name: str, slug: str) -> None:
        """`POST /api/v1/projects/{id}/environments`."""
        path = f"/api/v1/projects/{project_id}/environments"
        body = {"name": name, "slug": slug}
        self._request(project_models.EnvironmentAnswer, "POST", path, Repeat.UNSENT, body=body)

    def rename_environment(self, project_id: str, environment_id: str, *, name: str) -> None:
        """`PATCH /api/v1/projects/{id}/environments/{id}`."""
        path = f"/api/v1/projects/{project_id}/environments/{environment_id}"
        self._request(project_models.EnvironmentAnswer, "PATCH", path, Repeat.SAFE, body={"name": name})

    def folders(self, project_id: str, environment: str) -> dict[str, project_models.Folder]:
        """`GET /api/v2/folders`, recursively: every folder of an environment by its path."""
        query = {**Place(project_id, environment).document("path"), "recursive": "true"}
        listed = self._request(project_models.Folders, "GET", "/api/v2/folders", Repeat.SAFE, query=query).folders
        by_id = {folder.id: folder for folder in listed}

        def path_of(folder: project_models.Folder) -> PurePosixPath:
            parent = by_id.get(folder.parent_id or "")
            return (path_of(parent) if parent else PurePosixPath("/")) / folder.name

        return {str(path_of(folder)): folder for folder in listed}

    def create_folder(self, place: Place, *, description: str) -> None:
        """`POST /api/v2/folders`."""
        path = PurePosixPath(place.path)
        parent = Place(place.project_id, place.environment, str(path.parent))
        body = {**parent.document("path"), "name": path.name, "description": description}
        self._request(project_models.FolderAnswer, "POST", "/api/v2/folders", Repeat.UNSENT, body=body)

    def delete_folder(self, place: Place, folder_id: str) -> None:
        """`DELETE /api/v2/folders/{id}`, where nothing is in it.

        Raises:
            NotEmptyError: something is, such as a dynamic secret, or a secret that a policy keeps from being deleted.
        """
        parent = Place(place.project_id, place.environment, str(PurePosixPath(place.path).parent))
        path = f"/api/v2/folders/{folder_id}"
        body = {**parent.document("path"), "forceDelete": False}
        try:
            self._request(models.Ignored, "DELETE", path, Repeat.UNSENT, body=body)
        except ApiError as error:
            if error.kind not in _NOT_EMPTY:
                raise
            raise NotEmptyError(f"the folder {place.environment}:{place.path} stays: {error.reason}") from None

    def secrets(self, project_id: str, environment: str) -> tuple[project_models.Secret, ...]:
        """`GET /api/v4/secrets`, recursively: every secret of an environment, its references as they were written."""
        query = {
            **Place(project_id, environment).document("secretPath"),
            "recursive": "true",
            "viewSecretValue": "true",
            "expandSecretReferences": "false",
            "includeImports": "false",
        }
        return self._request(project_models.Secrets, "GET", "/api/v4/secrets", Repeat.SAFE, query=query).secrets

    def create_secrets(self, place: Place, secrets: Sequence[SecretToWrite]) -> project_models.Approval | None:
        """`POST /api/v4/secrets/batch`: all or none. It refuses one that exists, so no value is ever overwritten."""
        return self._write("POST", place, Repeat.UNSENT, [_secret(secret) for secret in secrets])

    def upsert_secrets(self, place: Place, secrets: Sequence[SecretToWrite]) -> project_models.Approval | None:
        """`PATCH /api/v4/secrets/batch` in the mode `upsert`, which may be repeated."""
        return self._write("PATCH", place, Repeat.SAFE, [_secret(secret) for secret in secrets], mode="upsert")

    def delete_secrets(self, place: Place, names: Sequence[str]) -> project_models.Approval | None:
        """`DELETE /api/v4/secrets/batch`."""
        return self._write("DELETE", place, Repeat.UNSENT, [{"secretKey": name} for name in names])

    def memberships(self, project_id: str) -> tuple[project_models.ProjectMembership, ...]:
        """`GET /api/v1/projects/{id}/memberships/identities`: all pages."""
        path = f"/api/v1/projects/{project_id}/memberships/identities"
        found: list[project_models.ProjectMembership] = []
        while True:
            query = {"offset": str(len(found)), "limit": str(PAGE_SIZE)}
            page = self._request(project_models.ProjectMemberships, "GET", path, Repeat.SAFE, query=query)
            found += page.identity_memberships
            if len(found) >= page.total_count or not page.identity_memberships:
                return tuple(found)

    def write_role(self, project_id: str, identity_id: str, role: str, *, method: Literal["POST", "PATCH"]) -> None:
        """`POST` (a new member) or `PATCH` (another role) `.../memberships/identities/{id}`: this role and no other."""
        path = f"/api/v1/projects/{project_id}/memberships/identities/{identity_id}"
        repeat = Repeat.SAFE if method == "PATCH" else Repeat.UNSENT
        body = {"roles": [{"role": role, "isTemporary": False}]}
        self._request(models.Ignored, method, path, repeat, body=body)

    def remove_member(self, project_id: str, identity_id: str) -> None:
        """`DELETE .../memberships/identities/{id}`."""
        path = f"/api/v1/projects/{project_id}/memberships/identities/{identity_id}"
        self._request(models.Ignored, "DELETE", path, Repeat.UNSENT)

    def identity_metadata(self, identity_id: str) -> dict[str, str]:
        """`GET /api/v1/identities/{id}`: the marks of an identity."""
        path = f"/api/v1/identities/{identity_id}"
        answer = self._request(project_models.IdentityWithMetadataAnswer, "GET", path, Repeat.SAFE)
        return {one.key: one.value for one in answer.identity.metadata}

    def change_identity_role(self, identity_id: str, role: str) -> None:
        """`PATCH /api/v1/identities/{id}`."""
        self._request(models.Ignored, "PATCH", f"/api/v1/identities/{identity_id}", Repeat.SAFE, body={"role": role})

    def delete_identity(self, identity_id: str) -> None:
        """`DELETE /api/v1/identities/{id}`."""
        self._request(models.Ignored, "DELETE", f"/api/v1/identities/{identity_id}", Repeat.UNSENT)

    def _write(
        self, method: str, place: Place, repeat: Repeat, secrets: list[dict[str, Any]], **more: str
    ) -> project_models.Approval | None:
        body = {**place.document("secretPath"), "secrets": secrets, **more}
        answer = self._request(project_models.SecretsWritten, method, "/api/v4/secrets/batch", repeat, body=body)
        return answer.approval


def _secret(secret: SecretToWrite) -> dict[str, Any]:
    document: dict[str, Any] = {"secretKey": secret.name, "secretValue": secret.value.get_secret_value()}
    if secret.comment is not None:
        document["secretComment"] = secret.comment
    if secret.metadata is not None:
        document["secretMetadata"] = [{"key": key, "value": value} for key, value in secret.metadata.items()]
    return document
