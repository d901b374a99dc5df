"""Reviews as text, Markdown and JSON."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest

from operations.review import Review, as_json, as_markdown, as_text, read_allow_list, review
from operations.review.rendering.markdown import LIMIT, code, escaped
from tests.operations.review.plans import VM, change, judged, plan, vm


def everything() -> Review:
    """A review with something in every section."""
    allow_list = read_allow_list(
        f"- {{address: {VM}.allowed, reason: it is empty, expires: 2026-12-01}}\n"
        f"- {{address: {VM}.late, reason: it was empty, expires: 2026-01-01}}\n",
        "allowed-changes.yaml",
        date(2026, 11, 21),
    )
    return judged(
        change(f"{VM}.gone", vm(), None),
        change(f"{VM}.allowed", vm(101), None),
        change(f"{VM}.stopped", vm(102), vm(102, started=False)),
        change(f"{VM}.rebooted", vm(103), vm(103, memory=[{"dedicated": 4096}])),
        change(f"{VM}.new", vm(104), vm(104), previous_address=f"{VM}.old"),
        allow_list=allow_list,
        output_changes={"address": {"actions": ["update"]}},
        resource_drift=[change(f"{VM}.stopped", vm(102), vm(102, name="x"))],
    )


def test_the_verdict_comes_first_and_then_what_is_destroyed() -> None:
    lines = as_text(everything()).splitlines()
    assert lines[0] == (
        "BLOCKED: 2 to change, 2 to destroy, 1 moved; 1 output changes; 1 guest reboots; 1 guest is stopped; "
        "1 blocked; 1 allowed by the allow-list; 1 changed outside Terraform"
    )
    titles = [line for line in lines if line and not line.startswith(" ")][1:]
    assert titles == [
        "Destroyed or replaced",
        "Hidden dangers",
        "Worth knowing",
        "All changes",
        "Outputs",
        "Changed outside Terraform",
        "Cores and memory of nodes",
        "Disk on datastores",
        "Only in Terraform's books",
        "Entries of the allow-list that let nothing pass",
    ]


def test_text_tells_cause_and_consequence_and_what_is_allowed() -> None:
    text = as_text(everything())
    assert f"  [blocked] VM vm-100 (100) is destroyed on pve  {VM}.gone\n      cause:       " in text
    assert "      consequence: Proxmox deletes scsi0 (20 GiB on local-lvm)" in text
    assert "[allowed] VM vm-101 (101) is destroyed" in text
    assert "      allowed:     until 2026-12-01: it is empty" in text
    assert f"  {VM}.late\n      it expired on 2026-01-01" in text


def test_guests_come_before_the_helpers_that_are_made_with_them() -> None:
    helpers = [change(f"proxmox_storage_nfs.n{index}", None, {"id": f"n{index}"}) for index in range(20)]
    guests = [change(f"{VM}.web", None, vm(100)), change(f"{VM}.old", vm(101), None)]
    lines = as_text(judged(*helpers, *guests), 3).splitlines()
    listed = lines[lines.index("All changes") + 1 :][:4]
    assert [line.split("  proxmox")[0] for line in listed] == [
        "  - VM vm-101 (101)",
        "  + VM vm-100 (100)",
        "  + proxmox_storage_nfs.n0",
        "  … and 19 more",
    ]


def test_nothing_to_do() -> None:
    assert as_text(judged(applyable=False)) == "NOTHING TO DO: no object changes"
    assert as_markdown(judged(applyable=False)) == [
        "<!-- homelab-review homelab 1 -->\n## ✅ Plan review: nothing to do\n\n**no object changes**"
    ]


def test_several_plans_are_told_apart() -> None:
    result = review([plan(change(f"{VM}.a", vm(), None), stack="prod-web"), plan(stack="prod-dns")])
    assert "plans: prod-web, prod-dns" in as_text(result)
    assert f"prod-web: {VM}.a" in as_text(result)


def test_markdown_folds_what_is_long_and_shows_what_is_bad() -> None:
    (piece,) = as_markdown(everything(), "prod")
    assert piece.startswith("<!-- homelab-review prod 1 -->\n## ⛔ Plan review: blocked\n")
    assert f"- ⛔ **blocked** VM vm-100 (100) is destroyed on pve — `{VM}.gone`" in piece
    assert f"- 🔓 **allowed** VM vm-101 (101) is destroyed on pve — `{VM}.allowed`" in piece
    shown = re.sub(r"(?s)<details>.*?</details>", "", piece)
    assert "### Destroyed or replaced (2)" in shown
    assert "### Hidden dangers (1)" in shown
    assert "All changes" not in shown
    assert "<details><summary>All changes (5)</summary>\n\n- `-` VM vm-100 (100)" in piece
    assert "| node | guests | cores | memory, MiB |\n| --- | --- | --- | --- |\n| pve | 5 → 3 (-2) |" in piece


def many(number: int) -> Review:
    return judged(*(change(f'{VM}.web["{index}"]', vm(100 + index), None) for index in range(number)))


@pytest.mark.parametrize(("number", "limit"), [(3, 20_000), (200, 20_000), (900, LIMIT), (2000, LIMIT)])
def test_pieces_are_below_the_limit_and_lose_nothing(number: int, limit: int) -> None:
    pieces = as_markdown(many(number), "prod", limit)
    assert all(len(piece) < limit for piece in pieces)
    assert len(pieces) > 1 or number == 3
    for index, piece in enumerate(pieces, 1):
        assert piece.startswith(f"<!-- homelab-review prod {index} -->\n")
        assert piece.count("<details>") == piece.count("</details>")
        assert len(pieces) == 1 or f"_Part {index} of {len(pieces)}_" in piece
    together = "\n".join(pieces)
    for index in range(number):
        assert together.count(f'`{VM}.web["{index}"]`') == 2


def test_a_table_goes_on_with_its_heading() -> None:
    result = judged(
        *(change(f"{VM}.n{index}", None, vm(100 + index, node_name=f"node-{index:04}")) for index in range(1500))
    )
    for piece in as_markdown(result, limit=20_000):
        rows = [line for line in piece.splitlines() if line.startswith("| node-")]
        if rows:
            assert piece.index("| --- |") < piece.index(rows[0])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("@everyone", "&#64;everyone"),
        ("$x$", "&#36;x&#36;"),
        ("see #12", "see &#35;12"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("[a](http://b)", "\\[a\\](http&#58;//b)"),
        ("www.evil.example", "www&#46;evil.example"),
        ("a|b", "a\\|b"),
        ("`code`", "\\`code\\`"),
        ("- item", "\\- item"),
        ("web-1 is *new*", "web-1 is \\*new\\*"),
        ("</details>", "&lt;/details&gt;"),
    ],
)
def test_words_from_a_plan_are_only_words(words: str, shown: str) -> None:
    assert escaped(words) == shown


def test_code_spans_hold_any_address() -> None:
    assert code("a.b") == "`a.b`"
    assert code("a`b") == "`` a`b ``"
    assert code("a``b") == "``` a``b ```"


@pytest.mark.parametrize("key", ["prod", "prod --> <script>", "a" * 500, "--"])
def test_the_marker_stays_a_comment(key: str) -> None:
    first = as_markdown(judged(), key)[0].splitlines()[0]
    assert re.fullmatch(r"<!-- homelab-review [A-Za-z0-9._/-]{0,100} 1 -->", first)
    assert "--" not in first[4:-3]


def test_json_has_everything() -> None:
    document: dict[str, Any] = json.loads(as_json(everything()))
    assert document["schema_version"] == 1
    assert (document["verdict"], document["exit_code"]) == ("blocked", 3)
    assert document["counts"] == {"delete": 2, "move": 1, "update": 2}
    first = document["findings"][0]
    assert first["kind"] == "guest-destroyed"
    assert (first["address"], first["guest"], first["vm_id"], first["node"]) == (f"{VM}.gone", "vm-100", 100, "pve")
    assert first["blocks"] is True
    assert [finding["allowed"] for finding in document["findings"] if finding["allowed"]] == [
        {"reason": "it is empty", "expires": "2026-12-01"}
    ]
    assert document["capacity"]["nodes"] == [
        {"node": "pve", "guests": [5, 3], "cores": [10, 6], "memory_mib": [10240, 8192], "at_least": False}
    ]
    assert document["allow_list_rejected"] == [{"address": f"{VM}.late", "why": "it expired on 2026-01-01"}]
