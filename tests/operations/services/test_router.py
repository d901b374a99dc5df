"""The checklist for the router of the services' network."""

from __future__ import annotations

import pytest

from homelab.config.network import Dhcp
from operations.services.router import RouterError, as_checklist, router_steps
from operations.services.tables import Format
from tests.config.test_services import with_services


def checklist(text: str, *clients: str, more: str = "", how: Format = Format.TEXT) -> str:
    environment = with_services(text, more)
    return as_checklist(environment, router_steps(environment, clients), how)


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.split("\n")]


def test_each_port_of_each_instance_has_a_rule_for_each_client() -> None:
    said = words(checklist("{postgresql: {replicas: 1}}", "192.168.20.0/24"))
    source = "[ ] 192.168.20.0/24 Pass TCP 192.168.20.0/24"
    assert f"{source} 10.0.30.10 5432 postgresql" in said
    assert f"{source} 10.0.30.11 5432 postgresql" in said


def test_clients_are_the_other_networks_when_none_is_named() -> None:
    assert "[ ] LAN Pass TCP 10.0.0.0/24 10.0.30.20 6379 redis" in words(checklist("[redis]"))


def test_the_interface_is_the_gateway_of_the_network() -> None:
    said = checklist("[redis]")
    assert "Proxmox: the router's machine has a network device on bridge vmbr2\n" in said
    assert "the network device on vmbr2 as INTERNAL" in said
    assert "IPv4: static, 10.0.30.1/24" in said


def test_a_vlan_is_made_first() -> None:
    assert "VLAN" not in checklist("[redis]")
    environment = with_services("[redis]")
    internal = environment.networks["internal"].model_copy(update={"vlan": 30})
    tagged = environment.model_copy(update={"networks": {**environment.networks, "internal": internal}})
    said = as_checklist(tagged, router_steps(tagged), Format.TEXT)
    assert "Interfaces > Devices > VLAN: tag 30 on the network device on vmbr2" in said
    assert "a network device on bridge vmbr2, without a VLAN tag" in said
    assert "that VLAN as INTERNAL" in said


def test_names_are_asked_and_other_networks_are_not_reached() -> None:
    said = words(checklist("[redis]"))
    names = said.index("[ ] INTERNAL Pass TCP/UDP INTERNAL net 192.168.10.2 53 names")
    others = said.index("[ ] INTERNAL Block any INTERNAL net PRIVATE_NETWORKS any other networks")
    packages = said.index("[ ] INTERNAL Pass TCP INTERNAL net any WEB_PORTS packages and downloads")
    assert names < others < packages, "the first rule that fits decides"
    # A rule takes one destination and one port: what is more has a name.
    assert "[ ] PRIVATE_NETWORKS, type Network(s): 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16" in said
    assert "[ ] WEB_PORTS, type Port(s): 80, 443" in said


def leaving(text: str, more: str = "") -> list[str]:
    """The rules for what services ask elsewhere: all of them come before other networks are blocked."""
    said = words(checklist(text, more=more))
    return [
        line for line in said[: next(index for index, line in enumerate(said) if "Block any" in line)] if "Pass" in line
    ][1:]


def test_prometheus_reaches_what_it_watches_in_other_networks() -> None:
    more = "containers: {dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.53}}}"
    echo = "[ ] INTERNAL Pass ICMP 10.0.30.70 10.0.0.53 any prometheus asks dns for an echo"
    assert leaving("[prometheus]", more) == [echo]
    settings = "{node_exporter_port: 9100, targets: {nas: {targets: ['10.0.0.9:9633', '10.0.30.9:9633']}}}"
    assert leaving(f"{{prometheus: {settings}}}", more) == [
        echo,
        "[ ] INTERNAL Pass TCP 10.0.30.70 10.0.0.53 9100 prometheus reads the node exporter of dns",
        "[ ] INTERNAL Pass TCP 10.0.30.70 10.0.0.9 9633 prometheus reads nas",
    ]


def test_the_proxy_reaches_its_hosts_in_other_networks() -> None:
    hosts = "{nas: {url: 'https://192.168.1.5:5001'}, page: {url: 'http://page.home.arpa'}}"
    text = f"{{nginx-proxy: {{hosts: {hosts}}}}}"
    assert leaving(text) == [
        "[ ] INTERNAL Pass TCP 10.0.30.80 192.168.1.5 5001 nginx-proxy serves nas",
        "[ ] INTERNAL Pass TCP 10.0.30.80 page.home.arpa 80 nginx-proxy serves page",
    ]
    assert "An alias of type Host(s) for each destination with a name: page.home.arpa" in checklist(text)


def test_adguard_home_reaches_its_servers() -> None:
    upstreams = "[https://dns10.quad9.net/dns-query, tls://dns.quad9.net, 192.168.10.2, 'udp://9.9.9.9:9953']"
    rules = leaving(f"{{adguard-home: {{bootstrap: [9.9.9.10], upstreams: {upstreams}}}}}")
    assert [" ".join(rule.split()[4:7]) for rule in rules] == [
        "TCP/UDP 10.0.30.120 9.9.9.10",
        "TCP 10.0.30.120 dns10.quad9.net",
        "TCP 10.0.30.120 dns.quad9.net",
        "TCP/UDP 10.0.30.120 192.168.10.2",
        "TCP/UDP 10.0.30.120 9.9.9.9",
    ]
    assert [rule.split()[7] for rule in rules] == ["53", "443", "853", "53", "9953"]


def test_where_templates_get_addresses() -> None:
    assert "DHCP in network internal while templates are built (1 of them): 10.0.30.200-10.0.30.254" in checklist(
        "[redis]"
    )
    environment = with_services("[redis]")
    dhcp = environment.networks["internal"].model_copy(
        update={"dhcp": Dhcp.model_validate({"range": "10.0.30.100-10.0.30.120"})}
    )
    ours = environment.model_copy(update={"networks": {**environment.networks, "internal": dhcp}})
    assert "(1 of them): 10.0.30.100-10.0.30.120" in as_checklist(ours, router_steps(ours), Format.TEXT)
    assert "DHCP in" not in checklist("[redis]", more="service_defaults: {build_address: 10.0.30.200}")


def test_markdown_can_be_ticked_off() -> None:
    said = checklist("[redis]", how=Format.MARKDOWN)
    assert said.startswith("# Router of environment one\n")
    assert "- [ ] IPv4: static, 10.0.30.1/24" in said
    assert "| [ ] | LAN | Pass | TCP |" in said


def test_no_services_no_router() -> None:
    with pytest.raises(RouterError, match="environment one has no services"):
        router_steps(with_services("[]"))


def test_clients_that_are_neither_a_network_nor_a_subnet() -> None:
    with pytest.raises(RouterError, match="guests is neither a network of environment one nor a subnet"):
        router_steps(with_services("[redis]"), ("guests",))
