"""The role, user and API token with which this app may do its work and nothing else."""

from collections.abc import Sequence

from constructs import Construct

from imports.proxmox.acl import Acl
from imports.proxmox.user_token import UserToken
from imports.proxmox.virtual_environment_role import VirtualEnvironmentRole
from imports.proxmox.virtual_environment_user import VirtualEnvironmentUser


class Access(Construct):
    """Defines a role with ``privileges``, a user, and an API token of its own with that role on ``/``.

    Decided for you: the user has no password, so it can't log in; the token is separated from the user's privileges
    (Proxmox's default) and has the role itself; both get the role on ``/``, as a separated token never has more than
    its user.

    Args:
        user: user id with realm, such as ``homelab@pve``.
        role: the role's id.
        token: the token's name.
        privileges: from ``homelab.config.privileges.required_privileges``.
        expires: when the token ends, RFC 3339; never when None.

    Source: ``proxmox_virtual_environment_role``, ``proxmox_virtual_environment_user``, ``proxmox_user_token``,
    ``proxmox_acl``. Needs root@pam, or User.Modify and Permissions.Modify.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        user: str,
        role: str,
        token: str,
        privileges: Sequence[str],
        expires: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        the_role = VirtualEnvironmentRole(self, "role", role_id=role, privileges=list(privileges))
        the_user = VirtualEnvironmentUser(
            self, "user", user_id=user, comment="Applies the homelab's Terraform", enabled=True
        )
        self._token = UserToken(
            self,
            "token",
            user_id=the_user.user_id,
            token_name=token,
            privileges_separation=True,
            expiration_date=expires,
        )
        Acl(self, "user-acl", path="/", propagate=True, role_id=the_role.role_id, user_id=the_user.user_id)
        Acl(self, "token-acl", path="/", propagate=True, role_id=the_role.role_id, token_id=self._token.id)

    @property
    def token_id(self) -> str:
        """``user@realm!token``."""
        return self._token.id

    @property
    def token_value(self) -> str:
        """What ``PROXMOX_VE_API_TOKEN`` has to be: id and secret. Sensitive; readable only while the token is made."""
        return self._token.value
