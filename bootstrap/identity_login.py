"""Logins of the identities that a document names: Universal Auth with one client secret, saved where they are made.

Each is a file of variables, `infisical_identity_NAME.env`, by the names that Infisical's own programs read. It is no
`.tfvars` file: Terraform would take it for the credentials it works with itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from pydantic import SecretStr

from bootstrap.client import Infisical, Session
from bootstrap.errors import BootstrapError, CredentialsError, UnauthorizedError
from bootstrap.identity import IdentitySpec, mark_of, revoke_replaced
from bootstrap.private_file import Reservation, read_private, remove_private

_PREFIX, _SUFFIX = "infisical_identity_", ".env"
_DOMAIN, _IDENTITY = "INFISICAL_DOMAIN", "INFISICAL_IDENTITY_ID"
_CLIENT_ID, _CLIENT_SECRET = "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"
_CLIENT_SECRET_ID = "INFISICAL_CLIENT_SECRET_ID"  # noqa: S105 - a variable's name
_COMMENT = "# Made by `python -m bootstrap resources`. It holds a secret: keep its mode 0600."
_LINE = re.compile(r"([A-Z_]+)=([A-Za-z0-9:/.\[\]_-]+)")
"""What needs no quoting in a shell, and is read alike by programs that know none."""


@dataclass(frozen=True)
class IdentityLogin:
    """What such a file holds. `client_secret_id` is by what the server lists the client secret."""

    domain: str
    identity_id: str
    client_id: str
    client_secret: SecretStr
    client_secret_id: str

    def render(self) -> str:
        """The file's content."""
        values = {
            _DOMAIN: self.domain,
            _CLIENT_ID: self.client_id,
            _CLIENT_SECRET: self.client_secret.get_secret_value(),
            _IDENTITY: self.identity_id,
            _CLIENT_SECRET_ID: self.client_secret_id,
        }
        lines = [f"{name}={value}" for name, value in values.items()]
        if not all(_LINE.fullmatch(line) for line in lines):
            raise BootstrapError("Infisical made credentials with unusual characters", "report this")
        return "\n".join([_COMMENT, *lines, ""])


@dataclass
class IdentityLogins:
    """The logins in one directory for one server.

    Attributes:
        infisical: the server.
        session: the same as somebody who may make client secrets sees it.
        directory: where the files are.
        spec: how long access tokens live, and the mark on the client secrets of this machine.
    """

    infisical: Infisical
    session: Session
    directory: Path
    spec: IdentitySpec = field(default_factory=lambda: IdentitySpec(secret_description=mark_of("resources")))

    def path(self, name: str) -> Path:
        """The file of the identity `name`."""
        return self.directory / f"{_PREFIX}{quote(name, safe='')}{_SUFFIX}"

    def is_missing(self, name: str, identity_id: str) -> bool:
        """Whether the identity has no login that is saved here. Nothing is changed, and nobody logs in.

        Raises:
            CredentialsError: the file is damaged, open to others, or belongs to another server.
        """
        saved = self._saved(name)
        if saved is None or saved.identity_id != identity_id:
            return True
        universal_auth = self.session.universal_auth(identity_id)
        if universal_auth is None or universal_auth.client_id != saved.client_id:
            return True
        valid = {one.id for one in self.session.client_secrets(identity_id) if not one.is_client_secret_revoked}
        return saved.client_secret_id not in valid

    def make(self, name: str, identity_id: str) -> None:
        """Makes a client secret, saves it, tries it once, and revokes those that this machine has made before.

        Raises:
            CredentialsError: it can't be saved; none was made then.
            BootstrapError: the server refuses it.
        """
        universal_auth = self.session.universal_auth(identity_id) or self.session.attach_universal_auth(
            identity_id, token_ttl_seconds=self.spec.token_ttl_seconds
        )
        with Reservation(self.path(name)) as room:
            made = self.session.create_client_secret(identity_id, description=self.spec.secret_description)
            login = IdentityLogin(
                self.infisical.domain,
                identity_id,
                universal_auth.client_id,
                made.client_secret,
                made.client_secret_data.id,
            )
            room.write(login.render())
        try:
            self.infisical.log_in_identity(client_id=login.client_id, client_secret=login.client_secret)
        except UnauthorizedError as error:
            raise BootstrapError(
                f"{self.infisical.domain} refuses the client secret it has just made for {name!r}: {error.reason}",
                "look at the identity's trusted addresses and lockout in Infisical, wait five minutes, then run again",
            ) from None
        revoke_replaced(self.session, identity_id, self.spec, kept=login.client_secret_id)

    def saved_for(self, identity_ids: Collection[str]) -> Iterator[tuple[str, str]]:
        """Name and identity's id of every login that is saved here for this server and for none of `identity_ids`.

        What can't be read as one is somebody else's, and left out.
        """
        for path in sorted(self.directory.glob(f"{_PREFIX}*{_SUFFIX}")):
            name = unquote(path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX))
            with suppress(CredentialsError):
                saved = self._saved(name) if self.path(name) == path else None
                if saved is not None and saved.identity_id not in identity_ids:
                    yield name, saved.identity_id

    def is_gone(self, identity_id: str) -> bool:
        """Whether the server says that there is no such identity."""
        return not self.session.has_identity(identity_id)

    def forget(self, name: str, identity_id: str) -> None:
        """Removes the saved login of an identity that the server no longer has; that of another one stays.

        Raises:
            BootstrapError: the server has the identity still.
            CredentialsError: the file can't be read or removed.
        """
        if not self.is_gone(identity_id):
            raise BootstrapError(f"{self.infisical.domain} has the machine identity {name!r} still", "run again")
        saved = self._saved(name)
        if saved is not None and saved.identity_id == identity_id:
            remove_private(self.path(name))

    def _saved(self, name: str) -> IdentityLogin | None:
        path = self.path(name)
        text = read_private(path)
        if text is None:
            return None
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        values = {match[1]: match[2] for line in lines if (match := _LINE.fullmatch(line))}
        try:
            saved = IdentityLogin(
                values[_DOMAIN],
                values[_IDENTITY],
                values[_CLIENT_ID],
                SecretStr(values[_CLIENT_SECRET]),
                values[_CLIENT_SECRET_ID],
            )
        except KeyError as error:
            raise CredentialsError(
                f"{path}: {error.args[0]} is missing", f"restore {path} from a backup, or move it away and run again"
            ) from None
        if saved.domain != self.infisical.domain:
            raise CredentialsError(
                f"{path}: belongs to {saved.domain}, not to {self.infisical.domain}",
                f"use another directory for another server, or move {path} away",
            )
        return saved
