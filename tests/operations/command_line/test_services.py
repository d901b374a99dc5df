"""`homelab services` as a process."""

import shutil
from pathlib import Path

import pytest

from homelab.services.registry import services
from tests.operations.command_line.conftest import Run

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "services.yaml"


@pytest.fixture
def lab(project: Path) -> Path:
    return Path(shutil.copy(EXAMPLE, project / "environments" / "lab.yaml"))


def test_the_catalogue_lists_every_service(homelab: Run) -> None:
    result = homelab("services", "catalogue")
    assert result.returncode == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == list(services())


def test_the_table_of_an_environment(homelab: Run, lab: Path) -> None:
    result = homelab("services", "table", "--environment", "lab")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[1] == "postgresql 200 postgresql-db 10.0.30.10 5432/tcp 900"
    assert lines[2] == "postgresql (replica 1) 210 postgresql-db-1 10.0.30.11 5432/tcp"
    markdown = homelab("services", "table", "-e", str(lab), "--format", "markdown").stdout
    assert "| redis | 201 | redis-cache | 10.0.30.20 | 6379/tcp |" in markdown


def test_an_environment_without_services(homelab: Run) -> None:
    for name in ("dev", "environments/dev.yaml"):
        assert homelab("services", "table", "-e", name).stdout == "environment dev has no services\n"
    result = homelab("services", "router", "-e", "dev")
    assert result.returncode == 1
    assert result.stderr == "error: environment dev has no services\n    fix:      add services: [postgresql]\n"


def test_the_router(homelab: Run, lab: Path) -> None:
    result = homelab("services", "router", "-e", str(lab), "--from", "192.168.99.0/24")
    assert result.returncode == 0
    assert "[ ] IPv4: static, 10.0.30.1/24" in result.stdout
    assert "192.168.99.0/24" in result.stdout
    assert "192.168.20.0/24" not in result.stdout


def test_an_environment_that_is_not_there(homelab: Run) -> None:
    result = homelab("services", "table", "-e", "nowhere")
    assert result.returncode == 2
    assert "nowhere" in result.stderr
