"""The least-privilege role, user and token, in a state of their own."""

from cdktf import TerraformOutput
from constructs import Construct

from homelab.config.environment import Access as AccessSettings
from homelab.config.environment import Environment
from homelab.config.privileges import required_privileges
from homelab.proxmox.access import Access
from homelab.stacks.environment_stack import EnvironmentStack

NAME = "access"


class AccessStack(EnvironmentStack):
    """Defines ``<environment>-access``, the one stack that root@pam applies. Nothing depends on it.

    Outputs: ``token_id``, ``api_token`` (sensitive; the value of ``PROXMOX_VE_API_TOKEN``).
    """

    def __init__(self, scope: Construct, *, environment: Environment, settings: AccessSettings) -> None:
        super().__init__(scope, NAME, environment=environment)
        access = Access(
            self,
            "access",
            user=settings.user,
            role=settings.role,
            token=settings.token,
            expires=settings.expires,
            privileges=required_privileges(environment),
        )
        TerraformOutput(self, "token_id", value=access.token_id, description="The token's id.")
        TerraformOutput(
            self, "api_token", value=access.token_value, sensitive=True, description="Set PROXMOX_VE_API_TOKEN to this."
        )
