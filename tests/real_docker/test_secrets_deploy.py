"""The secrets platform by `homelab deploy`: from an empty node to Infisical, again, repaired, rotated, destroyed.

The tests are in the order in which somebody would do these things to one site.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from bootstrap.saved import SavedCredentials
from tests.real_docker.secrets_project import (
    CONTAINERS,
    Running,
    SecretsProject,
    secrets_project,
    wait_until,
)
from tests.real_docker.secrets_site import CANARY, NAME, PHASES, VM_ID

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1200)]

UNCHANGED = "No changes: Proxmox is as the file says."
NO_BACKUP = "warning: there is no backup of the encryption key"
CREDENTIALS = ("random_password.postgres-password", "random_id.database-login", "random_password.redis-password")
VOLUMES = ("infisical_postgres_data", "infisical_redis_data")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretsProject]:
    with secrets_project(tmp_path_factory.mktemp("site")) as made:
        yield made


def containers(project: SecretsProject) -> dict[str, str]:
    return {name: project.site.engine.inspect(name)["Id"] for name in CONTAINERS}


def changed(said: str) -> dict[str, str]:
    """What became of each phase, from the summary."""
    words = (line.split() for line in said.splitlines())
    return {line[1].removeprefix(f"{NAME}-"): line[0] for line in words if line[1:] and line[1].startswith(f"{NAME}-")}


def test_a_dry_run_from_empty_changes_nothing(project: SecretsProject) -> None:
    said = project.deploy("--dry-run")

    assert changed(said) == {
        "templates": "planned",
        "secrets-host": "planned",
        **dict.fromkeys(PHASES[1:4], "later"),
        "secrets-resources": "later",
    }
    assert not (project.folder / "state").exists()
    assert VM_ID not in project.site.deployment.simulator.guests()
    assert project.site.engine.docker("ps", "--all", "--quiet").stdout == ""


def test_from_an_empty_node_to_secrets_in_infisical(project: SecretsProject) -> None:
    said = project.deploy("--yes")

    assert changed(said) == dict.fromkeys(("templates", *PHASES), "applied")
    assert f"infisical  {project.site.url}" in said
    assert f"ssh root@{project.site.engine.address}" in said
    assert "Deployed in " in said
    assert NO_BACKUP in said
    project.assert_complete()
    values = project.values()
    assert values["API_TOKEN"] == CANARY
    assert len(values["DATABASE_PASSWORD"]) >= 24


def test_again_nothing_changes(project: SecretsProject) -> None:
    before = project.remember_secrets(), containers(project)
    started = time.monotonic()
    said = project.deploy("--yes")
    print(f"a second deployment took {time.monotonic() - started:.1f} s")

    assert changed(said) == dict.fromkeys(PHASES, "unchanged")
    assert UNCHANGED in said
    # Nothing that looks as if somebody had been at it, either.
    assert "outside Terraform" not in said
    assert NO_BACKUP in said
    assert (project.remember_secrets(), containers(project)) == before


def test_a_backup_of_the_keys_ends_the_warning(project: SecretsProject, tmp_path: Path) -> None:
    made = subprocess.run(
        ["age-keygen", "-o", str(tmp_path / "age.key")], capture_output=True, text=True, timeout=30, check=True
    )
    project.bootstrap(
        "backup-keys",
        *("--recipient", made.stderr.rpartition(" ")[2].strip(), "--file", str(tmp_path / "keys.age")),
        text=project.site.deployment.terraform("secrets-infisical", "output", "-json"),
    )

    said = project.deploy("--yes", "--only", "identity")
    assert changed(said) == {"secrets-identity": "unchanged"}
    assert "warning: there is no backup" not in said
    assert "encryption key" not in said


@pytest.mark.parametrize(
    ("options", "phases"),
    [(("--from", "identity"), PHASES[3:]), (("--to", "infisical"), PHASES[:2])],
)
def test_a_part_of_the_phases(options: tuple[str, ...], phases: tuple[str, ...], project: SecretsProject) -> None:
    said = project.deploy("--yes", *options)

    assert changed(said) == dict.fromkeys(phases, "unchanged")
    assert UNCHANGED in said


def test_a_lost_file_of_the_machine_identity_is_noticed_and_made_again(project: SecretsProject) -> None:
    (project.site.directory / "infisical_token.auto.tfvars").unlink()

    said = project.deploy("--yes")

    assert "does not answer although nothing has changed: its scripts run again" in said
    assert changed(said) == {**dict.fromkeys(PHASES, "unchanged"), "secrets-identity": "applied"}
    project.assert_complete()


def test_a_container_that_somebody_removed_is_made_again(project: SecretsProject) -> None:
    values = project.values()
    project.site.engine.docker("rm", "--force", "infisical")

    said = project.deploy("--yes")

    assert changed(said)["secrets-infisical"] == "applied"
    project.assert_complete()
    assert project.values() == values


def test_a_review_shows_no_secret(project: SecretsProject, tmp_path: Path) -> None:
    said = project.run("review", "--save", str(tmp_path / "plans"))

    assert "NOTHING TO DO" in said


def test_cdktf_finds_nothing_to_do(project: SecretsProject) -> None:
    cdktf = str(Path(sys.prefix) / "bin" / "cdktf")
    command = [cdktf, "deploy", f"{NAME}-templates", f"{NAME}-secrets-*", "--auto-approve"]
    running = Running(command, project.folder, project.environ)
    said = project.heard(running, 0)

    assert said.count("Resources: 0 added, 0 changed, 0 destroyed.") == len(PHASES) + 1, said


@dataclass
class Logins:
    """The machine identity logs in again and again."""

    project: SecretsProject
    succeeded: int = 0
    refused: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._log_in, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def one_more(self) -> None:
        """Waits for a login that has begun and succeeded from now on."""
        seen = self.succeeded
        wait_until(lambda: self.succeeded > seen + 1)

    def _log_in(self) -> None:
        saved = SavedCredentials(self.project.site.directory, self.project.site.url).identity()
        assert saved is not None
        body = {"clientId": saved.client_id, "clientSecret": saved.client_secret.get_secret_value()}
        while not self._ended.wait(0.2):
            # A container that is being replaced answers nothing; what answers has to let it in.
            with contextlib.suppress(httpx.TransportError):
                url = f"{self.project.site.url}/api/v1/auth/universal-auth/login"
                answer = httpx.post(url, json=body, timeout=10, trust_env=False)
                if answer.is_success:
                    self.succeeded += 1
                else:
                    self.refused.append(answer.text)


def test_database_passwords_are_replaced_and_access_is_never_lost(project: SecretsProject) -> None:
    deployment = project.site.deployment
    before = project.remember_secrets(), project.values(), containers(project)
    old = deployment.outputs("secrets-infisical")["database_rotation"]
    logins = Logins(project)
    with logins.going_on():
        deployment.terraform("secrets-infisical", "state", "rm", *CREDENTIALS)
        targets = [f"-target={address}" for address in CREDENTIALS]
        deployment.terraform("secrets-infisical", "apply", "-auto-approve", "-input=false", *targets)
        project.bootstrap(
            "rotate", "database", "prepare", text=deployment.terraform("secrets-infisical", "output", "-json")
        )
        logins.one_more()
        project.deploy("--yes", "--only", "infisical")
        logins.one_more()
        project.bootstrap(
            "rotate", "database", "finish", text=deployment.terraform("secrets-infisical", "output", "-json")
        )
        logins.one_more()

    new = deployment.outputs("secrets-infisical")["database_rotation"]
    assert not logins.refused
    assert not [name for name in old if old[name] == new[name]]
    assert project.values() == before[1]
    assert not [name for name, id_ in containers(project).items() if before[2][name] == id_]
    assert deployment.plan("secrets-infisical").is_empty
    project.assert_complete()
    assert _may_log_in(project, new)
    assert not _may_log_in(project, old)


def _may_log_in(project: SecretsProject, login: dict[str, str]) -> bool:
    """Whether the database lets a login in that comes over the network."""
    program = "import psycopg2, sys; psycopg2.connect(sys.stdin.read(), connect_timeout=5)"
    url = f"postgres://{login['postgres_user']}:{login['postgres_password']}@postgres/infisical"
    done = project.site.engine.docker("exec", "-i", "infisical", "python3", "-c", program, text=url, check=False)
    return done.returncode == 0


def test_no_secret_is_where_it_must_not_be(project: SecretsProject) -> None:
    project.assert_no_secret_is_where_it_must_not_be()


def test_what_holds_data_is_destroyed_by_its_name_alone(project: SecretsProject) -> None:
    before = containers(project)
    asked = ("secrets", "--include-protected", "--yes", "--confirm", NAME)

    said = project.run("destroy", *asked, code=1)
    assert "what holds data is destroyed only by its name" in said
    for name in ("secrets", *VOLUMES):
        assert f"--confirm {name}" in said
    assert containers(project) == before

    said = project.run("destroy", *asked, *(word for name in ("secrets", *VOLUMES) for word in ("--confirm", name)))
    assert changed(said) == dict.fromkeys(PHASES, "destroyed")
    assert project.site.engine.docker("ps", "--all", "--quiet").stdout == ""
    assert project.site.engine.docker("volume", "ls", "--quiet").stdout == ""
    assert VM_ID not in project.site.deployment.simulator.guests()
