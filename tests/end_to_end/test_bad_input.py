"""What goes wrong on the way to Proxmox, with the errors of the real provider and the real Terraform.

Each cause is named once, with what to do, without a stack trace or a secret.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from operations.diagnosis.diagnosis import Diagnosis
from simulator import Simulator
from tests.end_to_end.failing_site import Site
from tests.end_to_end.homelab_project import PROJECT, HomelabProject

pytestmark = pytest.mark.end_to_end

WRONG_VALUE = "00000000-0000-4000-8000-000000000000"


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
