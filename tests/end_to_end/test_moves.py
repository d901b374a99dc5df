"""Guests renamed and regrouped in the file: the real provider destroys nothing and makes nothing anew."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operations.moves import pending as pending_module
from operations.moves import pending_moves
from operations.moves.applying import MoveError, apply_moves
from operations.moves.pending import stack_of_state
from operations.provider_mirror import terraform_environment, terraform_program
from operations.terraform.process import Processes
from operations.terraform.stacks import Stack
from operations.terraform.terraform import Terraform, TerraformError
from simulator import Simulator
from tests.end_to_end.homelab_project import ENVIRONMENT, HomelabProject
from tests.end_to_end.s3_server import ADMINISTRATOR, REGION, SECRET, serve
from tests.operations.moves.estate import VM, guests_in, stack, state

pytestmark = pytest.mark.end_to_end


def content() -> dict[str, Any]:
    """A VM, a container with a firewall, a template and a pool."""
    made = copy.deepcopy(ENVIRONMENT)
    made["pools"] = {"lab": {}}
    made["vms"]["web"]["pool"] = "lab"
    made["containers"]["dns"] |= {"firewall": {"allow": [{"port": 53, "protocol": "udp"}]}, "protection": True}
    return made


def renamed(made: dict[str, Any]) -> dict[str, Any]:
    """The same with other keys and other groups; host names and numbers stay."""
    after = copy.deepcopy(made)
    web = after["vms"].pop("web") | {"group": "front", "hostname": "web"}
    dns = after["containers"].pop("dns") | {"group": "front", "hostname": "dns"}
    template = after["templates"].pop("debian-12")
    after["templates"]["bookworm"] = template
    after["vms"]["portal"] = {**web, "template": "bookworm"}
    after["containers"]["resolver"] = dns
    return after


@pytest.fixture
def project(tmp_path: Path) -> Iterator[HomelabProject]:
    with Simulator(task_seconds=0, address_seconds=0) as simulator:
        made = HomelabProject(tmp_path, simulator, content=content())
        made.run("deploy", "--yes")
        made.content = {**renamed(made.content)}
        made.write()
        yield made


def test_renamed_and_regrouped_nothing_is_made_anew(project: HomelabProject) -> None:
    before = project.simulator.inspect(lambda cluster: {vm_id: id(guest) for vm_id, guest in cluster.guests.items()})

    shown = project.run("moves", code=2)
    moved = project.run("moves", "--apply")
    again = project.run("moves")
    deployed = project.document("deploy", "--yes")

    for line in (
        f"VM portal (9100): small-web: {VM}.web -> small-front: {VM}.portal",
        "container resolver (9200): small-services: proxmox_virtual_environment_container.dns -> small-front: ",
        "template bookworm (9000): ",
        "firewall rules of resolver: small-services: ",
        "pool membership of portal: small-web: ",
    ):
        assert line in shown
    assert "homelab moves --environment small --apply" in shown
    assert "Checked: no plan destroys or replaces what was moved." in moved
    assert "Nothing to move: the states have everything where the file does." in again
    changes = [change for stack_ in deployed["stacks"] for change in stack_["changes"]]
    made_anew = {change["address"].partition(".")[0] for change in changes if change["action"] != "update"}
    assert made_anew == {"proxmox_download_file", "proxmox_virtual_environment_file"}, "files are named by their keys"
    assert "The next plan deletes local:snippets/small-debian-12-vendor-data.yaml" in shown
    after = project.simulator.inspect(lambda cluster: {vm_id: id(guest) for vm_id, guest in cluster.guests.items()})
    assert after == before, "the very same guests"
    backups = list((project.folder / "state" / "moves").glob("small-*/small-web.tfstate"))
    assert [path.stat().st_mode & 0o777 for path in backups] == [0o600]
    assert "proxmox_virtual_environment_vm" in backups[0].read_text()

    # And back, which a deployment offers by itself.
    project.content = {**project.content, **content(), "proxmox": project.content["proxmox"]}
    project.write()
    looked = " ".join(project.run("deploy", "--dry-run", code=3).split())
    deployed_again = project.run("deploy", "--yes")

    assert "elsewhere in the states than in the file, of 3 guests" in looked
    assert "To move it: homelab moves --environment small --apply" in looked
    assert "Moved; nothing on Proxmox changed." in deployed_again
    assert (
        project.simulator.inspect(lambda cluster: {vm_id: id(guest) for vm_id, guest in cluster.guests.items()})
        == before
    )


@dataclass(frozen=True)
class Backend:
    """Where the states of hand-made stacks are, and how somebody else locks one of them."""

    of: Callable[[str], dict[str, Any]]
    locked: Callable[[str], AbstractContextManager[None]]


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Holds the lock of a local state in another process, as locks of files are between processes."""
    program = (
        "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            held.communicate(b"\n", timeout=10)


@pytest.fixture(params=["local", "s3"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Where the states of hand-made stacks are."""
    if request.param == "local":
        yield Backend(
            lambda name: {"local": {"path": f"../../../state/{name}.tfstate"}},
            lambda name: locked_file(tmp_path / "state" / f"{name}.tfstate"),
        )
        return
    with serve(tmp_path) as server:
        bucket = f"states-{uuid.uuid4()}"
        server.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})

        @contextmanager
        def locked(name: str) -> Iterator[None]:
            key, info = f"homelab/{name}.tfstate.tflock", {"ID": "somebody", "Operation": "apply", "Who": "else"}
            server.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(info).encode())
            yield

        yield Backend(
            lambda name: {
                "s3": {
                    "bucket": bucket,
                    "key": f"homelab/{name}.tfstate",
                    "region": REGION,
                    "endpoints": {"s3": server.clear_url},
                    "use_path_style": True,
                    "use_lockfile": True,
                    "skip_credentials_validation": True,
                    "skip_requesting_account_id": True,
                    "skip_metadata_api_check": True,
                    "skip_region_validation": True,
                    "skip_s3_checksum": True,
                }
            },
            locked,
        )


class Pulled(Exception):
    """The plug was pulled."""


class Plug(Terraform):
    """Terraform that is cut off before one of its writes."""

    writes_left = 1000

    def spend(self) -> None:
        """One write."""
        if self.writes_left == 0:
            raise Pulled
        self.writes_left -= 1


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch) -> Plug:
    credentials = {"AWS_ACCESS_KEY_ID": ADMINISTRATOR, "AWS_SECRET_ACCESS_KEY": SECRET}
    program = Plug(terraform_program(), {**terraform_environment(), **credentials}, Processes())
    write = pending_module.run

    def run(used: Terraform, where: Stack, *arguments: str) -> str:
        if arguments[:2] == ("state", "push"):
            program.spend()
        return write(used, where, *arguments)

    monkeypatch.setattr("operations.moves.applying.run", run)
    return program


def push(terraform: Terraform, where: Stack, content: dict[str, Any], folder: Path) -> None:
    file = folder / f"{where.name}.json"
    file.write_text(json.dumps(content))
    terraform.init(where)
    done = terraform.processes.run(
        [terraform.program, "state", "push", str(file)], folder=where.folder, environment=terraform.environment
    )
    assert done.code == 0, done.stderr


@pytest.fixture
def regrouped(tmp_path: Path, backend: Backend, terraform: Plug) -> tuple[list[Stack], list[Stack]]:
    """Two guests that change places between two groups, one that gets another name, and one whose group is gone."""
    before = {
        "a-one": {f"{VM}.x": {"vm_id": 100}, f"{VM}.y": {"vm_id": 101}},
        "a-two": {f"{VM}.x": {"vm_id": 102}},
        "a-gone": {f"{VM}.z": {"vm_id": 103}},
    }
    after = {
        "a-one": {f"{VM}.x": {"vm_id": 102}, f"{VM}.new": {"vm_id": 101}, f"{VM}.z": {"vm_id": 103}},
        "a-two": {f"{VM}.x": {"vm_id": 100}},
    }
    stacks = [stack(tmp_path, name, resources, backend.of(name)) for name, resources in after.items()]
    gone = stack_of_state("a-gone", stacks[0])
    for where in (*stacks, gone):
        push(terraform, where, state(before[where.name], lineage=where.name), tmp_path)
    return stacks, [gone]


def everywhere(terraform: Terraform, stacks: list[Stack], gone: list[Stack]) -> list[tuple[str, str, int]]:
    found = pending_moves(terraform, stacks, gone).states
    return sorted((name, address, vm_id) for name, one in found.items() for address, vm_id in guests_in(one).items())


MOVED = [("a-one", f"{VM}.new", 101), ("a-one", f"{VM}.x", 102), ("a-one", f"{VM}.z", 103), ("a-two", f"{VM}.x", 100)]


@pytest.mark.parametrize("backend", ["local"], indirect=True)
def test_an_interrupted_move_loses_nothing_and_is_finished_by_the_next(
    terraform: Plug, regrouped: tuple[list[Stack], list[Stack]], tmp_path: Path
) -> None:
    stacks, gone = regrouped

    for run in range(1, 10):
        # One write further each time, until it comes through.
        terraform.writes_left = 1
        with suppress(Pulled):
            apply_moves(terraform, pending_moves(terraform, stacks, gone), backups=tmp_path / f"backups-{run}")
        there = everywhere(terraform, stacks, gone)
        assert {vm_id for _, _, vm_id in there} == {100, 101, 102, 103}, f"after write {run}"
        if not pending_moves(terraform, stacks, gone).moves:
            break

    assert there == MOVED
    assert run > 3, "it was interrupted between all writes"


def test_a_state_that_changed_in_between_stops_it_before_anything_is_written(
    terraform: Plug, regrouped: tuple[list[Stack], list[Stack]], tmp_path: Path
) -> None:
    stacks, gone = regrouped
    pending = pending_moves(terraform, stacks, gone)
    push(terraform, stacks[0], {**pending.states["a-one"], "serial": 9}, tmp_path)

    with pytest.raises(MoveError, match="the state of a-one changed while this was prepared"):
        apply_moves(terraform, pending, backups=tmp_path / "backups")

    assert everywhere(terraform, stacks, gone) == sorted(
        (name, address, vm_id) for name, one in pending.states.items() for address, vm_id in guests_in(one).items()
    )


def test_a_locked_state_is_not_written(
    terraform: Plug, regrouped: tuple[list[Stack], list[Stack]], tmp_path: Path, backend: Backend
) -> None:
    stacks, gone = regrouped
    before = everywhere(terraform, stacks, gone)

    with backend.locked("a-one"), pytest.raises(TerraformError, match=r"state push of a-one failed: .*lock"):
        apply_moves(terraform, pending_moves(terraform, stacks, gone), backups=tmp_path / "backups")

    assert everywhere(terraform, stacks, gone) == before


def test_it_is_done_in_one_go(terraform: Plug, regrouped: tuple[list[Stack], list[Stack]], tmp_path: Path) -> None:
    stacks, gone = regrouped

    apply_moves(terraform, pending_moves(terraform, stacks, gone), backups=tmp_path / "backups")

    assert everywhere(terraform, stacks, gone) == MOVED
    assert pending_moves(terraform, stacks, gone).moves == ()
    assert {path.name for path in (tmp_path / "backups").iterdir()} == {
        "a-one.tfstate",
        "a-two.tfstate",
        "a-gone.tfstate",
    }


def test_a_deprecated_type_becomes_the_short_one_without_another_download(tmp_path: Path) -> None:
    image: dict[str, Any] = {
        "node_name": "pve",
        "datastore_id": "local",
        "content_type": "import",
        "url": "https://images.example.org/x.qcow2",
        "file_name": "x.qcow2",
        "overwrite": False,
    }
    member: dict[str, Any] = {"pool_id": "lab", "vm_id": 100}
    machine = {"node_name": "pve", "vm_id": 100, "started": False}
    pool = {"proxmox_virtual_environment_pool.lab": {"pool_id": "lab"}}
    depends: dict[str, Any] = {"depends_on": ["proxmox_virtual_environment_pool.lab", f"{VM}.web"]}
    others: dict[str, dict[str, Any]] = {**pool, f"{VM}.web": machine}
    with Simulator(task_seconds=0, address_seconds=0) as simulator:
        environ = {**terraform_environment(), **simulator.environment()}
        terraform = Terraform(terraform_program(), environ, Processes())
        long: dict[str, dict[str, Any]] = {
            "proxmox_virtual_environment_download_file.old": image,
            "proxmox_virtual_environment_pool_membership.web": {**member, **depends},
        }
        short: dict[str, dict[str, Any]] = {
            "proxmox_download_file.new": image,
            "proxmox_pool_membership.web": {**member, **depends},
        }
        made = with_endpoint(stack(tmp_path, "a-one", {**others, **long}), simulator)
        terraform.init(made)
        terraform.apply(terraform.plan(made, tmp_path / "plan"))
        writes = [record for record in simulator.requests if record.method != "GET"]

        changed = with_endpoint(stack(tmp_path, "a-one", {**others, **short}), simulator)
        pending = pending_moves(terraform, [changed])
        apply_moves(terraform, pending, backups=tmp_path / "backups")

        assert {move.target[1] for move in pending.moves} == set(short)
        assert pending_moves(terraform, [changed]).moves == ()
        assert terraform.plan(changed, tmp_path / "plan").is_empty
        assert [record for record in simulator.requests if record.method != "GET"] == writes
        assert not list(changed.folder.glob("homelab-moved*"))


def with_endpoint(made: Stack, simulator: Simulator) -> Stack:
    file = made.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    document["provider"]["proxmox"][0]["endpoint"] = simulator.endpoint.rstrip("/")
    file.write_text(json.dumps(document))
    return Stack(made.name, made.folder)
