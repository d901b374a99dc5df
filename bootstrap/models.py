"""What Infisical answers, as far as it is used. Unknown keys are ignored: every release adds some."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Base of all answers: camel case on the wire, immutable, unknown keys ignored.

    What may be missing may be null as well, since releases differ in which of both they answer.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if value is not None}


AnswerType = TypeVar("AnswerType", bound=Answer)


class ServerStatus(Answer):
    """`GET /api/status`."""

    message: str
    date: str
    redis_configured: bool | None = None
    # Present since the release that redesigned identity tokens; the API has no field for its version.
    max_identity_access_token_ttl: int | None = Field(default=None, alias="maxIdentityAccessTokenTTL")


class ServerConfig(Answer):
    """`config` of `GET /api/v1/admin/config`. `admin_identity_ids` is told to instance administrators only."""

    initialized: bool
    allow_sign_up: bool
    admin_identity_ids: tuple[str, ...] | None = None


class ServerConfigAnswer(Answer):
    """`GET` and `PATCH /api/v1/admin/config`."""

    config: ServerConfig


class User(Answer):
    """The administrator, a person's account."""

    id: str
    email: str | None = None


class Organization(Answer):
    """An organization, the owner of projects and identities."""

    id: str
    name: str
    slug: str


class TokenCredentials(Answer):
    """The credentials of the identity that bootstrapping makes."""

    token: SecretStr


class AdminIdentity(Answer):
    """The identity that bootstrapping makes; it administers the instance."""

    id: str
    name: str
    credentials: TokenCredentials


class BootstrapAnswer(Answer):
    """`POST /api/v1/admin/bootstrap`: given once, never again."""

    message: str = ""
    user: User
    organization: Organization
    identity: AdminIdentity


class UserLogin(Answer):
    """`POST /api/v3/auth/login`: a token that still needs an organization."""

    access_token: SecretStr


class SelectedOrganization(Answer):
    """`POST /api/v3/auth/select-organization`. With multi-factor authentication the token is no use yet."""

    token: SecretStr
    is_mfa_enabled: bool = False


class Organizations(Answer):
    """`GET /api/v1/organization`."""

    organizations: tuple[Organization, ...]


class IdentityDetails(Answer):
    """`identityDetails` of `GET /api/v1/identities/details`: whose token this is."""

    organization: Organization


class IdentityDetailsAnswer(Answer):
    """`GET /api/v1/identities/details`."""

    identity_details: IdentityDetails


class IdentityName(Answer):
    """The identity inside a membership."""

    id: str
    name: str


class CustomRole(Answer):
    """A role that an organization made itself."""

    slug: str


class IdentityMembership(Answer):
    """An identity in an organization. The membership has an id of its own, which nothing else wants."""

    identity_id: str
    role: str
    identity: IdentityName
    custom_role: CustomRole | None = None


class IdentityMemberships(Answer):
    """`GET /api/v1/identities`."""

    identities: tuple[IdentityMembership, ...]
    total_count: int | None = None


class Identity(Answer):
    """A machine identity."""

    id: str
    name: str


class IdentityAnswer(Answer):
    """`POST /api/v1/identities`."""

    identity: Identity


class UniversalAuth(Answer):
    """Universal Auth of an identity."""

    client_id: str
    access_token_ttl: int | None = Field(default=None, alias="accessTokenTTL")


class UniversalAuthAnswer(Answer):
    """`GET` and `POST /api/v1/auth/universal-auth/identities/{id}`."""

    identity_universal_auth: UniversalAuth


class ClientSecretData(Answer):
    """A client secret as the server lists it, without the secret itself."""

    id: str
    description: str = ""
    is_client_secret_revoked: bool = False


class ClientSecret(Answer):
    """A new client secret; the secret itself is shown once."""

    client_secret: SecretStr
    client_secret_data: ClientSecretData


class ClientSecrets(Answer):
    """`GET /api/v1/auth/universal-auth/identities/{id}/client-secrets`."""

    client_secret_data: tuple[ClientSecretData, ...]


class AccessToken(Answer):
    """`POST /api/v1/auth/universal-auth/login`. `expires_in` is in seconds."""

    access_token: SecretStr
    expires_in: int


class Ignored(Answer):
    """An answer of which only the status matters."""
