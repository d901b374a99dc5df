"""The credentials this package saves for Terraform and for its own next run.

Two files, in one directory:

* `infisical_bootstrap.auto.tfvars`: `infisical_domain`, `infisical_organization_id` and `infisical_admin_token`. The
  token is empty once it is revoked, or where the server made one that never worked.
* `infisical_token.auto.tfvars`: `infisical_domain`, `infisical_identity_id`, `infisical_client_id` and
  `infisical_client_secret` of the machine identity.

Both name the server they belong to; they are not sent to another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from pydantic import SecretStr

from bootstrap import tfvars
from bootstrap.errors import CredentialsError
from bootstrap.private_file import Reservation, exclusive, read_private, set_aside, write_private

BOOTSTRAP_FILE = "infisical_bootstrap.auto.tfvars"
TOKEN_FILE = "infisical_token.auto.tfvars"  # noqa: S105 - a file's name
LOCK_FILE = ".infisical_bootstrap.lock"

_VALUE = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""What ids, client secrets and tokens are made of; they become parts of paths and headers."""

_COMMENT = "Made by `python -m bootstrap`. It holds a secret: keep its mode 0600 and keep it out of version control."


@dataclass(frozen=True)
class AdminCredentials:
    """What `infisical_bootstrap.auto.tfvars` holds. `admin_token` is None where there is no valid one any more."""

    domain: str
    organization_id: str
    admin_token: SecretStr | None

    def render(self) -> str:
        """The file's content."""
        values = {
            "infisical_domain": self.domain,
            "infisical_organization_id": self.organization_id,
            "infisical_admin_token": self.admin_token.get_secret_value() if self.admin_token else "",
        }
        return tfvars.render(values, _COMMENT)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """The credentials in a file's variables; KeyError names one that is missing, ValueError a faulty one."""
        token = values["infisical_admin_token"] and _checked(values, "infisical_admin_token")
        return cls(
            domain=values["infisical_domain"],
            organization_id=_checked(values, "infisical_organization_id"),
            admin_token=SecretStr(token) if token else None,
        )


@dataclass(frozen=True)
class IdentityCredentials:
    """What `infisical_token.auto.tfvars` holds."""

    domain: str
    identity_id: str
    client_id: str
    client_secret: SecretStr

    def render(self) -> str:
        """The file's content."""
        values = {
            "infisical_domain": self.domain,
            "infisical_identity_id": self.identity_id,
            "infisical_client_id": self.client_id,
            "infisical_client_secret": self.client_secret.get_secret_value(),
        }
        return tfvars.render(values, _COMMENT)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """The credentials in a file's variables; KeyError names one that is missing, ValueError a faulty one."""
        return cls(
            domain=values["infisical_domain"],
            identity_id=_checked(values, "infisical_identity_id"),
            client_id=_checked(values, "infisical_client_id"),
            client_secret=SecretStr(_checked(values, "infisical_client_secret")),
        )


def _checked(values: Mapping[str, str], name: str) -> str:
    if not _VALUE.fullmatch(values[name]):
        raise ValueError(f"{name} is empty, or holds a character that is in no value of Infisical's")
    return values[name]


CredentialsType = TypeVar("CredentialsType", AdminCredentials, IdentityCredentials)


class SavedCredentials:
    """The saved credentials of one server in one directory."""

    def __init__(self, directory: Path, domain: str) -> None:
        self.domain = domain
        self.bootstrap_path = directory / BOOTSTRAP_FILE
        self.token_path = directory / TOKEN_FILE
        self._lock_path = directory / LOCK_FILE

    def lock(self) -> AbstractContextManager[None]:
        """Keeps every other process from the files.

        Raises:
            BusyError: another process works with them.
        """
        return exclusive(self._lock_path, f"the directory {self._lock_path.parent}")

    def admin(self) -> AdminCredentials | None:
        """The administrator's, None where none are saved.

        Raises:
            CredentialsError: the file is damaged, open to others, or belongs to another server.
        """
        return _loaded(self.bootstrap_path, AdminCredentials, self.domain)

    def identity(self) -> IdentityCredentials | None:
        """The machine identity's, None where none are saved.

        Raises:
            CredentialsError: the file is damaged, open to others, or belongs to another server.
        """
        return _loaded(self.token_path, IdentityCredentials, self.domain)

    def reserve_admin(self) -> Reservation:
        """Room for the administrator's credentials."""
        return Reservation(self.bootstrap_path)

    def reserve_identity(self) -> Reservation:
        """Room for the machine identity's credentials."""
        return Reservation(self.token_path)

    def set_aside(self) -> list[Path]:
        """Renames both files, which belong to an instance that is gone, and returns where those that were there are."""
        kept = (set_aside(path) for path in (self.bootstrap_path, self.token_path))
        return [path for path in kept if path is not None]

    def save_identity(self, credentials: IdentityCredentials) -> None:
        """Replaces the machine identity's credentials."""
        write_private(self.token_path, credentials.render())

    def save_admin(self, credentials: AdminCredentials) -> None:
        """Replaces the administrator's credentials."""
        write_private(self.bootstrap_path, credentials.render())


def _loaded(path: Path, kind: type[CredentialsType], domain: str) -> CredentialsType | None:
    text = read_private(path)
    if text is None:
        return None
    try:
        credentials = kind.of(tfvars.parse(text))
    except KeyError as error:
        raise CredentialsError(f"{path}: {error.args[0]} is missing", _damaged(path)) from None
    except ValueError as error:
        raise CredentialsError(f"{path}: {error}", _damaged(path)) from None
    if credentials.domain != domain:
        raise CredentialsError(
            f"{path}: belongs to {credentials.domain}, not to {domain}",
            f"use another directory for another server; where the same server moved, set infisical_domain in {path}",
        )
    return credentials


def _damaged(path: Path) -> str:
    return f"restore {path} from a backup, or move it away and run again"
