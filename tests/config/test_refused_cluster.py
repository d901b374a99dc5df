"""Placement, HA, replication and SDN: values that the models refuse."""

import pytest

from tests.config.cluster_cases import cluster

CASES = {
    "a zone with a dash": ("sdn: {zones: {my-lab: {type: simple}}}", "this is not an SDN zone"),
    "a zone that is too long": ("sdn: {zones: {laboratory: {type: simple}}}", "this is not an SDN zone"),
    "a vnet that is too long": ("sdn: {vnets: {laboratory: {zone: lab}}}", "this is not an SDN vnet"),
    "a zone of no type": ("sdn: {zones: {lab: {type: gre}}}", "does not match any of the expected tags"),
    "a VLAN zone without bridge": ("sdn: {zones: {lab: {type: vlan}}}", "bridge"),
    "a VXLAN zone without peers": ("sdn: {zones: {lab: {type: vxlan, peers: []}}}", "at least 1 item"),
    "a subnet that is an address": (
        "sdn: {zones: {lab: {type: simple}}, vnets: {lab1: {zone: lab, subnets: {10.0.0.1/24: {}}}}}",
        "an address inside a subnet",
    ),
    "a range that ends before it begins": (
        "sdn: {vnets: {lab1: {zone: lab, subnets: {10.0.0.0/24: {dhcp_range: 10.0.0.9-10.0.0.1}}}}}",
        "ends before it begins",
    ),
    "a schedule": ("containers: {dns: {replication: {target: two, schedule: 'every day!'}}}", "this is not a schedule"),
    "a rate of nothing": ("containers: {dns: {replication: {target: two, rate: 0}}}", "greater than 0"),
    "too many attempts": ("containers: {dns: {ha: {max_restart: 11}}}", "less than or equal to 10"),
    "HA that is a word": ("containers: {dns: {ha: sometimes}}", "valid dictionary or instance of HaResource"),
    "a rule of no type": ("ha: {rules: {home: {type: location, guests: [dns]}}}", "does not match any"),
    "a rule about nobody": ("ha: {rules: {home: {type: node-affinity, guests: [], nodes: [one]}}}", "at least 1 item"),
    "a rule without nodes": ("ha: {rules: {home: {type: node-affinity, guests: [dns], nodes: []}}}", "at least 1 item"),
    "a priority": ("ha: {rules: {home: {type: node-affinity, guests: [dns], nodes: {one: 1001}}}}", "equal to 1000"),
    "a policy that spreads something else": ("placement: {all: {spread: guests}}", "'replicas', 'members' or 'none'"),
    "a datastore of no type": ("proxmox: {nodes: {one: {datastores: {tank: {type: ext4}}}}}", "'btrfs'"),
    "Proxmox VE 7": ("proxmox: {version: 7}", "8 or 9"),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_refused(changes: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cluster(changes)


def test_short_forms() -> None:
    environment = cluster(
        """
        containers: {dns: {replication: two}, web: {ha: false}}
        ha: {rules: {home: {type: node-affinity, guests: [dns], nodes: [one, two]}}}
        """
    )

    dns, web = environment.containers["dns"], environment.containers["web"]
    assert dns.ha is not None
    assert (dns.ha.state, dns.ha.max_restart, dns.ha.max_relocate) == ("started", 1, 1)
    assert [(job.target, job.schedule) for job in dns.replication] == [("two", "*/15")]
    assert web.ha is None
    assert environment.ha.rules["home"].nodes == {"one": None, "two": None}  # type: ignore[union-attr]
