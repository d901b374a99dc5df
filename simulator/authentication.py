"""Who is calling: API tokens, tickets and CSRF prevention tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import uuid

from .errors import ApiError
from .permissions import Identity
from .state import Cluster

_TOKEN = re.compile(r"^PVEAPIToken=(?P<user>[^\s:!]+)!(?P<id>[^\s:=]+)=(?P<value>\S+)$")


def new_secret() -> str:
    """The secret of a new API token."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


class Authentication:
    """Issues and verifies credentials. Secrets live in memory only."""

    def __init__(self, cluster: Cluster, root_password: str) -> None:
        self.cluster = cluster
        self.passwords = {"root@pam": root_password}
        self._key = secrets.token_bytes(32)

    def add_token(self, user: str, token: str, *, privsep: bool, comment: str = "", expire: int = 0) -> str:
        """Makes a token of an existing user and returns its secret."""
        value = new_secret()
        entry = {"privsep": int(privsep), "expire": expire, "value": value}
        self.cluster.users[user]["tokens"][token] = entry | ({"comment": comment} if comment else {})
        return value

    def login(self, user: str, password: str) -> tuple[str, str]:
        """A ticket and its CSRF prevention token; raises 401 for a wrong user or password."""
        known = self.passwords.get(user, "")
        if user not in self.cluster.users or not known or not hmac.compare_digest(known.encode(), password.encode()):
            raise ApiError(401, "authentication failure")
        text = f"PVE:{user}:{int(time.time()):08X}"
        return f"{text}::{self._sign(text)}", f"{int(time.time()):08X}:{self._sign('csrf' + user)}"

    def identify(self, method: str, authorization: str | None, ticket: str | None, csrf: str | None) -> Identity:
        """The caller of a request; raises 401."""
        if authorization:
            return self._by_token(authorization)
        if not ticket:
            raise ApiError(401, "No ticket")
        text, _, signature = ticket.partition("::")
        if not hmac.compare_digest(self._sign(text), signature):
            raise ApiError(401, "permission denied - invalid PVE ticket")
        user = text.split(":")[1]
        if method != "GET" and not hmac.compare_digest((csrf or "").partition(":")[2], self._sign("csrf" + user)):
            raise ApiError(401, "permission denied - invalid csrf token")
        return self._enabled(Identity(user))

    def _by_token(self, authorization: str) -> Identity:
        match = _TOKEN.match(authorization)
        if not match:
            raise ApiError(401, "no tokenid specified")
        user = self.cluster.users.get(match["user"])
        if user is None:
            raise ApiError(401, f"no such user ('{match['user']}')")
        token = user["tokens"].get(match["id"])
        if token is None:
            raise ApiError(401, f"no such token '{match['id']}' for user '{match['user']}'")
        if not hmac.compare_digest(str(token["value"]), match["value"]):
            raise ApiError(401, "invalid token value!")
        if 0 < int(token.get("expire") or 0) <= time.time():
            raise ApiError(401, f"token '{match['user']}!{match['id']}' access expired")
        return self._enabled(Identity(match["user"], match["id"]))

    def _enabled(self, who: Identity) -> Identity:
        user = self.cluster.users.get(who.user)
        if user is None:
            raise ApiError(401, f"no such user ('{who.user}')")
        if not user.get("enable", 1):
            raise ApiError(401, f"user '{who.user}' is disabled")
        return who

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
