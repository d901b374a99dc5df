"""`homelab deploy services`: containers and templates of a service made anew, and brought back from backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.deployment.backup import Backups, Target
from operations.proxmox_api import Credentials, ProxmoxApi
from simulator import Simulator
from tests.end_to_end.homelab_project import HomelabProject
from tests.end_to_end.scripted_guests import ScriptedGuests
from tests.end_to_end.test_services import ENVIRONMENT, OPTIONS

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

TEMPLATE, INSTANCE, REPLICA = 901, 201, 220


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(OPTIONS) as running:
        yield running


@pytest.fixture
def guests(simulator: Simulator, tmp_path: Path) -> ScriptedGuests:
    programs = tmp_path / "programs"
    programs.mkdir()
    return ScriptedGuests(simulator, programs)


@pytest.fixture
def project(simulator: Simulator, tmp_path: Path, guests: ScriptedGuests) -> HomelabProject:
    assert not guests.ran
    content = {key: value for key, value in ENVIRONMENT.items() if key != "name"} | {
        "services": {"redis": {"replicas": 1}}
    }
    return HomelabProject(tmp_path, simulator, "lab", content)


def save(project: HomelabProject) -> str:
    """A backup of the instance, as a backup job makes it."""
    endpoint, environ = project.content["proxmox"]["endpoint"], project.environ
    with ProxmoxApi(endpoint, Credentials.from_environment(environ), environ) as api:
        return Backups(api, lambda: None).save(Target("pve", "lxc", INSTANCE)).volume


def lose_everything(cluster: Any) -> None:
    """A node that was installed anew; the datastore with the backups has survived."""
    for guest in list(cluster.guests.values()):
        cluster.remove_guest(guest)
    for storage in ("local", "local-lvm", "local-hdd"):
        for name, volume in list(cluster.volumes_on(storage, "pve").items()):
            if volume.content != "backup":
                cluster.remove_volume(name, "pve")


def there(simulator: Simulator, number: int) -> Any:
    """A guest as the simulator has it: another object when it was made anew."""
    return simulator.inspect(lambda cluster: cluster.guests.get(number))


def test_a_service_is_made_anew_from_its_template_and_from_a_backup(
    project: HomelabProject, simulator: Simulator, guests: ScriptedGuests
) -> None:
    project.run("deploy", "services", "--yes")
    assert (len(guests.scripts(TEMPLATE)), len(guests.scripts(INSTANCE))) == (1, 1)
    protected = simulator.guests()[INSTANCE].config.get("protection")
    first = there(simulator, INSTANCE)

    # Nothing but the request lets it pass, and nothing is done before it is confirmed.
    said = project.run("deploy", "services", "--recreate", "redis", "--dry-run")
    assert "container service-redis (201): there is no backup of it" in said
    assert "container service-redis (201): its protection is taken off for this, and is back afterwards" in said
    assert "container service-redis-1 (220): it copies what the first container has" in said
    assert "[allowed] container redis-cache (201) is destroyed and made anew" in said
    assert there(simulator, INSTANCE) is first
    said = project.run("deploy", "services", "--recreate", "redis", "--yes")
    assert "destroyed container service-redis (201)" in said
    assert there(simulator, INSTANCE) is not first
    assert simulator.guests()[INSTANCE].config.get("protection") == protected
    assert (len(guests.scripts(TEMPLATE)), len(guests.scripts(INSTANCE))) == (1, 2)
    assert "No changes" in project.run("deploy", "services", "--dry-run")

    # From a backup, over what is there and where nothing is left. A replica may be ahead of that, and is cloned again.
    volume = save(project)
    second, replica = there(simulator, INSTANCE), there(simulator, REPLICA)
    said = project.run("deploy", "services", "--recreate", "redis", "--restore", "latest", "--yes")
    assert f"gets what is in {volume}" in said
    assert there(simulator, INSTANCE) is not second
    assert simulator.guests()[INSTANCE].config["rootfs"].startswith("local-lvm:")
    assert there(simulator, REPLICA) is not replica
    assert len(guests.scripts(REPLICA)) == 3
    assert simulator.guests()[INSTANCE].running
    assert len(guests.scripts(INSTANCE)) == 3
    assert "No changes" in project.run("deploy", "services", "--dry-run")
    simulator.inspect(lambda cluster: cluster.remove_guest(cluster.guests[INSTANCE]))
    project.run("deploy", "services", "--recreate", "redis", "--restore", volume, "--yes")
    assert simulator.guests()[INSTANCE].running
    assert "No changes" in project.run("deploy", "services", "--dry-run")
    said = project.run("deploy", "services", "--recreate", "redis", "--restore", "local:backup/no", "--yes", code=1)
    assert "there is no backup local:backup/no of container service-redis (201); there are: " in said
    assert "or leave --restore out: its containers are cloned again, with nothing in them" in said
    said = project.run("deploy", "services", "--recreate", "redis-1", "--restore", "latest", "--yes", code=2)
    assert "redis-1 is a replica: it copies the first container and has nothing of its own to bring back" in said


def test_after_a_total_loss_two_commands_bring_everything_back(project: HomelabProject, simulator: Simulator) -> None:
    project.run("deploy", "--yes")
    volume = save(project)
    simulator.inspect(lose_everything)
    project.run("deploy", "--yes")
    said = project.run("deploy", "services", "--recreate", "redis", "--restore", "latest", "--yes")
    assert f"container service-redis (201) gets what is in {volume}" in said
    assert all(simulator.guests()[number].running for number in (INSTANCE, REPLICA))
    assert "No changes" in project.run("deploy", "--dry-run")


def test_a_template_is_built_again_and_the_service_is_not_touched(
    project: HomelabProject, simulator: Simulator, guests: ScriptedGuests
) -> None:
    project.run("deploy", "services", "--yes")
    template, instance = there(simulator, TEMPLATE), there(simulator, INSTANCE)
    said = project.run("deploy", "services", "--rebuild-template", "redis", "--yes")
    assert "is destroyed and built again" in said
    assert there(simulator, TEMPLATE) is not template
    assert there(simulator, TEMPLATE).config["template"]
    assert there(simulator, INSTANCE) is instance
    assert (len(guests.scripts(TEMPLATE)), len(guests.scripts(INSTANCE))) == (2, 1)
    assert "No changes" in project.run("deploy", "services", "--dry-run")
    assert "lab has no service gitea. There are: redis." in project.run(
        "deploy", "services", "--recreate", "gitea", "--yes", code=2
    )
