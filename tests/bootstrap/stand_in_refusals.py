"""How the stand-in Infisical refuses."""

from __future__ import annotations

import uuid


class RefusedError(Exception):
    """An error answer: status, Infisical's name for the error, its message and, for some, details."""

    def __init__(self, status: int, kind: str, message: object, details: list[object] | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.details = status, kind, message, details


def unauthorized(message: str) -> RefusedError:
    """HTTP 401."""
    return RefusedError(401, "UnauthorizedError", message)


def bad_request(message: str) -> RefusedError:
    """HTTP 400."""
    return RefusedError(400, "BadRequest", message)


def not_found(message: str) -> RefusedError:
    """HTTP 404."""
    return RefusedError(404, "NotFound", message)


def invalid(path: list[object], message: str, code: str = "custom") -> RefusedError:
    """HTTP 422: one issue of the schema."""
    return RefusedError(422, "ValidationFailure", [{"code": code, "path": path, "message": message}])


def missing(name: str) -> RefusedError:
    """HTTP 422: a body or a query without something it must have."""
    issue = {
        "code": "invalid_type",
        "expected": "string",
        "received": "undefined",
        "path": [name],
        "message": "Required",
    }
    return RefusedError(422, "ValidationFailure", [issue])


def error_document(refused: RefusedError) -> dict[str, object]:
    """What is answered to who is refused."""
    return {
        "reqId": f"req-{uuid.uuid4().hex[:12]}",
        "statusCode": refused.status,
        "message": refused.message,
        "error": refused.kind,
        **({} if refused.details is None else {"details": refused.details}),
    }


def unknown_route(method: str, path: str) -> dict[str, object]:
    """What is answered, with HTTP 404, where there is no such route."""
    return {"message": f"Route {method}:{path} not found", "error": "Not Found", "statusCode": 404}
