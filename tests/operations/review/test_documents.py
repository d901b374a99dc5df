"""What is read as a plan, and what is refused."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import pytest

from operations.review import Action, ReviewError, as_text, read_plan, review
from tests.operations.review.plans import VM, change, document, plan, vm


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.17"])
def test_every_minor_version_is_read(version: str) -> None:
    assert read_plan(json.dumps({**document(), "format_version": version}), "p").changes == ()


@pytest.mark.parametrize("version", ["0.2", "2.0", "10.1", "", "one"])
def test_other_major_versions_are_refused(version: str) -> None:
    with pytest.raises(ReviewError, match=r"format_version is .*\n    allowed:  1\.x"):
        read_plan(json.dumps({**document(), "format_version": version}), "p")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "p: it is empty, as when `terraform show` failed"),
        (b"\xef\xbb\xbf \r\n", "p: it is empty"),
        ("plan", "p: no JSON at line 1, column 1"),
        (gzip.compress(b"{}", mtime=0), "p: not a text in UTF-8"),
        ("{", "p: no JSON at line 1"),
        ("[]", "p: JSON, but no plan"),
        ("{}", "p: JSON, but no plan"),
        ('{"format_version": 1.2}', "p: JSON, but no plan"),
        ('{"format_version": "1.0", "values": {}}', "p: that is a state, not a plan"),
        ('{"@level":"info","type":"version"}\n{"@level":"info"}', "p: that is the log of `terraform plan -json`"),
        ('{"@level":"info","type":"version"}', "p: that is the log of `terraform plan -json`"),
        ("[" * 100_000, "p: nested deeper than any plan"),
        (b"PK\x03\x04rest", "p: that is the plan file itself"),
        (b"\xff\xfe\x00", "p: not a text in UTF-8"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_to_do(content: str | bytes, message: str) -> None:
    with pytest.raises(ReviewError) as raised:
        read_plan(content, "p")
    assert str(raised.value).startswith(message)
    assert "terraform show -json" in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        "text",
        {},
        [1],
        [{}],
        [{"address": "a.b", "type": "a"}],
        [{"address": "a.b", "change": {"actions": ["no-op"]}}],
        [{"type": "a", "change": {"actions": ["no-op"]}}],
        [{"address": "a.b", "type": "a", "change": {}}],
        [{"address": "a.b", "type": "a", "change": {"actions": "delete"}}],
        [{"address": "a.b", "type": "a", "change": {"actions": [1]}}],
        [{"address": "a.b", "type": "a", "change": {"actions": ["no-op"]}}] * 2,
    ],
)
@pytest.mark.parametrize("field", ["resource_changes", "resource_drift"])
def test_a_change_that_is_not_understood_is_refused_and_not_passed_over(changes: Any, field: str) -> None:
    with pytest.raises(ReviewError, match="is not what a plan has there"):
        read_plan(json.dumps({**document(), field: changes}), "p")


def deep_plan(depth: int) -> str:
    deep = '{"a":[' * depth + "1" + "]}" * depth
    return json.dumps(document(change(f"{VM}.x", {"v": 0}, {"v": "DEEP"}))).replace('"DEEP"', deep)


def test_deep_values_are_read() -> None:
    assert as_text(review([read_plan(deep_plan(100), "p")]))


@pytest.mark.parametrize("depth", [2000, 20_000])
def test_too_deep_values_are_refused(depth: int) -> None:
    with pytest.raises(ReviewError, match="nested deeper"):
        read_plan(deep_plan(depth), "p")


@pytest.mark.parametrize("depth", range(150, 500, 25))
def test_no_depth_crashes(depth: int) -> None:
    # Where it begins to be too deep depends on how much of the stack is in use.
    with contextlib.suppress(ReviewError):
        assert as_text(review([read_plan(deep_plan(depth), "p")]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_plan_is_read_as_shells_write_it(encoding: str) -> None:
    content = json.dumps(document(change(f"{VM}.web", vm(name="bär"), None)), ensure_ascii=False, indent=1)
    (found,) = read_plan(content.replace("\n", "\r\n").encode(encoding), "p").changes
    assert found.before["name"] == "bär"


def test_an_action_that_runs_is_told() -> None:
    runs = {"address": "action.aws_lambda_invoke.notify", "type": "aws_lambda_invoke", "name": "notify"}
    result = review([plan(action_invocations=[runs], applyable=False)])
    assert [(one.kind, str(one.severity), one.address) for one in result.findings] == [
        ("action-invoked", "danger", "action.aws_lambda_invoke.notify")
    ]
    assert result.verdict.exit_code == 2


def test_unknown_fields_are_ignored() -> None:
    entry = change(f"{VM}.web", vm(), vm(name="x"))
    entry["new_in_1_9"] = {"anything": 1}
    entry["change"]["also_new"] = []
    assert plan(entry, brand_new=True).changes[0].action is Action.UPDATE


def test_data_sources_are_no_changes() -> None:
    assert plan({**change("data.x.y", None, {"a": 1}, actions=["read"]), "mode": "data"}).changes == ()


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["no-op"], Action.NONE),
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["forget"], Action.FORGET),
        (["create", "forget"], Action.CREATE),
        (["open"], Action.READ),
        (["reincarnate"], Action.UNKNOWN),
        ([], Action.UNKNOWN),
    ],
)
def test_actions(actions: list[str], action: Action) -> None:
    assert plan(change(f"{VM}.web", vm(), vm(), actions=actions)).changes[0].action is action


def test_what_the_state_has_and_the_plan_does_not_mention_is_known() -> None:
    values = {
        "root_module": {
            "resources": [
                {"address": f"{VM}.web", "mode": "managed", "type": VM, "values": vm()},
                {"address": f"{VM}.other", "mode": "managed", "type": VM, "values": vm(101)},
                {"address": "data.x.y", "mode": "data", "type": "x", "values": {}},
            ],
            "child_modules": [
                {"resources": [{"address": f"module.m.{VM}.deep", "mode": "managed", "type": VM, "values": vm(102)}]}
            ],
        }
    }
    found = plan(change(f"{VM}.new", vm(), vm(), previous_address=f"{VM}.web"), prior_state={"values": values})
    assert [entry.address for entry in found.untouched] == [f"{VM}.other", f"module.m.{VM}.deep"]


def test_an_address_may_have_several_objects_that_were_left_behind() -> None:
    entries = [change(f"{VM}.web", vm(), None, deposed=key) for key in ("a1", "b2")]
    assert [entry.deposed for entry in plan(change(f"{VM}.web", vm(), vm()), *entries).changes] == ["", "a1", "b2"]
    with pytest.raises(ReviewError, match="each address once"):
        plan(entries[0], entries[0])


def test_what_is_put_off_is_named() -> None:
    deferred = [{"reason": "x", "resource_change": {"address": f"{VM}.later"}}, {"reason": "y"}]
    assert plan(deferred_changes=deferred).deferred == (f"{VM}.later", "a resource")
