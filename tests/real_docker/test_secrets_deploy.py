"""The secrets platform by `homelab deploy`: from an empty node to Infisical, again, in part, with a backup of its keys.

The tests are in the order in which somebody would do these things to one site.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_docker.secrets_project import CONTAINERS, SecretsProject, secrets_project
from tests.real_docker.secrets_site import CANARY, NAME, PHASES, VM_ID

pytestmark = [pytest.mark.system, pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1200)]

UNCHANGED = "No changes: Proxmox is as the file says."
NO_BACKUP = "warning: there is no backup of the encryption key"


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


def test_a_review_shows_no_secret(project: SecretsProject, tmp_path: Path) -> None:
    said = project.run("review", "--save", str(tmp_path / "plans"))

    assert "NOTHING TO DO" in said


def test_no_secret_is_where_it_must_not_be(project: SecretsProject) -> None:
    project.assert_no_secret_is_where_it_must_not_be()
