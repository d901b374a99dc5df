"""The rules of high availability, which are about guests of several groups."""

from cdktf import TerraformOutput
from constructs import Construct

from homelab.config.environment import Environment
from homelab.config.expansion import expand
from homelab.config.ha_members import members, resource_id
from homelab.proxmox.ha import HaRule
from homelab.stacks.environment_stack import EnvironmentStack

NAME = "ha"


def is_needed(environment: Environment) -> bool:
    """Whether the environment has anything for this stack; Proxmox VE 8 has groups, which guests name themselves."""
    return bool(environment.ha.rules) and environment.proxmox.version >= 9


class HaStack(EnvironmentStack):
    """Defines ``<environment>-ha``: the rules of HA, once the guests that they are about are under HA.

    Outputs: ``ha_rules``: what each rule is about.
    """

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        super().__init__(scope, NAME, environment=environment)
        guests = tuple(expand(environment))
        about = {
            name: sorted(resource_id(guest) for guest in members(rule, guests))
            for name, rule in sorted(environment.ha.rules.items())
        }
        for name, resources in about.items():
            HaRule(self, name, rule=name, settings=environment.ha.rules[name], resources=resources)
        TerraformOutput(self, "ha_rules", value=about, static_id=True)
