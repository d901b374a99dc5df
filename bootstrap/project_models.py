"""What Infisical answers about projects and what is in them, as far as it is used."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, model_validator

from bootstrap.models import Answer, IdentityName


class ProjectEnvironment(Answer):
    """An environment of a project."""

    id: str
    name: str
    slug: str


class Project(Answer):
    """A project with its environments."""

    id: str
    name: str
    slug: str
    description: str | None = None
    environments: tuple[ProjectEnvironment, ...] = ()


class ProjectAnswer(Answer):
    """`POST /api/v1/projects`. `GET /api/v1/projects/slug/{slug}` gives the project without this envelope."""

    project: Project


class EnvironmentAnswer(Answer):
    """`POST` and `PATCH .../environments`."""

    environment: ProjectEnvironment


class Folder(Answer):
    """A folder; `parent_id` of the topmost is the environment's root, which is not listed."""

    id: str
    name: str
    parent_id: str | None = None
    description: str | None = None


class Folders(Answer):
    """`GET /api/v2/folders`."""

    folders: tuple[Folder, ...]


class FolderAnswer(Answer):
    """`POST /api/v2/folders`."""

    folder: Folder


class Metadata(Answer):
    """A mark on a secret or an identity."""

    key: str
    value: str = ""


class Secret(Answer):
    """A secret. `secret_value_hidden`: this identity may not read the value, and `secret_value` is not it."""

    secret_key: str
    secret_value: SecretStr
    secret_comment: str = ""
    secret_path: str | None = None
    secret_value_hidden: bool = False
    secret_metadata: tuple[Metadata, ...] = ()


class Secrets(Answer):
    """`GET /api/v4/secrets`."""

    secrets: tuple[Secret, ...]


class Approval(Answer):
    """A request that waits until somebody approves it."""

    id: str
    slug: str


class SecretsWritten(Answer):
    """`POST`, `PATCH` and `DELETE /api/v4/secrets/batch`: done, or where a policy guards the folder, an approval."""

    secrets: tuple[Any, ...] | None = Field(default=None, repr=False)
    approval: Approval | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> SecretsWritten:
        if self.secrets is None and self.approval is None:
            raise ValueError("neither secrets nor an approval")
        return self


class ProjectRole(Answer):
    """A role of an identity in a project."""

    role: str
    custom_role_slug: str | None = None
    is_temporary: bool = False

    @property
    def name(self) -> str:
        """What the role is called where it is given."""
        return self.custom_role_slug or self.role


class ProjectMembership(Answer):
    """An identity in a project."""

    identity_id: str
    identity: IdentityName
    roles: tuple[ProjectRole, ...]


class ProjectMemberships(Answer):
    """`GET /api/v1/projects/{id}/memberships/identities`: a page of them."""

    identity_memberships: tuple[ProjectMembership, ...]
    total_count: int


class IdentityWithMetadata(Answer):
    """`identity` of `GET /api/v1/identities/{id}`."""

    identity_id: str
    metadata: tuple[Metadata, ...] = ()


class IdentityWithMetadataAnswer(Answer):
    """`GET /api/v1/identities/{id}`."""

    identity: IdentityWithMetadata
