"""How often schedules of Proxmox come around, and what is said of one that does so less often."""

from __future__ import annotations

from typing import Any

import pytest

from operations.review.schedules import interval, runs_a_year
from tests.operations.review.plans import JOB, change, judged, kinds, only

REPLICATION = "proxmox_replication"
DAY, WEEK, YEAR = 365.25, 365.25 / 7, 1


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("daily", DAY),
        ("02:00", DAY),
        ("2:00:00", DAY),
        ("weekly", WEEK),
        ("sat 03:30", WEEK),
        ("Sat", WEEK),
        ("mon..fri 22:00", 5 * WEEK),
        ("sat..sun", 2 * WEEK),
        ("fri..mon 1:00", 4 * WEEK),
        ("mon,wed,fri", 3 * WEEK),
        ("hourly", 24 * DAY),
        ("minutely", 24 * 60 * DAY),
        ("*/15", 4 * 24 * DAY),
        ("0/30", 2 * 24 * DAY),
        ("*:0/5", 12 * 24 * DAY),
        ("2,22:0/30", 4 * DAY),
        ("mon..fri 8..17,22:0/15", 11 * 4 * 5 * WEEK),
        ("12/2:05", 6 * DAY),
        ("monthly", 12 * YEAR),
        ("*-05", 12 * YEAR),
        ("*-*-01 04:00", 12 * YEAR),
        ("*-01 04:00", 12 * YEAR),
        ("*-*-* 04:00", DAY),
        ("quarterly", 4 * YEAR),
        ("semi-annually", 2 * YEAR),
        ("yearly", YEAR),
        ("sat *-1..7 15:00", 12),
        ("2030-01-01 00:00", None),
        ("22", None),
        ("25:00", None),
        ("*/0", None),
        ("every day", None),
        ("sat 03:00 04:00", None),
        ("", None),
    ],
)
def test_runs_a_year(schedule: str, runs: float | None) -> None:
    assert runs_a_year(schedule) == (None if runs is None else pytest.approx(runs, rel=0.01))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [("daily", "day"), ("weekly", "7 days"), ("hourly", "hour"), ("*/15", "15 minutes"), ("mon..fri", "day")],
)
def test_the_time_between_two_runs(schedule: str, words: str) -> None:
    assert interval(runs_a_year(schedule) or 0) == words


def changed(before: str | None, after: str | None, type_: str = JOB, **values: Any) -> dict[str, str]:
    earlier, later = ({"id": "night", "vmid": ["100"], "schedule": schedule} for schedule in (before, after))
    return kinds(judged(change(f"{type_}.n", earlier, later | values)))


def test_a_job_that_runs_less_often() -> None:
    assert changed("daily", "sat 02:00") == {"backup-rarer": "danger"}
    assert changed("02:00", "*-*-01 02:00") == {"backup-rarer": "danger"}
    assert changed("02:00", "03:30") == {}
    assert changed("sat", "sun 04:00") == {}
    assert changed("weekly", "daily") == {}
    assert changed("daily", "whenever") == {"schedule-changed": "change"}
    assert "backup-rarer" not in changed("daily", "weekly", enabled=False)


def test_a_replication_that_runs_less_often() -> None:
    assert changed(None, "daily", REPLICATION) == {"replication-rarer": "change"}
    assert changed(None, "*/5", REPLICATION) == {}
    assert changed(None, "*/15", REPLICATION) == {}
    assert changed("*/5", None, REPLICATION) == {"replication-rarer": "change"}
    assert changed("*/5", "daily", REPLICATION, disable=True) == {"replication-off": "danger"}


def test_it_is_told_what_that_means() -> None:
    earlier, later = ({"id": "night", "vmid": ["100"], "schedule": schedule} for schedule in ("daily", "sat 02:00"))
    found = only(judged(change(f"{JOB}.n", earlier, later)), "backup-rarer")
    assert found.what == "backup job night runs less often: daily → sat 02:00"
    assert found.consequence == "A guest that is lost comes back without up to 7 days of what it did, until now a day"


def test_a_schedule_that_is_known_only_later() -> None:
    earlier, later = ({"id": "night", "vmid": ["100"], "schedule": schedule} for schedule in ("daily", None))
    assert kinds(judged(change(f"{JOB}.n", earlier, later, unknown={"schedule": True}))) == {
        "schedule-changed": "change"
    }
