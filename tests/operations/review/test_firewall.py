"""The firewall of guests, nodes and the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.review.plans import OPTIONS, RULES, VM, change, judged, kinds, only, vm

CLUSTER = "proxmox_virtual_environment_cluster_firewall"
NODE = "proxmox_node_firewall"
GROUP = "proxmox_virtual_environment_cluster_firewall_security_group"
SET = "proxmox_virtual_environment_firewall_ipset"
ALIAS = "proxmox_virtual_environment_firewall_alias"


def options(**values: Any) -> dict[str, Any]:
    return {
        "vm_id": 100,
        "enabled": True,
        "input_policy": "DROP",
        "output_policy": "ACCEPT",
        "macfilter": True,
        **values,
    }


def rule(action: str | None = "ACCEPT", **values: Any) -> dict[str, Any]:
    return {"type": "in", "action": action, "enabled": True, **values}


def rules(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"vm_id": 100, "rule": list(entries)}


def ip_set(*entries: str, nomatch: str | None = None) -> dict[str, Any]:
    left_out = [{"name": nomatch, "nomatch": True}] if nomatch else []
    return {"name": "trusted", "cidr": [{"name": entry, "nomatch": False} for entry in entries] + left_out}


def group(name: str) -> dict[str, Any]:
    """A rule that takes the rules of a security group in."""
    return {"type": "group", "action": None, "security_group": name, "enabled": True}


@pytest.mark.parametrize(
    ("type_", "before", "after", "kind", "severity"),
    [
        (OPTIONS, options(), options(enabled=False), "guest-firewall-off", "blocked"),
        (OPTIONS, options(), options(enabled=None), "guest-firewall-off", "blocked"),
        (OPTIONS, options(), options(input_policy="ACCEPT"), "firewall-opened", "blocked"),
        (OPTIONS, options(output_policy="REJECT"), options(output_policy="ACCEPT"), "firewall-opened", "danger"),
        (OPTIONS, options(), options(macfilter=False), "firewall-filter-off", "danger"),
        (OPTIONS, options(ipfilter=True), options(ipfilter=None), "firewall-filter-off", "danger"),
        (OPTIONS, options(), None, "firewall-options-removed", "blocked"),
        (CLUSTER, {"enabled": True}, {"enabled": False}, "cluster-firewall-off", "blocked"),
        (CLUSTER, {"enabled": True}, None, "firewall-options-removed", "blocked"),
        (CLUSTER, {"input_policy": "DROP"}, {"input_policy": "ACCEPT"}, "firewall-opened", "blocked"),
        (
            NODE,
            {"enabled": True, "node_name": "pve"},
            {"enabled": False, "node_name": "pve"},
            "node-firewall-off",
            "blocked",
        ),
        (RULES, {"vm_id": 100, "rule": [rule()]}, None, "firewall-rules-removed", "danger"),
        (RULES, {"vm_id": 100, "rule": [rule("DROP")]}, {"vm_id": 100, "rule": []}, "firewall-rule-removed", "danger"),
        (
            RULES,
            {"node_name": "pve", "rule": [rule("REJECT")]},
            {"node_name": "pve", "rule": [rule("REJECT", enabled=False)]},
            "firewall-rule-removed",
            "danger",
        ),
        (
            GROUP,
            {"name": "g", "rule": [rule("DROP")]},
            {"name": "g", "rule": [rule("DROP", dport="1")]},
            "firewall-rule-removed",
            "danger",
        ),
        (CLUSTER, {"forward_policy": "DROP"}, {"forward_policy": "ACCEPT"}, "firewall-opened", "danger"),
        (RULES, rules(rule("DROP"), rule()), rules(rule(), rule("DROP")), "firewall-rules-reordered", "danger"),
        (
            RULES,
            rules(rule("REJECT", dport="25"), group("mail")),
            rules(group("mail"), rule("REJECT", dport="25")),
            "firewall-rules-reordered",
            "danger",
        ),
        (RULES, rules(rule(dport="22")), rules(rule(dport="22"), rule()), "firewall-opened", "blocked"),
        (RULES, rules(rule(source="10.0.0.0/8")), rules(rule(source="::/0")), "firewall-opened", "blocked"),
        (RULES, rules(rule(enabled=False)), rules(rule()), "firewall-opened", "blocked"),
        (
            GROUP,
            {"name": "g", "rule": [rule(dport="22", source="+management")]},
            {"name": "g", "rule": [rule(dport="22", source="")]},
            "firewall-rule-widened",
            "danger",
        ),
        (RULES, rules(rule(source="10.0.0.5")), rules(rule(source="10.0.0.0/8")), "firewall-rule-widened", "danger"),
        (RULES, rules(rule(source="fd00::/64")), rules(rule(source="fd00::/48")), "firewall-rule-widened", "danger"),
        (SET, ip_set("10.0.0.5", "10.9.0.1"), ip_set("10.0.0.0/24", "10.9.0.1"), "firewall-rule-widened", "danger"),
        (
            ALIAS,
            {"name": "lan", "cidr": "10.0.0.0/24"},
            {"name": "lan", "cidr": "10.0.0.0/16"},
            "firewall-rule-widened",
            "danger",
        ),
    ],
)
def test_it_is_found(
    type_: str, before: dict[str, Any], after: dict[str, Any] | None, kind: str, severity: str
) -> None:
    guest = change(f"{VM}.g", vm(), vm())
    assert kinds(judged(change(f"{type_}.x", before, after), guest)) == {kind: severity}


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        (OPTIONS, options(enabled=False), options(enabled=True)),
        (OPTIONS, options(enabled=False), options(enabled=False, log_level_in="info")),
        (OPTIONS, options(), options(input_policy="REJECT", output_policy="DROP")),
        (OPTIONS, options(input_policy="ACCEPT"), options(input_policy="DROP")),
        (OPTIONS, options(enabled=False), None),
        (CLUSTER, {"enabled": False}, None),
        (CLUSTER, {"enabled": None}, {"enabled": False}),
        (NODE, {"enabled": False}, {"enabled": True}),
        (RULES, {"vm_id": 100, "rule": [rule()]}, {"vm_id": 100, "rule": []}),
        (RULES, rules(rule(), rule("DROP")), rules(rule("DROP"), rule())),
        (RULES, rules(rule("DROP"), rule("REJECT")), rules(rule("REJECT"), rule("DROP"))),
        (RULES, rules(rule("DROP")), rules(rule("REJECT"))),
        (RULES, rules(rule("DROP")), rules(rule(dport="22"), rule("DROP"))),
        (RULES, rules(rule(dport="22", source="10.0.0.0/8")), rules(rule(dport="22", source="10.1.0.0/16"))),
        (RULES, rules(rule(dport="22")), rules(rule(dport="22", comment="SSH"))),
        (RULES, rules(), rules(rule(dport="443"))),
        (RULES, rules(), rules(rule(enabled=False))),
        (RULES, rules(), rules(rule(type="out"))),
        (RULES, rules(), rules(rule(iface="net1"))),
        (
            RULES,
            {"vm_id": 100, "rule": [rule("DROP", comment="a")]},
            {"vm_id": 100, "rule": [rule("DROP", comment="b")]},
        ),
        (RULES, {"vm_id": 100, "rule": [rule("DROP", enabled=False)]}, {"vm_id": 100, "rule": []}),
        (GROUP, {"name": "g", "rule": [rule()]}, {"name": "g", "rule": [rule(), rule("DROP")]}),
        (RULES, rules(rule(source="10.0.0.5")), rules(rule(source="10.1.0.0/16"))),
        (RULES, rules(rule(source="10.0.0.5", dport="22")), rules(rule(source="10.0.0.0/8", dport="80"))),
        (RULES, rules(rule(source="10.0.0.1-10.0.0.9")), rules(rule(source="+dc/trusted"))),
        (SET, ip_set("10.0.0.0/8"), ip_set("10.0.0.0/24")),
        (SET, ip_set("10.0.0.5"), ip_set("10.0.0.5", "10.0.0.6")),
        (SET, ip_set("10.0.0.0/8"), ip_set("10.0.0.0/8", nomatch="0.0.0.0/0")),
        (SET, ip_set("fd00::1"), ip_set("10.0.0.0/8")),
        (ALIAS, {"name": "lan", "cidr": "10.0.0.0/16"}, {"name": "lan", "cidr": "10.0.0.0/24"}),
    ],
)
def test_it_is_harmless(type_: str, before: dict[str, Any], after: dict[str, Any] | None) -> None:
    found = kinds(judged(change(f"{type_}.x", before, after), change(f"{VM}.g", vm(), vm())))
    assert {"blocked", "danger"} & set(found.values()) == set()


def test_what_goes_with_its_guest_is_told_once() -> None:
    gone = change(f"{VM}.g", vm(), None)
    settings = [
        change(f"{OPTIONS}.x", options(), None),
        change(f"{RULES}.x", {"vm_id": 100, "rule": [rule("DROP")]}, None),
    ]
    assert kinds(judged(gone, *settings)) == {"guest-destroyed": "blocked"}


def test_a_node_without_settings_of_its_own_goes_back_to_the_default_which_is_on() -> None:
    assert kinds(judged(change(f"{NODE}.x", {"enabled": True, "node_name": "pve"}, None))) == {
        "object-destroyed": "change"
    }


@pytest.mark.parametrize("odd", [["in"], {"in": True}, 7])
def test_values_of_another_kind_are_compared_too(odd: Any) -> None:
    there = rules(rule("DROP"), rule(type=odd, source=odd))
    assert kinds(judged(change(f"{RULES}.x", there, rules(rule(type=odd, source=odd))))) == {
        "firewall-rule-removed": "danger"
    }
    assert kinds(judged(change(f"{RULES}.x", there, rules(rule("DROP"), rule(type=odd, source="10.0.0.0/8"))))) == {}


def test_how_far_a_rule_or_a_set_grows_is_told() -> None:
    grown = change(f"{RULES}.x", rules(rule(source="10.0.0.5")), rules(rule(source="10.0.0.0/8")))
    found = only(judged(grown, change(f"{VM}.g", vm(), vm())), "firewall-rule-widened")
    assert found.what == "VM vm-100 (100): a firewall rule lets in more: 10.0.0.5 → 10.0.0.0/8"
    larger = change(f"{SET}.x", ip_set("10.0.0.5"), ip_set("10.0.0.0/8"), actions=["delete", "create"])
    found = only(judged(larger), "firewall-rule-widened")
    assert found.what == "IP set trusted takes in more: 10.0.0.5/32 → 10.0.0.0/8"


def test_options_that_become_another_guests_leave_the_first_unwatched() -> None:
    moved = change(f"{OPTIONS}.x", options(), options(vm_id=101), actions=["delete", "create"])
    guests = [change(f"{VM}.g{number}", vm(number), vm(number)) for number in (100, 101)]
    found = only(judged(moved, *guests), "firewall-options-removed")
    assert (found.blocks, found.vm_id) == (True, 100)
    anew = change(f"{OPTIONS}.x", options(), options(log_level_in="info"), actions=["delete", "create"])
    assert kinds(judged(anew, *guests)) == {"object-replaced": "change"}


def test_the_guest_is_named() -> None:
    found = only(
        judged(change(f"{OPTIONS}.x", options(), options(enabled=False)), change(f"{VM}.g", vm(), vm())),
        "guest-firewall-off",
    )
    assert (found.guest, found.vm_id, found.what) == ("vm-100", 100, "VM vm-100 (100): the firewall is switched off")


def test_what_is_known_only_after_the_apply_may_be_off() -> None:
    entry = change(
        f"{OPTIONS}.x",
        options(),
        options(enabled=None, input_policy=None),
        unknown={"enabled": True, "input_policy": True},
    )
    assert kinds(judged(entry)) == {"guest-firewall-off": "blocked", "firewall-opened": "blocked"}
