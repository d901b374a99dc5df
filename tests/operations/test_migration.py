"""Moving guests by the API of a simulated cluster, and what is refused before anything is begun."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from operations import migration
from operations.migration import MigrationError, find_guest, migrate, prepare
from operations.proxmox_api import Credentials, ProxmoxApi
from simulator import Simulator, SimulatorOptions, StorageOptions
from simulator.state import Cluster
from tests.simulator.api_client import Api

OPTIONS = SimulatorOptions(
    nodes=("pve", "pve2", "pve3"),
    storages=(
        StorageOptions("local"),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir")),
        StorageOptions("shared", "nfs", ("images", "rootdir"), shared=True),
        StorageOptions("here", "lvmthin", ("images", "rootdir"), nodes=("pve",)),
    ),
    task_seconds=0,
    address_seconds=0,
)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr(migration, "POLL_SECONDS", 0.01)
    with Simulator(OPTIONS) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Api]:
    made = Api(simulator, simulator.api_token)
    yield made
    made.http.close()


@pytest.fixture
def api(simulator: Simulator) -> Iterator[ProxmoxApi]:
    environ = {"SSL_CERT_FILE": str(simulator.ca_file)}
    with ProxmoxApi(simulator.endpoint, Credentials(token=simulator.api_token), environ) as made:
        yield made


def moved(api: ProxmoxApi, vm_id: int, target: str) -> tuple[str, str, bool, list[str]]:
    said: list[str] = []
    prepared = prepare(api, find_guest(api, vm_id), target)
    there = migrate(api, prepared, say=said.append)
    return prepared.summary, there.node, there.running, said


def test_a_running_machine_keeps_running(api: ProxmoxApi, client: Api) -> None:
    client.add_machine(100)
    client.done(client.post("/nodes/pve/qemu/100/status/start"))

    summary, node, running, said = moved(api, 100, "pve2")

    assert summary == "VM vm100 (100) goes from pve to pve2 and keeps running; copied to pve2: local-lvm:vm-100-disk-0"
    assert (node, running) == ("pve2", True)
    assert said[0].startswith("VM vm100 (100) is being moved (UPID:pve:")


def test_a_running_container_is_restarted(api: ProxmoxApi, client: Api) -> None:
    client.add_container(200, rootfs="shared:4", hostname="dns", start=1)

    summary, node, running, _ = moved(api, 200, "pve3")

    assert summary == "container dns (200) goes from pve to pve3 and is stopped and started again"
    assert (node, running) == ("pve3", True)


def test_a_stopped_guest_stays_stopped(api: ProxmoxApi, client: Api) -> None:
    client.add_container(200)

    assert moved(api, 200, "pve2")[1:3] == ("pve2", False)


def test_under_ha_the_ha_manager_moves_it(api: ProxmoxApi, client: Api, simulator: Simulator) -> None:
    client.add_container(200, rootfs="shared:4", hostname="dns", start=1)
    client.post("/cluster/ha/resources", sid="ct:200")

    summary, node, running, said = moved(api, 200, "pve2")

    assert "by HA" in summary
    assert (node, running, said) == ("pve2", True, ["HA was asked to move container dns (200)"])
    assert any(record.path == "/cluster/ha/resources/ct:200/migrate" for record in simulator.requests)


def test_a_rule_that_keeps_it_from_there(api: ProxmoxApi, client: Api) -> None:
    client.add_container(200, rootfs="shared:4", hostname="dns", start=1)
    client.post("/cluster/ha/resources", sid="ct:200")
    client.post("/cluster/ha/rules", rule="home", type="node-affinity", resources="ct:200", nodes="pve,pve3", strict=1)

    with pytest.raises(MigrationError, match="HA does not move container dns \\(200\\) to pve2: node-affinity"):
        moved(api, 200, "pve2")


def refusal(api: ProxmoxApi, vm_id: int, target: str) -> str:
    with pytest.raises(MigrationError) as refused:
        prepare(api, find_guest(api, vm_id), target)
    return str(refused.value)


def test_no_such_guest(api: ProxmoxApi) -> None:
    with pytest.raises(MigrationError, match="the cluster has no guest 100"):
        find_guest(api, 100)


def test_no_such_node(api: ProxmoxApi, client: Api) -> None:
    client.add_container(200)

    assert refusal(api, 200, "pve9") == "the cluster has no node pve9\n    allowed:  pve2, pve3"


def test_nodes_that_are_down(api: ProxmoxApi, client: Api, simulator: Simulator) -> None:
    client.add_container(200)
    simulator.fail_node("pve2")
    assert refusal(api, 200, "pve2") == "node pve2 is offline\n    fix:      choose another node: pve3"

    simulator.return_node("pve2")
    simulator.fail_node("pve")
    assert refusal(api, 200, "pve2").startswith("node pve is offline\n    fix:      bring the node back")


def test_a_datastore_that_the_target_lacks(api: ProxmoxApi, client: Api) -> None:
    client.add_container(200, rootfs="here:4")

    assert refusal(api, 200, "pve2").endswith("because:  pve2 has no datastore here, where its disks are")


def test_a_guest_that_is_locked(api: ProxmoxApi, client: Api, simulator: Simulator) -> None:
    client.add_container(200)
    simulator.lock_guest(200)

    assert "it is locked (backup): wait" in refusal(api, 200, "pve2")


def test_a_device_of_the_node(api: ProxmoxApi, client: Api, simulator: Simulator) -> None:
    client.add_machine(100)
    simulator.inspect(lambda cluster: cluster.guests[100].config.update(hostpci0="host=0000:01:00.0"))

    assert "it uses what only pve has: hostpci0" in refusal(api, 100, "pve2")


def test_a_snippet_that_the_target_lacks(api: ProxmoxApi, client: Api, simulator: Simulator) -> None:
    client.add_machine(100)
    simulator.inspect(lambda cluster: cluster.guests[100].config.update(cicustom="vendor=local:snippets/v.yaml"))

    said = refusal(api, 100, "pve2")

    assert "pve2 has no local:snippets/v.yaml, without which it does not start: run `homelab deploy templates`" in said


def test_a_task_that_fails_is_said_with_its_log(api: ProxmoxApi, client: Api, simulator: Simulator) -> None:
    client.add_container(200, hostname="dns")
    simulator.faults.fail_task("vzmigrate", "no route to pve2")

    with pytest.raises(MigrationError) as failed:
        moved(api, 200, "pve2")

    assert str(failed.value).startswith("Proxmox could not move container dns (200): no route to pve2\n    log:")
    assert "it is still on pve" in str(failed.value)
    assert where(simulator) == {200: "pve"}


def where(simulator: Simulator) -> dict[int, str]:
    def look(cluster: Cluster) -> dict[int, Any]:
        return {vm_id: guest.node for vm_id, guest in cluster.guests.items()}

    return simulator.inspect(look)
