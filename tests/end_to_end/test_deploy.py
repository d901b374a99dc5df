"""`homelab deploy`, `destroy` and `doctor` with the real Terraform and provider, and every way to break them off."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from tests.end_to_end.homelab_project import HOMELAB, PROJECT, HomelabProject

pytestmark = pytest.mark.end_to_end

PATIENCE_SECONDS = 60


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(task_seconds=0, address_seconds=0) as running:
        yield running


@pytest.fixture
def project(simulator: Simulator, tmp_path: Path) -> HomelabProject:
    return HomelabProject(tmp_path, simulator)


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def writes(simulator: Simulator) -> int:
    return sum(request.method != "GET" for request in simulator.requests)


def test_from_nothing_to_guests_and_back(project: HomelabProject, simulator: Simulator) -> None:
    said = project.run("deploy", "--dry-run")
    assert "+ VM web (9100)" in said
    assert writes(simulator) == 0
    assert not simulator.guests()

    document = project.document("deploy", "--yes")
    assert document["exit_code"] == 0
    assert {stack["name"]: stack["status"] for stack in document["stacks"]} == {
        "small-templates": "applied",
        "small-services": "applied",
        "small-web": "applied",
    }
    guests = {guest["name"]: (guest["vm_id"], guest["status"], guest["address"]) for guest in document["guests"]}
    assert guests == {
        "debian-12": (9000, "template", None),
        "web": (9100, "running", "192.168.3.20"),
        "dns": (9200, "running", "192.168.3.53"),
    }

    before = writes(simulator)
    again = project.run("deploy", "--yes")
    assert "No changes: Proxmox is as the file says." in again
    assert "192.168.3.20" in again
    assert writes(simulator) == before

    # Somebody works behind Terraform's back.
    simulator.inspect(lambda cluster: cluster.guests[9100].config.update(memory="1024"))
    drift = project.run("deploy", "web", "--dry-run")
    assert "CHANGES: 1 to change; 1 guest reboots; 1 changed outside Terraform" in drift
    assert "memory.dedicated 1024 → 2048" in drift
    project.run("deploy", "web", "--yes")
    assert int(simulator.guests()[9100].config["memory"]) == 2048

    # What is protected stays, and says so.
    kept = project.run("destroy", "--yes", "--confirm", "small")
    assert "Kept, because it is protected: template debian-12 (9000)" in kept
    assert set(simulator.guests()) == {9000}
    gone = project.run("destroy", "--include-protected", "--yes", "--confirm", "small")
    assert "Everything that was to go is gone." in gone
    assert not simulator.guests()
    wait_until(
        lambda: not simulator.inspect(lambda cluster: [name for there in cluster.volumes.values() for name in there])
    )
    assert simulator.unimplemented == []
    configuration = json.loads(
        (project.output / "stacks" / "small-templates" / "cdk.tf.json").read_text(encoding="utf-8")
    )
    template = configuration["resource"]["proxmox_virtual_environment_vm"]["debian-12"]
    assert template["lifecycle"]["prevent_destroy"] is True
    assert template["protection"] is True


def test_losses_are_shown_first_and_a_group_that_left_the_file_is_not_forgotten(
    project: HomelabProject, simulator: Simulator
) -> None:
    project.content["vms"]["web"] |= {"replicas": 2}
    project.write()
    project.run("deploy", "--yes")
    project.content["vms"]["web"] |= {"replicas": 1}
    del project.content["containers"]
    project.write()
    said = project.run("deploy", "--dry-run", code=3)
    assert "[blocked] VM web-2 (9101) is destroyed on pve" in said
    assert "small-services is no longer in the environment file" in said
    assert "homelab destroy small-services --environment small" in said
    before = writes(simulator)
    said = project.run("deploy", "--yes", code=3)
    assert "error: one change is blocked, because data or protection would be lost" in said
    assert "Nothing was changed." in said
    assert writes(simulator) == before
    lines = said.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.lstrip().startswith("- address: "))
    allowed = project.folder / "allowed.yaml"
    # The entry that is suggested lets nothing pass before somebody writes down why.
    allowed.write_text(textwrap.dedent("\n".join(lines[begin : begin + 5])), encoding="utf-8")
    assert "it has no reason" in project.run("deploy", "--yes", "--allow", str(allowed), code=3)
    allowed.write_text(allowed.read_text(encoding="utf-8").replace("reason:", "reason: empty"), encoding="utf-8")
    assert "[allowed] VM web-2 (9101)" in project.run("deploy", "--yes", "--allow", str(allowed))
    assert set(simulator.guests()) == {9000, 9100, 9200}
    refused = project.run("destroy", "small-services", "--yes", code=2)
    assert "--confirm small" in refused
    project.run("destroy", "small-services", "--yes", "--confirm", "small")
    assert set(simulator.guests()) == {9000, 9100}
    assert "no longer in the environment file" not in project.run("deploy", "--dry-run")


def test_what_others_depend_on_is_not_destroyed_before_them(project: HomelabProject, simulator: Simulator) -> None:
    project.run("deploy", "--yes")
    said = project.run("destroy", "templates", "--include-protected", "--yes", "--confirm", "small", code=1)
    assert "small-web depends on it and still has resources" in said
    assert set(simulator.guests()) == {9000, 9100, 9200}


def test_a_vmid_that_somebody_else_has_is_never_taken_over(project: HomelabProject, simulator: Simulator) -> None:
    project.run("deploy", "templates", "--yes")

    def foreign(cluster: Any) -> dict[str, Any]:
        template = cluster.guests[9000]
        other = type(template)(9200, "lxc", "pve", config={"hostname": "important", "memory": 512, "tags": "keep"})
        cluster.add_guest(other)
        return dict(other.config)

    config = simulator.inspect(foreign)
    before = writes(simulator)
    said = project.run("deploy", "--yes", code=1)
    assert "VMID 9200 is taken by a guest that this environment did not make" in said
    assert "container important on pve" in said
    assert "containers.dns" in said
    assert "homelab adopt --dry-run" in said
    assert writes(simulator) == before
    assert simulator.guests()[9200].config == config
    assert 9100 not in simulator.guests()


def test_a_failed_stack_stops_what_depends_on_it_and_the_next_run_continues(
    project: HomelabProject, simulator: Simulator
) -> None:
    simulator.faults.fail_task("qmtemplate", "cannot convert", times=None)
    simulator.faults.fail_task("qmcreate", "unable to create VM 9000 - unexpected", times=None)
    document = project.document("deploy", "--yes", code=1)
    stacks = {stack["name"]: stack for stack in document["stacks"]}
    assert stacks["small-templates"]["status"] == "failed"
    assert (stacks["small-web"]["status"], stacks["small-web"]["waits_for"]) == ("waiting", "small-templates")
    (error,) = document["errors"]
    assert error["kind"] == "task_failed"
    assert "unable to create VM 9000 - unexpected" in error["found"]
    assert "templates.debian-12" in error["where"][0]
    said = project.run("deploy", "--yes", code=1)
    assert "continue with: homelab deploy --environment small" in said
    simulator.faults.clear()
    project.run("deploy", "--yes")
    assert all(simulator.guests()[number].running for number in (9100, 9200))


def terraform_of(pid: int) -> int | None:
    """The Terraform that applies below a `homelab` process."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    for child in (int(word) for file in children for word in file.read_text(encoding="utf-8").split()):
        if b"\0apply\0" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    return None


@contextlib.contextmanager
def deployment_amid_its_clone(project: HomelabProject, simulator: Simulator) -> Iterator[subprocess.Popen[str]]:
    """A deployment of the web stack that is cloning its VM, and goes on doing so until the faults are cleared."""
    project.run("deploy", "templates", "--yes")
    simulator.faults.hold_task("qmclone")
    with project.start("deploy", "web", "--yes") as running:
        try:
            wait_until(
                lambda: any(request.path.endswith("/clone") and request.status == 200 for request in simulator.requests)
            )
            yield running
        finally:
            simulator.faults.clear()
            running.kill()


def test_ctrl_c_lets_terraform_finish_and_the_next_run_continues(project: HomelabProject, simulator: Simulator) -> None:
    with deployment_amid_its_clone(project, simulator) as running:
        terraform = terraform_of(running.pid)
        assert terraform is not None
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
        simulator.faults.clear()
        said, _ = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 130, said
    project.assert_clean(said)
    assert "Stopping: Terraform finishes what it is doing and saves its state" in said
    assert "Still stopping. A second signal would make Terraform give up" in said
    assert "continue with: homelab deploy web --environment small" in said
    assert not Path(f"/proc/{terraform}").exists()
    json.loads(project.state("web").read_text(encoding="utf-8"))
    project.run("deploy", "--yes")
    assert simulator.guests()[9100].running


def test_a_killed_terraform_is_explained_and_the_next_run_completes_its_guest(
    project: HomelabProject, simulator: Simulator
) -> None:
    with deployment_amid_its_clone(project, simulator) as running:
        terraform = terraform_of(running.pid)
        assert terraform is not None
        os.kill(terraform, signal.SIGKILL)
        said, _ = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 1, said
    project.assert_clean(said)
    assert "Terraform was killed (SIGKILL) during apply" in said
    wait_until(lambda: 9100 in simulator.guests() and not simulator.guests()[9100].busy)
    again = project.run("deploy", "--yes")
    assert "VM web (9100) was left unfinished by an earlier deployment: it is completed" in again
    assert simulator.guests()[9100].running
    assert "No changes" in project.run("deploy", "--dry-run")


def test_terraform_saves_its_state_although_the_command_was_killed(
    project: HomelabProject, simulator: Simulator
) -> None:
    with deployment_amid_its_clone(project, simulator) as running:
        terraform = terraform_of(running.pid)
        running.kill()
        running.wait(timeout=PATIENCE_SECONDS)
    wait_until(lambda: not Path(f"/proc/{terraform}").exists())
    assert [resource["type"] for resource in project.resources("web")] == ["proxmox_virtual_environment_vm"]
    assert "No changes" in project.run("deploy", "web", "--dry-run")


def test_two_deployments_at_once_do_not_harm_each_other(project: HomelabProject, simulator: Simulator) -> None:
    with deployment_amid_its_clone(project, simulator) as running:
        said = project.run("deploy", "web", "--yes", code=1)
        simulator.faults.clear()
        first, _ = running.communicate(timeout=PATIENCE_SECONDS)
    assert "the state of small-web is locked" in said
    assert "force-unlock" in said
    assert running.returncode == 0, first
    assert simulator.guests()[9100].running


def test_no_secret_is_left_in_any_file(project: HomelabProject) -> None:
    project.run("deploy", "--yes")
    for file in project.folder.rglob("*"):
        if file.is_file() and ".terraform/" not in str(file):
            content = file.read_bytes()
            assert not any(secret.encode() in content for secret in project.secrets()), file
    assert not list(project.folder.rglob("*.tfplan"))


def at_a_terminal(project: HomelabProject, *command: str, question: str, answer: str) -> tuple[int, str]:
    """Runs a command at a terminal of 80 columns, answers its question, and returns exit code and screen."""
    environ = {name: value for name, value in project.environ.items() if name != "NO_COLOR"}
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(PROJECT)
        os.execve(  # noqa: S606 (no shell is meant)
            HOMELAB, project.arguments(*command), environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
        )
    screen, answered = b"", False
    while True:
        try:
            # A terminal whose last process has ended answers with an error, not with an end.
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        screen += data
        if not answered and question.encode() in screen:
            os.write(terminal, f"{answer}\n".encode())
            answered = True
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen.decode()


def test_at_a_terminal_somebody_is_asked_and_sees_the_progress(project: HomelabProject, simulator: Simulator) -> None:
    code, screen = at_a_terminal(project, "deploy", question="[y/N]", answer="n")
    assert (code, "Nothing was changed." in screen) == (1, True), screen
    assert not simulator.guests()
    simulator.faults.slow_task("vzcreate", 1.5)
    code, screen = at_a_terminal(project, "deploy", question="Apply this to small? 6 to create. [y/N]", answer="y")
    assert code == 0, screen
    assert "creating container dns (9200)" in screen
    assert "2 of 3 stacks" in screen
    question = "Type the environment's name (small) to destroy it"
    code, screen = at_a_terminal(project, "destroy", question=question, answer="smal")
    assert (code, "Nothing was destroyed." in screen) == (1, True), screen
    assert set(simulator.guests()) == {9000, 9100, 9200}
    code, screen = at_a_terminal(project, "destroy", "--include-protected", question=question, answer="small")
    assert code == 0, screen
    assert not simulator.guests()


# homelab doctor


def checks(project: HomelabProject, code: int) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in project.document("doctor", code=code)["checks"]}


def test_doctor_finds_nothing_where_all_is_well(project: HomelabProject) -> None:
    found = checks(project, 0)
    assert set(found) >= {
        "terraform",
        "providers",
        "credentials",
        "connection",
        "login",
        "version",
        "privileges",
        "node pve",
        "ssh pve",
    }
    assert {check["status"] for check in found.values()} == {"ok"}


def test_doctor_names_what_the_file_promises_and_the_node_has_not(project: HomelabProject) -> None:
    node = project.content["proxmox"]["nodes"]["pve"]
    node["bridges"] = ["vmbr0", "vmbr7"]
    node["datastores"]["tank"] = {"content": ["images"]}
    node["datastores"]["local-lvm"]["content"] = ["images", "rootdir", "backup"]
    project.write()
    found = checks(project, 1)["node pve"]
    assert found["status"] == "failed"
    for words in ("no bridge vmbr7", "no datastore tank", "local-lvm does not take backup"):
        assert words in found["message"]
    assert "pvesm set local-lvm --content backup,images,rootdir" in "\n".join(found["fix"])


def test_doctor_lists_the_privileges_that_are_missing(project: HomelabProject, simulator: Simulator) -> None:
    simulator.add_user("some@pve", roles={"/": "PVEAuditor", "/vms": "PVEVMAdmin"})
    project.environ["PROXMOX_VE_API_TOKEN"] = simulator.add_token("some@pve", "some")
    found = checks(project, 1)["privileges"]
    assert "Datastore.AllocateSpace on /storage" in found["message"]
    assert "VM.Allocate" not in found["message"]
    assert "pveum role modify" in "\n".join(found["fix"])


def test_doctor_says_what_could_not_be_looked_at(project: HomelabProject) -> None:
    project.environ["PROXMOX_VE_API_TOKEN"] = "root@pam!simulator=00000000-0000-4000-8000-000000000000"
    found = checks(project, 1)
    assert found["connection"]["status"] == "ok"
    assert found["login"]["status"] == "failed"
    assert found["privileges"]["status"] == "left out"
    assert found["nodes"]["status"] == "left out"


def test_doctor_does_not_trust_an_unknown_authority(project: HomelabProject, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    with Simulator() as stranger:
        other.write_bytes(stranger.ca_file.read_bytes())
    project.environ.pop("SSL_CERT_DIR", None)
    project.environ["SSL_CERT_FILE"] = str(other)
    found = checks(project, 1)["connection"]
    assert "signed by an authority that this machine does not know" in found["message"]
    assert "/etc/pve/pve-root-ca.pem" in "\n".join(found["fix"])
    project.content["proxmox"]["insecure"] = True
    project.write()
    assert checks(project, 0)["connection"]["status"] == "warning"


def test_doctor_names_an_ssh_port_where_nothing_listens(project: HomelabProject) -> None:
    project.content["proxmox"]["nodes"]["pve"]["ssh_port"] = 1
    project.write()
    found = checks(project, 1)["ssh pve"]
    assert found["status"] == "failed"
    assert "127.0.0.1:1 does not answer" in found["message"]


def test_doctor_wants_something_to_log_in_with_over_ssh(project: HomelabProject) -> None:
    for name in ("PROXMOX_VE_SSH_PRIVATE_KEY", "PROXMOX_VE_SSH_AGENT"):
        project.environ.pop(name, None)
    assert "nothing to log in with" in checks(project, 1)["ssh pve"]["message"]
