"""Questions before something is changed or destroyed, and their answers on the command line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import typer

from operations.command_line.deploying import typed_names, typed_service, yes_or_no
from operations.deployment.holdings import Data
from operations.deployment.recreate import Service
from operations.deployment.tools import Refused
from operations.review import Review, Verdict
from operations.review.findings import Finding, Severity
from operations.review.judgement import ReviewedChange
from operations.review.plan import Action
from operations.terraform.stacks import Resource, Stack

SESSION: Any = SimpleNamespace(environment=SimpleNamespace(name="prod"))
DB = Data("db", "VM db (9101)", "scsi1 (8 GiB)")
REVIEW = Review(
    Verdict.CHANGES,
    ("prod-web",),
    (Finding("guest-replaced", Severity.BLOCKED, "prod-web", "a.b", "it goes"),),
    (ReviewedChange("prod-web", "a.b", "VM web", Action.REPLACE),),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions; each is answered with the word in parentheses, which is the right one."""
    questions: list[str] = []

    def prompt(question: str, **_: object) -> str:
        questions.append(question.strip())
        return question.rpartition("(")[2].partition(")")[0]

    def confirm(question: str, **_: object) -> bool:
        questions.append(question.strip())
        return True

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(typer, "confirm", confirm)
    return questions


def test_the_question_counts_and_names_what_is_lost(asked: list[str]) -> None:
    assert yes_or_no(SESSION, yes=False)(REVIEW)
    assert asked == ["Apply this to prod? 1 to replace. 1 guest is DESTROYED."]
    assert yes_or_no(SESSION, yes=True)(REVIEW)
    assert len(asked) == 1


def test_the_environment_and_everything_that_holds_data_is_asked_for(asked: list[str]) -> None:
    assert typed_names(SESSION, yes=False, given=[])(REVIEW, [DB])
    assert asked == [
        "This can't be undone. Type the environment's name (prod) to destroy it",
        "VM db (9101) holds data (scsi1 (8 GiB)). Type its name (db) to destroy it",
    ]


def test_names_that_are_given_are_not_asked_for_and_nobody_is_asked_with_yes(asked: list[str]) -> None:
    assert typed_names(SESSION, yes=True, given=["prod", "db"])(REVIEW, [DB])
    with pytest.raises(Refused) as refused:
        typed_names(SESSION, yes=True, given=["prod"])(REVIEW, [DB])
    assert refused.value.diagnoses[0].fix == ("add --confirm db; --backup saves guests before",)
    assert asked == []


def test_another_word_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "pro")
    assert not typed_names(SESSION, yes=False, given=[])(REVIEW, [])


def test_a_service_is_typed_before_its_containers_lose_what_they_have(asked: list[str]) -> None:
    container = Resource("c.x", "proxmox_virtual_environment_container", "service-redis", {"vm_id": 201})
    service = Service("redis", Stack("prod-service-redis", None), (container,), None)  # type: ignore[arg-type]
    assert typed_service(yes=False)(service, "destroyed and cloned again")
    assert asked == [
        "container service-redis (201) is destroyed and cloned again. Type the service's name (redis) to go ahead"
    ]
    assert typed_service(yes=True)(service, "destroyed")
    assert len(asked) == 1
