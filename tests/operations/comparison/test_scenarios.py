"""Without a plan the comparison of two configurations finds what the review of the real provider's plan finds.

The scenarios are those whose plans `tests/end_to_end/test_review.py` has the real provider make.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.comparison.arguments import read_schemas
from operations.comparison.plans import plan_between
from operations.review import Review, Severity, review
from tests.end_to_end import review_scenarios as scenarios
from tests.end_to_end.review_resources import document
from tests.end_to_end.review_scenarios import SCENARIOS

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
ONLY_IN_THE_STATE = {
    "tainted",  # no file says that an apply failed
    "key of for_each",  # constructs make a resource for each thing
}
COMPARABLE = sorted(set(SCENARIOS) - ONLY_IN_THE_STATE)


def _compared(which: str) -> Review:
    before, after = document(scenarios.everything("before")), document(scenarios.everything(which))
    return review([plan_between(which, before, after, read_schemas(SCHEMAS))])


@pytest.fixture(scope="module")
def danger() -> Review:
    return _compared("danger")


@pytest.fixture(scope="module")
def harmless() -> Review:
    return _compared("harmless")


@pytest.mark.parametrize("name", COMPARABLE)
def test_a_danger_is_found(danger: Review, name: str) -> None:
    for address, expected in SCENARIOS[name].finds.items():
        found = {finding.kind: finding.blocks for finding in danger.findings if finding.address == address}
        assert {kind: found.get(kind) for kind in expected} == expected, address


@pytest.mark.parametrize("name", COMPARABLE)
def test_its_harmless_twin_raises_no_alarm(harmless: Review, name: str) -> None:
    scenario = SCENARIOS[name]
    own = {*scenario.before, *scenario.harmless}
    found = [finding for finding in harmless.findings if finding.address in own]
    assert [finding.what for finding in found if finding.severity in (Severity.BLOCKED, Severity.DANGER)] == []
    assert {finding.kind for finding in found if finding.severity is Severity.CHANGE} == scenario.notes


def test_only_what_needs_a_state_is_left_out() -> None:
    assert set(SCENARIOS) >= ONLY_IN_THE_STATE
    assert len(COMPARABLE) > 40
