"""What a cluster has, what is promised of it, and what a failed node takes away."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from homelab.config.environment import Environment
from homelab.config.placement import with_placement
from operations.capacity.cluster import Cluster, clusters_of
from operations.capacity.failure import Fate, failure_of
from operations.capacity.fits import GuestSize, room_on
from operations.capacity.rendering import as_document, as_text
from tests.operations.command_line.conftest import Run

THREE = """
proxmox:
  endpoint: https://pve1.home.arpa:8006
  default_node: pve1
  nodes:
    pve1: &node
      cores: 8
      memory: 16GiB
      datastores:
        local: {content: [vztmpl, import, snippets]}
        tank: {type: zfspool, size: 100GiB}
        shared: {shared: true, size: 1TiB}
    pve2: *node
    pve3: *node
defaults: {datastore: shared}
"""
ONE = """
proxmox:
  endpoint: https://pve.home.arpa:8006
  nodes:
    pve: {cores: 4, memory: 10GiB, datastores: {local-lvm: {size: 100GiB}}}
"""


def _environment(base: str, more: str, name: str = "lab") -> Environment:
    data = {**yaml.safe_load(base), **(yaml.safe_load(dedent(more)) or {})}
    return with_placement(Environment.model_validate({**data, "name": name}))


def _cluster(base: str, more: str) -> Cluster:
    (cluster,) = clusters_of([_environment(base, more)])
    return cluster


def _fates(cluster: Cluster, node: str) -> dict[str, Fate]:
    return {fate.guest.guest.key: fate for fate in failure_of(cluster, node).fates}


def test_what_is_promised_is_counted_for_each_node_and_datastore() -> None:
    cluster = _cluster(
        ONE,
        """
        containers:
          a: {os: debian-12, vm_id: 9200, cores: 2, memory: 2GiB, disk: 10GiB}
          b: {os: debian-12, vm_id: 9210, replicas: 2, cores: 1, memory: 1GiB, disk: 5GiB}
        """,
    )
    (node,) = cluster.nodes
    assert (node.cores, node.memory, node.memory_limit, node.memory_free) == (4, 4096, 8192, 4096)
    assert [(one.name, one.promised, one.free) for one in cluster.datastores] == [("local-lvm", 20, 80)]


def test_what_never_runs_takes_a_disk_and_no_memory() -> None:
    cluster = _cluster(
        ONE,
        """
        containers:
          idle: {os: debian-12, vm_id: 9200, memory: 2GiB, disk: 10GiB, started: false, start_on_boot: false}
          form: {os: debian-12, vm_id: 9201, memory: 2GiB, disk: 10GiB, template: true}
        """,
    )
    assert (cluster.nodes[0].memory, cluster.datastores[0].promised) == (0, 20)


def test_environments_of_one_endpoint_are_one_cluster() -> None:
    guest = "containers: {{a: {{os: debian-12, vm_id: {}, memory: 1GiB}}}}"
    clusters = clusters_of(
        [
            _environment(ONE, guest.format(9200), "dev"),
            _environment(ONE, guest.format(9201), "prod"),
            _environment(THREE, guest.format(9200), "other"),
        ]
    )
    assert [[one.name for one in cluster.environments] for cluster in clusters] == [["dev", "prod"], ["other"]]
    assert clusters[0].nodes[0].memory == 2048


def test_a_datastore_that_only_one_environment_names_counts_too() -> None:
    guest = "containers: {{a: {{os: debian-12, vm_id: {}, disk: 10GiB, datastore: {}}}}}"
    other = ONE.replace("local-lvm", "tank")
    (cluster,) = clusters_of(
        [
            _environment(ONE, guest.format(9200, "local-lvm"), "dev"),
            _environment(other, guest.format(9201, "tank"), "prod"),
        ]
    )
    assert {(one.name, one.promised) for one in cluster.datastores if one.promised} == {("local-lvm", 10), ("tank", 10)}


def test_a_shared_datastore_is_one_and_the_nodes_own_are_several() -> None:
    cluster = _cluster(
        THREE,
        """
        containers:
          a: {os: debian-12, vm_id: 9200, node: pve1, disk: 10GiB}
          b: {os: debian-12, vm_id: 9201, node: pve2, disk: 10GiB}
          c: {os: debian-12, vm_id: 9202, node: pve2, disk: 7GiB, datastore: tank}
        """,
    )
    used = {(one.name, *one.nodes): one.promised for one in cluster.datastores if one.promised}
    assert used == {("shared", "pve1", "pve2", "pve3"): 20, ("tank", "pve2"): 7}


def test_what_runs_out_first_says_how_many_fit() -> None:
    cluster = _cluster(ONE, "containers: {a: {os: debian-12, vm_id: 9200, cores: 2, memory: 2GiB, disk: 10GiB}}")
    node = cluster.nodes[0]
    found = [room_on(cluster, node, size) for size in (GuestSize(1, 2048, 1), GuestSize(7, 1, 1), GuestSize(1, 1, 40))]
    assert [(room.count, room.limit) for room in found] == [(3, "memory"), (2, "cores"), (2, "datastore local-lvm")]


def test_a_guest_on_shared_storage_under_ha_starts_elsewhere() -> None:
    cluster = _cluster(
        THREE,
        """
        containers:
          kept: {os: debian-12, vm_id: 9200, node: pve1, ha: true, memory: 1GiB}
          lone: {os: debian-12, vm_id: 9201, node: pve1, memory: 1GiB}
          busy: {os: debian-12, vm_id: 9202, node: pve2, memory: 8GiB}
        """,
    )
    fates = _fates(cluster, "pve1")
    assert (fates["kept"].node, fates["lone"].node, fates["lone"].why) == ("pve3", None, "not under HA")
    assert "busy" not in fates


def test_a_local_disk_stays_with_its_node_unless_it_is_replicated() -> None:
    cluster = _cluster(
        THREE,
        """
        containers:
          local: {os: debian-12, vm_id: 9200, node: pve1, datastore: tank, ha: true}
          copied: {os: debian-12, vm_id: 9201, node: pve1, datastore: tank, ha: true, replication: {target: pve2}}
        """,
    )
    fates = _fates(cluster, "pve1")
    assert (fates["local"].node, fates["local"].why) == (None, "pve2, pve3: its disks are not there")
    assert (fates["copied"].node, fates["copied"].why) == (
        "pve2",
        "loses what was written since the last copy (*/15)",
    )


def test_a_copy_by_replication_takes_as_much_on_the_node_that_it_is_on() -> None:
    cluster = _cluster(
        THREE,
        """
        templates: {base: {vm_id: 9000, image: debian-12, node: pve3}}
        vms:
          db:
            template: base
            vm_id: 9100
            node: pve1
            datastore: tank
            disk: 20GiB
            disks: {scsi1: {size: 30GiB}, scsi2: {size: 7GiB, replicate: false}}
            replication: [pve2, pve3]
        """,
    )
    promised = {(use.nodes[0], use.name): use.promised for use in cluster.datastores if not use.shared}
    assert [promised[node, "tank"] for node in ("pve1", "pve2", "pve3")] == [57, 50, 50]


def test_the_largest_goes_first_and_what_has_no_memory_left_stays_down() -> None:
    cluster = _cluster(
        THREE,
        """
        containers:
          big: {os: debian-12, vm_id: 9200, node: pve1, ha: true, memory: 9GiB}
          small: {os: debian-12, vm_id: 9201, node: pve1, ha: true, memory: 5GiB}
          there: {os: debian-12, vm_id: 9202, node: pve2, memory: 10GiB}
          here: {os: debian-12, vm_id: 9203, node: pve3, memory: 1GiB}
        """,
    )
    fates = _fates(cluster, "pve1")
    assert fates["big"].node == "pve3"
    assert (fates["small"].node, fates["small"].why) == (None, "pve2, pve3: no memory")


def test_two_nodes_have_no_majority_without_a_further_vote() -> None:
    two = THREE.replace("    pve3: *node\n", "")
    guest = "containers: {a: {os: debian-12, vm_id: 9200, node: pve1, ha: true}}"
    alone = failure_of(_cluster(two, guest), "pve1")
    assert (alone.quorum, alone.down[0].why) == (False, "no majority of nodes is left")
    helped = failure_of(_cluster(two, f"{guest}\nha: {{qdevice: true}}"), "pve1")
    assert (helped.quorum, helped.restarted[0].node) == (True, "pve2")


def test_rules_are_kept_on_other_nodes_too() -> None:
    cluster = _cluster(
        THREE,
        """
        containers:
          apart: {os: debian-12, vm_id: 9200, ha: true, replicas: 3, placement: spread}
          home: {os: debian-12, vm_id: 9210, node: pve1, ha: true}
          first: {os: debian-12, vm_id: 9211, node: pve1, ha: true, memory: 2GiB}
          second: {os: debian-12, vm_id: 9212, node: pve1, ha: true}
        placement: {spread: {}}
        ha:
          rules:
            apart: {type: resource-affinity, affinity: negative, guests: [apart]}
            home: {type: node-affinity, guests: [home], nodes: [pve1, pve2], strict: true}
            together: {type: resource-affinity, affinity: positive, guests: [first, second]}
        """,
    )
    fates = _fates(cluster, "pve1")
    (lost,) = [fate for key, fate in fates.items() if key.startswith("apart")]
    assert (lost.node, lost.why) == (None, "pve2, pve3: rule apart keeps it apart from what runs there")
    assert fates["home"].node == "pve2"
    assert fates["first"].node == fates["second"].node is not None


def test_what_ha_does_not_start_stays_down() -> None:
    cluster = _cluster(THREE, "containers: {a: {os: debian-12, vm_id: 9200, node: pve1, ha: {state: disabled}}}")
    assert _fates(cluster, "pve1")["a"].why == "HA has it as disabled"


def test_a_person_reads_it_on_one_screen() -> None:
    cluster = _cluster(
        THREE,
        """
        containers:
          web: {os: debian-12, vm_id: 9200, node: pve1, ha: true, memory: 4GiB}
          dns: {os: debian-12, vm_id: 9210, node: pve1, replicas: 2}
          large: {os: debian-12, vm_id: 9220, node: pve2, memory: 15GiB}
        """,
    )
    text = as_text([cluster], GuestSize())
    assert "15GiB of 14GiB  ██████████ 107%  over" in " ".join(text.split(" ")).replace("   ", "  ")
    assert "shared     shared by pve1, pve2, pve3" in text
    assert "pve2: 0, then memory is full" in text
    assert "pve1: 1 of 3 guests start elsewhere" in text
    assert "starts  web (9200) on pve3" in text
    assert "down    dns-1 (9210), dns-2 (9211): not under HA" in text


def test_one_node_has_nowhere_to_fail_over_to() -> None:
    assert "everything is down: it is the only node" in as_text([_cluster(ONE, "containers: {}")], GuestSize())


def test_machines_get_the_same_numbers() -> None:
    cluster = _cluster(THREE, "containers: {a: {os: debian-12, vm_id: 9200, node: pve1, ha: true, memory: 1GiB}}")
    (found,) = as_document([cluster], GuestSize())["clusters"]
    assert found["nodes"][0]["memory_promised_mib"] == 1024
    assert found["failures"][0]["restarted"] == [{"guest": "a", "on": "pve3", "note": ""}]


def test_the_command_counts_all_environments_of_a_cluster(homelab: Run) -> None:
    result = homelab("capacity", "--format", "json")
    assert result.returncode == 0, result.stderr
    (cluster,) = json.loads(result.stdout)["clusters"]
    assert (cluster["environments"], cluster["nodes"][0]["guests"]) == (["dev", "prod"], 2)


@pytest.mark.parametrize("size", [("--memory", "0GiB"), ("--disk", "0GiB")])
def test_a_guest_without_memory_or_disk_is_refused(homelab: Run, size: tuple[str, str]) -> None:
    result = homelab("capacity", *size)
    assert (result.returncode, "a guest without either" in result.stderr) == (2, True), result.stderr


def test_a_size_without_a_unit_is_refused(homelab: Run, project: Path) -> None:
    result = homelab("capacity", "--memory", "4")
    assert (result.returncode, project.is_dir()) == (2, True)
    assert "the unit is missing" in result.stderr
