"""What the router has to know for the services' network to work, as a checklist for OPNsense.

Menus and fields are OPNsense's. What is listed follows from the environment file alone; nothing is sent to a router.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from homelab.config.environment import Environment
from homelab.config.network import Network
from homelab.config.service_containers import enabled_services, service_containers
from homelab.services.scripts import service_context
from operations.services.tables import Format, rendered

_INTERFACE = "INTERNAL"
_PRIVATE = "PRIVATE_NETWORKS"
_WEB = "WEB_PORTS"
"""Aliases: a rule of OPNsense takes one destination and one port, or the name of several."""
_BUILD_PORTS = (("TCP", _WEB, "packages and downloads"), ("UDP", "123", "time"))

_LET_ALL = (
    'A rule there that lets everything pass, such as OPNsense\'s own "Default allow LAN to any", makes these'
    " superfluous: switch it off if they shall be all"
)


class RouterError(Exception):
    """Nothing can be said about a router; the message says why and what to do."""


@dataclass(frozen=True)
class Rule:
    """A firewall rule as OPNsense's form has it."""

    interface: str
    action: str
    protocol: str
    source: str
    destination: str
    port: str
    description: str


@dataclass(frozen=True)
class Step:
    """A step of the checklist, with a table of rules where there are any."""

    title: str
    lines: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


def router_steps(environment: Environment, clients: tuple[str, ...] = ()) -> list[Step]:
    """The steps for the network of the services of ``environment``.

    ``clients`` are names of its networks, or subnets, from which the services are used; every other network when
    empty.

    Raises:
        RouterError: there are no services, no network of theirs, or no such network of clients.
    """
    name = environment.service_defaults.network
    network = environment.networks.get(name)
    if not environment.services or network is None:
        raise RouterError(f"environment {environment.name} has no services\n    fix:      add services: [postgresql]")
    sources = _sources(environment, name, clients)
    return [
        _interface(name, network),
        _addresses(environment, network),
        _aliases(),
        _leaving(environment, network),
        _coming(environment, sources),
        _routes(network, sources),
        _proof(environment),
    ]


def _sources(environment: Environment, own: str, clients: tuple[str, ...]) -> dict[str, IPv4Network]:
    networks = environment.networks
    if not clients:
        return {name: network.cidr for name, network in networks.items() if name != own}
    found: dict[str, IPv4Network] = {}
    for client in clients:
        try:
            found[client] = networks[client].cidr if client in networks else IPv4Network(client)
        except ValueError:
            raise RouterError(
                f"{client} is neither a network of environment {environment.name} nor a subnet\n"
                f"    allowed:  {', '.join(networks)}, or a subnet such as 192.168.20.0/24"
            ) from None
    return found


def _interface(name: str, network: Network) -> Step:
    parent = f"the network device on {network.bridge}"
    vlan = (f"Interfaces > Devices > VLAN: tag {network.vlan} on {parent}",) if network.vlan is not None else ()
    return Step(
        f"The interface of network {name}",
        (
            f"Proxmox: the router's machine has a network device on bridge {network.bridge}"
            + (", without a VLAN tag" if vlan else ""),
            *vlan,
            f"Interfaces > Assignments: {'that VLAN' if vlan else parent} as {_INTERFACE}, enabled",
            f"IPv4: static, {network.gateway or 'the gateway of its guests'}/{network.cidr.prefixlen}",
            "Upstream gateway: none. Block private networks: off. Block bogon networks: off",
        ),
    )


def _addresses(environment: Environment, network: Network) -> Step:
    taken = sorted({one.address for enabled in enabled_services(environment).values() for one in enabled.instances})
    lines = [f"No DHCP range may hold {taken[0]} to {taken[-1]}: services have static addresses"]
    building = [
        one.key
        for one in service_containers(environment)
        for interface in one.container.network
        if one.container.template and interface.address == "dhcp"
    ]
    if building:
        where = environment.service_defaults.build_network or environment.service_defaults.network
        there = environment.networks.get(where)
        if there is not None and there.dhcp is not None:
            free = there.dhcp.range
        elif where == environment.service_defaults.network:
            free = _free_range(network, taken)
        else:
            free = "any free range"
        lines.append(f"DHCP in network {where} while templates are built ({len(building)} of them): {free}")
    if network.dns:
        servers = ", ".join(str(server) for server in network.dns)
        lines.append(f"Guests ask {servers} for names: it has to answer {network.cidr}")
    return Step("Addresses and names", tuple(lines))


def _free_range(network: Network, taken: list[IPv4Address]) -> str:
    last = network.cidr.broadcast_address - 1
    first = max(taken[-1] + 1, last - 54)
    return f"{first}-{last}" if first < last else "there is no room behind the services; widen the subnet"


def _aliases() -> Step:
    return Step(
        "Aliases: Firewall > Aliases, then Apply",
        (
            f"{_PRIVATE}, type Network(s): 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
            f"{_WEB}, type Port(s): 80, 443",
        ),
    )


def _leaving(environment: Environment, network: Network) -> Step:
    net = f"{_INTERFACE} net"
    names = tuple(
        Rule(_INTERFACE, "Pass", "TCP/UDP", net, str(server), "53", "names")
        for server in network.dns or environment.defaults.dns.servers
    )
    private = Rule(_INTERFACE, "Block", "any", net, _PRIVATE, "any", "other networks")
    outside = tuple(Rule(_INTERFACE, "Pass", protocol, net, "any", port, what) for protocol, port, what in _BUILD_PORTS)
    reaches = tuple(_reaches(environment, network))
    named = sorted({rule.destination for rule in reaches if not _is_address(rule.destination)})
    hosts = (f"An alias of type Host(s) for each destination with a name: {', '.join(named)}",) if named else ()
    return Step(
        f"What may leave the network: Firewall > Rules > {_INTERFACE}, in this order, then Apply changes",
        (
            "Firewall > NAT > Outbound: automatic, which covers the new network",
            "Firewall > NAT > Port Forward: nothing, so that nobody outside reaches a service",
            *hosts,
        ),
        (*names, *reaches, private, *outside),
    )


def _reaches(environment: Environment, network: Network) -> Iterator[Rule]:
    """What services say that they ask outside of their own network."""
    for name, enabled in enabled_services(environment).items():
        for instance in enabled.instances:
            for one in enabled.service.reaches(service_context(environment, name, instance)):
                if _is_address(one.destination) and IPv4Address(one.destination) in network.cidr:
                    continue
                port = "any" if one.port is None else str(one.port)
                yield Rule(_INTERFACE, "Pass", one.protocol, str(instance.address), one.destination, port, one.reason)


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _coming(environment: Environment, sources: dict[str, IPv4Network]) -> Step:
    rules = tuple(
        Rule(
            client.upper(),
            "Pass",
            port.protocol.upper(),
            str(cidr),
            str(instance.address),
            str(port.number),
            name if port.name == name else f"{name} {port.name}",
        )
        for client, cidr in sources.items()
        for name, enabled in enabled_services(environment).items()
        for instance in enabled.instances
        for port in enabled.service.ports
    )
    hint = _LET_ALL if sources else "The environment has no other network: name one with --from 192.168.20.0/24"
    return Step(
        "Who may use the services: Firewall > Rules, on the interface of each client network, then Apply changes",
        (hint,),
        rules,
    )


def _routes(network: Network, sources: dict[str, IPv4Network]) -> Step:
    lines = [
        f"{name if name == str(cidr) else f'{name} ({cidr})'}: none where this router is the gateway; else"
        for name, cidr in sources.items()
    ]
    return Step(
        "Routes",
        (
            "On this router none: the network is attached to it",
            *(f"{line} {network.cidr} by way of this router's address there" for line in lines),
        ),
    )


def _proof(environment: Environment) -> Step:
    probes = [
        f"nc -vz {enabled.address} {port.number}"
        for enabled in enabled_services(environment).values()
        for port in enabled.service.ports[:1]
        if port.protocol == "tcp"
    ]
    return Step("From a client", tuple(probes))


def as_checklist(environment: Environment, steps: list[Step], how: Format) -> str:
    """The steps for people to tick off."""
    markdown = how is Format.MARKDOWN
    title = f"Router of environment {environment.name}"
    lines = [f"# {title}" if markdown else title]
    for number, step in enumerate(steps, start=1):
        lines += ["", f"## {number}. {step.title}" if markdown else f"{number}. {step.title}", ""]
        lines += [f"- [ ] {line}" if markdown else f"   [ ] {line}" for line in step.lines]
        if step.rules:
            lines += [*([""] if step.lines else []), *_rules(step.rules, how)]
    return "\n".join(lines)


def _rules(rules: tuple[Rule, ...], how: Format) -> Iterator[str]:
    header = ("", "interface", "action", "protocol", "source", "destination", "port", "description")
    rows = [
        ("[ ]", one.interface, one.action, one.protocol, one.source, one.destination, one.port, one.description)
        for one in rules
    ]
    indent = "" if how is Format.MARKDOWN else "   "
    for line in rendered(header, rows, how).split("\n"):
        yield f"{indent}{line}"
