"""The secrets platform by `homelab deploy`: from an empty node to Infisical, again, repaired, rotated, destroyed.

Then the same by `cdktf deploy`. The tests are in the order in which somebody would do these things to one site, by the
commands of docs/secrets.md where it has them.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bootstrap.client import Infisical
from bootstrap.errors import ApiError
from bootstrap.saved import SavedCredentials
from tests.real_docker.background import again_and_again
from tests.real_docker.secrets_project import CONTAINERS, SecretsProject, secrets_project, wait_until
from tests.real_docker.secrets_site import CANARY, NAME, PHASES, VM_ID

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1200)]

UNCHANGED = "No changes: Proxmox is as the file says."
NO_BACKUP = "warning: there is no backup of the encryption key"
RUN_AGAIN = "does not answer although nothing has changed: its scripts run again"
VOLUMES = ("infisical_postgres_data", "infisical_redis_data")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretsProject]:
    with secrets_project(tmp_path_factory.mktemp("site")) as made:
        yield made


def containers(project: SecretsProject) -> dict[str, str]:
    return {name: project.site.engine.inspect(name)["Id"] for name in CONTAINERS}


def changed(said: str) -> dict[str, str]:
    """What became of each phase, from the summary."""
    lines = re.findall(rf"^  ([a-z]+) +{NAME}-([a-z-]+)", said, re.MULTILINE)
    return {stack: status for status, stack in lines}


def test_a_dry_run_from_empty_changes_nothing(project: SecretsProject) -> None:
    said = project.deploy("--dry-run")

    assert changed(said) == {
        "templates": "planned",
        "secrets-host": "planned",
        **dict.fromkeys(PHASES[1:4], "later"),
        "secrets-resources": "planned",
    }
    # Terraform makes the folder, for its lock.
    assert not [file for file in (project.folder / "state").rglob("*") if file.is_file()]
    assert VM_ID not in project.site.deployment.simulator.guests()
    assert project.site.engine.docker("ps", "--all", "--quiet").stdout == ""


def test_from_an_empty_node_to_secrets_in_infisical(project: SecretsProject) -> None:
    said = project.deploy("--yes")

    assert changed(said) == dict.fromkeys(("templates", *PHASES), "applied")
    assert f"infisical  {project.site.url}" in said
    assert f"ssh root@{project.site.engine.address}" in said
    assert "Deployed in " in said
    assert NO_BACKUP in said
    for container in CONTAINERS:
        assert f"+ Docker container {container}" in said
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


def test_a_review_shows_no_secret(project: SecretsProject, tmp_path: Path) -> None:
    said = project.run("review", "--save", str(tmp_path / "plans"))

    assert "NOTHING TO DO" in said


def test_a_lost_file_of_the_machine_identity_is_noticed_and_made_again(project: SecretsProject) -> None:
    (project.site.directory / "infisical_token.auto.tfvars").unlink()

    said = project.deploy("--yes", "--from", "identity")

    assert RUN_AGAIN in said
    assert changed(said) == {"secrets-identity": "applied", "secrets-resources": "unchanged"}
    project.assert_complete()


def test_a_container_that_somebody_removed_is_made_again(project: SecretsProject) -> None:
    values = project.values()
    project.site.engine.docker("rm", "--force", "infisical")

    said = project.deploy("--yes", "--to", "infisical")

    assert changed(said) == {"secrets-host": "unchanged", "secrets-infisical": "applied"}
    project.assert_complete()
    assert project.values() == values


def test_what_is_in_it_can_be_compared_with_the_file(project: SecretsProject) -> None:
    assert project.documented("resources --plan").endswith("nothing to change\n")


def test_a_backup_of_the_keys_ends_the_warning_and_the_database_can_be_saved(
    project: SecretsProject, tmp_path: Path
) -> None:
    made = subprocess.run(
        ["age-keygen", "-o", str(tmp_path / "age.key")], capture_output=True, text=True, timeout=30, check=True
    )
    project.documented("backup-keys", {"age1...": made.stderr.rpartition(" ")[2].strip()})
    project.documented("known_hosts >>")
    project.documented("pg_dump")

    assert "PostgreSQL database dump complete" in (project.home / "infisical.sql").read_text(encoding="utf-8")
    said = project.deploy("--yes", "--only", "identity")
    assert changed(said) == {"secrets-identity": "unchanged"}
    assert "warning: there is no backup" not in said
    assert "encryption key" not in said


@dataclass
class Logins:
    """The machine identity logs in again and again."""

    project: SecretsProject
    succeeded: int = 0
    refused: list[str] = field(default_factory=list)

    def going_on(self) -> contextlib.AbstractContextManager[None]:
        saved = SavedCredentials(self.project.site.directory, self.project.site.url).identity()
        assert saved is not None
        body = {"clientId": saved.client_id, "clientSecret": saved.client_secret.get_secret_value()}
        return again_and_again(lambda: self._log_in(body), pause=0.2)

    def one_more(self) -> None:
        """Waits for a login that has begun and succeeded from now on."""
        seen = self.succeeded
        wait_until(lambda: self.succeeded > seen + 1)

    def _log_in(self, body: dict[str, str]) -> None:
        # A container that is being replaced answers nothing; what answers has to let it in.
        with contextlib.suppress(httpx.TransportError):
            url = f"{self.project.site.url}/api/v1/auth/universal-auth/login"
            answer = httpx.post(url, json=body, timeout=10, trust_env=False)
            if answer.is_success:
                self.succeeded += 1
            else:
                self.refused.append(answer.text)


def test_passwords_replaced_without_preparation_are_blocked_and_repaired(project: SecretsProject) -> None:
    """By hand, past `homelab deploy`: PostgreSQL is started with a login that it does not have."""
    project.remember_secrets()
    stack = f"umask 077; terraform -chdir=cdktf.out/stacks/{NAME}-secrets-infisical"
    project.shell(
        f"{stack} state rm random_id.database-login random_password.postgres-password random_password.redis-password"
    )
    said = project.deploy("--only", "infisical", "--yes", code=3)
    assert "infisical-postgres is started with a login that its database does not know" in said

    project.shell(
        f"{stack} apply -input=false -auto-approve"
        " -target=docker_container.postgres -target=random_password.redis-password"
    )
    new = project.site.deployment.outputs("secrets-infisical")["database_rotation"]
    assert not _may_log_in(project, new)

    # What follows in the page is what the next test does.
    project.documented("rotate database prepare", until="prepare")
    assert _may_log_in(project, new)
    assert project.values()


def test_database_passwords_are_replaced_and_access_is_never_lost(project: SecretsProject) -> None:
    deployment = project.site.deployment
    before = project.remember_secrets(), project.values(), containers(project)
    old = deployment.outputs("secrets-infisical")["database_rotation"]
    logins = Logins(project)
    with logins.going_on():
        project.documented("state rm random_id.database-login")
        said = project.documented("rotate database prepare")
        logins.one_more()

    new = deployment.outputs("secrets-infisical")["database_rotation"]
    assert changed(said) == {"secrets-infisical": "applied"}
    assert not logins.refused
    assert not [name for name in old if old[name] == new[name]]
    assert project.values() == before[1]
    assert not [name for name, id_ in containers(project).items() if before[2][name] == id_]
    project.assert_complete()
    assert _may_log_in(project, new)
    assert not _may_log_in(project, old)


def _may_log_in(project: SecretsProject, login: dict[str, str]) -> bool:
    """Whether the database lets a login in that comes over the network."""
    program = "import psycopg2, sys; psycopg2.connect(sys.stdin.read(), connect_timeout=5)"
    url = f"postgres://{login['postgres_user']}:{login['postgres_password']}@postgres/infisical"
    done = project.site.engine.docker("exec", "-i", "infisical", "python3", "-c", program, text=url, check=False)
    return done.returncode == 0


def test_the_client_secret_and_the_administrators_password_are_replaced(project: SecretsProject) -> None:
    deployment = project.site.deployment
    before = deployment.outputs("secrets-identity")["infisical_client_secret"]
    password = deployment.outputs("secrets-infisical")["infisical_admin_password"]

    said = project.documented("rotate client-secret")
    assert changed(said) == {"secrets-identity": "applied"}
    said = project.documented("rotate admin-password")
    # An output holds it too, for the next backup of the keys.
    assert changed(said) == {"secrets-infisical": "applied"}

    after = deployment.outputs("secrets-identity")["infisical_client_secret"]
    saved = SavedCredentials(project.site.directory, project.site.url).identity()
    assert saved is not None
    assert saved.client_secret.get_secret_value() == after != before
    project.assert_complete()
    with Infisical(project.site.url) as infisical, pytest.raises(ApiError):
        infisical.log_in_user(email="admin@example.com", password=SecretStr(password))


def test_what_holds_data_is_destroyed_by_its_name_alone(project: SecretsProject) -> None:
    before = containers(project), project.remember_secrets()
    asked = ("secrets", "--include-protected", "--yes", "--confirm", NAME)

    said = project.run("destroy", *asked, code=1)
    assert "what holds data is destroyed only by its name" in said
    for name in ("secrets", *VOLUMES):
        assert f"--confirm {name}" in said
    assert containers(project) == before[0]

    said = project.documented("destroy secrets")
    assert changed(said) == dict.fromkeys(PHASES, "destroyed")
    assert project.site.engine.docker("ps", "--all", "--quiet").stdout == ""
    assert project.site.engine.docker("volume", "ls", "--quiet").stdout == ""
    assert VM_ID not in project.site.deployment.simulator.guests()


def test_cdktf_deploys_the_same_and_again_nothing(project: SecretsProject) -> None:
    said = project.documented("cdktf deploy")

    assert f"cdktf: also deploys {NAME}-templates, which they depend on" in said
    project.assert_complete()
    assert project.values()["API_TOKEN"] == CANARY
    before = containers(project), project.remember_secrets()

    said = project.documented("cdktf deploy")
    assert said.count("Resources: 0 added, 0 changed, 0 destroyed.") == len(PHASES) + 1, said
    assert (containers(project), project.remember_secrets()) == before


def test_no_secret_is_where_it_must_not_be(project: SecretsProject) -> None:
    project.assert_no_secret_is_where_it_must_not_be()
