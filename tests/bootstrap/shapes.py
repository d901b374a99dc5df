"""The shapes of Infisical's answers: the stand-in gives no other, so the client is not tested against wishful ones.

A shape is a dictionary of names to types. `?` after a name: it may be missing. A type is `uuid`, `time`, `string`,
`number`, `boolean` or `any`, with `|null` where null is allowed, a nested shape, or a list with one shape.
"""

from __future__ import annotations

import re
from typing import Any

Shape = dict[str, Any]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_USER: Shape = {
    "username": "string",
    "firstName?": "string|null",
    "lastName?": "string|null",
    "email?": "string|null",
    "id": "uuid",
    "superAdmin?": "boolean|null",
}
_METADATA: Shape = {"id": "string", "key": "string", "value": "string"}
_IDENTITY: Shape = {
    "id": "uuid",
    "name": "string",
    "authMethod?": "string|null",
    "createdAt": "time",
    "updatedAt": "time",
    "hasDeleteProtection?": "boolean",
    "orgId": "uuid",
    "projectId?": "string|null",
    "authMethods": ["string"],
    "metadata": [_METADATA],
}
_MEMBERSHIP: Shape = {
    "id": "uuid",
    "role": "string",
    "roleId?": "uuid|null",
    "orgId": "uuid",
    "createdAt": "time",
    "updatedAt": "time",
    "identityId": "uuid",
    "lastLoginAuthMethod?": "string|null",
    "lastLoginTime?": "time|null",
    "identity": {"name": "string", "id": "uuid", "hasDeleteProtection?": "boolean", "authMethods": ["string"]},
}
_UNIVERSAL_AUTH: Shape = {
    "identityUniversalAuth": {
        "id": "uuid",
        "clientId": "string",
        "accessTokenTTL?": "number",
        "accessTokenMaxTTL?": "number",
        "accessTokenNumUsesLimit?": "number",
        "clientSecretTrustedIps?": "any",
        "accessTokenTrustedIps?": "any",
        "createdAt": "time",
        "updatedAt": "time",
        "identityId": "uuid",
        "accessTokenPeriod?": "number",
        "lockoutEnabled?": "boolean",
        "lockoutThreshold?": "number",
        "lockoutDurationSeconds?": "number",
        "lockoutCounterResetSeconds?": "number",
    }
}
_CLIENT_SECRET_DATA: Shape = {
    "id": "string",
    "createdAt": "time",
    "updatedAt": "time",
    "description": "string",
    "clientSecretPrefix": "string",
    "clientSecretNumUses?": "number",
    "clientSecretNumUsesLimit?": "number",
    "clientSecretTTL?": "number",
    "identityUAId": "uuid",
    "isClientSecretRevoked?": "boolean",
}
_CONFIG: Shape = {
    "config": {
        "id": "uuid",
        "initialized": "boolean",
        "allowSignUp": "boolean",
        "allowedSignUpDomain": "string|null",
        "defaultAuthOrgId": "string|null",
        "enabledLoginMethods": "any",
        "defaultAuthOrgSlug": "string|null",
        "adminIdentityIds?": ["uuid"],
        "instanceId?": "uuid",
    }
}
_ACCESS_TOKEN: Shape = {
    "accessToken": "string",
    "expiresIn": "number",
    "accessTokenMaxTTL": "number",
    "tokenType": "string",
}

_PROJECT: Shape = {
    "id": "string",
    "_id": "string",
    "name": "string",
    "description?": "string|null",
    "type": "string",
    "defaultProduct?": "string|null",
    "slug": "string",
    "autoCapitalization?": "boolean|null",
    "orgId": "uuid",
    "createdAt": "time",
    "updatedAt": "time",
    "version?": "number",
    "pitVersionLimit?": "number",
    "hasDeleteProtection?": "boolean|null",
    "environments": [{"name": "string", "slug": "string", "id": "string"}],
    "deletedEnvironments": ["any"],
}
_ONLY_READ = {"_id", "environments", "deletedEnvironments"}
_UPDATED_PROJECT = {name: kind for name, kind in _PROJECT.items() if name not in _ONLY_READ}
_ENVIRONMENT: Shape = {
    "message": "string",
    "projectId": "string",
    "environment": {
        "id": "uuid",
        "name": "string",
        "slug": "string",
        "position": "number",
        "projectId": "string",
        "createdAt": "time",
        "updatedAt": "time",
    },
}
_PROJECT_MEMBERSHIP: Shape = {
    "identityMembership": {
        "id": "uuid",
        "projectId": "string",
        "identityId": "uuid",
        "createdAt": "time",
        "updatedAt": "time",
    }
}
_FOLDER: Shape = {
    "id": "uuid",
    "name": "string",
    "version?": "number|null",
    "createdAt": "time",
    "updatedAt": "time",
    "envId": "uuid",
    "parentId?": "uuid|null",
    "isReserved?": "boolean|null",
    "description?": "string|null",
    "lastSecretModified?": "time|null",
}
_SECRET: Shape = {
    "id": "string",
    "_id": "string",
    "workspace": "string",
    "environment": "string",
    "version": "number",
    "type": "string",
    "secretKey": "string",
    "secretValue": "string",
    "secretComment": "string",
    "secretReminderNote?": "string|null",
    "secretReminderRepeatDays?": "number|null",
    "skipMultilineEncoding?": "boolean|null",
    "createdAt": "time",
    "updatedAt": "time",
}
_LISTED_SECRET: Shape = {
    **_SECRET,
    "secretPath?": "string",
    "secretValueHidden": "boolean",
    "secretMetadata?": [{"key": "string", "value?": "string", "isEncrypted?": "boolean"}],
    "tags?": ["any"],
}
_APPROVAL: Shape = {
    "id": "uuid",
    "policyId": "uuid",
    "hasMerged?": "boolean",
    "status?": "string",
    "slug": "string",
    "folderId": "uuid",
    "createdAt": "time",
    "updatedAt": "time",
}
_WRITTEN: Shape = {"secrets?": [{**_SECRET, "secretValueHidden": "boolean"}], "approval?": _APPROVAL}
_UPDATED_IDENTITY = {name: kind for name, kind in _IDENTITY.items() if name != "authMethods"}
_ONE_PROJECT = "/api/v1/projects/{project_id}"
_MEMBER = f"{_ONE_PROJECT}/memberships/identities/{{identity_id}}"

PROJECT_ANSWERS: dict[str, Shape] = {
    "GET /api/v1/projects": {"projects": [_PROJECT]},
    "POST /api/v1/projects": {"project": _PROJECT},
    "GET /api/v1/projects/slug/{slug}": _PROJECT,
    f"PATCH {_ONE_PROJECT}": {"project": _UPDATED_PROJECT},
    f"POST {_ONE_PROJECT}/environments": _ENVIRONMENT,
    f"PATCH {_ONE_PROJECT}/environments/{{environment_id}}": _ENVIRONMENT,
    f"GET {_ONE_PROJECT}/memberships/identities": {
        "identityMemberships": [
            {
                "id": "string",
                "identityId": "string",
                "createdAt": "time",
                "updatedAt": "time",
                "roles": [{"id": "string", "role": "string", "isTemporary": "boolean"}],
                "identity": {
                    "name": "string",
                    "id": "uuid",
                    "orgId": "uuid",
                    "authMethods": ["string"],
                    "activeLockoutAuthMethods": ["string"],
                },
            }
        ],
        "totalCount": "number",
    },
    f"POST {_MEMBER}": _PROJECT_MEMBERSHIP,
    f"PATCH {_MEMBER}": _PROJECT_MEMBERSHIP,
    f"DELETE {_MEMBER}": _PROJECT_MEMBERSHIP,
    "GET /api/v2/folders": {"folders": [{**_FOLDER, "relativePath?": "string"}]},
    "POST /api/v2/folders": {"folder": {**_FOLDER, "path": "string"}},
    "DELETE /api/v2/folders/{folder_id}": {"folder": _FOLDER},
    "GET /api/v4/secrets": {"secrets": [_LISTED_SECRET], "imports?": ["any"]},
    "POST /api/v4/secrets/batch": {"secrets?": [_SECRET], "approval?": _APPROVAL},
    "PATCH /api/v4/secrets/batch": _WRITTEN,
    "DELETE /api/v4/secrets/batch": _WRITTEN,
}

ANSWERS: dict[str, Shape] = {
    **PROJECT_ANSWERS,
    "GET /api/status": {
        "date": "time",
        "message": "string",
        "emailConfigured": "boolean",
        "inviteOnlySignup": "boolean",
        "redisConfigured": "boolean",
        "secretScanningConfigured": "boolean",
        "auditLogStorageDisabled": "boolean",
        "maxIdentityAccessTokenTTL?": "number",
    },
    "GET /api/v1/admin/config": _CONFIG,
    "PATCH /api/v1/admin/config": _CONFIG,
    "POST /api/v1/admin/bootstrap": {
        "message": "string",
        "user": _USER,
        "organization": {"id": "uuid", "name": "string", "slug": "string"},
        "identity": {"id": "uuid", "name": "string", "credentials": {"token": "string"}},
    },
    "POST /api/v3/auth/login": {"accessToken": "string"},
    "POST /api/v3/auth/select-organization": {"token": "string", "isMfaEnabled": "boolean", "mfaMethod?": "string"},
    "GET /api/v1/organization": {"organizations": [{"id": "uuid", "name": "string", "slug": "string"}]},
    "GET /api/v1/identities/details": {
        "identityDetails": {"organization": {"id": "uuid", "name": "string", "slug": "string"}}
    },
    "GET /api/v1/identities": {"identities": [_MEMBERSHIP], "totalCount": "number"},
    "POST /api/v1/identities": {"identity": _IDENTITY},
    "GET /api/v1/identities/{identity_id}": {
        "identity": {
            **_MEMBERSHIP,
            "metadata?": [_METADATA],
            "identity": {**_MEMBERSHIP["identity"], "orgId": "uuid", "activeLockoutAuthMethods": ["string"]},
        }
    },
    "PATCH /api/v1/identities/{identity_id}": {"identity": _UPDATED_IDENTITY},
    "DELETE /api/v1/identities/{identity_id}": {
        "identity": {name: kind for name, kind in _UPDATED_IDENTITY.items() if name != "metadata"}
    },
    "GET /api/v1/auth/universal-auth/identities/{identity_id}": _UNIVERSAL_AUTH,
    "POST /api/v1/auth/universal-auth/identities/{identity_id}": _UNIVERSAL_AUTH,
    "GET /api/v1/auth/universal-auth/identities/{identity_id}/client-secrets": {
        "clientSecretData": [_CLIENT_SECRET_DATA]
    },
    "POST /api/v1/auth/universal-auth/identities/{identity_id}/client-secrets": {
        "clientSecret": "string",
        "clientSecretData": _CLIENT_SECRET_DATA,
    },
    "POST /api/v1/auth/universal-auth/identities/{identity_id}/client-secrets/{secret_id}/revoke": {
        "clientSecretData": _CLIENT_SECRET_DATA
    },
    "POST /api/v1/auth/universal-auth/identities/{identity_id}/clear-lockouts": {"deleted": "number"},
    "POST /api/v1/auth/universal-auth/login": _ACCESS_TOKEN,
    "POST /api/v1/auth/token/revoke": {"message": "string"},
}

ERROR: Shape = {"reqId": "string", "statusCode": "number", "message": "any", "error": "string", "details?": "any"}
UNKNOWN_ROUTE: Shape = {"message": "string", "error": "string", "statusCode": "number"}


def faults(value: object, shape: Any, place: str = "answer") -> list[str]:
    """Where a value differs from a shape; empty where it does not."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{place} is not a list"]
        return [fault for index, one in enumerate(value) for fault in faults(one, shape[0], f"{place}[{index}]")]
    if isinstance(shape, dict):
        return _dictionary_faults(value, shape, place)
    kind, _, nullable = shape.partition("|")
    if value is None:
        return [] if nullable or kind == "any" else [f"{place} is null"]
    return [] if _is(value, kind) else [f"{place} is no {kind}: {value!r}"]


def _dictionary_faults(value: object, shape: Shape, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} is not an object"]
    known = {name.removesuffix("?"): (name.endswith("?"), inner) for name, inner in shape.items()}
    found = [f"{place}.{name} is unknown" for name in value.keys() - known.keys()]
    for name, (optional, inner) in known.items():
        if name in value:
            found += faults(value[name], inner, f"{place}.{name}")
        elif not optional:
            found.append(f"{place}.{name} is missing")
    return found


def _is(value: object, kind: str) -> bool:
    match kind:
        case "any":
            return True
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "uuid":
            return isinstance(value, str) and bool(_UUID.fullmatch(value))
        case "time":
            return isinstance(value, str) and bool(_TIME.fullmatch(value))
        case _:
            return kind == "string" and isinstance(value, str)
