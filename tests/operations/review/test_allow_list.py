"""The allow-list lets pass what it names, with a reason, until its date, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from operations.review import Allowance, AllowList, Review, ReviewError, Verdict, read_allow_list, review
from tests.operations.review.plans import VM, change, judged, only, plan, vm

TODAY = date(2026, 11, 21)
ADDRESS = f"{VM}.web"
ENTRY = f"- address: {ADDRESS}\n  reason: restored from a backup\n  expires: 2026-12-01\n"


def read(content: str) -> AllowList:
    return read_allow_list(content, "allowed-changes.yaml", TODAY)


def destroyed(content: str, address: str = ADDRESS) -> Review:
    return judged(change(address, vm(), None), allow_list=read(content))


def test_an_entry_lets_its_address_pass() -> None:
    result = destroyed(ENTRY)
    assert result.verdict is Verdict.CHANGES
    allowance = only(result, "guest-destroyed").allowance
    assert allowance is not None
    assert (allowance.reason, allowance.expires) == ("restored from a backup", date(2026, 12, 1))


@pytest.mark.parametrize(
    "address",
    [f"{VM}.web2", f"{VM}.we", f"module.a.{VM}.web", f'{VM}.web["a"]', f"{VM}.WEB"],
)
def test_it_lets_no_other_address_pass(address: str) -> None:
    assert destroyed(ENTRY, address).verdict is Verdict.BLOCKED


@pytest.mark.parametrize("pattern", ["'*'", f"{VM}.*", f"{VM}", "''' '''"])
def test_there_are_no_patterns(pattern: str) -> None:
    try:
        result = destroyed(ENTRY.replace(ADDRESS, pattern))
    except ReviewError:
        return
    assert result.verdict is Verdict.BLOCKED


@pytest.mark.parametrize("pattern", ["'*'", f"{VM}.*", f"{VM}.web[*]"])
def test_a_pattern_is_reported(pattern: str) -> None:
    assert [entry.why for entry in destroyed(ENTRY.replace(ADDRESS, pattern)).rejected] == [
        "addresses are compared as they are: there are no patterns"
    ]


def test_a_key_of_for_each_may_have_any_sign() -> None:
    address = f'{VM}.web["*"]'
    assert destroyed(ENTRY.replace(ADDRESS, f"'{address}'"), address).verdict is Verdict.CHANGES


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"- address: {ADDRESS}\n  expires: 2026-12-01\n", "it has no reason"),
        (f"- address: {ADDRESS}\n  reason: '  '\n  expires: 2026-12-01\n", "it has no reason"),
        (f"- address: {ADDRESS}\n  reason: why\n", "it has no expires"),
        (f"- address: {ADDRESS}\n  reason: why\n  expires:\n", "it has no expires"),
        (f"- address: {ADDRESS}\n  reason: why\n  expires: 2026-11-20\n", "it expired on 2026-11-20"),
        (f"- address: {ADDRESS}\n  reason: why\n  expires: next week\n", "expires is no date such as 2026-12-31"),
        (f"- address: {ADDRESS}\n  reason: why\n  expires: 20270101\n", "expires is no date such as 2026-12-31"),
        (f"- address: {ADDRESS}\n  reason: why\n  expires: 2026-02-30\n", "expires is no date such as 2026-12-31"),
        (f"- address: {ADDRESS}\n  reason: why\n  expires: true\n", "expires is no date such as 2026-12-31"),
    ],
)
def test_an_entry_that_does_not_count_is_reported(content: str, why: str) -> None:
    result = destroyed(content)
    assert result.verdict is Verdict.BLOCKED
    assert [(entry.address, entry.why) for entry in result.rejected] == [(ADDRESS, why)]


@pytest.mark.parametrize("expires", ["2026-11-21", "'2026-11-21'", "2026-11-21T10:00:00Z", "2030-01-01"])
def test_it_counts_up_to_and_with_its_day(expires: str) -> None:
    assert destroyed(ENTRY.replace("2026-12-01", expires)).verdict is Verdict.CHANGES


@pytest.mark.parametrize(
    "content",
    [
        "address: x",
        "- text",
        "- {reason: r, expires: 2026-12-01}",
        "- {address: '', reason: r, expires: 2026-12-01}",
        f"- {{address: {ADDRESS}, reasons: r, expires: 2026-12-01}}",
        f"- {{address: {ADDRESS}, reason: 5, expires: 2026-12-01}}",
        f"- {{address: {ADDRESS}, reason: r, expires: 2026-01-01, expires: 2027-12-01}}",
        "- [unclosed",
        "- !!python/object/apply:os.system ['true']",
        "\t- x",
        "[" * 20_000,
    ],
)
def test_a_file_that_is_not_an_allow_list_is_an_error(content: str) -> None:
    with pytest.raises(ReviewError, match=r"^allowed-changes\.yaml"):
        read(content)


@pytest.mark.parametrize("content", ["", "# nothing is allowed\n", "[]", "---\n"])
def test_an_empty_file_allows_nothing(content: str) -> None:
    assert read(content) == AllowList()


def test_an_entry_may_be_for_one_kind_of_finding() -> None:
    before, after = vm(protection=True), vm(protection=False)
    narrow = f"{ENTRY}  finding: protection-off\n"
    assert judged(change(ADDRESS, before, after), allow_list=read(narrow)).verdict is Verdict.CHANGES
    assert destroyed(narrow).verdict is Verdict.BLOCKED


def test_one_finding_that_is_not_allowed_is_enough() -> None:
    entry = change(ADDRESS, vm(protection=True), vm(protection=False, disk=[]))
    allowed = read(f"{ENTRY}  finding: protection-off\n")
    result = judged(entry, allow_list=allowed)
    assert result.verdict is Verdict.BLOCKED
    assert [finding.kind for finding in result.findings if finding.blocks] == ["disk-removed"]


def test_an_address_that_several_plans_have_needs_the_plan() -> None:
    plans = [plan(change(ADDRESS, vm(), None), stack="staging"), plan(change(ADDRESS, vm(), vm()), stack="prod")]
    assert review(plans, read(ENTRY)).verdict is Verdict.BLOCKED
    assert review(plans, read(f"{ENTRY}  stack: staging\n")).verdict is Verdict.CHANGES
    assert review(plans, read(f"{ENTRY}  stack: prod\n")).verdict is Verdict.BLOCKED


def test_what_concerns_a_whole_plan_can_not_be_allowed() -> None:
    result = judged(change(ADDRESS, vm(), None), errored=True, allow_list=read(ENTRY))
    assert result.verdict is Verdict.BLOCKED
    assert [finding.kind for finding in result.findings if finding.blocks] == ["plan-failed"]


def test_an_entry_for_something_else_at_its_address_is_reported() -> None:
    (idle,) = destroyed(f"{ENTRY}  finding: guest-replaced\n").rejected
    assert (idle.address, idle.why) == (ADDRESS, "it is for guest-replaced; what is blocked there is guest-destroyed")
    plans = [plan(change(ADDRESS, vm(), None), stack="staging"), plan(change(ADDRESS, vm(), vm()), stack="prod")]
    (idle,) = review(plans, read(ENTRY)).rejected
    assert idle.why == "several plans have that address: it needs a stack, of prod, staging"


@pytest.mark.parametrize("more", ["", "  stack: prod-web\n", "  finding: guest-destroyed\n"])
def test_an_entry_that_is_left_over_is_reported(more: str) -> None:
    (idle,) = judged(change(ADDRESS, vm(), vm(name="other")), allow_list=read(ENTRY + more)).rejected
    assert idle.why == "nothing is blocked there: an entry that is left lets the next loss pass"


def test_entries_about_other_plans_are_none_of_this_review() -> None:
    others = f"{ENTRY}  stack: prod-dns\n- address: {VM}.dns\n  reason: moved\n  expires: 2026-12-01\n"
    assert judged(change(ADDRESS, vm(), vm(name="other")), allow_list=read(others)).rejected == ()


def test_an_entry_that_is_used_is_not_reported() -> None:
    assert destroyed(ENTRY).rejected == ()
    two = read(f"{ENTRY}  finding: disk-removed\n{ENTRY}  finding: protection-off\n")
    assert judged(change(ADDRESS, vm(protection=True), vm(disk=[])), allow_list=two).rejected == ()


def test_what_the_command_was_asked_for_is_no_entry_of_the_file() -> None:
    asked = Allowance(ADDRESS, "asked for", TODAY)
    assert judged(change(ADDRESS, vm(), None), allow_list=AllowList(requested=(asked,))).verdict is Verdict.CHANGES
    assert judged(change(ADDRESS, vm(), vm()), allow_list=AllowList(requested=(asked,))).rejected == ()
