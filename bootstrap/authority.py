"""The right to administer an instance: proven by a saved token, or by the administrator's login."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from bootstrap.client import Infisical, Session
from bootstrap.errors import ApiError, NotOursError, UsageError
from bootstrap.models import Organization

MINIMUM_PASSWORD_LENGTH = 14
MAXIMUM_PASSWORD_LENGTH = 100
"""Characters; the bounds of Infisical's own sign-up form. Its bootstrap route takes any password."""

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


@dataclass(frozen=True)
class AdminLogin:
    """Who administers the instance: the inputs of the official CLI's `bootstrap`. Each may be missing at first."""

    email: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    organization: str = ""

    def require_login(self, why: str) -> None:
        """Checks what a login needs.

        Raises:
            UsageError: email or password is missing; the message starts with `why`.
        """
        missing = [
            name
            for name, value in (
                ("INFISICAL_ADMIN_EMAIL", self.email),
                ("INFISICAL_ADMIN_PASSWORD", self.password.get_secret_value()),
            )
            if not value
        ]
        if missing:
            raise UsageError(f"{why}, and {' and '.join(missing)} is not set", f"set {' and '.join(missing)}")

    def require_complete(self) -> None:
        """Checks what making the administrator needs.

        Raises:
            UsageError: something is missing, or is not what Infisical takes.
        """
        self.require_login("the administrator is to be made")
        if not self.organization.strip():
            raise UsageError(
                "the administrator is to be made, and INFISICAL_ADMIN_ORGANIZATION is not set",
                "set INFISICAL_ADMIN_ORGANIZATION to the name of the organization",
            )
        if not _EMAIL.fullmatch(self.email):
            raise UsageError(f"INFISICAL_ADMIN_EMAIL {self.email!r} is not an email address", "write name@host.domain")
        self.require_password("INFISICAL_ADMIN_PASSWORD")

    def require_password(self, variable: str) -> None:
        """Checks that a new password is one that Infisical takes, and stores as it is.

        Raises:
            UsageError: it is not; the message calls it `variable`.
        """
        password = self.password.get_secret_value()
        allowed = f"{MINIMUM_PASSWORD_LENGTH} to {MAXIMUM_PASSWORD_LENGTH} characters"
        if not MINIMUM_PASSWORD_LENGTH <= len(password) <= MAXIMUM_PASSWORD_LENGTH:
            raise UsageError(f"{variable} has {len(password)} characters", f"use {allowed}")
        if password != password.strip() or not password.isprintable():
            raise UsageError(
                f"{variable} begins or ends with a space, or holds a control character",
                f"use {allowed} without them: Infisical cuts them off",
            )


def log_in_admin(
    infisical: Infisical, login: AdminLogin, *, why: str, organization_id: str | None = None
) -> tuple[Session, Organization]:
    """The administrator's session, by email and password.

    One attempt is made. The organization is the one with `organization_id`, else the only one of the account, else
    the only one with the name in `login`.

    Raises:
        UsageError: email or password is missing.
        NotOursError: they are not the administrator's, or the account can't be used by a program.
    """
    login.require_login(why)
    try:
        user = infisical.log_in_user(email=login.email, password=login.password)
    except ApiError as error:
        if error.status not in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}:
            raise
        raise NotOursError(
            f"{infisical.domain}: {why}, and Infisical does not take INFISICAL_ADMIN_EMAIL and"
            f" INFISICAL_ADMIN_PASSWORD: {error.reason}",
            _WAYS_IN,
        ) from None
    organization = _chosen(infisical, user.organizations(), login.organization, organization_id)
    session = user.select(organization.id)
    if session is None:
        raise NotOursError(
            f"{infisical.domain}: {why}, and the account {login.email} asks for a second factor",
            "switch multi-factor authentication off for this account while the program logs in",
        )
    return session, organization


_WAYS_IN = (
    "set up by another person: ask for their INFISICAL_ADMIN_EMAIL and INFISICAL_ADMIN_PASSWORD, or for their"
    " infisical_*.auto.tfvars files; nothing in it worth keeping: delete its PostgreSQL volume and deploy again"
)


def _chosen(
    infisical: Infisical, organizations: tuple[Organization, ...], name: str, organization_id: str | None
) -> Organization:
    if organization_id:
        matching = [one for one in organizations if one.id == organization_id]
    elif len(organizations) == 1:
        matching = list(organizations)
    else:
        matching = [one for one in organizations if one.name == name.strip()]
    if len(matching) == 1:
        return matching[0]
    found = ", ".join(f"{one.name} ({one.id})" for one in organizations) or "none"
    wanted = f"with the id {organization_id}" if organization_id else f"named {name!r}"
    raise NotOursError(
        f"{infisical.domain}: the administrator has not exactly one organization {wanted}; there is: {found}",
        "set INFISICAL_ADMIN_ORGANIZATION to one of those names, or correct the saved organization id",
    )
