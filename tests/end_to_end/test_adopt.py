"""An estate of fifty guests made by hand, taken over by `homelab adopt` and the real provider: it stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import Simulator
from tests.end_to_end.deployment import Deployment
from tests.end_to_end.estate import OPTIONS, Estate

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

HOMELAB = Path(sys.prefix) / "bin" / "homelab"
NAME = "home"
REFUSED = {
    104: "it names no SCSI controller",
    112: "it has net0, net2",
    120: "it has 192GiB of memory",
    121: "it is locked (backup)",
}

PROVIDERS_OWN = {
    "proxmox_virtual_environment_vm": {
        "delete_unreferenced_disks_on_destroy",
        "migrate",
        "stop_on_destroy",
        "timeout_shutdown_vm",
    },
    "proxmox_virtual_environment_container": {
        "timeout_clone",
        "timeout_create",
        "timeout_delete",
        "timeout_start",
        "timeout_update",
        "vm_id",
    },
}
"""What the provider does with a guest. It is in the state alone, and an import does not bring it."""

WRITTEN_OUT: dict[str, dict[str, Any]] = {
    "proxmox_virtual_environment_firewall_options": {
        "dhcp": False,
        "ipfilter": False,
        "log_level_in": "nolog",
        "log_level_out": "nolog",
        "macfilter": True,
        "ndp": True,
        "radv": False,
    },
    "proxmox_virtual_environment_cluster_firewall": {
        "forward_policy": "ACCEPT",
        "log_ratelimit": [{"burst": 5, "enabled": True, "rate": "1/second"}],
    },
}
"""Defaults of Proxmox that nobody ever set, and that the provider writes out."""


@dataclass(frozen=True)
class Adopted:
    """The estate, what `homelab adopt` said and wrote, and the environment on its way into states."""

    estate: Estate
    deployment: Deployment
    said: str
    content: dict[str, Any]
    report: str


def homelab(folder: Path, simulator: Simulator, *arguments: str, code: int = 0) -> str:
    """Runs ``homelab`` in the project at ``folder``."""
    done = subprocess.run(
        [str(HOMELAB), *arguments],
        cwd=folder,
        env={**os.environ, **simulator.environment(), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adopted]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "cdktf.json").write_text("{}")
    with Simulator(OPTIONS) as simulator:
        estate = Estate(simulator)
        estate.build()
        changes = len([record for record in simulator.requests if record.method != "GET"])
        said = homelab(folder, simulator, "adopt")
        assert len([record for record in simulator.requests if record.method != "GET"]) == changes, "it only reads"
        content = yaml.safe_load((folder / "environments" / f"{NAME}.yaml").read_text())
        deployment = Deployment(folder, simulator, {**content, "name": NAME})
        yield Adopted(estate, deployment, said, content, (folder / "environments" / f"{NAME}.adoption.md").read_text())


def changes_of(deployment: Deployment, stack: str) -> list[dict[str, Any]]:
    """The resource changes of a plan of ``stack``, which is left in ``plan.bin``."""
    if not (deployment.stacks[stack].folder / ".terraform").exists():
        deployment.terraform(stack, "init", "-input=false")
    deployment.plan(stack)
    plan = json.loads(deployment.terraform(stack, "show", "-json", "plan.bin"))
    changes: list[dict[str, Any]] = plan["resource_changes"]
    return changes


def differences(change: dict[str, Any]) -> dict[str, Any]:
    """What a change sets, by argument."""
    before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
    return {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}


def test_all_but_what_is_listed_is_in_the_file(adopted: Adopted) -> None:
    numbers = {
        entry["vm_id"] for section in ("vms", "containers", "templates") for entry in adopted.content[section].values()
    }

    assert numbers == set(adopted.estate.configurations()) - set(REFUSED)
    for vm_id, reason in REFUSED.items():
        assert f"{vm_id} (" in adopted.report
        assert reason in adopted.report.partition("## Left to the node")[0]
        assert reason in adopted.said


def test_the_first_plan_imports_everything_and_every_update_is_accounted_for(adopted: Adopted) -> None:
    deployment = adopted.deployment
    before = adopted.estate.configurations()
    imported = 0

    for stack in deployment.stacks:
        for change in changes_of(deployment, stack):
            actions, what = change["change"]["actions"], differences(change)
            assert "importing" in change["change"], f"{change['address']} is not imported"
            assert actions in (["no-op"], ["update"]), f"{change['address']}: {actions} {what}"
            if change["type"] in WRITTEN_OUT:
                assert what.items() <= WRITTEN_OUT[change["type"]].items(), change["address"]
            else:
                assert set(what) <= PROVIDERS_OWN.get(change["type"], set()), f"{change['address']}: {what}"
            imported += 1
        deployment.terraform(stack, "apply", "-input=false", "plan.bin")

    assert imported > len(before)
    after = adopted.estate.configurations()
    assert {vm_id: without_firewall(found) for vm_id, found in after.items()} == {
        vm_id: without_firewall(found) for vm_id, found in before.items()
    }, "power, configuration, pool and place of every guest are as they were"
    assert deployment.simulator.refusals == []


def without_firewall(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "firewall"}


def test_the_second_plan_is_empty(adopted: Adopted) -> None:
    for stack in adopted.deployment.stacks:
        assert adopted.deployment.plan(stack).is_empty, stack


def test_what_is_beside_the_guests_is_told(adopted: Adopted) -> None:
    left = adopted.report.partition("## Not managed")[2].partition("##")[0]
    assert "* Guests under high availability stay as they are, without this file: ct:208, vm:103." in left
    assert "* Backup jobs stay as they are, without this file: nightly." in left


def test_what_high_availability_moves_is_left_there(adopted: Adopted) -> None:
    assert "node_name" in adopted.content["containers"]["two-nets"]["adopted"]["ignore"]
    assert "node_name" in adopted.content["vms"]["docker"]["adopted"]["ignore"]
    move = adopted.estate.simulator.inspect
    move(lambda cluster: setattr(cluster.guests[103], "node", "pve2"))
    try:
        assert adopted.deployment.plan("guests").is_empty
    finally:
        move(lambda cluster: setattr(cluster.guests[103], "node", "pve"))


def test_what_somebody_changes_in_the_file_is_all_that_changes(adopted: Adopted) -> None:
    content = {**adopted.content, "name": NAME}
    vms = {**content["vms"], "docker": {**content["vms"]["docker"], "cores": 4, "tags": ["docker", "prod"]}}
    containers = {**content["containers"], "dns": {**content["containers"]["dns"], "memory": "1GiB"}}
    before = adopted.estate.configurations()

    adopted.deployment.write({**content, "vms": vms, "containers": containers})
    for stack in ("guests",):
        adopted.deployment.plan(stack)
        adopted.deployment.terraform(stack, "apply", "-input=false", "plan.bin")

    after = adopted.estate.configurations()
    changed = {
        vm_id: {name: value for name, value in found["config"].items() if before[vm_id]["config"].get(name) != value}
        for vm_id, found in after.items()
        if found["config"] != before[vm_id]["config"]
    }
    # 0 is what numa is when nobody sets it.
    assert changed == {103: {"cores": 4, "numa": 0, "tags": "docker;prod"}, 200: {"memory": 1024}}
    assert adopted.deployment.plan("guests").is_empty


def test_it_never_writes_over_a_file_unless_it_is_told_to(adopted: Adopted) -> None:
    folder, simulator = adopted.deployment.folder, adopted.deployment.simulator
    file = folder / "environments" / f"{NAME}.yaml"
    before = file.read_bytes()

    said = homelab(folder, simulator, "adopt", code=2)

    assert f"{NAME}.yaml is there already, and adopting would write over it" in said
    assert "--force" in said
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [f"{NAME}.adoption.md", f"{NAME}.yaml"]


def test_what_another_environment_has_is_left_to_it(adopted: Adopted) -> None:
    said = homelab(adopted.deployment.folder, adopted.deployment.simulator, "adopt", "-e", "again", code=1)

    assert "there is nothing to adopt; nothing was written" in said
    assert f"VM 100 (nas) on pve: it is in environments/{NAME}.yaml already" in said


def test_one_node_and_a_named_subnet(adopted: Adopted, tmp_path: Path) -> None:
    (tmp_path / "cdktf.json").write_text("{}")
    simulator = adopted.deployment.simulator

    one = homelab(tmp_path, simulator, "adopt", "--node", "pve2", "--dry-run")
    named = homelab(tmp_path, simulator, "adopt", "--node", "pve", "--network", "vmbr1=10.9.0.0/24", "--dry-run")

    assert set(yaml.safe_load(one.partition("# Adoption of")[0])["vms"]) == {"backup", "nas"}
    content = yaml.safe_load(named.partition("# Adoption of")[0])
    assert content["networks"]["vmbr1"] == {"bridge": "vmbr1", "cidr": "10.9.0.0/24"}
    assert content["vms"]["isolated"]["network"]["name"] == "vmbr1"
    assert not (tmp_path / "environments").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--node", "nowhere"], 2, "there is no node nowhere\n    allowed:  pve, pve2"),
        (["--network", "vmbr0"], 2, "--network vmbr0 names no subnet"),
        (["-e", "My-Home"], 2, "My-Home is no name for an environment"),
    ],
)
def test_what_is_wrong_is_said_with_the_next_step(
    arguments: list[str], code: int, expected: str, adopted: Adopted, tmp_path: Path
) -> None:
    (tmp_path / "cdktf.json").write_text("{}")

    said = homelab(tmp_path, adopted.deployment.simulator, "adopt", *arguments, code=code)

    assert expected in said
    assert "fix:" in said
    assert not (tmp_path / "environments").exists()
