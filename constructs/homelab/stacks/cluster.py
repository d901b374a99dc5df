"""What belongs to the cluster and not to a guest: pools and the cluster's firewall."""

from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.firewall_names import known_names
from homelab.config.ha import NodeAffinity
from homelab.proxmox.firewall import ClusterFirewall
from homelab.proxmox.ha import HaGroup
from homelab.proxmox.pool import Pool
from homelab.stacks.environment_stack import EnvironmentStack

NAME = "cluster"


def is_needed(environment: Environment) -> bool:
    """Whether the environment has anything for this stack."""
    makes_pools = any(pool.create for pool in environment.pools.values())
    return environment.firewall is not None or makes_pools or bool(_ha_groups(environment))


def _ha_groups(environment: Environment) -> dict[str, NodeAffinity]:
    """The HA groups of Proxmox VE 8, which have to be there before a guest is put into one."""
    if environment.proxmox.version >= 9:
        return {}
    rules = environment.ha.rules.items()
    return {name: rule for name, rule in rules if isinstance(rule, NodeAffinity) and rule.enabled}


class ClusterStack(EnvironmentStack):
    """Defines ``<environment>-cluster``: pools, the firewall of the cluster, and before Proxmox VE 9 its HA groups."""

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
        for name, rule in sorted(_ha_groups(environment).items()):
            HaGroup(self, f"ha-group-{name}", group=name, settings=rule)
        if environment.firewall is not None:
            ClusterFirewall(self, "firewall", settings=environment.firewall, names=known_names(environment))
