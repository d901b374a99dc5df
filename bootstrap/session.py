"""What a token gives access to on an Infisical server: the base of everything that is asked with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from bootstrap import models
from bootstrap.errors import ForbiddenError, NotFoundError, UnsupportedServerError
from bootstrap.transport import Repeat, Transport


class TokenSession:
    """An Infisical server with a token."""

    def __init__(self, transport: Transport, token: SecretStr) -> None:
        self._transport = transport
        self._token = token

    def _request(
        self,
        answer: type[models.AnswerType],
        method: str,
        path: str,
        repeat: Repeat,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> models.AnswerType:
        token = self._token.get_secret_value()
        return self._transport.request(answer, method, path, repeat=repeat, token=token, body=body, query=query)


class OrganizationSession(TokenSession):
    """An organization of an Infisical server, with a token that belongs to it."""

    def identities(self, organization_id: str) -> tuple[models.IdentityMembership, ...]:
        """`GET /api/v1/identities`: all of the organization. Names are not unique.

        Raises:
            UnsupportedServerError: the server lists a part only, on which nothing can be decided.
        """
        query = {"orgId": organization_id}
        answer = self._request(models.IdentityMemberships, "GET", "/api/v1/identities", Repeat.SAFE, query=query)
        if answer.total_count is not None and len(answer.identities) < answer.total_count:
            raise UnsupportedServerError(
                f"{self._transport.domain} lists {len(answer.identities)} of {answer.total_count} machine identities",
                "use a release of Infisical that lists all of them",
            )
        return answer.identities

    def has_identity(self, identity_id: str) -> bool:
        """`GET /api/v1/identities/{id}`: whether there is such an identity, of this organization or of another."""
        try:
            self._request(models.Ignored, "GET", f"/api/v1/identities/{identity_id}", Repeat.SAFE)
        except NotFoundError:
            return False
        except ForbiddenError:
            return True
        return True

    def create_identity(
        self, *, name: str, organization_id: str, role: str, metadata: Mapping[str, str]
    ) -> models.Identity:
        """`POST /api/v1/identities`: a second call makes a second identity of the same name."""
        body = {
            "name": name,
            "organizationId": organization_id,
            "role": role,
            "metadata": [{"key": key, "value": value} for key, value in metadata.items()],
        }
        return self._request(models.IdentityAnswer, "POST", "/api/v1/identities", Repeat.UNSENT, body=body).identity
