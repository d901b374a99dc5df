"""Every guest with its number, name, node and addresses, replicas counted up."""

from ipaddress import IPv4Address

from homelab.config.expansion import ExpandedGuest, default_node, expand, size_of_root
from tests.config.cases import environment

LAN = "networks: {lan: {vlan: 20}, numbers: {bridge: vmbr0, cidr: 10.9.0.0/16, address_from: vm_id}}\n"


def guests(changes: str) -> list[ExpandedGuest]:
    return list(expand(environment(LAN + changes)))


def test_a_guest_is_called_like_its_key() -> None:
    (guest,) = guests("containers: {dns: {os: debian-12, vm_id: 9200}}")
    assert (guest.kind, guest.key, guest.hostname, guest.vm_id, guest.node) == (
        "containers",
        "dns",
        "dns",
        9200,
        "pve",
    )


def test_a_host_name_of_its_own() -> None:
    (guest,) = guests("containers: {dns: {os: debian-12, vm_id: 9200, hostname: ns1}}")
    assert (guest.key, guest.hostname) == ("dns", "ns1")


def test_replicas_count_up() -> None:
    found = guests(
        "containers: {web: {os: debian-12, vm_id: 9200, replicas: 3, "
        "network: [{name: lan, address: 10.0.0.5, mac: 'BC:24:11:00:00:01'}, numbers, {name: lan, address: dhcp}]}}"
    )
    assert [(guest.key, guest.hostname, guest.vm_id) for guest in found] == [
        ("web-1", "web-1", 9200),
        ("web-2", "web-2", 9201),
        ("web-3", "web-3", 9202),
    ]
    assert [[interface.address for interface in guest.interfaces] for guest in found] == [
        [IPv4Address(f"10.0.0.{5 + index}"), IPv4Address(f"10.9.35.{240 + index}"), None] for index in range(3)
    ]
    assert [guest.interfaces[0].mac for guest in found] == ["BC:24:11:00:00:01", None, None]
    assert [interface.dhcp for interface in found[0].interfaces] == [False, False, True]


def test_one_replica_is_numbered_too() -> None:
    (guest,) = guests("containers: {web: {os: debian-12, vm_id: 9200, replicas: 1}}")
    assert guest.key == "web-1"


def test_the_vlan_of_an_interface_wins() -> None:
    (guest,) = guests("containers: {web: {os: debian-12, vm_id: 9200, network: [lan, {name: lan, vlan: 30}]}}")
    assert [interface.vlan for interface in guest.interfaces] == [20, 30]


def test_interfaces_are_filtered_like_their_guest() -> None:
    on, off = guests(
        "containers: {a: {os: debian-12, vm_id: 9200, firewall: {}, network: [lan, {name: lan, firewall: false}]}, "
        "b: {os: debian-12, vm_id: 9201, network: [lan, {name: lan, firewall: true}]}}"
    )
    assert [interface.firewall for interface in (*on.interfaces, *off.interfaces)] == [True, False, False, True]


def test_a_network_that_is_not_there_leaves_the_interface() -> None:
    (guest,) = guests("containers: {web: {os: debian-12, vm_id: 9200, network: nowhere}}")
    assert (guest.interfaces[0].network, guest.interfaces[0].network_name) == (None, "nowhere")


def test_the_default_node() -> None:
    two = "proxmox: {nodes: {two: {cores: 1, memory: 2GiB, datastores: {local: {}}}}%s}"
    assert default_node(environment()) == "pve"
    assert default_node(environment(two % "")) is None
    assert default_node(environment(two % ", default_node: two")) == "two"


def test_a_clones_disk_is_that_of_the_container_it_comes_from() -> None:
    containers = environment(
        "containers: {base: {os: debian-12, vm_id: 9201, template: true, disk: 11GiB}, "
        "copy: {clone_from: base, vm_id: 9202}, larger: {clone_from: base, vm_id: 9203, disk: 12GiB}, "
        "lost: {clone_from: nowhere, vm_id: 9204}, round: {clone_from: round, vm_id: 9205}}"
    )

    sizes = {key: size_of_root(containers, container) for key, container in containers.containers.items()}

    assert sizes == {"base": 11, "copy": 11, "larger": 12, "lost": 8, "round": 8}
