"""`python -m bootstrap resources`: many secrets, large ones, and some that refer to others."""

from __future__ import annotations

from typing import Any

import pytest

from bootstrap.secret_requests import MOST_BYTES, MOST_SECRETS, batches
from bootstrap.values import LARGEST_VALUE_BYTES
from tests.bootstrap.conftest import Machine
from tests.bootstrap.resource_site import BATCH, GENERATED, Site
from tests.bootstrap.stand_in import Fault, StandIn


@pytest.fixture
def site(server: StandIn, machine: Machine) -> Site:
    site = Site(server, machine)
    site.wanted["projects"][0] |= {"secrets": [], "folders": []}
    site.wanted["identities"] = []
    return site


def add(site: Site, name: str, value: str | None = None, **more: Any) -> None:
    """A secret with a generated value, or with this one."""
    source = GENERATED if value is None else {"source": "environment", "variable": f"VALUE_{name}"}
    if value is not None:
        site.machine.environment[f"VALUE_{name}"] = value
    site.first_secrets.append({"environment": "prod", "name": name, "value": source, **more})


def test_many_secrets_take_a_few_requests(site: Site) -> None:
    for number in range(250):
        add(site, f"S_{number}")
    assert len([one for one in site.changes() if one.startswith("create secret")]) == 250
    assert [len(call.body["secrets"]) for call in site.server.calls if call.path == BATCH] == [100, 100, 50]
    assert site.changes() == []


def test_large_ones_stay_below_the_limit_of_a_request(site: Site) -> None:
    """Infisical's limit is 1 MiB, and the stand-in's too."""
    for number in range(30):
        add(site, f"S_{number}", f"{number:03d}" + '"' * 50_000)
    assert len(site.changes()) == 32
    assert site.server.count("POST", BATCH) > 3
    for number in range(30):
        site.machine.environment[f"VALUE_S_{number}"] += "x"
    assert len(site.changes()) == 30
    assert site.changes() == []


def test_a_value_of_any_size_is_refused_before_anything_is_sent(site: Site) -> None:
    add(site, "HUGE", "x" * (LARGEST_VALUE_BYTES + 1))
    ran = site.run()
    assert ran["exit_code"] == 2
    assert "the secret HUGE: its value has more than 400 KiB" in ran["error"]
    assert site.server.instance.projects.all == []


def test_the_largest_value_arrives(site: Site) -> None:
    add(site, "LARGE", '"' * LARGEST_VALUE_BYTES)
    assert site.run()["exit_code"] == 0
    assert site.changes() == []


def test_after_a_lost_answer_the_rest_is_made(site: Site) -> None:
    for number in range(150):
        add(site, f"S_{number}")
    site.server.fail("POST", BATCH, Fault(reset=True, handled=True))
    assert site.run()["exit_code"] == 0
    assert len(site.project.folder("prod", "/")[1].secrets) == 150


def test_references_to_what_the_same_run_makes(site: Site) -> None:
    """Each after what it refers to, in whatever order the document has them."""
    add(site, "URL", "http://${USER}:${PASSWORD}@${prod.db.HOST}", references=True)
    add(site, "USER", "${PREFIX}_user", references=True)
    add(site, "PASSWORD")
    add(site, "PREFIX", "app")
    add(site, "HOST", "db.home.arpa", path="/db")
    ran = [name.rpartition(":")[2] for name in site.changes() if name.startswith("create secret")]
    assert sorted(ran) == ["/PASSWORD", "/PREFIX", "/URL", "/USER", "/db/HOST"]
    assert ran[-2:] == ["/USER", "/URL"]
    assert site.secret("/", "URL") == "http://${USER}:${PASSWORD}@${prod.db.HOST}"
    assert site.changes() == []


def test_an_old_secret_may_refer_to_a_new_one(site: Site) -> None:
    add(site, "URL", "http://one", references=True)
    site.run()
    add(site, "HOST", "two")
    site.machine.environment["VALUE_URL"] = "http://${HOST}"
    assert [one.partition(" homelab")[0] for one in site.changes()] == ["create secret", "update secret"]
    assert site.changes() == []


def test_references_in_a_circle_are_refused_by_infisical(site: Site) -> None:
    add(site, "A", "${B}", references=True)
    add(site, "B", "${A}", references=True)
    ran = site.run()
    assert (ran["exit_code"], "Referenced secret(s) not found: B" in ran["error"]) == (1, True)


def test_batches_are_full_and_in_order() -> None:
    assert list(batches([], len)) == []
    assert [len(batch) for batch in batches("x" * (MOST_SECRETS + 1), len)] == [MOST_SECRETS, 1]
    half = "y" * (MOST_BYTES // 2)
    huge = "z" * (MOST_BYTES + 1)
    assert list(batches([half, half, "", "y", huge, "y"], len)) == [[half, half, ""], ["y"], [huge], ["y"]]
