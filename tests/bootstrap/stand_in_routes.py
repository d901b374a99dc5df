"""The routes of the stand-in Infisical server."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.bootstrap.stand_in_instance import (
    USER_TOKEN_LIFE_SECONDS,
    ClientSecret,
    Identity,
    Instance,
    Token,
    UniversalAuth,
    User,
    Version,
)
from tests.bootstrap.stand_in_project_routes import ProjectRoutes
from tests.bootstrap.stand_in_refusals import RefusedError, bad_request, invalid, not_found, unauthorized

Handler = Callable[[web.Request], Awaitable[dict[str, Any] | None]]

BOOTSTRAP_SECONDS = 0.05
"""Between the check and the end of a bootstrap: callers within it all succeed, as on the real server."""

LONGEST_TTL_SECONDS = 315360000

_UNIVERSAL_AUTH = "/api/v1/auth/universal-auth"
_ROLES = {"admin", "member", "no-access"}
_ANYWHERE = [
    {"type": "ipv4", "prefix": 0, "ipAddress": "0.0.0.0"},  # noqa: S104 - nothing is bound to it
    {"type": "ipv6", "prefix": 0, "ipAddress": "::"},
]


class Routes:
    """What each route does to an instance and answers."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def table(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler of every route the instance's version has."""
        one = f"{_UNIVERSAL_AUTH}/identities/{{identity_id}}"
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/api/status", self._status),
            ("GET", "/api/v1/admin/config", self._config),
            ("PATCH", "/api/v1/admin/config", self._update_config),
            ("POST", "/api/v1/admin/bootstrap", self._bootstrap),
            ("POST", "/api/v3/auth/login", self._log_in_user),
            ("POST", "/api/v3/auth/select-organization", self._select_organization),
            ("POST", "/api/v2/password/user/password-reset", self._change_password),
            ("GET", "/api/v1/organization", self._organizations),
            ("GET", "/api/v1/identities/details", self._details),
            ("GET", "/api/v1/identities", self._identities),
            ("POST", "/api/v1/identities", self._create_identity),
            ("GET", "/api/v1/identities/{identity_id}", self._identity),
            ("PATCH", "/api/v1/identities/{identity_id}", self._update_identity),
            ("DELETE", "/api/v1/identities/{identity_id}", self._delete_identity),
            ("GET", one, self._universal_auth),
            ("POST", one, self._attach_universal_auth),
            ("GET", f"{one}/client-secrets", self._client_secrets),
            ("POST", f"{one}/client-secrets", self._create_client_secret),
            ("POST", f"{one}/client-secrets/{{secret_id}}/revoke", self._revoke_client_secret),
            ("POST", f"{one}/clear-lockouts", self._clear_lockouts),
            ("POST", f"{_UNIVERSAL_AUTH}/login", self._log_in_identity),
            ("POST", "/api/v1/auth/token/revoke", self._revoke_token),
        ]
        if self.instance.version is not Version.V0_140:
            routes += ProjectRoutes(self.instance, self._organization_token).table()
        return routes

    def _token(self, request: web.Request) -> Token:
        header = request.headers.get("Authorization", "")
        if not header.startswith("Bearer "):
            raise unauthorized("Token missing")
        return self.instance.valid_token(header.removeprefix("Bearer "))

    def _user(self, request: web.Request) -> User:
        token = self._token(request)
        for user in self.instance.users:
            if user.id == token.user_id:
                return user
        raise unauthorized("You are not allowed to access this resource")

    def _organization_token(self, request: web.Request) -> Token:
        token = self._token(request)
        if token.organization_id is None:
            raise unauthorized(f"{request.path} Unauthorized Access, no organization found in request")
        return token

    def _member(self, request: web.Request) -> Identity:
        token = self._organization_token(request)
        identity = self.instance.identities.get(request.match_info["identity_id"])
        if identity is None or identity.organization_id != token.organization_id:
            raise not_found(f"Failed to find identity with ID {request.match_info['identity_id']}")
        return identity

    def _universal_auth_of(self, identity: Identity) -> UniversalAuth:
        if identity.universal_auth is None:
            raise not_found(f"Failed to find universal auth for identity with ID {identity.id}")
        return identity.universal_auth

    async def _status(self, _: web.Request) -> dict[str, Any]:
        document: dict[str, Any] = {
            "date": self.instance.moment(),
            "message": "Ok",
            "emailConfigured": False,
            "inviteOnlySignup": self.instance.allow_sign_up,
            "redisConfigured": True,
            "secretScanningConfigured": False,
            "auditLogStorageDisabled": False,
        }
        if self.instance.version in {Version.V0_162, Version.V0_167}:
            document["maxIdentityAccessTokenTTL"] = 7776000
        return document

    async def _config(self, request: web.Request) -> dict[str, Any]:
        config: dict[str, Any] = {
            "id": "00000000-0000-0000-0000-000000000000",
            "initialized": self.instance.initialized,
            "allowSignUp": self.instance.allow_sign_up,
            "allowedSignUpDomain": None,
            "defaultAuthOrgId": None,
            "enabledLoginMethods": None,
            "defaultAuthOrgSlug": None,
        }
        if "Authorization" in request.headers and self.instance.is_super_admin(self._token(request)):
            config["instanceId"] = self.instance.id
            config["adminIdentityIds"] = self.instance.admin_identity_ids
        return {"config": config}

    async def _update_config(self, request: web.Request) -> dict[str, Any]:
        if not self.instance.is_super_admin(self._organization_token(request)):
            raise RefusedError(403, "ForbiddenError", "Requires elevated super admin privileges")
        self.instance.allow_sign_up = (await request.json()).get("allowSignUp", self.instance.allow_sign_up)
        return await self._config(request)

    async def _bootstrap(self, request: web.Request) -> dict[str, Any]:
        body = await request.json()
        issues: list[object] = [
            {"code": "too_small", "path": [name], "message": "String must contain at least 1 character(s)"}
            for name in ("email", "password", "organization")
            if not str(body.get(name, "")).strip()
        ]
        if not re.fullmatch(r"[^\s@]+@[^\s@]+\.[a-zA-Z]{2,}", str(body.get("email", "")).strip() or "a@b.cd"):
            issues.append(
                {"validation": "email", "code": "invalid_string", "path": ["email"], "message": "Invalid email"}
            )
        if issues:
            raise RefusedError(422, "ValidationFailure", issues)
        if self.instance.initialized:
            raise bad_request("Instance has already been set up")
        user = self.instance.add_admin(body["email"].strip(), body["password"].strip())
        await asyncio.sleep(BOOTSTRAP_SECONDS)
        return self.instance.finish_bootstrap(user, body["organization"].strip())

    async def _log_in_user(self, request: web.Request) -> dict[str, Any]:
        if not request.headers.get("User-Agent"):
            raise RefusedError(500, "InternalServerError", "Something went wrong")
        body = await request.json()
        for user in self.instance.users:
            if user.email == body["email"].lower() and user.password == body["password"].strip():
                return {"accessToken": self.instance.issue(USER_TOKEN_LIFE_SECONDS, user_id=user.id).text}
        raise bad_request("Invalid credentials")

    async def _select_organization(self, request: web.Request) -> dict[str, Any]:
        if not request.headers.get("User-Agent"):
            raise RefusedError(401, "User-Agent header is required", "")
        user = self._user(request)
        wanted = (await request.json())["organizationId"]
        if wanted not in user.organization_ids:
            message = f"User does not have access to the organization with ID {wanted}"
            raise RefusedError(403, "ForbiddenError", message)
        selected = self.instance.issue(USER_TOKEN_LIFE_SECONDS, user_id=user.id, organization_id=wanted)
        if user.second_factor:
            selected.revoked = True
            return {"token": selected.text, "isMfaEnabled": True, "mfaMethod": "totp"}
        return {"token": selected.text, "isMfaEnabled": False}

    async def _organizations(self, request: web.Request) -> dict[str, Any]:
        return {"organizations": [self.instance.organizations[one] for one in self._user(request).organization_ids]}

    async def _change_password(self, request: web.Request) -> None:
        user = self._user(request)
        body = await request.json()
        self.instance.change_password(user, body["oldPassword"].strip(), body["newPassword"].strip())

    async def _details(self, request: web.Request) -> dict[str, Any]:
        token = self._organization_token(request)
        if token.identity_id is None:
            raise unauthorized("You are not allowed to access this resource")
        return {"identityDetails": {"organization": self.instance.organizations[str(token.organization_id)]}}

    async def _identities(self, request: web.Request) -> dict[str, Any]:
        token = self._organization_token(request)
        if request.query["orgId"] != token.organization_id:
            raise RefusedError(403, "ForbiddenError", "You are not a member of this organization")
        found = [one for one in self.instance.identities.values() if one.organization_id == token.organization_id]
        return {"identities": [self._membership(one) for one in found], "totalCount": len(found)}

    def _membership(self, identity: Identity) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "id": identity.membership_id,
            "role": identity.role,
            "roleId": None,
            "orgId": identity.organization_id,
            "createdAt": moment,
            "updatedAt": moment,
            "identityId": identity.id,
            "identity": {
                "id": identity.id,
                "name": identity.name,
                "hasDeleteProtection": False,
                "authMethods": ["universal-auth"] if identity.universal_auth else [],
            },
        }

    async def _identity(self, request: web.Request) -> dict[str, Any]:
        identity = self._member(request)
        document = self._membership(identity)
        document["metadata"] = [{"id": str(uuid.uuid4()), **one} for one in identity.metadata]
        document["identity"] |= {"orgId": identity.organization_id, "activeLockoutAuthMethods": []}
        return {"identity": document}

    async def _update_identity(self, request: web.Request) -> dict[str, Any]:
        identity = self._member(request)
        self._require_admin(request)
        body = await request.json()
        identity.role = self._organization_role(body.get("role", identity.role))
        identity.name = body.get("name", identity.name).strip()
        identity.metadata = body.get("metadata", identity.metadata)
        document = self._identity_document(identity)
        return {"identity": {key: document[key] for key in document.keys() - {"authMethods"}}}

    async def _delete_identity(self, request: web.Request) -> dict[str, Any]:
        identity = self._member(request)
        self._require_admin(request)
        if identity.id in self.instance.admin_identity_ids and not self.instance.is_super_admin(self._token(request)):
            raise RefusedError(403, "ForbiddenError", "Requires elevated super admin privileges")
        del self.instance.identities[identity.id]
        document = self._identity_document(identity)
        return {"identity": {key: document[key] for key in document.keys() - {"authMethods", "metadata"}}}

    def _require_admin(self, request: web.Request) -> None:
        identity = self.instance.identities.get(str(self._token(request).identity_id))
        if identity is not None and identity.role != "admin":
            raise RefusedError(403, "PermissionDenied", "You are not allowed to edit on identity", details=[])

    def _organization_role(self, role: str) -> str:
        if role not in _ROLES:
            raise not_found(f"Role '{role}' not found")
        return role

    async def _create_identity(self, request: web.Request) -> dict[str, Any]:
        token = self._organization_token(request)
        body = await request.json()
        if body["organizationId"] != token.organization_id:
            raise RefusedError(403, "ForbiddenError", "You are not a member of this organization")
        role = self._organization_role(body.get("role", "no-access"))
        name = body["name"].strip()
        if not name:
            raise invalid(["name"], "String must contain at least 1 character(s)", "too_small")
        identity = Identity(name, body["organizationId"], role, body.get("metadata", []))
        self.instance.identities[identity.id] = identity
        return {"identity": self._identity_document(identity)}

    def _identity_document(self, identity: Identity) -> dict[str, Any]:
        moment = self.instance.moment()
        return {
            "id": identity.id,
            "name": identity.name,
            "authMethod": None,
            "createdAt": moment,
            "updatedAt": moment,
            "hasDeleteProtection": False,
            "orgId": identity.organization_id,
            "projectId": None,
            "authMethods": [],
            "metadata": [{"id": str(uuid.uuid4()), **one} for one in identity.metadata],
        }

    async def _universal_auth(self, request: web.Request) -> dict[str, Any]:
        identity = self._member(request)
        universal_auth = self._universal_auth_of(identity)
        moment = self.instance.moment()
        return {
            "identityUniversalAuth": {
                "id": universal_auth.id,
                "clientId": universal_auth.client_id,
                "accessTokenTTL": universal_auth.token_ttl,
                "accessTokenMaxTTL": universal_auth.token_max_ttl,
                "accessTokenNumUsesLimit": 0,
                "clientSecretTrustedIps": _ANYWHERE,
                "accessTokenTrustedIps": _ANYWHERE,
                "createdAt": moment,
                "updatedAt": moment,
                "identityId": identity.id,
                "accessTokenPeriod": 0,
                "lockoutEnabled": True,
                "lockoutThreshold": 3,
                "lockoutDurationSeconds": 300,
                "lockoutCounterResetSeconds": 30,
            }
        }

    async def _attach_universal_auth(self, request: web.Request) -> dict[str, Any]:
        identity = self._member(request)
        if identity.universal_auth is not None:
            raise bad_request("Failed to add universal auth to already configured identity")
        body = await request.json()
        ttl, max_ttl = body.get("accessTokenTTL", 2592000), body.get("accessTokenMaxTTL", 2592000)
        for key, seconds in (("accessTokenTTL", ttl), ("accessTokenMaxTTL", max_ttl)):
            if seconds > LONGEST_TTL_SECONDS:
                raise invalid([key], f"Number must be less than or equal to {LONGEST_TTL_SECONDS}", "too_big")
        if ttl > max_ttl > 0:
            raise invalid([], "TTL above max TTL")
        identity.universal_auth = UniversalAuth(ttl, max_ttl)
        return await self._universal_auth(request)

    async def _client_secrets(self, request: web.Request) -> dict[str, Any]:
        universal_auth = self._universal_auth_of(self._member(request))
        moment = self.instance.moment()
        return {"clientSecretData": [one.document(moment) for one in universal_auth.client_secrets]}

    async def _create_client_secret(self, request: web.Request) -> dict[str, Any]:
        universal_auth = self._universal_auth_of(self._member(request))
        value = uuid.uuid4().hex + uuid.uuid4().hex
        one = ClientSecret(value, (await request.json()).get("description", "").strip(), universal_auth.id)
        universal_auth.client_secrets.append(one)
        return {"clientSecret": value, "clientSecretData": one.document(self.instance.moment())}

    async def _revoke_client_secret(self, request: web.Request) -> dict[str, Any]:
        universal_auth = self._universal_auth_of(self._member(request))
        for one in universal_auth.client_secrets:
            if one.id == request.match_info["secret_id"]:
                one.revoked = True
                return {"clientSecretData": one.document(self.instance.moment())}
        raise not_found(f"Failed to find client secret with ID {request.match_info['secret_id']}")

    async def _clear_lockouts(self, request: web.Request) -> dict[str, Any]:
        universal_auth = self._universal_auth_of(self._member(request))
        locked = universal_auth.locked_until > self.instance.now
        universal_auth.locked_until, universal_auth.failures = 0.0, 0
        return {"deleted": int(locked)}

    async def _log_in_identity(self, request: web.Request) -> dict[str, Any]:
        body = await request.json()
        universal_auth, token = self.instance.log_in_identity(body["clientId"], body["clientSecret"])
        return {
            "accessToken": token.text,
            "expiresIn": universal_auth.token_ttl,
            "accessTokenMaxTTL": universal_auth.token_max_ttl,
            "tokenType": "Bearer",
        }

    async def _revoke_token(self, request: web.Request) -> dict[str, Any]:
        self.instance.valid_token((await request.json())["accessToken"]).revoked = True
        return {"message": "Successfully revoked access token"}
