"""The software-defined networks of the cluster."""

from cdktf import TerraformOutput
from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.sdn import Sdn
from homelab.proxmox.sdn import SoftwareDefinedNetwork
from homelab.stacks.environment_stack import EnvironmentStack

NAME = "sdn"


class SdnStack(EnvironmentStack):
    """Defines ``<environment>-sdn``: zones, vnets and subnets, in force before any guest is connected to them.

    A state of its own, because an apply of the SDN reloads the network of every node.

    Outputs: ``sdn_vnets``: zone and subnets of each vnet.
    """

    def __init__(self, scope: Construct, *, environment: Environment, settings: Sdn) -> None:
        super().__init__(scope, NAME, environment=environment)
        SoftwareDefinedNetwork(self, "sdn", settings=settings)
        TerraformOutput(
            self,
            "sdn_vnets",
            value={
                name: {"zone": vnet.zone, "subnets": [str(cidr) for cidr in sorted(vnet.subnets)]}
                for name, vnet in sorted(settings.vnets.items())
            },
            static_id=True,
        )
