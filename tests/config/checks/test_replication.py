"""Replication: what is said about targets and datastores that it can't work with."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cluster_cases import cluster, problems

ON_ZFS = "containers: {dns: {ha: false, datastore: tank, replication: %s}}"
CASES = {
    "to one node": (ON_ZFS % "two", []),
    "to two nodes": (ON_ZFS % "[two, {target: three, schedule: '22:30', rate: 10}]", []),
    "to itself": (ON_ZFS % "one", ["error containers.dns.replication: dns is on one itself"]),
    "twice to one node": (
        ON_ZFS % "[two, two]",
        ["error containers.dns.replication[1].target: two gets a copy already"],
    ),
    "to no node": (ON_ZFS % "tow", ["error containers.dns.replication[0].target: there is no node tow"]),
    "of shared storage": (
        "containers: {dns: {replication: two}}",
        ["error containers.dns.replication: dns can't be replicated: shared is shared already"],
    ),
    "of a datastore whose type is not said": (
        "proxmox: {nodes: {one: {datastores: {tank: {type: null}}}}}\n" + ON_ZFS % "two",
        ["error containers.dns.replication: dns can't be replicated: what type tank of one has is not said"],
    ),
    "of another type": (
        "proxmox: {nodes: {two: {datastores: {tank: {type: lvmthin}}}}}\n" + ON_ZFS % "two",
        ["error containers.dns.replication: dns can't be replicated: tank of two is of type lvmthin"],
    ),
    "to a node without the datastore": (
        "proxmox: {nodes: {two: {datastores: {tank: null}}}}\n" + ON_ZFS % "two",
        ["error containers.dns.replication: dns can't be replicated: node two has no datastore tank"],
    ),
    "a replica that is on the target itself": (
        "placement: {all: {}}\ncontainers: {web: {ha: false, node: null, placement: all, replicas: 3, datastore: tank, replication: [one, two]}}",
        [],
    ),
    "a second volume on shared storage": (
        "containers: {dns: {ha: false, datastore: tank, protection: true, replication: two, mount_points: {mp0: {path: /srv, size: 4GiB, datastore: shared}}}}",
        ["error containers.dns.replication: dns can't be replicated: shared is shared already"],
    ),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: str, said: list[str]) -> None:
    assert problems(cluster(changes)) == said
