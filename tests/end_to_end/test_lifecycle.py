"""Everything the constructs can make: applied, planned again, changed in place, and destroyed by the real provider.

The environment is applied with the token of its own access stack, so it also shows that the role has what is needed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from homelab.config.privileges import required_privileges
from simulator import Simulator
from simulator.call import Call
from simulator.state import Cluster
from tests.end_to_end.deployment import Deployment, Planned
from tests.end_to_end.simulator.terraform_runs import schema_problems
from tests.end_to_end.whole_environment import EVERYTHING, OPTIONS, ROOT_ONLY

pytestmark = pytest.mark.end_to_end

STACKS = ("cluster", "templates", "machines", "boxes")
CHANGES: dict[str, tuple[str, Any]] = {
    "pool's comment": ("pools.services.comment", "Other words"),
    "alias": ("firewall.aliases.home.cidr", "10.0.0.0/9"),
    "set": ("firewall.ipsets.management.addresses", ["lan"]),
    "group": ("firewall.groups.internal-access.rules", [{"protocol": "tcp", "port": 2222}]),
    "nodes' rules": (
        "firewall.rules",
        [{"protocol": "tcp", "port": 8006, "source": "lan"}, {"macro": "SSH", "source": "+management"}],
    ),
    "cluster's policy": ("firewall.output_policy", "REJECT"),
    "template's memory": ("templates.debian-12.memory", "4GiB"),
    "template's notes": ("templates.debian-uefi.description", "Secure Boot"),
    "machine's cores": ("vms.full.cores", 4),
    "machine's disk": ("vms.full.disk", "25GiB"),
    "machine's second disk": ("vms.full.disks.scsi1.size", "9GiB"),
    "machine's pool": ("vms.full.pool", "other"),
    "machine's rules": ("vms.full.firewall.allow", [{"port": 443}]),
    "machine's protection": ("vms.full.protection", False),
    "container's cores": ("containers.dns.cores", 2),
    "container's disk": ("containers.dns.disk", "10GiB"),
    "container's pool": ("containers.dns.pool", "other"),
    "container's rules": ("containers.dns.firewall.allow", [{"port": 53}]),
    "container's protection": ("containers.dns.protection", False),
}


@dataclass
class Journey:
    """What happened to the environment, from nothing to nothing."""

    resources: int = 0
    warnings: list[str] = field(default_factory=list)
    second_plans: dict[str, Planned] = field(default_factory=dict)
    configurations: dict[int, dict[str, Any]] = field(default_factory=dict)
    running: dict[int, bool] = field(default_factory=dict)
    senders: dict[str, list[str]] = field(default_factory=dict)
    pools: dict[int, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: dict[str, Planned] = field(default_factory=dict)
    plans_after_the_change: dict[str, Planned] = field(default_factory=dict)
    grown: str = ""
    left_over: list[Any] = field(default_factory=list)
    privileges_used: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    unimplemented: list[str] = field(default_factory=list)


def changed(content: dict[str, Any], *changes: tuple[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(content)
    for path, value in changes:
        *parents, last = path.split(".")
        place: Any = result
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        place[last] = value
    return result


def what_is_left(cluster: Cluster) -> list[Any]:
    """Files, pools and the firewall's names that are still there."""
    volumes = [volume for found in cluster.volumes.values() for volume in found]
    return [*volumes, *cluster.pools, *cluster.firewall.aliases, *cluster.firewall.ipsets, *cluster.firewall.groups]


@pytest.fixture(scope="module")
def asked_for() -> Iterator[set[str]]:
    """The privileges that the simulator looked up for a token and found."""
    found: set[str] = set()
    may = Call.may

    def recording(call: Call, path: str, privilege: str) -> bool:
        allowed = may(call, path, privilege)
        if allowed and call.who.user != "root@pam":
            found.add(privilege)
        return allowed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Call, "may", recording)
        yield found


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory, asked_for: set[str]) -> Journey:
    found = Journey()
    with Simulator(OPTIONS, request_hook=schema_problems) as simulator:
        deployment = Deployment(tmp_path_factory.mktemp("everything"), simulator, EVERYTHING)
        deployment.apply("access")
        deployment.environ["PROXMOX_VE_API_TOKEN"] = deployment.outputs("access")["api_token"]
        for stack in STACKS:
            said = deployment.apply(stack)
            found.warnings += [line for line in said.splitlines() if "Warning" in line]
            found.resources += len(deployment.terraform(stack, "state", "list").splitlines())
            found.second_plans[stack] = deployment.plan(stack)
            found.outputs[stack] = deployment.outputs(stack)
        guests = simulator.guests()
        found.privileges_used = asked_for
        found.configurations = {vm_id: copy.deepcopy(guest.config) for vm_id, guest in guests.items()}
        ipsets = guests[9100].firewall.ipsets
        found.senders = {name: [entry["cidr"] for entry in ipset["members"]] for name, ipset in ipsets.items()}
        found.running = {vm_id: guest.running for vm_id, guest in guests.items()}
        found.pools = simulator.inspect(lambda cluster: {int(vm_id): pool for vm_id, pool in cluster.pool_of.items()})
        deployment.write(changed(EVERYTHING, *CHANGES.values()))
        for stack in STACKS:
            found.changes[stack] = deployment.plan(stack)
            deployment.apply(stack)
            found.plans_after_the_change[stack] = deployment.plan(stack)
        found.grown = simulator.inspect(lambda cluster: str(cluster.guests[9202].config["rootfs"]))
        for stack in reversed(STACKS):
            deployment.destroy(stack)
        found.left_over = list(simulator.guests())
        found.left_over += simulator.inspect(what_is_left)
        found.violations, found.unimplemented = simulator.violations, simulator.unimplemented
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_the_second_plan_is_empty(stack: str, journey: Journey) -> None:
    assert journey.second_plans[stack].is_empty, journey.second_plans[stack].text


def test_it_is_all_there(journey: Journey) -> None:
    assert journey.resources > 40
    assert set(journey.configurations) == {9000, 9001, *range(9100, 9103), *range(9104, 9108), *range(9200, 9206)}


def test_nothing_is_warned_about(journey: Journey) -> None:
    assert journey.warnings == []


def test_the_role_has_no_privilege_that_nothing_asks_for(journey: Journey) -> None:
    environment = Environment.model_validate(changed(EVERYTHING, ("proxmox.endpoint", "https://pve.home.arpa:8006")))

    # Sys.Modify, which the cluster's firewall needs, stands in for Sys.AccessNetwork. Proxmox asks for the other two
    # where a cloud-init drive and what is on it are set.
    not_asked_for = {"Sys.AccessNetwork", "VM.Config.CDROM", "VM.Config.Cloudinit"}
    assert set(required_privileges(environment)) - journey.privileges_used <= not_asked_for


def test_templates_and_what_shall_not_run_does_not_run(journey: Journey) -> None:
    assert {vm_id for vm_id, running in journey.running.items() if not running} == {9000, 9001, 9106, 9200, 9205}


def test_guests_are_in_their_pools(journey: Journey) -> None:
    assert journey.pools == {
        9100: "services",
        9201: "other",
        9202: "services",
        9203: "services",
    }


def interfaces_of(configuration: dict[str, Any]) -> set[str]:
    return {key for key in configuration if key.startswith("net")}


@pytest.mark.parametrize(
    ("vm_id", "interfaces"), [(9000, set()), (9100, {"net0", "net1"}), (9101, {"net0"}), (9107, set())]
)
def test_a_machine_has_the_interfaces_of_its_own_spec(vm_id: int, interfaces: set[str], journey: Journey) -> None:
    configuration = journey.configurations[vm_id]

    assert {key for key in interfaces_of(configuration) if key != "nameserver"} == interfaces


def test_the_second_interface_is_on_its_vlan(journey: Journey) -> None:
    assert journey.configurations[9100]["net1"] == (
        "virtio=BC:24:11:00:00:01,bridge=vmbr2,firewall=1,mtu=1400,rate=12.500000,tag=30"
    )


def test_further_disks_are_made_where_they_should_be(journey: Journey) -> None:
    machine = journey.configurations[9100]

    places = {key: machine[key].partition(":")[0] for key in ("scsi0", "scsi1", "virtio1", "sata3")}
    assert places == {"scsi0": "local-lvm", "scsi1": "local-lvm", "virtio1": "local-lvm", "sata3": "tank"}
    assert "backup=0" in machine["sata3"]
    assert "backup=1" in machine["scsi1"]


def test_a_container_that_grew_is_still_replicated_and_has_acls(journey: Journey) -> None:
    settings = journey.grown.split(",")
    assert {"acl=1", "replicate=1", "size=10G"} <= set(settings)


def test_a_cloned_machine_has_the_size_that_it_asks_for(journey: Journey) -> None:
    assert [
        journey.configurations[vm_id]["scsi0"].partition("size=")[2].partition(",")[0] for vm_id in (9100, 9105)
    ] == [
        "20G",
        "12G",
    ]


def test_a_machine_sends_from_its_own_addresses_alone(journey: Journey) -> None:
    assert journey.senders == {"ipfilter-net0": ["192.168.3.20"], "ipfilter-net1": ["10.0.30.2"]}


def test_user_data_and_vendor_data_reach_the_machine(journey: Journey) -> None:
    assert journey.configurations[9104]["cicustom"] == (
        "user=local:snippets/test-custom-user-data.yaml,vendor=local:snippets/test-debian-12-vendor-data.yaml"
    )
    assert "cicustom" not in journey.configurations[9105]


def test_mount_points_are_there_on_new_containers_and_on_clones(journey: Journey) -> None:
    assert journey.configurations[9202]["mp0"].endswith("backup=1,mp=/srv,size=5G")
    assert "backup" not in journey.configurations[9202]["mp1"]
    assert "backup=1,mp=/srv" in journey.configurations[9201]["mp0"]


def test_replicas_count_up(journey: Journey) -> None:
    assert [journey.configurations[vm_id]["name"] for vm_id in (9101, 9102)] == ["linked-1", "linked-2"]
    assert "ip=192.168.3.54/24" in journey.configurations[9203]["net0"]


def test_every_guest_has_an_address_in_the_outputs(journey: Journey) -> None:
    machines, boxes = journey.outputs["machines"]["vms_created"], journey.outputs["boxes"]["lxc_containers_created"]

    addresses = {key: guest["address"] for key, guest in {**machines, **boxes}.items()}
    dhcp = {key: addresses.pop(key) for key in ("custom", "small")}
    assert all(address.startswith("172.20.0.") for address in dhcp.values())
    assert addresses == {
        "full": "192.168.3.20",
        "linked-1": "192.168.3.21",
        "linked-2": "192.168.3.22",
        "uefi": None,
        "elsewhere": None,
        "alone": None,
        "base": None,
        "copy": "192.168.3.30",
        "dns-1": "192.168.3.53",
        "dns-2": "192.168.3.54",
        "own": None,
    }


def test_mac_addresses_are_those_of_the_interfaces(journey: Journey) -> None:
    machines = journey.outputs["machines"]["vms_created"]

    assert machines["full"]["mac_addresses"][1] == "BC:24:11:00:00:01"
    assert [len(machines[key]["mac_addresses"]) for key in ("full", "custom", "alone")] == [2, 1, 0]


def test_every_change_is_planned(journey: Journey) -> None:
    touched = {address for plan in journey.changes.values() for address in plan.actions}

    assert len(touched) >= 12
    assert all(plan.actions for plan in journey.changes.values())


def test_changes_are_made_in_place(journey: Journey) -> None:
    others = {
        address.partition(".")[0]: actions
        for plan in journey.changes.values()
        for address, actions in plan.actions.items()
        if actions != ["update"]
    }

    # The provider can change neither the members of a set nor the pool of a membership; no guest is touched by that.
    assert others == {
        "proxmox_virtual_environment_firewall_ipset": ["delete", "create"],
        "proxmox_pool_membership": ["delete", "create"],
    }


@pytest.mark.parametrize("stack", STACKS)
def test_the_plan_after_the_change_is_empty(stack: str, journey: Journey) -> None:
    assert journey.plans_after_the_change[stack].is_empty, journey.plans_after_the_change[stack].text


def test_nothing_is_left_when_all_is_destroyed(journey: Journey) -> None:
    assert journey.left_over == []


def test_every_request_is_what_the_published_schema_allows(journey: Journey) -> None:
    assert journey.violations == []


def test_nothing_it_asks_for_is_unimplemented(journey: Journey) -> None:
    assert journey.unimplemented == []


def test_what_only_root_may_set_is_applied_as_root(tmp_path: Path) -> None:
    with Simulator(OPTIONS, request_hook=schema_problems) as simulator:
        deployment = Deployment(tmp_path, simulator, ROOT_ONLY)
        deployment.use_root_password()
        for stack in deployment.stacks:
            deployment.apply(stack)
        plan = deployment.plan("guests")
        guests = {vm_id: copy.deepcopy(guest.config) for vm_id, guest in simulator.guests().items()}
        for stack in reversed(deployment.stacks):
            deployment.destroy(stack)

        assert plan.is_empty, plan.text
        assert guests[9100]["affinity"] == "0-1"
        assert {"host=0000:01:00.0", "pcie=1", "rombar=1"} <= set(guests[9100]["hostpci0"].split(","))
        assert set(guests[9200]["features"].split(",")) == {"nesting=1", "fuse=1", "keyctl=1", "mount=nfs"}
        assert "path=/dev/net/tun" in guests[9200]["dev0"].split(",")
        assert {"/tank/files", "mp=/srv", "ro=1"} <= set(guests[9200]["mp0"].split(","))
        assert guests[9201]["unprivileged"] == 0
        assert list(simulator.guests()) == []
        assert simulator.violations == []
