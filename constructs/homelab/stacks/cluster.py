"""What belongs to the cluster and not to a guest: pools and the cluster's firewall."""

from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.firewall_names import known_names
from homelab.proxmox.firewall import ClusterFirewall
from homelab.proxmox.pool import Pool
from homelab.stacks.environment_stack import EnvironmentStack

NAME = "cluster"


def is_needed(environment: Environment) -> bool:
    """Whether the environment has anything for this stack."""
    return environment.firewall is not None or any(pool.create for pool in environment.pools.values())


class ClusterStack(EnvironmentStack):
    """Defines ``<environment>-cluster``: the pools and the firewall of the cluster."""

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        super().__init__(scope, NAME, environment=environment)
        for pool_id, pool in environment.pools.items():
            if pool.create:
                Pool(
                    self,
                    f"pool-{pool_id.replace('/', '-')}",
                    pool_id=pool_id,
                    comment=pool.comment,
                    adopted=bool(pool.adopted),
                )
        if environment.firewall is not None:
            ClusterFirewall(self, "firewall", settings=environment.firewall, names=known_names(environment))
