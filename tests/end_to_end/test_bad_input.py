"""What goes wrong on the way to Proxmox, with the errors of the real provider and the real Terraform: each cause is named
once, with what to do, without a stack trace or a secret."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from homelab.config.loading import load_environment
from homelab.config.privileges import required_privileges
from operations.deployment_session import key_paths
from operations.deployment_synthesis import synthesize
from operations.diagnosis import Diagnosis, Surroundings, diagnose
from operations.provider_mirror import terraform_environment, terraform_program
from operations.redaction import secrets_in
from operations.terraform import Terraform, TerraformError
from operations.terraform_process import Processes
from operations.terraform_stacks import Stack
from simulator import Simulator
from tests.end_to_end.homelab_project import PROJECT, HomelabProject

pytestmark = pytest.mark.end_to_end

WRONG_VALUE = "00000000-0000-4000-8000-000000000000"


class Site:
    """A synthesized environment on a simulator, in which a test makes one thing wrong."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.project = HomelabProject(folder, simulator)
        self.simulator = simulator
        self.environment = load_environment(self.project.file)
        self.environ = self.project.environ
        self.terraform: dict[str, str] = {}
        self.stacks = {
            stack.name: stack
            for stack in synthesize(
                self.project.file,
                root=PROJECT,
                output=self.project.output,
                environ=self.project.environ,
                processes=Processes(),
            )
        }

    def copy(self, folder: Path) -> Site:
        """The same in another folder, with no state."""
        twin = object.__new__(Site)
        twin.__dict__.update(self.__dict__)
        shutil.copytree(self.project.output, folder / "cdktf.out", symlinks=True)
        twin.stacks = {
            name: Stack(name, folder / "cdktf.out" / "stacks" / name, stack.dependencies)
            for name, stack in self.stacks.items()
        }
        twin.environ = dict(self.project.environ)
        twin.terraform = {}
        return twin

    def change(self, stack: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Changes a synthesized stack."""
        file = self.stacks[f"small-{stack}"].folder / "cdk.tf.json"
        configuration = json.loads(file.read_text(encoding="utf-8"))
        edit(configuration)
        file.write_text(json.dumps(configuration), encoding="utf-8")

    def endpoint(self, endpoint: str) -> None:
        """Sends the web stack elsewhere."""
        self.change("web", lambda content: content["provider"]["proxmox"][0].update(endpoint=endpoint))

    def surroundings(self) -> Surroundings:
        return Surroundings(
            environment="small",
            endpoint=self.environment.proxmox.endpoint,
            file="environments/small.yaml",
            stacks=self.stacks,
            key_paths=key_paths(self.environment),
            privileges=required_privileges(self.environment),
            secrets=secrets_in(self.environ),
        )

    def deploy(self, stack: str, *, destroy: bool = False) -> None:
        """Plans and applies one stack with the real Terraform."""
        terraform = Terraform(terraform_program(), terraform_environment(self.environ) | self.terraform, Processes())
        target = self.stacks[f"small-{stack}"]
        terraform.init(target)
        plan = terraform.plan(target, target.folder / "saved.tfplan", destroy=destroy)
        if not plan.is_empty:
            terraform.apply(plan)

    def failure(self, stack: str, *, destroy: bool = False) -> Diagnosis:
        """The one cause of a deployment that fails."""
        with pytest.raises(TerraformError) as caught:
            self.deploy(stack, destroy=destroy)
        found = diagnose(caught.value, self.surroundings())
        assert len(found) == 1, "\n\n".join(item.render(verbose=True) for item in found)
        text = found[0].render(verbose=True)
        self.project.assert_clean(text)
        assert found[0].fix
        assert found[0].original
        return found[0]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(task_seconds=0, address_seconds=0) as running:
        yield running


@pytest.fixture(scope="module")
def synthesized(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"), simulator)


@pytest.fixture
def site(synthesized: Site, simulator: Simulator, tmp_path: Path) -> Iterator[Site]:
    """An empty cluster, and stacks with no state."""
    simulator.faults.clear()

    def empty(cluster: Any) -> None:
        for guest in list(cluster.guests.values()):
            cluster.remove_guest(guest)
        cluster.volumes.clear()
        cluster.volumes_of.clear()

    simulator.inspect(empty)
    yield synthesized.copy(tmp_path)
    simulator.faults.clear()


def without(environ: dict[str, str], *names: str) -> None:
    for name in names:
        environ.pop(name, None)


# Credentials


@pytest.mark.parametrize("left", [{}, {"PROXMOX_VE_USERNAME": "root@pam"}])
def test_missing_credentials_say_how_to_make_a_token(site: Site, left: dict[str, str]) -> None:
    without(site.environ, "PROXMOX_VE_API_TOKEN")
    site.environ |= left
    found = site.failure("web")
    assert found.kind == "credentials_missing"
    assert "PROXMOX_VE_API_TOKEN" in found.allowed
    assert "PROXMOX_VE_PASSWORD" in found.allowed
    steps = "\n".join(found.fix)
    assert "pveum user token add homelab@pve terraform" in steps
    assert "VM.Allocate" in steps


def test_a_token_of_another_form_is_not_shown(site: Site) -> None:
    site.environ["PROXMOX_VE_API_TOKEN"] = "not-a-token-but-secret"
    found = site.failure("web")
    assert found.kind == "credentials_malformed"
    assert "not-a-token-but-secret" not in found.render(verbose=True)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"PROXMOX_VE_API_TOKEN": f"root@pam!simulator={WRONG_VALUE}"}, "invalid token value"),
        ({"PROXMOX_VE_API_TOKEN": f"hans@pve!x={WRONG_VALUE}"}, "no such user"),
        (
            {"PROXMOX_VE_API_TOKEN": "", "PROXMOX_VE_USERNAME": "root@pam", "PROXMOX_VE_PASSWORD": "wrong-password"},
            "authentication failure",
        ),
    ],
)
def test_wrong_credentials_give_the_reason(site: Site, environ: dict[str, str], reason: str) -> None:
    site.environ |= environ
    without(site.environ, *(name for name, value in environ.items() if not value))
    found = site.failure("services")
    assert found.kind == "wrong_credentials"
    assert reason in found.found
    assert WRONG_VALUE not in found.render(verbose=True)


def test_a_token_without_privileges_says_which_are_missing_where(site: Site, simulator: Simulator) -> None:
    simulator.add_user("poor@pve")
    site.environ["PROXMOX_VE_API_TOKEN"] = simulator.add_token("poor@pve", "poor")
    found = site.failure("web")
    assert found.kind == "privilege_missing"
    assert "VM.Clone on /vms/9000 is missing" in found.message
    assert "pveum role modify Homelab --privs" in "\n".join(found.fix)
    assert "environments/small.yaml: vms.web" in found.places[0]


# The way to the node


def test_a_certificate_of_an_unknown_authority_says_how_to_trust_the_node(site: Site) -> None:
    without(site.environ, "SSL_CERT_DIR")
    site.environ["SSL_CERT_FILE"] = "/nonexistent.pem"
    found = site.failure("web")
    assert found.kind == "certificate_unknown"
    assert "/etc/pve/pve-root-ca.pem" in "\n".join(found.fix)
    assert "SSL_CERT_FILE" in "\n".join(found.fix)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that is no Proxmox; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_what_does_not_speak_https_is_named(site: Site) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        site.endpoint(f"https://127.0.0.1:{port}")
        assert site.failure("web").kind == "no_https"


def test_a_certificate_for_another_name_is_named(site: Site, simulator: Simulator) -> None:
    port = simulator.endpoint.rstrip("/").rpartition(":")[2]
    site.endpoint(f"https://127.0.0.2:{port}")
    with forwarding("127.0.0.2", int(port)):
        found = site.failure("web")
    assert found.kind == "certificate_name"
    assert "127.0.0.2" in found.found


@contextmanager
def forwarding(address: str, port: int) -> Iterator[None]:
    """The simulator under another address, which its certificate does not have: one connection after the other."""
    with socket.create_server((address, port)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, socket.create_connection(("127.0.0.1", port)) as behind:
                    connection.settimeout(2)
                    behind.settimeout(2)
                    # The client's greeting, the server's certificate, and the alert that it is not believed.
                    with contextlib.suppress(OSError):
                        behind.sendall(connection.recv(65536))
                        connection.sendall(behind.recv(65536))
                        connection.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_refused_connection_says_what_to_look_at(site: Site) -> None:
    site.endpoint("https://127.0.0.1:1")
    found = site.failure("web")
    assert found.kind == "endpoint_unreachable"
    assert "connection refused" in found.found
    assert "pveproxy" in "\n".join(found.fix)


# SSH, which only snippets need


def test_ssh_that_lets_nobody_in_says_how_to_give_a_key(site: Site) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    site.environ["PROXMOX_VE_SSH_PRIVATE_KEY"] = key
    found = site.failure("templates")
    assert found.kind == "ssh_login"
    assert "PROXMOX_VE_SSH_PRIVATE_KEY" in found.allowed
    assert "environments/small.yaml: templates.debian-12" in found.places[0]
    assert key.splitlines()[1] not in found.render(verbose=True)


def test_ssh_at_a_closed_port_says_where_it_was_looked_for(site: Site) -> None:
    site.change("templates", lambda content: content["provider"]["proxmox"][0]["ssh"]["node"][0].update(port=1))
    found = site.failure("templates")
    assert found.kind == "ssh_unreachable"
    assert "127.0.0.1:1" in found.message


def test_another_host_key_is_not_accepted_and_says_what_to_do(site: Site, simulator: Simulator, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    known = tmp_path / "home" / ".ssh" / "known_hosts"
    known.parent.mkdir(parents=True)
    known.write_text(f"[127.0.0.1]:{simulator.ssh_port} {other}\n", encoding="utf-8")
    site.environ["HOME"] = str(tmp_path / "home")
    found = site.failure("templates")
    assert found.kind == "ssh_host_key"
    assert f"ssh-keygen -R '[127.0.0.1]:{simulator.ssh_port}'" in "\n".join(found.fix)


# Terraform and its providers


def test_a_provider_at_another_version_says_how_to_get_the_right_one(site: Site, tmp_path: Path) -> None:
    program = "terraform-provider-proxmox_v0.111.1"
    package = tmp_path / "mirror" / "registry.terraform.io" / "bpg" / "proxmox" / "0.110.0" / "linux_amd64"
    package.mkdir(parents=True)
    (package / program.replace("0.111.1", "0.110.0")).write_bytes(b"")
    found = with_mirror(site, tmp_path)
    assert found.kind == "provider_version"
    assert "bpg/proxmox" in found.message
    assert "0.111.1" in found.allowed
    assert any("make providers" in step for step in found.fix)


def test_a_provider_that_does_not_start_is_named(site: Site, tmp_path: Path) -> None:
    package = tmp_path / "mirror" / "registry.terraform.io" / "bpg" / "proxmox" / "0.111.1" / "linux_amd64"
    package.mkdir(parents=True)
    program = package / "terraform-provider-proxmox_v0.111.1"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert with_mirror(site, tmp_path).kind == "provider_broken"


def with_mirror(site: Site, folder: Path) -> Diagnosis:
    """The failure with the mirror in ``folder`` as the only source of providers."""
    configuration = folder / "terraformrc"
    configuration.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder / "mirror"}"\n  }}\n}}\n',
        encoding="utf-8",
    )
    site.terraform["TF_CLI_CONFIG_FILE"] = str(configuration)
    return site.failure("web")


def test_a_provider_that_was_exchanged_is_refused(site: Site) -> None:
    site.deploy("templates")
    stack = site.stacks["small-templates"]
    lock = stack.folder / ".terraform.lock.hcl"
    text = lock.read_text(encoding="utf-8")
    start = text.index('"h1:') + 4
    lock.write_text(text[:start] + "A" * 43 + text[start + 43 :], encoding="utf-8")
    shutil.rmtree(stack.folder / ".terraform")
    found = site.failure("templates")
    assert found.kind == "provider_changed"
    assert "cdktf.out/stacks/small-templates/.terraform.lock.hcl" in "\n".join(found.fix)


def test_a_terraform_that_is_too_old_is_named(site: Site) -> None:
    site.change("web", lambda content: content["terraform"].update(required_version=">= 99.0"))
    found = site.failure("web")
    assert found.kind == "terraform_too_old"
    assert "TERRAFORM_BINARY_NAME" in "\n".join(found.fix)


def test_a_state_locked_by_somebody_says_who_and_since_when(site: Site) -> None:
    state = site.stacks["small-web"].state_file
    assert state is not None
    state.parent.mkdir(exist_ok=True)
    details = {
        "ID": "0d2d6d3c-55b0-9b6b-0c3c-bd2e0d6b7c11",
        "Operation": "OperationTypeApply",
        "Who": "anna@laptop",
        "Version": "1.11.4",
        "Created": "2026-11-20T10:00:00Z",
        "Path": str(state),
    }
    with state.open("a+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        # A lock belongs to a process; Terraform is another one than this.
        state.with_name(f".{state.name}.lock.info").write_text(json.dumps(details), encoding="utf-8")
        found = site.failure("web")
    assert found.kind == "state_locked"
    assert "anna@laptop" in found.message
    assert "2026-11-20 10:00:00" in found.message
    assert f"force-unlock {details['ID']}" in found.fix[-1]


def test_a_broken_state_is_not_overwritten(site: Site) -> None:
    state = site.stacks["small-web"].state_file
    assert state is not None
    state.parent.mkdir(exist_ok=True)
    state.write_text('{"version": 4, "ser', encoding="utf-8")
    assert site.failure("web").kind == "state_unreadable"
    assert state.read_text(encoding="utf-8") == '{"version": 4, "ser'


# On the node


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
    site.change("services", lambda content: content["resource"][containers]["dns"].update(node_name="pve9"))
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


# The command


@pytest.fixture
def project(simulator: Simulator, tmp_path: Path) -> HomelabProject:
    return HomelabProject(tmp_path, simulator)


def test_deploy_without_credentials_changes_nothing_and_says_what_is_missing(
    project: HomelabProject, simulator: Simulator
) -> None:
    without(project.environ, "PROXMOX_VE_API_TOKEN")
    before = len(simulator.requests)
    said = project.run("deploy", "--yes", code=1)
    assert "error: there are no credentials for Proxmox" in said
    assert "export PROXMOX_VE_API_TOKEN=" in said
    assert "Nothing was changed." in said
    assert len(simulator.requests) == before


def test_deploy_without_a_terminal_wants_a_yes(project: HomelabProject) -> None:
    said = project.run("deploy", code=2)
    assert "--yes" in said


def test_a_broken_file_is_said_with_line_and_column_and_nothing_is_planned(project: HomelabProject) -> None:
    project.content["vms"]["web"]["memroy"] = "2GiB"
    project.write()
    said = project.run("deploy", "--yes", code=1)
    assert "vms.web.memroy" in said
    assert "memory" in said
    assert not project.output.exists()


def test_an_unknown_environment_lists_what_there_is() -> None:
    import subprocess

    from tests.end_to_end.homelab_project import HOMELAB

    done = subprocess.run(
        [str(HOMELAB), "deploy", "--environment", "prd", "--yes"],
        cwd=PROJECT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "did you mean prod?" in done.stderr


def test_an_unknown_stack_lists_what_there_is(project: HomelabProject) -> None:
    said = project.run("deploy", "wbe", "--yes", code=2)
    assert "templates, services, web" in said or "There are:" in said
