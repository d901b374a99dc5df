"""What goes wrong on the node, with the errors of the real provider, and that the next apply repairs it."""

from __future__ import annotations

import pytest

from simulator import Simulator
from tests.end_to_end.failing_site import Site

pytestmark = pytest.mark.end_to_end


def test_a_failed_task_gives_its_text_and_the_next_apply_repairs(site: Site, simulator: Simulator) -> None:
    site.deploy("templates")
    simulator.faults.fail_task("qmstart", "start failed: QEMU exited with code 1")
    found = site.failure("web")
    assert found.kind == "task_failed"
    assert found.message == "starting the VM failed on pve"
    assert "QEMU exited with code 1" in found.found
    site.deploy("web")
    assert simulator.guests()[9100].running


@pytest.mark.parametrize(
    ("stack", "task", "error"),
    [
        (
            "services",
            "vzcreate",
            "unable to create CT 9200 - lvcreate 'pve/vm-9200-disk-0' error: Insufficient free space",
        ),
        ("web", "qmclone", "clone failed: no space left on device"),
    ],
)
def test_a_full_datastore_is_named(site: Site, simulator: Simulator, stack: str, task: str, error: str) -> None:
    site.deploy("templates")
    simulator.faults.fail_task(task, error, times=None)
    assert site.failure(stack).kind == "storage_full"


def test_a_failed_download_gives_the_reason(site: Site, simulator: Simulator) -> None:
    simulator.faults.fail_task("download", "download failed: 404 Not Found", times=None)
    found = site.failure("templates")
    assert found.message == "downloading the image failed on pve"
    assert "404 Not Found" in found.found


@pytest.mark.parametrize("destroy", [True, False])
def test_a_locked_guest_says_what_locks_it(site: Site, simulator: Simulator, destroy: bool) -> None:
    site.deploy("templates")
    site.deploy("web")
    vms = "proxmox_virtual_environment_vm"
    site.change("web", lambda content: content["resource"][vms]["web"]["memory"].update(dedicated=3072))
    simulator.lock_guest(9100, "backup")
    found = site.failure("web", destroy=destroy)
    assert found.kind == "guest_locked"
    assert "a backup of it is running" in found.message
    simulator.unlock_guest(9100)
    site.deploy("web", destroy=destroy)
    assert (9100 not in simulator.guests()) == destroy


def test_a_template_is_not_destroyed_by_accident(site: Site) -> None:
    site.deploy("templates")
    found = site.failure("templates", destroy=True)
    assert found.kind == "destroy_prevented"
    assert "template debian-12 (9000)" in found.message
    assert "--include-protected" in "\n".join(found.fix)


def test_proxmox_s_own_protection_is_named(site: Site) -> None:
    site.deploy("templates")
    vms = "proxmox_virtual_environment_vm"
    site.change("templates", lambda content: content["resource"][vms]["debian-12"].pop("lifecycle"))
    assert site.failure("templates", destroy=True).kind == "guest_protected"


def test_a_clone_of_a_template_that_is_not_there_says_so(site: Site) -> None:
    vms = "proxmox_virtual_environment_vm"
    site.change("web", lambda content: content["resource"][vms]["web"]["clone"].update(retries=1))
    found = site.failure("web")
    assert found.kind == "guest_missing"
    assert "9000" in found.message
    assert "homelab deploy templates" in "\n".join(found.fix)


def test_a_bridge_that_is_not_there_is_named(site: Site) -> None:
    site.deploy("templates")
    containers = "proxmox_virtual_environment_container"
    site.change(
        "services",
        lambda content: content["resource"][containers]["dns"]["network_interface"][0].update(bridge="vmbr7"),
    )
    found = site.failure("services")
    assert found.kind == "bridge_missing"
    assert "vmbr7" in found.message
    assert "containers.dns" in found.places[0]


def test_a_node_that_is_not_there_is_named(site: Site) -> None:
    containers = "proxmox_virtual_environment_container"
    # Without the condition that would compare the node with the file's, which here names the other one.
    site.change(
        "services", lambda content: content["resource"][containers]["dns"].update(node_name="pve9", lifecycle={})
    )
    found = site.failure("services")
    assert found.kind == "node_unknown"
    assert "pve9" in found.message


def test_a_node_that_can_t_be_reached_is_named(site: Site, simulator: Simulator) -> None:
    simulator.faults.node_unreachable("pve")
    assert site.failure("services").kind == "node_unknown"


def test_a_connection_that_breaks_leaves_a_state_that_the_next_apply_completes(
    site: Site, simulator: Simulator
) -> None:
    site.deploy("templates")
    simulator.faults.drop_connection("POST", "/nodes/*/lxc", "before", times=None)
    assert site.failure("services").kind == "connection_lost"
    simulator.faults.clear()
    site.deploy("services")
    assert 9200 in simulator.guests()


def test_what_has_no_rule_of_its_own_is_said_in_proxmox_s_words(site: Site, simulator: Simulator) -> None:
    site.deploy("templates")
    simulator.faults.fail_request("POST", "/nodes/*/lxc", 500, "the moon is in the wrong phase", times=None)
    found = site.failure("services")
    assert found.kind == "refused_by_proxmox"
    assert found.found == "the moon is in the wrong phase"
    assert "container dns (9200)" in found.message
