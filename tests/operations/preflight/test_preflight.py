"""Checks that need no Proxmox, and the words for connections that fail."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homelab.config.environment import Environment
from operations import provider_mirror
from operations.preflight import preflight
from operations.preflight.node import missing_privileges
from operations.preflight.preflight import Check, Preflight, Status, snippets_are_uploaded
from operations.proxmox_api import Credentials, ProxmoxApi, ProxmoxError, verification
from simulator import Simulator, StorageOptions

TOKEN = "root@pam!x=12345678-1234-1234-1234-123456789abc"


def environment(**changes: Any) -> Environment:
    node = {
        "cores": 4,
        "memory": "8GiB",
        "datastores": {"local": {"content": ["vztmpl"]}},
        "address": "127.0.0.1",
        "ssh_port": 1,
    }
    proxmox = {"endpoint": "https://127.0.0.1:1", "nodes": {"pve": node}, **changes.pop("proxmox", {})}
    return Environment.model_validate({"name": "dev", "proxmox": proxmox, **changes})


def found(environ: dict[str, str], **changes: Any) -> dict[str, Check]:
    return {check.name: check for check in Preflight(environ, environment(**changes)).run(programs=False)}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "there are no credentials"),
        ({"PROXMOX_VE_USERNAME": "root@pam"}, "there are no credentials"),
        ({"PROXMOX_VE_API_TOKEN": "12345678"}, "is not an API token"),
        ({"PROXMOX_VE_USERNAME": "root", "PROXMOX_VE_PASSWORD": "x"}, "no realm"),
    ],
)
def test_credentials_are_looked_at_before_the_connection(environ: dict[str, str], words: str) -> None:
    checks = found(environ)
    assert checks["credentials"].status is Status.FAILED
    assert words in checks["credentials"].message
    assert checks["credentials"].fix
    assert all(
        checks[name].status is Status.LEFT_OUT for name in ("connection", "login", "version", "privileges", "nodes")
    )


@pytest.mark.parametrize(
    "environ", [{"PROXMOX_VE_API_TOKEN": TOKEN}, {"PROXMOX_VE_USERNAME": "anna@pve", "PROXMOX_VE_PASSWORD": "x"}]
)
def test_what_only_root_may_needs_root_s_password(environ: dict[str, str]) -> None:
    checks = found(environ, proxmox={"authentication": "root_password"})
    assert "only root@pam with a password" in checks["credentials"].message


def test_a_closed_port_is_named_and_the_rest_is_left_out() -> None:
    checks = found({"PROXMOX_VE_API_TOKEN": TOKEN})
    assert checks["connection"].message.startswith("nothing listens at 127.0.0.1:1")
    assert checks["login"].status is Status.LEFT_OUT
    assert TOKEN.rpartition("=")[2] not in repr(checks)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.proxmox_api.TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        checks = found({"PROXMOX_VE_API_TOKEN": TOKEN}, proxmox={"endpoint": f"https://127.0.0.1:{port}"})
    assert "does not answer" in checks["connection"].message


def test_a_name_that_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    checks = found({"PROXMOX_VE_API_TOKEN": TOKEN}, proxmox={"endpoint": "https://pve.invalid:8006"})
    assert "can't be resolved" in checks["connection"].message


def test_ssh_is_looked_at_only_where_snippets_are_uploaded() -> None:
    template: dict[str, Any] = {"vm_id": 9000, "image": "debian-12"}
    assert snippets_are_uploaded(environment(templates={"a": template}))
    assert not snippets_are_uploaded(environment(templates={"a": {**template, "guest_agent": False}}))
    assert not any(name.startswith("ssh") for name in found({}))
    assert found({}, templates={"a": template})["ssh pve"].status is Status.FAILED


def test_what_answers_at_the_ssh_port_must_be_ssh() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check = Preflight({"PROXMOX_VE_SSH_AGENT": "true"}, environment())._ssh
        import threading

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        result = check("pve", "127.0.0.1", port)
        thread.join()
    assert (result.status, "is no SSH server" in result.message) == (Status.FAILED, True)


@pytest.mark.parametrize(
    ("version", "status"),
    [("9.2.0", Status.OK), ("8.4.1", Status.WARNING), ("7.4-3", Status.FAILED), ("", Status.FAILED)],
)
def test_versions_of_proxmox(version: str, status: Status) -> None:
    assert preflight._version(version).status is status


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        ({"/": {"VM.Audit": 1, "Datastore.Audit": 1}}, []),
        ({"/": {"VM.Audit": 1}}, [("Datastore.Audit", "/storage")]),
        ({"/": {"VM.Audit": 1}, "/storage": {"Datastore.Audit": 1}}, []),
        ({"/": {"VM.Audit": 0, "Datastore.Audit": 1}}, [("VM.Audit", "/vms")]),
        ({}, [("Datastore.Audit", "/storage"), ("VM.Audit", "/vms")]),
    ],
)
def test_privileges_count_on_the_root_or_where_they_are_needed(
    permissions: dict[str, Any], missing: list[tuple[str, str]]
) -> None:
    assert missing_privileges(permissions, ("Datastore.Audit", "VM.Audit")) == missing


def test_programs_that_are_there_are_fine() -> None:
    checks = {check.name: check for check in Preflight(os.environ).run()}
    assert {name: check.status for name, check in checks.items()} == dict.fromkeys(
        ("python", "node.js", "terraform", "providers"), Status.OK
    )


def test_a_terraform_that_is_missing_or_too_old_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "terraform"
    old.write_text("#!/bin/sh\necho 'Terraform v1.5.7'\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(old))
    assert Preflight(os.environ)._terraform().message == "Terraform 1.5.7 is too old: the stacks need 1.9"
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(tmp_path / "none"))
    check = Preflight(os.environ)._terraform()
    assert (check.status, "is not on PATH" in check.message) == (Status.FAILED, True)


def test_a_provider_that_no_mirror_has_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    check = next(check for check in Preflight(os.environ).run() if check.name == "providers")
    assert check.status is Status.FAILED
    assert "bpg/proxmox 0.111.1 is in none of" in check.message
    assert check.fix[-1] == "make providers"
    assert provider_mirror.cache_folder() == tmp_path / "homelab"


def test_a_token_goes_before_user_and_password_and_no_secret_is_shown() -> None:
    environ = {"PROXMOX_VE_API_TOKEN": TOKEN, "PROXMOX_VE_USERNAME": "anna@pve", "PROXMOX_VE_PASSWORD": "battery"}
    credentials = Credentials.from_environment(environ)
    assert credentials.identity == "root@pam!x"
    assert "battery" not in repr(credentials)
    assert "12345678" not in repr(credentials)


def test_certificates_are_verified_with_tls_1_3_unless_told_otherwise(tmp_path: Path) -> None:
    context = verification({}, insecure=False)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert verification({"PROXMOX_VE_MIN_TLS": "1.2"}, insecure=False).minimum_version is ssl.TLSVersion.TLSv1_2
    assert verification({}, insecure=True).verify_mode is ssl.CERT_NONE
    with pytest.raises(ProxmoxError, match=r"missing\.pem"):
        verification({"SSL_CERT_FILE": str(tmp_path / "missing.pem")}, insecure=False)


def test_an_unreadable_authority_fails_the_connection_check(tmp_path: Path) -> None:
    checks = found({"PROXMOX_VE_API_TOKEN": TOKEN, "SSL_CERT_FILE": str(tmp_path / "missing.pem")})
    assert checks["connection"].status is Status.FAILED
    assert "missing.pem" in checks["connection"].message


def test_an_api_closes_its_connections() -> None:
    with ProxmoxApi("https://127.0.0.1:1", Credentials(TOKEN), {}) as api, pytest.raises(ProxmoxError, match="refused"):
        api.get("/version")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(nodes=("pve", "pve2"), storages=(StorageOptions("local", content=("vztmpl",)),)) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def checked(simulator: Simulator) -> dict[str, Check]:
    nodes = environment().model_dump(mode="json", exclude_unset=True)["proxmox"]["nodes"]
    proxmox = {"endpoint": simulator.endpoint.rstrip("/"), "nodes": {"pve": nodes["pve"], "pve2": nodes["pve"]}}
    return found(simulator.environment(), proxmox=proxmox, firewall={"enabled": False})


def test_a_node_that_is_down_is_a_warning_while_another_one_is_up(cluster: Simulator) -> None:
    cluster.fail_node("pve2")
    one_down = checked(cluster)
    cluster.fail_node("pve")
    both_down = checked(cluster)

    assert (one_down["node pve"].status, one_down["node pve2"].status) == (Status.OK, Status.WARNING)
    assert one_down["node pve2"].message == "node pve2 is offline"
    assert (both_down["node pve"].status, both_down["node pve2"].status) == (Status.FAILED, Status.FAILED)
