"""What a change to a guest's entry does to the guest, as the real provider plans it: nothing that is lost."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from simulator import Simulator
from tests.end_to_end.deployment import Deployment
from tests.end_to_end.test_lifecycle import changed
from tests.end_to_end.whole_environment import EVERYTHING, OPTIONS

pytestmark = pytest.mark.end_to_end

MACHINE = "proxmox_virtual_environment_vm.full"
CONTAINER = "proxmox_virtual_environment_container.dns"
TEMPLATE = "proxmox_virtual_environment_vm.debian-12"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRlc2t0b3BkZXNrdG9wZGVza3RvcGRlc2t0b3BkZXNr me@desktop"

TEMPLATES = (("debian-12", 9000), ("debian-13", 9001))

UPDATES: dict[str, tuple[str, Any]] = {
    "description": ("description", "Other words"),
    "tags": ("tags", ["new"]),
    "cores": ("cores", 4),
    "memory": ("memory", "4GiB"),
    "disk": ("disk", "40GiB"),
    "start_on_boot": ("start_on_boot", False),
    "startup": ("startup", {"order": 9}),
    "protection": ("protection", False),
    "another network": ("network", "internal"),
    "one more interface": ("network", ["lan", "internal", "internal"]),
    "hostname": ("hostname", "renamed"),
    "stopped": ("started", False),
}
OF_MACHINES: dict[str, tuple[str, Any]] = {
    "sockets": ("sockets", 2),
    "cpu_type": ("cpu_type", "host"),
    "ballooning": ("ballooning", False),
    "vga": ("vga", "virtio"),
    "agent": ("agent", False),
    "further disk grows": ("disks.scsi1.size", "9GiB"),
    "one more disk": ("disks.scsi4", {"size": "3GiB"}),
    "moved disk": ("datastore", "tank"),
    "another node": ("node", "pve2"),
}
OF_CONTAINERS: dict[str, tuple[str, Any]] = {
    "swap": ("swap", "1GiB"),
    "cpu_units": ("cpu_units", 300),
    "nesting": ("features", {"nesting": False}),
    "dns": ("dns", {"servers": ["9.9.9.9"]}),
    "path of a mount point": ("mount_points.mp0.path", "/var/srv"),
    "backup of a mount point": ("mount_points.mp0.backup", False),
}
IGNORED_BY_MACHINES: dict[str, tuple[str, Any]] = {
    "template": ("template", "debian-13"),
    "linked clone": ("full_clone", False),
    "ssh_keys": ("cloud_init", {"ssh_keys": [OTHER_KEY]}),
    "user": ("cloud_init", {"user": "admin"}),
    "address": ("network.0.address", "192.168.3.99"),
    "pool": ("pool", "other"),
    "no pool": ("pool", None),
}
IGNORED_BY_CONTAINERS: dict[str, tuple[str, Any]] = {
    "os": ("os", "debian-13"),
    "ssh_keys": ("ssh_keys", [OTHER_KEY]),
    "pool": ("pool", "other"),
    "no pool": ("pool", None),
}
OF_TEMPLATES: dict[str, tuple[str, Any]] = {
    "description": ("description", "Other words"),
    "tags": ("tags", ["new"]),
    "cores": ("cores", 4),
    "memory": ("memory", "4GiB"),
    "disk": ("disk", "12GiB"),
}
IGNORED_BY_TEMPLATES: dict[str, tuple[str, Any]] = {
    "image": ("image", "ubuntu-24.04"),
    "packages": ("packages", ["htop"]),
    "no packages": ("packages", []),
    "agent": ("guest_agent", False),
}
REPLACES_CONTAINERS: dict[str, tuple[str, Any]] = {
    "size of a mount point": ("mount_points.mp0.size", "9GiB"),
    "one more mount point": ("mount_points.mp2", {"path": "/x", "size": "1GiB"}),
    "datastore": ("datastore", "tank"),
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One machine, one container and templates, applied."""
    content = copy.deepcopy({key: value for key, value in EVERYTHING.items() if key != "access"})
    template = content["templates"]["debian-12"]
    content["templates"] = {key: {**template, "vm_id": vm_id, "image": key} for key, vm_id in TEMPLATES}
    machine = content["vms"]["full"]
    # Interfaces with DHCP can't be filtered by address, and some of the changes make one.
    content["vms"] = {"full": {**machine, "firewall": {**machine["firewall"], "ip_filter": False}}}
    content["containers"] = {"dns": {**content["containers"]["dns"], "replicas": None}}
    with Simulator(OPTIONS) as simulator:
        result = Deployment(tmp_path_factory.mktemp("changes"), simulator, content)
        for stack in result.stacks:
            result.apply(stack)
        yield result


def actions(deployment: Deployment, place: str, change: tuple[str, Any], stack: str) -> dict[str, list[str]]:
    """What is planned for each address of ``stack`` when ``place`` is changed."""
    path, value = change
    deployment.write(changed(deployment.content, (f"{place}.{path}", value)))
    return deployment.plan(stack, refresh=False).actions


@pytest.mark.parametrize("change", {**UPDATES, **OF_MACHINES}.values(), ids={**UPDATES, **OF_MACHINES}.keys())
def test_a_machine_is_changed_in_place(change: tuple[str, Any], deployment: Deployment) -> None:
    planned = actions(deployment, "vms.full", change, "machines")

    assert planned[MACHINE] == ["update"]
    assert all(found == ["update"] for found in planned.values())


@pytest.mark.parametrize("change", IGNORED_BY_MACHINES.values(), ids=IGNORED_BY_MACHINES.keys())
def test_what_would_replace_a_machine_does_not_touch_it(change: tuple[str, Any], deployment: Deployment) -> None:
    assert actions(deployment, "vms.full", change, "machines").get(MACHINE) is None


@pytest.mark.parametrize("change", {**UPDATES, **OF_CONTAINERS}.values(), ids={**UPDATES, **OF_CONTAINERS}.keys())
def test_a_container_is_changed_in_place(change: tuple[str, Any], deployment: Deployment) -> None:
    assert actions(deployment, "containers.dns", change, "boxes") == {CONTAINER: ["update"]}


@pytest.mark.parametrize("change", IGNORED_BY_CONTAINERS.values(), ids=IGNORED_BY_CONTAINERS.keys())
def test_what_would_replace_a_container_does_not_touch_it(change: tuple[str, Any], deployment: Deployment) -> None:
    assert actions(deployment, "containers.dns", change, "boxes").get(CONTAINER) is None


@pytest.mark.parametrize("change", REPLACES_CONTAINERS.values(), ids=REPLACES_CONTAINERS.keys())
def test_what_does_replace_a_container_is_refused_while_it_is_protected(
    change: tuple[str, Any], deployment: Deployment
) -> None:
    path, value = change
    deployment.write(changed(deployment.content, (f"containers.dns.{path}", value)))

    said = deployment.refusal("boxes", "plan", "-input=false", "-refresh=false")

    assert f"Resource {CONTAINER} has lifecycle.prevent_destroy" in " ".join(said.split())


@pytest.mark.parametrize("change", OF_TEMPLATES.values(), ids=OF_TEMPLATES.keys())
def test_a_template_is_changed_in_place(change: tuple[str, Any], deployment: Deployment) -> None:
    assert actions(deployment, "templates.debian-12", change, "templates") == {TEMPLATE: ["update"]}


@pytest.mark.parametrize("change", IGNORED_BY_TEMPLATES.values(), ids=IGNORED_BY_TEMPLATES.keys())
def test_what_would_replace_a_template_does_not_touch_it(change: tuple[str, Any], deployment: Deployment) -> None:
    found = actions(deployment, "templates.debian-12", change, "templates")

    assert found
    assert TEMPLATE not in found


def test_a_template_can_not_be_removed_by_mistake(deployment: Deployment) -> None:
    deployment.write(deployment.content)

    said = deployment.refusal("templates", "plan", "-destroy", "-input=false", "-refresh=false")

    assert f"Resource {TEMPLATE} has lifecycle.prevent_destroy" in " ".join(said.split())


def test_a_guest_that_is_made_again_gets_its_firewall_and_pool_in_the_same_apply(deployment: Deployment) -> None:
    deployment.write(changed(deployment.content, ("vms.full.protection", False)))
    deployment.apply("machines")

    deployment.terraform("machines", "apply", "-auto-approve", "-input=false", f"-replace={MACHINE}")

    plan = deployment.plan("machines")
    assert plan.is_empty, plan.text
    guest = deployment.simulator.guests()[9100]
    assert guest.firewall.options["enable"] == 1
    assert len(guest.firewall.rules) == 5
    assert deployment.simulator.inspect(lambda cluster: cluster.pool_of["9100"]) == "services"
