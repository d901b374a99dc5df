"""What names in firewall rules stand for."""

from homelab.config.environment import Environment


def known_names(environment: Environment) -> dict[str, str]:
    """The environment's own names for peers, with what Proxmox gets: a network's name is its subnet.

    Everything else in a rule (addresses, aliases, ``+ipset``) is understood by Proxmox and stays as it is.
    """
    return {name: str(network.cidr) for name, network in environment.networks.items()}
