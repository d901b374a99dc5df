"""Makes the first administrator of an Infisical instance, or finds out that it is there already.

`POST /api/v1/admin/bootstrap` is not atomic on the server and gives its answer once. So it is sent at most once and
only to an instance that says it is not set up, room for its answer is reserved before, and the answer is saved before
it is used. Where it is lost, or the token in it never works, the administrator's own login takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import httpx

from bootstrap.authority import AdminLogin, log_in_admin
from bootstrap.client import Infisical, Session
from bootstrap.compatibility import wait_until_supported
from bootstrap.errors import (
    ApiError,
    BootstrapError,
    CredentialsError,
    ForbiddenError,
    LockedError,
    NotOursError,
    OutcomeUnknownError,
    ServerFailureError,
    UnauthorizedError,
    UnreachableError,
    UnsupportedServerError,
)
from bootstrap.models import BootstrapAnswer, ServerConfig
from bootstrap.saved import AdminCredentials, SavedCredentials

SETTLE_SECONDS = 30.0
"""How long a request whose answer was lost is given to take effect on the server."""


class Outcome(StrEnum):
    """How the administrator came to be known."""

    BOOTSTRAPPED = "bootstrapped"
    """The instance was empty and is set up now."""
    RESUMED = "resumed"
    """It was set up before, and the saved credentials are valid."""
    RECOVERED = "recovered"
    """It is set up, and the administrator's login took the place of a token that is lost or does not work."""


@dataclass(frozen=True)
class AdminResult:
    """What `set_up_admin` did. `admin_token_saved` tells whether the file holds a token that works."""

    outcome: Outcome
    changed: bool
    organization_id: str
    admin_token_saved: bool


def set_up_admin(
    infisical: Infisical,
    saved: SavedCredentials,
    login: AdminLogin,
    *,
    wait_seconds: float,
    say: Callable[[str], None],
) -> AdminResult:
    """Sees to it that the instance has an administrator of ours, saved, and that nobody else can sign up.

    The caller holds the locks. Safe to repeat: what is done stays.

    Raises:
        UsageError: email, password or organization is missing where it is needed.
        NotOursError: the instance was set up by somebody else.
        OutcomeUnknownError: the connection broke, and the server does not tell whether it was set up.
        BootstrapError: see the subclasses.
    """
    if saved.admin() is None:
        login.require_login("no credentials are saved")
    wait_until_supported(infisical, wait_seconds=wait_seconds, say=say)
    config = infisical.config()
    if config.initialized:
        return _take_up(infisical, saved, login, config, say)
    return _bootstrap(infisical, saved, login, say)


def _take_up(
    infisical: Infisical,
    saved: SavedCredentials,
    login: AdminLogin,
    config: ServerConfig,
    say: Callable[[str], None],
) -> AdminResult:
    """An instance that is set up: by the saved token, else the saved identity, else the administrator's login."""
    admin = saved.admin()
    if admin is None:
        return _recover(infisical, saved, login, "the instance is set up, and no credentials are saved here")
    if admin.admin_token is not None:
        session = infisical.session(admin.admin_token)
        try:
            organization = session.whoami().organization
        except UnauthorizedError as error:
            say(f"the saved token is of no use any more: {error.reason}")
        else:
            _require_organization(infisical, saved, admin.organization_id, organization.id)
            changed = _close_sign_up(infisical, session, config)
            return AdminResult(Outcome.RESUMED, changed, organization.id, admin_token_saved=True)
    if not config.allow_sign_up and _identity_works(infisical, saved):
        changed = _forget_token(saved, admin)
        return AdminResult(Outcome.RESUMED, changed, admin.organization_id, admin_token_saved=False)
    return _recover(infisical, saved, login, "no saved credentials work any more")


def _bootstrap(
    infisical: Infisical, saved: SavedCredentials, login: AdminLogin, say: Callable[[str], None]
) -> AdminResult:
    login.require_complete()
    with saved.reserve_admin() as room:
        for kept in saved.set_aside():
            say(f"credentials of an earlier instance are kept as {kept}")
        answer = _answer(infisical, login, say)
        if isinstance(answer, BootstrapAnswer):
            token = answer.identity.credentials.token
            try:
                room.write(AdminCredentials(infisical.domain, answer.organization.id, token).render())
            except CredentialsError as error:
                raise CredentialsError(
                    f"the instance is set up, but its token could not be saved: {error.message}",
                    f"{error.next_step}; the administrator's login then takes the token's place",
                ) from None
    if isinstance(answer, BootstrapAnswer):
        return _first_use(infisical, saved, login, answer, say)
    return _recover(infisical, saved, login, answer)


def _answer(infisical: Infisical, login: AdminLogin, say: Callable[[str], None]) -> BootstrapAnswer | str:
    """The answer to the bootstrap; where the instance is set up without one, why there is none."""
    try:
        return infisical.bootstrap(email=login.email, password=login.password, organization=login.organization)
    except (OutcomeUnknownError, ServerFailureError, UnsupportedServerError) as error:
        _settle(infisical, error, say)
        return "the answer to the bootstrap was lost"
    except ApiError as error:
        if error.status != httpx.codes.BAD_REQUEST:
            raise
        _require_set_up(infisical, error)
        return "somebody set the instance up at this moment"


def _first_use(
    infisical: Infisical,
    saved: SavedCredentials,
    login: AdminLogin,
    answer: BootstrapAnswer,
    say: Callable[[str], None],
) -> AdminResult:
    session = infisical.session(answer.identity.credentials.token)
    token_works = True
    try:
        session.whoami()
    except UnauthorizedError as error:
        # v0.160 to about v0.162.21 refuse the token they have just made, because it does not expire.
        say(f"the server refuses its own new token ({error.reason}): logging in as the administrator")
        saved.save_admin(AdminCredentials(infisical.domain, answer.organization.id, None))
        token_works = False
        session, _ = log_in_admin(
            infisical, login, why="the new token does not work", organization_id=answer.organization.id
        )
    try:
        _require_closed(infisical, session.close_sign_up())
    except ForbiddenError as error:
        raise NotOursError(
            f"{infisical.domain}: the new administrator may not administer the instance ({error.reason}):"
            " another caller set it up at the same moment",
            "delete its PostgreSQL volume, deploy again, and let one caller bootstrap it",
        ) from None
    return AdminResult(
        Outcome.BOOTSTRAPPED, changed=True, organization_id=answer.organization.id, admin_token_saved=token_works
    )


def _recover(infisical: Infisical, saved: SavedCredentials, login: AdminLogin, why: str) -> AdminResult:
    before = saved.admin()
    session, organization = log_in_admin(
        infisical, login, why=why, organization_id=before.organization_id if before else None
    )
    credentials = AdminCredentials(infisical.domain, organization.id, None)
    changed = credentials != before
    if changed:
        saved.save_admin(credentials)
    closed = _close_sign_up(infisical, session, infisical.config())
    return AdminResult(Outcome.RECOVERED, changed or closed, organization.id, admin_token_saved=False)


def _settle(infisical: Infisical, error: BootstrapError, say: Callable[[str], None]) -> None:
    """Waits until the server says that it is set up, after the answer of the bootstrap was lost."""
    say(f"{error.message}; asking the server what became of it")
    finished = isinstance(error, ServerFailureError) and error.status == httpx.codes.INTERNAL_SERVER_ERROR
    deadline = infisical.clock.monotonic() + (0.0 if finished else SETTLE_SECONDS)
    while True:
        try:
            if infisical.config().initialized:
                return
        except (UnreachableError, ServerFailureError) as unanswered:
            say(unanswered.message)
        if infisical.clock.monotonic() >= deadline:
            break
        infisical.clock.sleep(1.0)
    raise OutcomeUnknownError(
        f"{error.message}; {infisical.domain} does not say so far that it is set up",
        "run the same command again: it first looks at what the server did; log in at its web page with"
        " INFISICAL_ADMIN_EMAIL and INFISICAL_ADMIN_PASSWORD to see for yourself",
    )


def _require_set_up(infisical: Infisical, error: ApiError) -> None:
    if not infisical.config().initialized:
        raise BootstrapError(
            f"{error.message}: an earlier bootstrap stopped half-way, and Infisical can't finish it",
            "nothing is in it yet: delete its PostgreSQL volume and deploy again",
        ) from None


def _identity_works(infisical: Infisical, saved: SavedCredentials) -> bool:
    identity = saved.identity()
    if identity is None:
        return False
    try:
        infisical.log_in_identity(client_id=identity.client_id, client_secret=identity.client_secret)
    except (UnauthorizedError, LockedError):
        return False
    return True


def _forget_token(saved: SavedCredentials, admin: AdminCredentials) -> bool:
    if admin.admin_token is None:
        return False
    saved.save_admin(AdminCredentials(admin.domain, admin.organization_id, None))
    return True


def _require_organization(infisical: Infisical, saved: SavedCredentials, expected: str, actual: str) -> None:
    if actual != expected:
        raise CredentialsError(
            f"{saved.bootstrap_path}: its token is of the organization {actual}, its organization id is {expected}",
            f"set infisical_organization_id to {actual} if that is the one on {infisical.domain}",
        )


def _close_sign_up(infisical: Infisical, session: Session, config: ServerConfig) -> bool:
    """Whether sign-up was open and had to be closed."""
    if not config.allow_sign_up:
        return False
    try:
        _require_closed(infisical, session.close_sign_up())
    except ForbiddenError as error:
        raise NotOursError(
            f"{infisical.domain}: anybody can sign up, and this administrator may not change that: {error.reason}",
            "set INFISICAL_ADMIN_EMAIL and INFISICAL_ADMIN_PASSWORD to a server administrator's",
        ) from None
    return True


def _require_closed(infisical: Infisical, config: ServerConfig) -> None:
    if config.allow_sign_up:
        raise BootstrapError(
            f"{infisical.domain} answered that sign-up is still open", "close it in the server administration page"
        )
