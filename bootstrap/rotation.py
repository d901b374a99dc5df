"""Replaces the client secret of the machine identity and the administrator's password, with a way in at every moment.

The new one is made and saved, then proven by logging in, and only then the old one ends. Killed at any point, what is
saved works, and the next run finishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from bootstrap.authority import AdminLogin
from bootstrap.client import Infisical, UserSession
from bootstrap.compatibility import wait_until_supported
from bootstrap.errors import (
    ApiError,
    BootstrapError,
    CredentialsError,
    NotFoundError,
    NotOursError,
    OutcomeUnknownError,
    UnauthorizedError,
    UsageError,
)
from bootstrap.identity import IdentitySpec, revoke_replaced
from bootstrap.saved import IdentityCredentials, SavedCredentials


@dataclass(frozen=True)
class ClientSecretRotation:
    """What `rotate_client_secret` did. `revoked_client_secrets` counts those of this machine that ended."""

    identity_id: str
    client_id: str
    revoked_client_secrets: int


def rotate_client_secret(
    infisical: Infisical,
    saved: SavedCredentials,
    spec: IdentitySpec,
    *,
    wait_seconds: float,
    say: Callable[[str], None],
) -> ClientSecretRotation:
    """Replaces the saved client secret by a new one. The caller holds the locks.

    Client secrets that were made on another machine stay.

    Raises:
        CredentialsError: none is saved, or it does not work.
        BootstrapError: the new one does not work; the old one is saved again.
    """
    before = saved.identity()
    if before is None:
        raise CredentialsError(f"{saved.token_path} is not there", "run: python -m bootstrap identity")
    wait_until_supported(infisical, wait_seconds=wait_seconds, say=say)
    try:
        session = infisical.session(_token_of(infisical, before))
    except UnauthorizedError as error:
        raise CredentialsError(
            f"{infisical.domain} does not take the saved client secret: {error.reason}",
            "run: python -m bootstrap identity",
        ) from None
    with saved.reserve_identity() as room:
        made = session.create_client_secret(before.identity_id, description=spec.secret_description)
        after = IdentityCredentials(infisical.domain, before.identity_id, before.client_id, made.client_secret)
        room.write(after.render())
    say("the new client secret is saved")
    try:
        session = infisical.session(_token_of(infisical, after))
    except UnauthorizedError as error:
        saved.save_identity(before)
        raise BootstrapError(
            f"{infisical.domain} refuses the client secret it made; the old one is saved again ({error.reason})",
            "look at the identity's trusted addresses and lockout in Infisical, wait five minutes, then run again",
        ) from None
    revoked = revoke_replaced(session, before.identity_id, spec, kept=made.client_secret_data.id)
    return ClientSecretRotation(before.identity_id, before.client_id, revoked)


def rotate_admin_password(
    infisical: Infisical,
    login: AdminLogin,
    new: AdminLogin,
    *,
    wait_seconds: float,
    say: Callable[[str], None],
) -> bool:
    """Gives the administrator the password of `new`; whether it had another one.

    Both are known before anything is sent, so a broken run locks nobody out.

    Raises:
        UsageError: an input is missing, or the new password is not what Infisical takes.
        NotOursError: neither password is the administrator's.
        BootstrapError: the release has no route for it.
    """
    login.require_login("the administrator's password is to be replaced")
    new.require_password("INFISICAL_ADMIN_NEW_PASSWORD")
    if login.password == new.password:
        raise UsageError(
            "INFISICAL_ADMIN_NEW_PASSWORD is the password that INFISICAL_ADMIN_PASSWORD holds", "set it to another one"
        )
    wait_until_supported(infisical, wait_seconds=wait_seconds, say=say)
    user = _user(infisical, login)
    if user is None:
        if _user(infisical, new) is None:
            raise NotOursError(
                f"{infisical.domain} takes neither INFISICAL_ADMIN_PASSWORD nor INFISICAL_ADMIN_NEW_PASSWORD for"
                f" {login.email}",
                "set INFISICAL_ADMIN_PASSWORD to the password that works now",
            )
        return False
    try:
        user.change_password(old=login.password, new=new.password)
    except NotFoundError:
        raise BootstrapError(
            f"{infisical.domain}: this release has no route to change a password",
            "change it at its web page, under personal settings, and set INFISICAL_ADMIN_PASSWORD to the new one",
        ) from None
    except OutcomeUnknownError as error:
        say(f"{error.message}; trying the new password")
    if _user(infisical, new) is None:
        raise OutcomeUnknownError(
            f"{infisical.domain} does not take the new password so far; the old one is still the administrator's",
            "run the same command again",
        )
    return True


def _token_of(infisical: Infisical, credentials: IdentityCredentials) -> SecretStr:
    return infisical.log_in_identity(
        client_id=credentials.client_id, client_secret=credentials.client_secret
    ).access_token


def _user(infisical: Infisical, login: AdminLogin) -> UserSession | None:
    try:
        return infisical.log_in_user(email=login.email, password=login.password)
    except ApiError as error:
        if error.status in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}:
            return None
        raise
