"""The deployment of the secrets platform, broken off before every phase and in the middle of it, and continued.

One site goes forward: each test continues what the one before it broke off, always by the same command.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.real_docker.secrets_project import Running, SecretsProject, secrets_project, wait_until
from tests.real_docker.secrets_site import NAME, PHASES

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1200)]

Moment = Callable[[SecretsProject, Running], bool]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretsProject]:
    with secrets_project(tmp_path_factory.mktemp("site")) as made:
        yield made


def printed(text: str) -> Moment:
    return lambda _, running: text in running.said


def container_is_starting(project: SecretsProject, _: Running) -> bool:
    """A container is there, and Terraform waits until it is healthy."""
    return project.site.engine.docker("container", "inspect", "infisical-postgres", check=False).returncode == 0


def administrator_is_made(project: SecretsProject, _: Running) -> bool:
    """The server has taken the one request that can't be repeated."""
    with contextlib.suppress(httpx.HTTPError):
        answer = httpx.get(f"{project.site.url}/api/v1/admin/config", timeout=5, trust_env=False)
        return answer.is_success and bool(answer.json()["config"]["initialized"])
    return False


def saved(file: str) -> Moment:
    return lambda project, _: (project.site.directory / file).exists()


def interrupt(_: SecretsProject, running: Running) -> None:
    running.process.send_signal(signal.SIGINT)


def kill(_: SecretsProject, running: Running) -> None:
    """The command alone: Terraform goes on by itself."""
    running.process.kill()


def kill_everything(project: SecretsProject, running: Running) -> None:
    """As when the machine loses its power."""
    running.process.kill()
    project.kill_all()


def kill_terraform(project: SecretsProject, _: Running) -> None:
    terraform = project.terraform()
    assert terraform is not None, "no Terraform applies at that moment"
    os.kill(terraform, signal.SIGKILL)


BREAKS = [
    pytest.param(printed(f"{NAME}-secrets-host"), interrupt, id="before-host"),
    pytest.param(printed("created container secrets (9900)"), kill_terraform, id="in-host"),
    pytest.param(printed(f"plan: {NAME}-secrets-infisical"), kill_everything, id="before-infisical"),
    pytest.param(container_is_starting, kill_terraform, id="in-infisical"),
    pytest.param(printed(f"plan: {NAME}-secrets-bootstrap"), interrupt, id="before-bootstrap"),
    pytest.param(administrator_is_made, interrupt, id="in-bootstrap"),
    pytest.param(printed(f"{NAME}-secrets-identity"), kill_everything, id="before-identity"),
    pytest.param(saved("infisical_token.auto.tfvars"), kill_terraform, id="in-identity"),
    pytest.param(printed("created script identity"), interrupt, id="before-resources"),
    pytest.param(saved("resources.json"), kill, id="in-resources"),
]


@pytest.mark.parametrize(("moment", "breaking"), BREAKS)
def test_broken_off(
    moment: Moment, breaking: Callable[[SecretsProject, Running], None], project: SecretsProject
) -> None:
    running = project.start("deploy", "secrets", "--yes")
    wait_until(lambda: moment(project, running) or running.process.poll() is not None)
    assert running.process.poll() is None, f"it ended before it could be broken off:\n{running.said}"
    breaking(project, running)

    said = project.heard(running, {interrupt: 130, kill_terraform: 1}.get(breaking, -signal.SIGKILL))
    project.settle()
    if breaking is interrupt:
        assert "continue with: homelab deploy secrets --environment test" in said
    if breaking is kill_terraform:
        assert "Terraform was killed (SIGKILL) during apply" in said


def test_the_same_command_ends_where_an_unbroken_one_would(project: SecretsProject) -> None:
    project.deploy("--yes")

    project.assert_complete()
    said = project.deploy("--yes")
    assert "No changes: Proxmox is as the file says." in said
    for phase in PHASES:
        assert f"unchanged   {NAME}-{phase}" in said


def test_no_secret_was_left_anywhere(project: SecretsProject) -> None:
    project.assert_no_secret_is_where_it_must_not_be()
    assert not list(Path(project.site.directory).glob("*.new"))
