"""What holds for every valid environment: it synthesizes, its order means nothing, a guest more changes only itself."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homelab.config.environment import Environment
from homelab.config.resolution import resolve
from homelab.stacks.application import build_app
from tests.end_to_end.whole_environment import EVERYTHING
from tests.stacks.test_provider_schema import all_problems
from tests.strategies import valid_environments
from tests.synthesis import addresses, stack_json, stack_names

PROJECT = Path(__file__).resolve().parents[2]
CANARY = "canary-7f3a91c2"
SECRETS = {
    "PROXMOX_VE_API_TOKEN": f"root@pam!{CANARY}=5d2f1c7e-0000-4000-8000-000000000000",
    "PROXMOX_VE_USERNAME": f"{CANARY}-user@pam",
    "PROXMOX_VE_PASSWORD": f"{CANARY}-password",
    "PROXMOX_VE_SSH_PRIVATE_KEY": f"{CANARY}-key",
    "PROXMOX_VE_SSH_PASSWORD": f"{CANARY}-ssh",
    "PROXMOX_VE_ENDPOINT": f"https://{CANARY}:8006",
    "AWS_ACCESS_KEY_ID": f"{CANARY}-id",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}-secret",
    "TF_VAR_x": f"{CANARY}-variable",
}
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def synthesized(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every stack of the environment with this content, by its name."""
    environment = Environment.model_validate({**data, "name": "one"})
    with tempfile.TemporaryDirectory() as folder:
        build_app([resolve(environment)], outdir=folder).synth()
        return {name: stack_json(Path(folder), name) for name in stack_names(Path(folder))}


def turned(value: Any) -> Any:
    """The same content with every map the other way round, but for the disks of machines: their order is theirs."""
    if isinstance(value, dict):
        return {key: item if key == "disks" else turned(item) for key, item in reversed(value.items())}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(valid_environments(most_guests=3))
@few
def test_every_valid_environment_synthesizes_what_the_provider_knows(data: dict[str, Any]) -> None:
    stacks = synthesized(data)

    assert stacks
    assert {name: found for name, document in stacks.items() if (found := all_problems(document))} == {}


@given(valid_environments(most_guests=3))
@few
def test_no_two_guests_are_the_same(data: dict[str, Any]) -> None:
    stacks = synthesized(data)
    guests = [
        guest
        for document in stacks.values()
        for type_, found in document.get("resource", {}).items()
        if type_.endswith(("_vm", "_container"))
        for guest in found.values()
    ]
    numbers = [guest["vm_id"] for guest in guests]
    static = [
        entry["ipv4"]["address"]
        for guest in guests
        for entry in guest.get("initialization", {}).get("ip_config", [])
        if entry["ipv4"]["address"] != "dhcp"
    ]

    assert len(set(numbers)) == len(numbers)
    assert len(set(static)) == len(static)


@given(valid_environments(most_guests=3))
@few
def test_the_order_of_keys_changes_nothing(data: dict[str, Any]) -> None:
    assert synthesized(turned(data)) == synthesized(data)


def test_the_order_of_keys_changes_nothing_of_an_environment_with_everything() -> None:
    data = copy.deepcopy({key: value for key, value in EVERYTHING.items() if key != "name"})
    data["proxmox"]["endpoint"] = "https://pve.home.arpa:8006"
    for port, node in enumerate(data["proxmox"]["nodes"].values(), start=2201):
        node["ssh_port"] = port

    assert synthesized(turned(data)) == synthesized(data)


NEW_MACHINE = {"vm_id": 4990, "memory": "512MiB", "group": "brand-new"}
NEW_CONTAINER = {"vm_id": 8990, "os": "debian-12", "group": "brand-new"}


@given(valid_environments(most_guests=3), st.sampled_from(["vms", "containers"]))
@few
def test_a_guest_more_changes_no_stack_but_its_own(data: dict[str, Any], kind: str) -> None:
    changed = copy.deepcopy(data)
    template = min(data["templates"])
    changed[kind]["brand-new"] = {"template": template, **NEW_MACHINE} if kind == "vms" else NEW_CONTAINER

    before, after = synthesized(data), synthesized(changed)

    assert addresses(after.pop("one-brand-new")) == {
        f"proxmox_virtual_environment_{'vm' if kind == 'vms' else 'container'}.brand-new"
    }
    # Another system is one image more to download; what was there before stays as it was.
    before_templates, after_templates = before.pop("one-templates"), after.pop("one-templates")
    assert addresses(before_templates) <= addresses(after_templates)
    for address in addresses(before_templates):
        type_, name = address.split(".")
        assert after_templates["resource"][type_][name] == before_templates["resource"][type_][name]
    assert after == before


@given(valid_environments(most_guests=3))
@few
def test_a_guest_more_in_a_group_changes_no_other_guest_of_it(data: dict[str, Any]) -> None:
    changed = copy.deepcopy(data)
    changed["containers"] = {"brand-new": {**NEW_CONTAINER, "group": "guests"}, **changed["containers"]}

    before, after = synthesized(data).get("one-guests", {}), synthesized(changed)["one-guests"]

    added = addresses(after) - addresses(before)
    assert added == {"proxmox_virtual_environment_container.brand-new"}
    for type_, found in before.get("resource", {}).items():
        for name, arguments in found.items():
            assert after["resource"][type_][name] == arguments


Ran = tuple[Path, list[subprocess.CompletedProcess[str]]]


def run_main(folder: Path, output: Path, *, debug: bool = False) -> subprocess.CompletedProcess[str]:
    """`main.py` on the file in ``folder``, with secrets in every variable that may hold one."""
    optimise = [] if debug else ["-O"]
    return subprocess.run(
        [sys.executable, *optimise, str(PROJECT / "main.py")],
        env={**os.environ, **SECRETS, "HOMELAB_ENVIRONMENTS": str(folder / "one.yaml"), "CDKTF_OUTDIR": str(output)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Two runs of main.py on an environment with everything in it, each with its own output."""
    folder = tmp_path_factory.mktemp("canary")
    content = {key: value for key, value in EVERYTHING.items() if key != "name"}
    content["proxmox"] = {**content["proxmox"], "endpoint": "https://pve.home.arpa:8006"}
    content["state"] = {"backend": "s3", "bucket": "tfstate", "lock_table": "locks"}
    (folder / "one.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder, [run_main(folder, folder / "first"), run_main(folder, folder / "second", debug=True)]


def test_main_synthesizes_it_without_a_word_too_much(ran: Ran) -> None:
    for done in ran[1]:
        assert (done.returncode, done.stderr) == (0, "")
    assert len(stack_names(ran[0] / "first")) == 5


def test_no_secret_is_in_any_file_or_on_the_screen(ran: Ran) -> None:
    folder, runs = ran
    files = [path for output in ("first", "second") for path in (folder / output).rglob("*") if path.is_file()]

    assert len(files) >= 10
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert not any(CANARY in done.stdout + done.stderr for done in runs)


def test_two_runs_write_the_same_bytes(ran: Ran) -> None:
    folder, _ = ran
    first, second = (
        {
            str(path.relative_to(folder / name)): path.read_bytes()
            for path in (folder / name).rglob("*")
            if path.is_file()
        }
        for name in ("first", "second")
    )

    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_the_environments_file_is_all_that_decides(ran: Ran) -> None:
    document = json.loads((ran[0] / "first" / "stacks" / "one-cluster" / "cdk.tf.json").read_text())

    assert document["provider"]["proxmox"][0]["endpoint"] == "https://pve.home.arpa:8006"
