"""Makes the machine identity that Terraform and this package work as, and ends the bootstrap token.

Names of identities are not unique on the server, so one is looked up before one is made. A client secret is shown
once: room for it is reserved before, and it is saved before it is used. It is tried with one login only, because three
wrong ones lock the identity.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bootstrap.authority import AdminLogin, log_in_admin
from bootstrap.client import Infisical, Session
from bootstrap.compatibility import wait_until_supported
from bootstrap.errors import BootstrapError, NotInitializedError, OutcomeUnknownError, UnauthorizedError
from bootstrap.saved import AdminCredentials, IdentityCredentials, SavedCredentials

DEFAULT_NAME = "Terraform-Controller"
DEFAULT_ROLE = "admin"
DEFAULT_TOKEN_TTL_SECONDS = 7200
LONGEST_TOKEN_TTL_SECONDS = 315360000
"""Ten years, Infisical's own bound."""


_METADATA = {"managed-by": "homelab-bootstrap"}


def mark_of(command: str) -> str:
    """The description of the client secrets that a command makes on this machine, as Infisical stores it."""
    # It cuts white space off, also where this machine has no name.
    return f"homelab {command} on {platform.node()}".strip()


@dataclass(frozen=True)
class IdentitySpec:
    """The machine identity to have.

    `role` is an organization role. Access tokens live `token_ttl_seconds`. `secret_description` marks the client
    secrets of this machine: those, and no others, are revoked when they are replaced.
    """

    name: str = DEFAULT_NAME
    role: str = DEFAULT_ROLE
    token_ttl_seconds: int = DEFAULT_TOKEN_TTL_SECONDS
    secret_description: str = field(default_factory=lambda: mark_of("bootstrap"))


@dataclass(frozen=True)
class IdentityResult:
    """What `set_up_identity` did. `revoked_client_secrets` counts those of this machine that were replaced."""

    changed: bool
    organization_id: str
    identity_id: str
    client_id: str
    created_identity: bool
    created_client_secret: bool
    revoked_client_secrets: int
    admin_token_revoked: bool


def set_up_identity(
    infisical: Infisical,
    saved: SavedCredentials,
    login: AdminLogin,
    spec: IdentitySpec,
    *,
    wait_seconds: float,
    say: Callable[[str], None],
) -> IdentityResult:
    """Sees to it that a machine identity exists, its client secret is saved and works, and no bootstrap token does.

    The caller holds the locks. Safe to repeat: saved credentials that work are kept as they are.

    Raises:
        NotInitializedError: the instance has no administrator yet.
        UsageError, NotOursError: the saved token does not work and the administrator's login is missing or wrong.
        BootstrapError: see the subclasses.
    """
    admin, credentials = saved.admin(), saved.identity()
    wait_until_supported(infisical, wait_seconds=wait_seconds, say=say)
    if not infisical.config().initialized:
        raise NotInitializedError(
            f"{infisical.domain} has no administrator yet", "run first: python -m bootstrap admin"
        )
    organization_id = _organization_of(infisical, credentials, say) if credentials is not None else None
    if credentials is not None and organization_id is not None:
        revoked = _end_admin_token(infisical, saved, admin) if admin is not None else False
        return IdentityResult(
            changed=revoked,
            organization_id=organization_id,
            identity_id=credentials.identity_id,
            client_id=credentials.client_id,
            created_identity=False,
            created_client_secret=False,
            revoked_client_secrets=0,
            admin_token_revoked=revoked,
        )
    session, admin = _authority(infisical, saved, login, admin, say)
    identity_id, created_identity = _identity(infisical, session, admin.organization_id, spec)
    credentials, revoked_secrets = _new_client_secret(infisical, saved, session, identity_id, spec)
    revoked = _end_admin_token(infisical, saved, admin)
    return IdentityResult(
        changed=True,
        organization_id=admin.organization_id,
        identity_id=identity_id,
        client_id=credentials.client_id,
        created_identity=created_identity,
        created_client_secret=True,
        revoked_client_secrets=revoked_secrets,
        admin_token_revoked=revoked,
    )


def _organization_of(infisical: Infisical, credentials: IdentityCredentials, say: Callable[[str], None]) -> str | None:
    """The organization that saved credentials belong to, by one login; None where they do not work."""
    try:
        login = infisical.log_in_identity(client_id=credentials.client_id, client_secret=credentials.client_secret)
    except UnauthorizedError as error:
        say(f"the saved client secret is of no use any more: {error.reason}")
        return None
    return infisical.session(login.access_token).whoami().organization.id


def _authority(
    infisical: Infisical,
    saved: SavedCredentials,
    login: AdminLogin,
    admin: AdminCredentials | None,
    say: Callable[[str], None],
) -> tuple[Session, AdminCredentials]:
    """A session that may make identities, and the organization to make them in."""
    if admin is not None and admin.admin_token is not None:
        session = infisical.session(admin.admin_token)
        try:
            session.whoami()
        except UnauthorizedError as error:
            say(f"the saved token is of no use any more: {error.reason}")
        else:
            return session, admin
    session, organization = log_in_admin(
        infisical,
        login,
        why="no saved credentials work",
        organization_id=admin.organization_id if admin else None,
    )
    recovered = AdminCredentials(infisical.domain, organization.id, None)
    if recovered != admin:
        saved.save_admin(recovered)
    return session, recovered


def _identity(infisical: Infisical, session: Session, organization_id: str, spec: IdentitySpec) -> tuple[str, bool]:
    """The identity's id, and whether it was made now."""
    found = _found(infisical, session, organization_id, spec)
    if found is not None:
        return found, False
    try:
        made = session.create_identity(
            name=spec.name, organization_id=organization_id, role=spec.role, metadata=_METADATA
        )
    except OutcomeUnknownError:
        found = _found(infisical, session, organization_id, spec)
        if found is None:
            raise
        return found, True
    return made.id, True


def _found(infisical: Infisical, session: Session, organization_id: str, spec: IdentitySpec) -> str | None:
    matching = [one for one in session.identities(organization_id) if one.identity.name == spec.name]
    if len(matching) > 1:
        ids = ", ".join(one.identity_id for one in matching)
        raise BootstrapError(
            f"{infisical.domain} has {len(matching)} machine identities named {spec.name!r}: {ids}",
            "delete or rename those that are not used, or choose another name with --name",
        )
    if not matching:
        return None
    if matching[0].role != spec.role:
        raise BootstrapError(
            f"{infisical.domain}: the machine identity {spec.name!r} has the role {matching[0].role!r},"
            f" wanted is {spec.role!r}",
            "change its role in Infisical if it is the right one, or choose another name with --name",
        )
    return matching[0].identity_id


def _new_client_secret(
    infisical: Infisical, saved: SavedCredentials, session: Session, identity_id: str, spec: IdentitySpec
) -> tuple[IdentityCredentials, int]:
    """Makes, saves and tries a client secret, then revokes this machine's earlier ones: their number."""
    universal_auth = session.universal_auth(identity_id) or session.attach_universal_auth(
        identity_id, token_ttl_seconds=spec.token_ttl_seconds
    )
    with saved.reserve_identity() as room:
        made = session.create_client_secret(identity_id, description=spec.secret_description)
        credentials = IdentityCredentials(infisical.domain, identity_id, universal_auth.client_id, made.client_secret)
        room.write(credentials.render())
    try:
        infisical.log_in_identity(client_id=credentials.client_id, client_secret=credentials.client_secret)
    except UnauthorizedError as error:
        raise BootstrapError(
            f"{infisical.domain} refuses the client secret it has just made: {error.reason}",
            "look at the identity's trusted addresses and lockout in Infisical, wait five minutes, then run again",
        ) from None
    return credentials, revoke_replaced(session, identity_id, spec, kept=made.client_secret_data.id)


def revoke_replaced(session: Session, identity_id: str, spec: IdentitySpec, *, kept: str) -> int:
    """Ends this machine's client secrets but the one with the id `kept`; how many those were."""
    replaced = [
        one.id
        for one in session.client_secrets(identity_id)
        if one.description == spec.secret_description and not one.is_client_secret_revoked and one.id != kept
    ]
    for client_secret_id in replaced:
        session.revoke_client_secret(identity_id, client_secret_id)
    return len(replaced)


def _end_admin_token(infisical: Infisical, saved: SavedCredentials, admin: AdminCredentials) -> bool:
    """Revokes the bootstrap token and takes it out of the file; whether there was one."""
    if admin.admin_token is None:
        return False
    # A token that was revoked before, or has expired, is as dead as it is meant to be.
    with suppress(UnauthorizedError):
        infisical.revoke_token(admin.admin_token)
    saved.save_admin(AdminCredentials(admin.domain, admin.organization_id, None))
    return True
