"""The catalogue: every folder is a service, and no two are in each other's way."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

import homelab.services
from homelab.config.image_catalogue import CONTAINER_TEMPLATES
from homelab.services.registry import services
from homelab.services.service import NUMBERS, Service
from homelab.services.settings import MOST_REPLICAS, ServiceSettings

FOLDER = Path(homelab.services.__file__).parent
OF_THE_DOCUMENT = (
    "postgresql",
    "redis",
    "nextcloud",
    "gitea",
    "homeassistant",
    "grafana",
    "prometheus",
    "nginx-proxy",
    "docker-host",
)


def test_every_folder_is_a_service() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert {name.replace("-", "_") for name in services()} == folders


def test_the_services_of_the_document_have_its_numbers() -> None:
    found = services()
    for number, name in enumerate(OF_THE_DOCUMENT):
        service = found[name]
        assert (service.number, service.template_vm_id, service.vm_id, service.host) == (
            number,
            900 + number,
            200 + number,
            10 * (number + 1),
        )


def test_numbers_never_meet() -> None:
    def made(number: int) -> Service[ServiceSettings]:
        first = next(iter(services().values()))
        return Service(
            name="any",
            title="Any",
            description="",
            number=number,
            hostname="any",
            size=first.size,
            settings=ServiceSettings,
        )

    every = [made(number) for number in range(NUMBERS)]
    primaries = [service.vm_id for service in every]
    replicas = list(
        chain.from_iterable(range(one.replica_vm_id, one.replica_vm_id + MOST_REPLICAS) for one in every[:9])
    )
    assert len({*primaries, *replicas}) == len(primaries) + len(replicas)
    assert all(200 <= vm_id <= 299 for vm_id in (*primaries, *replicas))
    assert all(900 <= service.template_vm_id <= 999 for service in every)
    assert [service.host for service in every] == [10 * (number + 1) for number in range(NUMBERS)]
    with pytest.raises(ValueError, match="number 19 is not from 0 to 18"):
        made(NUMBERS)


@pytest.mark.parametrize("name", list(services()))
class TestEach:
    def test_it_can_be_made(self, name: str) -> None:
        service = services()[name]
        assert service.os in CONTAINER_TEMPLATES
        assert service.build.disk != 4, "the provider takes its default of 4 GiB for nothing said"
        assert service.description.endswith(".")
        assert (FOLDER / service.package.rpartition(".")[2] / "install.sh.j2").is_file()
        assert (FOLDER / service.package.rpartition(".")[2] / "configure.sh.j2").is_file()

    def test_replicas_have_numbers_of_their_own(self, name: str) -> None:
        service = services()[name]
        assert not service.replicated or service.number < 9

    def test_its_ports_are_different_ones(self, name: str) -> None:
        ports = [(port.number, port.protocol) for port in services()[name].ports]
        assert len(set(ports)) == len(ports)

    def test_what_it_needs_first_is_there_and_not_itself(self, name: str) -> None:
        for earlier in services()[name].after:
            assert services()[earlier].number != services()[name].number
            assert name not in services()[earlier].after

    def test_its_downloads_have_a_checksum_file(self, name: str) -> None:
        for download in services()[name].downloads:
            assert download.url.startswith("https://")
            assert download.checksum_url.startswith("https://")
            assert download.version in download.url
