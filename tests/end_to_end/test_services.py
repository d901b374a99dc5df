"""Services with the real provider: templates built, instances cloned, scaled and made anew, and faults on the way.

Nothing runs inside the simulated guests; what arrives there is recorded. tests/real_guests has guests that run.
"""

from __future__ import annotations

import copy
import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from operations.review import Verdict, read_plan, review
from simulator import Simulator, SimulatorOptions, StorageOptions
from simulator.certificates import make_certificates
from simulator.state import Guest
from tests.end_to_end.deployment import Deployment
from tests.end_to_end.homelab_project import HomelabProject
from tests.end_to_end.scripted_guests import ScriptedGuests

pytestmark = pytest.mark.end_to_end

OPTIONS = SimulatorOptions(
    bridges=("vmbr0", "vmbr2"),
    storages=(
        StorageOptions("local", "dir", ("iso", "vztmpl", "backup", "import", "snippets"), size_gib=100),
        StorageOptions("local-lvm", "lvmthin", ("images", "rootdir"), size_gib=148),
        StorageOptions("local-hdd", "dir", ("images", "rootdir", "backup"), size_gib=500),
    ),
    task_seconds=0,
    address_seconds=0,
)
ENVIRONMENT: dict[str, Any] = {
    "name": "lab",
    "proxmox": {
        "nodes": {
            "pve": {
                "cores": 16,
                "memory": "64GiB",
                "bridges": ["vmbr0", "vmbr2"],
                "datastores": {
                    "local": {"content": ["iso", "vztmpl", "import", "snippets", "backup"]},
                    "local-lvm": {"size": "148GiB", "content": ["images", "rootdir"]},
                    "local-hdd": {"size": "500GiB", "content": ["images", "rootdir", "backup"]},
                },
            }
        }
    },
    "networks": {
        "internal": {"bridge": "vmbr2", "cidr": "10.0.30.0/24", "gateway": "10.0.30.1", "dns": ["192.168.10.2"]}
    },
    "services": {"redis": {"protection": False}},
}
STACK = "service-redis"
CONTAINER = "proxmox_virtual_environment_container"
TEMPLATE, PRIMARY, FIRST_REPLICA, SECOND_REPLICA = 901, 201, 220, 221


class Services:
    """One environment with Redis, on a cluster of its own."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        programs = folder / "programs"
        programs.mkdir(parents=True)
        self.simulator = simulator
        self.guests = ScriptedGuests(simulator, programs)
        self.content = copy.deepcopy(ENVIRONMENT)
        self.deployment = Deployment(folder, simulator, self.content)
        self.deployment.environ["HOMELAB_PYTHON"] = sys.executable

    def settings(self, **settings: Any) -> None:
        """Writes other settings of the service."""
        self.content["services"]["redis"] |= settings
        self.deployment.write(self.content)

    def apply(self) -> str:
        """Applies what it needs and the service."""
        self.deployment.apply("templates")
        return self.deployment.apply(STACK)

    def refusal(self, *arguments: str) -> str:
        """What Terraform says when the service can't be applied."""
        self.deployment.apply("templates")
        if not (self.deployment.stacks[STACK].folder / ".terraform").exists():
            self.deployment.terraform(STACK, "init", "-input=false")
        return self.deployment.refusal(STACK, "apply", "-auto-approve", "-input=false", *arguments)

    def config(self, vm_id: int) -> dict[str, Any]:
        """The configuration of a guest as the node has it."""
        return dict(self.simulator.guests()[vm_id].config)

    def assert_settled(self) -> None:
        """A second plan has nothing to do."""
        planned = self.deployment.plan(STACK)
        assert planned.is_empty, planned.text
        shown = self.deployment.terraform(STACK, "show", "-json", "plan.bin")
        result = review([read_plan(shown, STACK)])
        assert (result.verdict, result.drift) == (Verdict.NOTHING, ()), "what the apply did is no drift"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(OPTIONS) as running:
        yield running


@pytest.fixture
def services(simulator: Simulator, tmp_path: Path) -> Iterator[Services]:
    def empty(cluster: Any) -> None:
        for guest in list(cluster.guests.values()):
            cluster.remove_guest(guest)
        cluster.volumes.clear()
        cluster.volumes_of.clear()

    simulator.faults.clear()
    simulator.inspect(empty)
    yield Services(tmp_path, simulator)
    simulator.faults.clear()


@pytest.mark.slow
def test_a_service_from_nothing_scaled_and_made_anew(services: Services) -> None:
    services.settings(replicas=1)
    services.apply()

    template, primary, replica = (services.config(vm_id) for vm_id in (TEMPLATE, PRIMARY, FIRST_REPLICA))
    assert template["template"] == 1
    assert template["rootfs"].startswith("local-hdd:")
    assert primary["rootfs"].startswith("local-lvm:")
    assert "template" not in primary
    assert "ip=10.0.30.20/24" in primary["net0"]
    assert "gw=10.0.30.1" in primary["net0"]
    assert "ip=10.0.30.21/24" in replica["net0"]
    assert (primary["hostname"], replica["hostname"]) == ("redis-cache", "redis-cache-1")
    running = services.simulator.guests()
    assert [running[vm_id].running for vm_id in (TEMPLATE, PRIMARY, FIRST_REPLICA)] == [False, True, True]
    order = [ran.vm_id for ran in services.guests.ran]
    assert order == [TEMPLATE, PRIMARY, FIRST_REPLICA], "the template first, the primary before its replica"
    services.assert_settled()

    # Up: one more replica touches nobody else. The primary learns of it.
    services.settings(replicas=2)
    planned = services.deployment.plan(STACK)
    assert planned.actions[f"{CONTAINER}.service-redis-2"] == ["create"]
    assert not any(address.startswith(CONTAINER) for address in planned.actions if not address.endswith("redis-2"))
    services.apply()
    assert "ip=10.0.30.22/24" in services.config(SECOND_REPLICA)["net0"]
    services.assert_settled()

    # Down, and larger in place.
    disk = int(services.config(PRIMARY)["rootfs"].rpartition("size=")[2].removesuffix("G"))
    services.settings(replicas=0, memory="3GiB", cores=3, disk=f"{disk + 4}GiB")
    planned = services.deployment.plan(STACK)
    assert planned.actions[f"{CONTAINER}.service-redis"] == ["update"]
    services.apply()
    assert set(services.simulator.guests()) == {TEMPLATE, PRIMARY}
    primary = services.config(PRIMARY)
    assert (primary["memory"], primary["cores"]) == (3072, 3)
    assert primary["rootfs"].endswith(f"size={disk + 4}G")
    services.assert_settled()

    # The container fails: cloned again, with its own size at once. The template stays.
    before = len(services.guests.scripts(TEMPLATE))
    services.deployment.terraform(
        STACK, "apply", "-auto-approve", "-input=false", f"-replace={CONTAINER}.service-redis"
    )
    assert services.config(PRIMARY)["rootfs"].endswith(f"size={disk + 4}G")
    assert len(services.guests.scripts(TEMPLATE)) == before
    services.assert_settled()

    # The template is spoilt: built again, and the service is not touched.
    address = services.config(PRIMARY)["net0"]
    services.deployment.terraform(
        STACK, "apply", "-auto-approve", "-input=false", f"-replace={CONTAINER}.service-redis-template"
    )
    assert services.config(TEMPLATE)["template"] == 1
    assert len(services.guests.scripts(TEMPLATE)) == before + 1
    assert services.config(PRIMARY)["net0"] == address
    services.assert_settled()

    services.deployment.destroy(STACK)
    assert services.simulator.guests() == {}
    assert services.simulator.unimplemented == []


@pytest.mark.slow
def test_another_installation_builds_the_template_anew_and_touches_no_instance(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.apply()
    address = services.config(PRIMARY)["net0"]

    monkeypatch.setattr("homelab.services.scripts._seal", lambda: "true # another way to seal")
    services.settings()
    planned = services.deployment.plan(STACK)
    assert planned.actions[f"{CONTAINER}.service-redis-template"] == ["delete", "create"]
    assert f"{CONTAINER}.service-redis" not in planned.actions
    services.apply()

    assert services.config(TEMPLATE)["template"] == 1
    assert "another way to seal" in services.guests.scripts(TEMPLATE)[-1]
    assert services.config(PRIMARY)["net0"] == address
    services.assert_settled()

    services.settings(template={"os": "debian-13"})
    planned = services.deployment.plan(STACK)
    assert planned.actions[f"{CONTAINER}.service-redis-template"] == ["delete", "create"]
    assert f"{CONTAINER}.service-redis" not in planned.actions


@pytest.mark.slow
def test_a_script_that_fails_half_way_stops_the_service_and_goes_on_the_next_time(services: Services) -> None:
    services.guests.failing[TEMPLATE] = 100
    said = services.refusal()
    assert "the mirror went away half-way" in said
    assert "redis-cache-template-install.log" in said
    assert set(services.simulator.guests()) == {TEMPLATE}, "nothing is cloned from what is not finished"
    assert not services.config(TEMPLATE).get("template")

    services.guests.failing[PRIMARY] = 1
    services.refusal()
    assert services.config(TEMPLATE)["template"] == 1
    assert len(services.guests.scripts(TEMPLATE)) == 2

    services.apply()
    assert len(services.guests.scripts(TEMPLATE)) == 2, "the template that was finished is not built again"
    assert len(services.guests.scripts(PRIMARY)) == 2
    services.assert_settled()


@pytest.mark.slow
def test_a_node_that_reboots_after_the_build_leaves_what_the_next_apply_finishes(services: Services) -> None:
    services.simulator.faults.fail_request("POST", "*/lxc/901/clone", 596, "Connection refused", times=None)
    services.refusal()
    assert services.config(TEMPLATE)["template"] == 1

    def reboot(cluster: Any) -> None:
        for guest in cluster.guests.values():
            guest.running = False

    services.simulator.inspect(reboot)
    services.simulator.faults.clear()
    services.apply()
    assert services.simulator.guests()[PRIMARY].running
    services.assert_settled()


def test_an_address_that_is_taken_stops_before_anything_is_made(services: Services) -> None:
    services.content["containers"] = {
        "other": {
            "os": "debian-12",
            "vm_id": 9200,
            "network": {"name": "internal", "address": "10.0.30.20"},
        }
    }
    with pytest.raises(AssertionError, match=r"10\.0\.30\.20 of service-redis is already that of containers\.other"):
        services.deployment.write(services.content)


@pytest.mark.slow
def test_a_full_datastore_fails_the_clone_alone_and_room_mends_it(services: Services) -> None:
    services.simulator.faults.fail_task("vzclone", "no space left in thin pool pve/data", times=None)
    said = services.refusal()
    assert "no space left in thin pool" in " ".join(said.split())
    assert set(services.simulator.guests()) == {TEMPLATE}
    services.simulator.faults.clear()
    services.apply()
    services.assert_settled()


@pytest.mark.slow
def test_nothing_is_cloned_from_what_did_not_become_a_template(services: Services) -> None:
    services.simulator.faults.fail_request("POST", "*/lxc/901/template", 500, "can't lock file", times=None)
    said = services.refusal()
    assert "can't lock file" in " ".join(said.split())
    assert set(services.simulator.guests()) == {TEMPLATE}
    services.simulator.faults.clear()
    services.apply()
    assert len(services.guests.scripts(TEMPLATE)) == 1, "what was installed is not installed again"
    services.assert_settled()


@pytest.mark.slow
def test_a_template_that_is_gone_is_built_anew(services: Services) -> None:
    services.apply()

    def remove(cluster: Any) -> None:
        cluster.remove_guest(cluster.guests[TEMPLATE])

    services.simulator.inspect(remove)
    services.settings(replicas=1)
    services.apply()
    assert services.config(TEMPLATE)["template"] == 1
    assert services.simulator.guests()[FIRST_REPLICA].running
    services.assert_settled()


@pytest.fixture
def project(services: Services, tmp_path: Path) -> HomelabProject:
    """PostgreSQL and Redis for the `homelab` command."""
    content = copy.deepcopy(ENVIRONMENT)
    del content["name"]
    content["policy"] = {"unlocked_images": "ignore"}
    content["services"]["postgresql"] = {}
    return HomelabProject(tmp_path / "project", services.simulator, "lab", content)


@pytest.mark.slow
def test_one_that_fails_stops_no_other_and_is_finished_by_the_same_command(
    project: HomelabProject, services: Services
) -> None:
    services.guests.failing[PRIMARY] = 7
    text = project.run("deploy", "services", "--yes", code=1)
    assert "E: the mirror went away half-way" in text
    assert "redis-cache-configure.log" in text
    assert services.simulator.guests()[200].running, "PostgreSQL is there"

    text = project.run("deploy", "services", "--yes")
    assert services.simulator.guests()[PRIMARY].running
    assert project.run("deploy", "services", "--yes").count("unchanged") >= 2


@pytest.mark.slow
def test_recreate_clones_again_and_rebuild_template_leaves_services_alone(
    project: HomelabProject, services: Services
) -> None:
    project.run("deploy", "services", "--yes")
    scripts = {vm_id: len(services.guests.scripts(vm_id)) for vm_id in (TEMPLATE, PRIMARY, 200)}
    assert scripts == {TEMPLATE: 1, PRIMARY: 1, 200: 1}

    project.run("deploy", "services", "--recreate", "redis", "--yes")
    assert len(services.guests.scripts(PRIMARY)) == 2
    project.run("deploy", "services", "--rebuild-template", "redis", "--yes")
    assert len(services.guests.scripts(TEMPLATE)) == 2
    assert services.config(TEMPLATE)["template"] == 1
    assert (len(services.guests.scripts(PRIMARY)), len(services.guests.scripts(200))) == (2, 1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_faults_are_told_and_the_next_run_repairs_them(project: HomelabProject, services: Services) -> None:
    del project.content["services"]["postgresql"]
    project.write()
    simulator, cluster = services.simulator, services.simulator.inspect

    def said(*arguments: str, code: int = 1) -> str:
        return " ".join(project.run("deploy", "services", *arguments, "--yes", code=code).split())

    def foreign(cluster: Any) -> None:
        network = "name=eth0,bridge=vmbr2,hwaddr=BC:24:11:00:00:99,ip=10.0.30.20/24,type=veth"
        cluster.add_guest(Guest(777, "lxc", "pve", {"hostname": "old-cache", "net0": network}))

    # The address is that of a guest that no file names.
    cluster(foreign)
    text = said()
    assert "10.0.30.20 of container service-redis (201) is already the address of another guest on that bridge" in text
    assert "services.redis" in text
    assert "found: container old-cache (777) on pve" in text
    assert "give yours another address, or the other one, and run the same command again" in text
    assert set(simulator.guests()) == {777}
    cluster(lambda cluster: cluster.remove_guest(cluster.guests[777]))

    # The datastore is full.
    full = "lvcreate 'pve/vm-201-disk-0' error: Cannot create new thin volume, free space in thin pool pve/data reached"
    simulator.faults.fail_task("vzclone", f"{full} threshold", times=None)
    text = said()
    assert "there is not enough space on the datastore for container service-redis (201)" in text
    assert "make room, choose another datastore or a smaller disk; run the same command again" in text
    assert set(simulator.guests()) == {TEMPLATE}
    simulator.faults.clear()

    # The node reboots while the script runs: nothing runs after that.
    services.guests.rebooting.add(PRIMARY)
    text = said()
    assert "script configure in redis-cache (CT 201 on pve)" in text
    assert "redis-cache-configure.log" in text
    assert not simulator.guests()[PRIMARY].running
    said(code=0)
    assert simulator.guests()[PRIMARY].running
    assert "unchanged lab-service-redis" in said(code=0)
    assert len(services.guests.scripts(TEMPLATE)) == 1, "what was built is not built again"

    # Somebody has put a backup in the template's place: it runs, and is none.
    def restored(cluster: Any) -> None:
        del cluster.guests[TEMPLATE].config["template"]
        cluster.guests[TEMPLATE].running = True

    cluster(restored)
    project.content["services"]["redis"]["replicas"] = 1
    project.write()
    text = said()
    assert "container service-redis-1 (220) can't be cloned: what it is cloned from runs, and is no template" in text
    assert "homelab deploy services --rebuild-template redis" in text
    assert FIRST_REPLICA not in simulator.guests()
    said("--rebuild-template", "redis", code=0)
    said(code=0)
    assert simulator.guests()[FIRST_REPLICA].running
    assert "unchanged lab-service-redis" in said(code=0)


COMMUNITY_SCRIPT = b"""#!/usr/bin/env bash
set -e
[ "$mode" = default ]
pct create "$var_ctid" "$var_image" --hostname "$var_hostname" --memory "$var_ram" --cores "$var_cpu" \\
  --net0 "name=eth0,bridge=$var_brg,ip=$var_net" --rootfs "$var_container_storage:$var_disk" \\
  --unprivileged "$var_unprivileged"
pct start "$var_ctid"
"""


@contextmanager
def site_with(content: bytes, folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of a file that a server with a certificate serves, and the authority that it is trusted by."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            pass

    ca_file, context = make_certificates(folder, "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/ct/redis.sh", ca_file
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_template_from_a_community_script(services: Services, tmp_path: Path) -> None:
    with site_with(COMMUNITY_SCRIPT, tmp_path) as (url, ca_file):
        services.guests.node_environment(CURL_CA_BUNDLE=str(ca_file), HOME=str(tmp_path))
        checksum = hashlib.sha256(COMMUNITY_SCRIPT).hexdigest()
        image = "local:vztmpl/lab-debian-12-standard_12.12-1_amd64.tar.zst"
        script = {"url": url, "checksum": f"sha256:{'0' * 64}", "variables": {"var_image": image}}
        services.settings(template={"script": script})

        said = services.refusal() + log_of_the_node(tmp_path)
        assert f"{url} is not what template.script.checksum says, and nothing of it was run" in said
        assert f"found:    sha256:{checksum}" in said
        assert services.simulator.guests() == {}, "what is not the script that was meant is not run"

        services.settings(template={"script": {**script, "checksum": f"sha256:{checksum}"}})
        services.apply()
    template = services.config(TEMPLATE)
    assert template["template"] == 1
    assert template["hostname"] == "redis-cache-template"
    assert template["rootfs"].startswith("local-hdd:")
    assert "rm -f /etc/ssh/ssh_host_*" in services.guests.executed
    assert services.simulator.guests()[PRIMARY].running
    services.assert_settled()


def log_of_the_node(folder: Path) -> str:
    (log,) = (folder / "state" / "logs" / "lab").glob("node-pve-build-901.log")
    return log.read_text(encoding="utf-8")
