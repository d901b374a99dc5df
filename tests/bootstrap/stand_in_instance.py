"""What the stand-in Infisical knows: its administrator, organizations, identities, client secrets and tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from tests.bootstrap.stand_in_projects import Projects
from tests.bootstrap.stand_in_refusals import RefusedError, bad_request, unauthorized

BOOTSTRAP_TOKEN_LIFE_SECONDS = 90 * 86400
USER_TOKEN_LIFE_SECONDS = 10 * 86400
LEGACY_EXPIRATION_ENFORCED_AT = datetime(2026, 5, 4, tzinfo=UTC).timestamp()
LEGACY_GRACE_SECONDS = 90 * 86400


class Version(Enum):
    """Releases that behave differently."""

    V0_140 = "before the project routes"
    V0_155 = "bootstrap tokens that never expire"
    V0_162 = "bootstrap tokens that are dead on arrival"
    V0_167 = "bootstrap tokens that live for 90 days"


@dataclass
class ClientSecret:
    """A client secret; only its first four characters are shown again."""

    value: str
    description: str
    universal_auth_id: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    revoked: bool = False
    uses: int = 0

    def document(self, moment: str) -> dict[str, Any]:
        """As the API lists it."""
        return {
            "id": self.id,
            "createdAt": moment,
            "updatedAt": moment,
            "description": self.description,
            "clientSecretPrefix": self.value[:4],
            "clientSecretNumUses": self.uses,
            "clientSecretNumUsesLimit": 0,
            "clientSecretTTL": 0,
            "identityUAId": self.universal_auth_id,
            "isClientSecretRevoked": self.revoked,
        }


@dataclass
class UniversalAuth:
    """Universal Auth of an identity, with its lockout counter."""

    token_ttl: int
    token_max_ttl: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_secrets: list[ClientSecret] = field(default_factory=list)
    failures: int = 0
    failures_forgotten_at: float = 0.0
    locked_until: float = 0.0


@dataclass
class Identity:
    """A machine identity in an organization."""

    name: str
    organization_id: str
    role: str
    metadata: list[dict[str, str]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    membership_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    universal_auth: UniversalAuth | None = None


@dataclass
class User:
    """A person."""

    email: str
    password: str
    super_admin: bool = True
    second_factor: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    organization_ids: list[str] = field(default_factory=list)


@dataclass
class Token:
    """An access token: of an identity, or of a user with or without an organization."""

    text: str
    expires_at: float | None
    identity_id: str | None = None
    user_id: str | None = None
    organization_id: str | None = None
    client_secret: ClientSecret | None = None
    revoked: bool = False


class Instance:
    """The state of one Infisical instance, and its rules.

    Args:
        version: the release to behave like.
        auth_secret: signs tokens; those signed with another one are worth nothing.
        legacy_expiration_enforced_at: from 90 days after this moment on, identity tokens without an end are refused by
            the releases that know it; seconds since the epoch.
    """

    def __init__(
        self,
        version: Version,
        auth_secret: str | None = None,
        legacy_expiration_enforced_at: float = LEGACY_EXPIRATION_ENFORCED_AT,
    ) -> None:
        self.version = version
        self.legacy_expiration_enforced_at = legacy_expiration_enforced_at
        self.id = str(uuid.uuid4())
        self.initialized = False
        self.allow_sign_up = True
        self.admin_identity_ids: list[str] = []
        self.users: list[User] = []
        self.organizations: dict[str, dict[str, str]] = {}
        self.identities: dict[str, Identity] = {}
        self.tokens: dict[str, Token] = {}
        self.projects = Projects()
        self.bootstraps = 0
        self.skipped_seconds = 0.0
        self.sign_with(auth_secret or secrets.token_hex(32))

    def sign_with(self, auth_secret: str) -> None:
        """From now on tokens are signed with this, and must be."""
        self._key = auth_secret.encode()

    @property
    def now(self) -> float:
        """Seconds since the epoch; `skipped_seconds` moves it."""
        return time.time() + self.skipped_seconds

    def moment(self) -> str:
        """Now, as the API writes times."""
        return datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add_organization(self, name: str) -> dict[str, str]:
        """A new organization; its slug gets a random end."""
        slug = f"{name.lower().replace(' ', '-')}-{secrets.token_hex(2)}"
        organization = {"id": str(uuid.uuid4()), "name": name, "slug": slug}
        self.organizations[organization["id"]] = organization
        return organization

    def add_admin(self, email: str, password: str) -> User:
        """A user as the first half of bootstrapping makes it."""
        if any(user.email == email.lower() for user in self.users):
            raise bad_request("User already exists")
        user = User(email.lower(), password)
        self.users.append(user)
        return user

    def finish_bootstrap(self, user: User, organization_name: str) -> dict[str, Any]:
        """The second half: organization, identity, token. The identity replaces whichever administered before."""
        organization = self.add_organization(organization_name)
        user.organization_ids.append(organization["id"])
        identity = Identity("Instance Admin Identity", organization["id"], "admin")
        self.identities[identity.id] = identity
        life = BOOTSTRAP_TOKEN_LIFE_SECONDS if self.version is Version.V0_167 else None
        token = self.issue(life, identity_id=identity.id, organization_id=organization["id"])
        self.initialized = True
        self.admin_identity_ids = [identity.id]
        self.bootstraps += 1
        return {
            "message": "Successfully bootstrapped instance",
            "user": {
                "username": user.email,
                "firstName": "Admin",
                "lastName": "User",
                "email": user.email,
                "id": user.id,
                "superAdmin": True,
            },
            "organization": organization,
            "identity": {"id": identity.id, "name": identity.name, "credentials": {"token": token.text}},
        }

    def issue(
        self,
        life_seconds: float | None,
        *,
        identity_id: str | None = None,
        user_id: str | None = None,
        organization_id: str | None = None,
        client_secret: ClientSecret | None = None,
    ) -> Token:
        """A new token, with an expiry where `life_seconds` is given."""
        expires_at = None if life_seconds is None else self.now + life_seconds
        claims: dict[str, object] = {
            "jti": str(uuid.uuid4()),
            "authTokenType": "identityAccessToken" if identity_id else "accessToken",
            "iat": int(self.now),
        }
        if expires_at is not None:
            claims["exp"] = int(expires_at)
        head = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}"
        token = Token(
            f"{head}.{self._signature(head)}", expires_at, identity_id, user_id, organization_id, client_secret
        )
        self.tokens[token.text] = token
        return token

    def valid_token(self, text: str) -> Token:
        """The token behind a text, or the refusal it gets."""
        token = self.tokens.get(text)
        head, _, signature = text.rpartition(".")
        if token is None or signature != self._signature(head):
            reason = "invalid signature" if text.count(".") == 2 else "The provided access token is malformed."
            raise RefusedError(403, "TokenError", reason)
        if token.expires_at is not None and token.expires_at < self.now:
            raise RefusedError(403, "TokenError", "Your token has expired. Please re-authenticate.")
        if token.revoked:
            raise unauthorized("Failed to authorize: token has been revoked")
        if token.client_secret is not None and token.client_secret.revoked:
            raise unauthorized("Failed to authorize: client secret has been revoked")
        if token.identity_id and token.identity_id not in self.identities:
            raise unauthorized("Cannot renew revoked or unknown access token")
        enforces_expiry = self.version in {Version.V0_162, Version.V0_167}
        enforces_expiry &= self.now > self.legacy_expiration_enforced_at + LEGACY_GRACE_SECONDS
        if token.identity_id and token.expires_at is None and enforces_expiry:
            raise unauthorized("Identity access token exceeded max age, please re-authenticate")
        return token

    def change_password(self, user: User, old: str, new: str) -> None:
        """Replaces a user's password, and ends the user's sessions."""
        if user.password != old:
            raise bad_request("Incorrect current password.")
        user.password = new
        for token in self.tokens.values():
            token.revoked |= token.user_id == user.id

    def _signature(self, head: str) -> str:
        digest = hmac.digest(self._key, head.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_super_admin(self, token: Token) -> bool:
        """Whether the token administers the instance, not just an organization."""
        if token.identity_id:
            return token.identity_id in self.admin_identity_ids
        return any(user.id == token.user_id and user.super_admin for user in self.users)

    def log_in_identity(self, client_id: str, client_secret: str) -> tuple[UniversalAuth, Token]:
        """Universal Auth login, with the lockout: three wrong secrets within 30 s lock for 300 s."""
        for identity in self.identities.values():
            universal_auth = identity.universal_auth
            if universal_auth is not None and universal_auth.client_id == client_id:
                break
        else:
            raise unauthorized("Invalid credentials")
        if universal_auth.locked_until > self.now:
            raise unauthorized("This identity auth method is temporarily locked, please try again later")
        for one in universal_auth.client_secrets:
            if one.value == client_secret and not one.revoked:
                one.uses += 1
                universal_auth.failures = 0
                token = self.issue(
                    universal_auth.token_ttl,
                    identity_id=identity.id,
                    organization_id=identity.organization_id,
                    client_secret=one,
                )
                return universal_auth, token
        if universal_auth.failures_forgotten_at < self.now:
            universal_auth.failures = 0
        universal_auth.failures += 1
        universal_auth.failures_forgotten_at = self.now + 30
        if universal_auth.failures >= 3:
            universal_auth.locked_until = self.now + 300
        raise unauthorized("Invalid credentials")


def _base64(document: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
