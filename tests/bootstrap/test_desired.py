"""Names in the document of `python -m bootstrap resources` that could never work, found before anything is sent."""

from __future__ import annotations

import pytest

from tests.bootstrap.conftest import Machine
from tests.bootstrap.resource_site import Site
from tests.bootstrap.stand_in import StandIn


@pytest.fixture
def site(server: StandIn, machine: Machine) -> Site:
    return Site(server, machine)


@pytest.mark.parametrize("name", ["two\nlines", "bell\a", "line\u2028separator"])
def test_a_name_with_control_characters_is_refused(site: Site, name: str) -> None:
    site.wanted["identities"][0]["name"] = name
    site.wanted["projects"][0]["name"] = name
    ran = site.run("--plan")
    assert ran["exit_code"] == 2
    for place in ("identities.0.name", "projects.0.name"):
        assert f"{place}: a name holds no line break and no other control character" in ran["error"]


def test_the_file_of_a_login_has_a_name_that_file_systems_take(site: Site) -> None:
    identity = site.wanted["identities"][0]
    identity |= {"name": "ü" * 34, "universal_auth": True}
    ran = site.run()
    assert ran["exit_code"] == 2
    assert "takes 204 characters in the name of the file of its login" in ran["error"]
    assert site.server.instance.projects.all == []

    identity["name"] = "ü" * 33
    assert site.run()["exit_code"] == 0
    assert site.changes() == []


def test_without_a_login_any_name_that_infisical_takes_is_fine(site: Site) -> None:
    site.wanted["identities"][0]["name"] = "Bücher 'und' \"Anführung\" 🎈" + "ü" * 37
    assert site.run()["exit_code"] == 0
    assert site.changes() == []


@pytest.mark.parametrize("text", ["[]", "null", '"owner"', "1"])
def test_a_document_is_an_object(site: Site, text: str) -> None:
    file = site.machine.directory.parent / "resources.json"
    file.write_text(text)
    ran = site.machine.run_json("resources", "--file", str(file))
    assert (ran["exit_code"], ran["error"]) == (2, f"{file}: is not a JSON object")


def test_a_folder_is_no_deeper_than_infisical_lists(site: Site) -> None:
    secret = site.first_secrets[0]
    secret["path"] = "/a" * 20
    assert site.run()["exit_code"] == 0
    assert site.changes() == []
    secret["path"] = "/a" * 21
    ran = site.run()
    assert (ran["exit_code"], "projects.0.secrets.0.path: a folder is at most 20 deep" in ran["error"]) == (2, True)
