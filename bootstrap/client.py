"""The Infisical API, one method for each call this package makes.

`Infisical` is what a server answers to anybody, `Session` what it answers to the holder of a token. Written against
the API of v0.162; `bootstrap.compatibility` says which releases that covers.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import SecretStr

from bootstrap import models
from bootstrap.errors import ApiError, LockedError, NotFoundError, UnauthorizedError
from bootstrap.project_client import ProjectSession
from bootstrap.redaction import Redactor
from bootstrap.session import OrganizationSession, TokenSession
from bootstrap.transport import Clock, Repeat, RetryPolicy, Transport

PROBE_TIMEOUT_SECONDS = 5.0
BOOTSTRAP_TIMEOUT_SECONDS = 120.0
"""Making the first administrator hashes a password and creates keys; a loaded one-core host needs its time."""

_UNIVERSAL_AUTH = "/api/v1/auth/universal-auth"


class Infisical:
    """One Infisical server, without credentials. Use it as a context manager.

    Args:
        domain: `scheme://host[:port]`, as `bootstrap.domain.normalized_domain` returns it.
        ca_certificate: PEM file of the only authority to trust; default: those of the system.
    """

    def __init__(
        self,
        domain: str,
        *,
        ca_certificate: Path | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        redact: Redactor | None = None,
    ) -> None:
        self._transport = Transport(domain, ca_certificate=ca_certificate, retry=retry, clock=clock, redact=redact)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._transport.close()

    @property
    def domain(self) -> str:
        """The server's address."""
        return self._transport.domain

    @property
    def clock(self) -> Clock:
        """The clock that waits are measured with."""
        return self._transport.clock

    def probe(self) -> models.ServerStatus:
        """`GET /api/status`, once and with a short time limit: is it ready?"""
        return self._transport.request(
            models.ServerStatus,
            "GET",
            "/api/status",
            repeat=Repeat.SAFE,
            timeout_seconds=PROBE_TIMEOUT_SECONDS,
            attempts=1,
        )

    def config(self) -> models.ServerConfig:
        """`GET /api/v1/admin/config`: does it have an administrator, may anybody sign up?"""
        return self._transport.request(
            models.ServerConfigAnswer, "GET", "/api/v1/admin/config", repeat=Repeat.SAFE
        ).config

    def has_project_routes(self) -> bool:
        """Whether `/api/v1/projects` exists, which tells releases apart: it asks for a token where it does."""
        try:
            self._transport.request(models.Ignored, "GET", "/api/v1/projects", repeat=Repeat.SAFE)
        except UnauthorizedError:
            return True
        except NotFoundError:
            return False
        return True

    def bootstrap(self, *, email: str, password: SecretStr, organization: str) -> models.BootstrapAnswer:
        """`POST /api/v1/admin/bootstrap`: makes the first administrator, an organization and an admin identity.

        The server does not guard against two calls at a time and never gives the answer again, so this is sent once.

        Raises:
            OutcomeUnknownError: the answer was lost; `config().initialized` tells what became of it.
        """
        return self._transport.request(
            models.BootstrapAnswer,
            "POST",
            "/api/v1/admin/bootstrap",
            repeat=Repeat.UNSENT,
            body={"email": email, "password": self._secret(password), "organization": organization},
            timeout_seconds=BOOTSTRAP_TIMEOUT_SECONDS,
        )

    def log_in_user(self, *, email: str, password: SecretStr) -> UserSession:
        """`POST /api/v3/auth/login`: a person's session, still without an organization.

        Raises:
            ApiError: status 400 where email or password are wrong.
        """
        login = self._transport.request(
            models.UserLogin,
            "POST",
            "/api/v3/auth/login",
            repeat=Repeat.UNSENT,
            body={"email": email, "password": self._secret(password)},
        )
        return UserSession(self._transport, login.access_token)

    def log_in_identity(self, *, client_id: str, client_secret: SecretStr) -> models.AccessToken:
        """`POST /api/v1/auth/universal-auth/login`, never repeated: three wrong secrets lock the identity.

        Raises:
            UnauthorizedError: wrong, revoked or expired client secret.
            LockedError: the identity is locked; the client secret may be right.
        """
        try:
            return self._transport.request(
                models.AccessToken,
                "POST",
                f"{_UNIVERSAL_AUTH}/login",
                repeat=Repeat.UNSENT,
                body={"clientId": client_id, "clientSecret": self._secret(client_secret)},
            )
        except UnauthorizedError as error:
            if "locked" not in error.reason:
                raise
            raise LockedError(
                f"{self.domain}: the machine identity is locked after wrong logins: {error.reason}",
                "find out who tries wrong secrets, wait five minutes, then run again",
            ) from None

    def revoke_token(self, token: SecretStr) -> None:
        """`POST /api/v1/auth/token/revoke`: ends an identity's token.

        Raises:
            UnauthorizedError: the token is no longer valid anyway.
        """
        self._transport.request(
            models.Ignored,
            "POST",
            "/api/v1/auth/token/revoke",
            repeat=Repeat.SAFE,
            body={"accessToken": self._secret(token)},
        )

    def session(self, token: SecretStr) -> Session:
        """The server as the holder of `token` sees it."""
        return Session(self._transport, token)

    def projects(self, token: SecretStr) -> ProjectSession:
        """The server's projects as the holder of `token` sees them."""
        return ProjectSession(self._transport, token)

    def _secret(self, secret: SecretStr) -> str:
        value = secret.get_secret_value()
        self._transport.redact.add(value)
        return value


class UserSession(TokenSession):
    """A person who logged in and has not chosen an organization yet."""

    def organizations(self) -> tuple[models.Organization, ...]:
        """`GET /api/v1/organization`: those this person belongs to."""
        return self._request(models.Organizations, "GET", "/api/v1/organization", Repeat.SAFE).organizations

    def change_password(self, *, old: SecretStr, new: SecretStr) -> None:
        """`POST /api/v2/password/user/password-reset`: this person's password; it ends this and every other session.

        Raises:
            NotFoundError: the release has no such route.
        """
        values = old.get_secret_value(), new.get_secret_value()
        for value in values:
            self._transport.redact.add(value)
        body = {"oldPassword": values[0], "newPassword": values[1]}
        self._request(models.Ignored, "POST", "/api/v2/password/user/password-reset", Repeat.UNSENT, body=body)

    def select(self, organization_id: str) -> Session | None:
        """`POST /api/v3/auth/select-organization`; None where the account wants a second factor."""
        path, body = "/api/v3/auth/select-organization", {"organizationId": organization_id}
        selected = self._request(models.SelectedOrganization, "POST", path, Repeat.UNSENT, body=body)
        return None if selected.is_mfa_enabled else Session(self._transport, selected.token)


class Session(OrganizationSession):
    """One Infisical server with a token: an identity's, or a person's with an organization selected."""

    def config(self) -> models.ServerConfig:
        """`GET /api/v1/admin/config`; with an instance administrator's token it names the admin identities."""
        return self._request(models.ServerConfigAnswer, "GET", "/api/v1/admin/config", Repeat.SAFE).config

    def close_sign_up(self) -> models.ServerConfig:
        """`PATCH /api/v1/admin/config`: nobody can make an account without an invitation."""
        return self._request(
            models.ServerConfigAnswer, "PATCH", "/api/v1/admin/config", Repeat.SAFE, body={"allowSignUp": False}
        ).config

    def whoami(self) -> models.IdentityDetails:
        """`GET /api/v1/identities/details`: the identity's organization. For identity tokens only.

        Raises:
            UnauthorizedError: the token is expired, revoked, or was dead on arrival.
        """
        return self._request(
            models.IdentityDetailsAnswer, "GET", "/api/v1/identities/details", Repeat.SAFE
        ).identity_details

    def universal_auth(self, identity_id: str) -> models.UniversalAuth | None:
        """`GET .../universal-auth/identities/{id}`; None where it is not attached."""
        path = f"{_UNIVERSAL_AUTH}/identities/{identity_id}"
        try:
            return self._request(models.UniversalAuthAnswer, "GET", path, Repeat.SAFE).identity_universal_auth
        except NotFoundError:
            return None

    def attach_universal_auth(self, identity_id: str, *, token_ttl_seconds: int) -> models.UniversalAuth:
        """`POST .../universal-auth/identities/{id}`: access tokens live `token_ttl_seconds` and can't be extended."""
        path = f"{_UNIVERSAL_AUTH}/identities/{identity_id}"
        body = {"accessTokenTTL": token_ttl_seconds, "accessTokenMaxTTL": token_ttl_seconds}
        try:
            answer = self._request(models.UniversalAuthAnswer, "POST", path, Repeat.SAFE, body=body)
        except ApiError as error:
            # Repeated after a lost answer it is refused as already attached, and then it is there.
            attached = self.universal_auth(identity_id) if error.status == httpx.codes.BAD_REQUEST else None
            if attached is None:
                raise
            return attached
        return answer.identity_universal_auth

    def client_secrets(self, identity_id: str) -> tuple[models.ClientSecretData, ...]:
        """`GET .../client-secrets`: the identity's client secrets, without the secrets themselves."""
        path = f"{_UNIVERSAL_AUTH}/identities/{identity_id}/client-secrets"
        return self._request(models.ClientSecrets, "GET", path, Repeat.SAFE).client_secret_data

    def create_client_secret(self, identity_id: str, *, description: str) -> models.ClientSecret:
        """`POST .../client-secrets`: shown once, valid until revoked.

        After a lost answer it is sent again; who calls revokes what is too many, found by its description.
        """
        path = f"{_UNIVERSAL_AUTH}/identities/{identity_id}/client-secrets"
        body = {"description": description, "numUsesLimit": 0, "ttl": 0}
        return self._request(models.ClientSecret, "POST", path, Repeat.SAFE, body=body)

    def revoke_client_secret(self, identity_id: str, client_secret_id: str) -> None:
        """`POST .../client-secrets/{id}/revoke`: ends it and every access token made with it."""
        path = f"{_UNIVERSAL_AUTH}/identities/{identity_id}/client-secrets/{client_secret_id}/revoke"
        self._request(models.Ignored, "POST", path, Repeat.SAFE, body={})
