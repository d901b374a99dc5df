"""`GuestFirewall`: the options of a guest, and all of its rules in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from homelab.config.firewall import GuestFirewall as Settings
from homelab.proxmox.firewall import GuestFirewall
from imports.proxmox.virtual_environment_pool import VirtualEnvironmentPool
from tests.synthesis import difference, resources, synthesize, the_resource

OPTIONS = "proxmox_virtual_environment_firewall_options"
RULES = "proxmox_virtual_environment_firewall_rules"
IPSET = "proxmox_virtual_environment_firewall_ipset"
GUEST = "proxmox_virtual_environment_pool.guest"
"""Any resource can stand for the guest."""


def stack_of(
    folder: Path,
    *,
    container: bool = False,
    names: dict[str, str] | None = None,
    addresses: Sequence[str | None] = (),
    **settings: Any,
) -> dict[str, Any]:
    return synthesize(
        lambda stack: GuestFirewall(
            stack,
            "firewall",
            node="pve",
            vm_id=9100,
            settings=Settings.model_validate(settings),
            guest=VirtualEnvironmentPool(stack, "guest", pool_id="guest"),
            names=names,
            container=container,
            addresses=addresses,
        ),
        folder,
    )


def options_of(folder: Path, **settings: Any) -> dict[str, Any]:
    return the_resource(stack_of(folder, **settings), OPTIONS)


def rules_of(folder: Path, **arguments: Any) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = the_resource(stack_of(folder, **arguments), RULES)["rule"]
    return rules


def test_the_options_of_a_guest_that_says_nothing(tmp_path: Path) -> None:
    assert options_of(tmp_path) == {
        "node_name": "pve",
        "vm_id": 9100,
        "enabled": True,
        "input_policy": "DROP",
        "output_policy": "ACCEPT",
        "dhcp": True,
        "ndp": True,
        "radv": False,
        "macfilter": True,
        "ipfilter": False,
        "log_level_in": "nolog",
        "log_level_out": "nolog",
        "depends_on": [GUEST],
        "lifecycle": {"replace_triggered_by": [f"{GUEST}.id"]},
    }


OPTION_MAPPINGS: dict[str, tuple[Any, str]] = {
    "enabled": (False, "enabled"),
    "input_policy": ("REJECT", "input_policy"),
    "output_policy": ("DROP", "output_policy"),
    "dhcp": (False, "dhcp"),
    "ndp": (False, "ndp"),
    "router_advertisement": (True, "radv"),
    "mac_filter": (False, "macfilter"),
    "ip_filter": (True, "ipfilter"),
    "log_in": ("info", "log_level_in"),
    "log_out": ("warning", "log_level_out"),
}


@pytest.mark.parametrize("setting", OPTION_MAPPINGS)
def test_a_setting_is_one_option(setting: str, tmp_path: Path) -> None:
    value, argument = OPTION_MAPPINGS[setting]

    before, after = options_of(tmp_path / "before"), options_of(tmp_path / "after", **{setting: value})

    assert difference(before, after) == {argument: value}


def test_every_setting_is_an_option_or_a_rule() -> None:
    assert set(Settings.model_fields) == set(OPTION_MAPPINGS) | {"allow", "groups", "rules", "adopted"}


def test_rules_come_as_allow_then_groups_then_rules_each_in_its_order(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        rules=[{"action": "DROP", "comment": "5"}, {"action": "REJECT", "comment": "6"}],
        groups=["web", "base"],
        allow=[{"port": 443, "comment": "1"}, {"port": 80, "comment": "2"}],
    )

    assert [rule.get("comment", rule.get("security_group")) for rule in rules] == ["1", "2", "web", "base", "5", "6"]


def test_a_guest_without_rules_has_no_rules_resource(tmp_path: Path) -> None:
    assert RULES not in stack_of(tmp_path)["resource"]


def test_the_rules_belong_to_the_guest_and_come_after_it(tmp_path: Path) -> None:
    rules = the_resource(stack_of(tmp_path, allow=[{"port": 22}]), RULES)

    assert (rules["node_name"], rules["vm_id"], rules["depends_on"]) == ("pve", 9100, [GUEST])
    assert rules["lifecycle"] == {"replace_triggered_by": [f"{GUEST}.id"]}


@pytest.mark.parametrize("type_", [OPTIONS, RULES])
def test_a_container_is_named_as_one(type_: str, tmp_path: Path) -> None:
    resource = the_resource(stack_of(tmp_path, container=True, allow=[{"port": 22}]), type_)

    assert resource["container_id"] == 9100
    assert "vm_id" not in resource


def test_allow_lets_one_port_in(tmp_path: Path) -> None:
    assert rules_of(tmp_path, allow=[{"port": "80,443", "from": "10.0.0.0/8", "comment": "Web"}]) == [
        {
            "type": "in",
            "action": "ACCEPT",
            "proto": "tcp",
            "dport": "80,443",
            "source": "10.0.0.0/8",
            "comment": "Web",
            "log": "nolog",
            "enabled": True,
        }
    ]


def test_allow_without_source_lets_everybody_in(tmp_path: Path) -> None:
    [rule] = rules_of(tmp_path, allow=[{"protocol": "icmp"}])

    assert rule == {"type": "in", "action": "ACCEPT", "proto": "icmp", "log": "nolog", "enabled": True}


def test_a_group_is_a_rule_of_its_own(tmp_path: Path) -> None:
    assert rules_of(tmp_path, groups=["base"]) == [{"security_group": "base", "enabled": True}]


def test_a_group_as_a_rule_keeps_interface_comment_and_state(tmp_path: Path) -> None:
    rule = {"group": "base", "interface": "net1", "comment": "Inside", "enabled": False}

    assert rules_of(tmp_path, rules=[rule]) == [
        {"security_group": "base", "iface": "net1", "comment": "Inside", "enabled": False}
    ]


RULE_MAPPINGS: dict[str, tuple[Any, str]] = {
    "direction": ("out", "type"),
    "action": ("DROP", "action"),
    "macro": ("SSH", "macro"),
    "protocol": ("udp", "proto"),
    "source": ("10.0.0.1", "source"),
    "destination": ("10.0.0.2", "dest"),
    "interface": ("net0", "iface"),
    "log": ("info", "log"),
    "comment": ("Why", "comment"),
    "enabled": (False, "enabled"),
}


@pytest.mark.parametrize("setting", RULE_MAPPINGS)
def test_a_field_of_a_rule_is_one_argument(setting: str, tmp_path: Path) -> None:
    value, argument = RULE_MAPPINGS[setting]

    [before] = rules_of(tmp_path / "before", rules=[{}])
    [after] = rules_of(tmp_path / "after", rules=[{setting: value}])

    assert difference(before, after) == {argument: value}


def test_ports_of_both_ends(tmp_path: Path) -> None:
    [rule] = rules_of(tmp_path, rules=[{"protocol": "tcp", "port": 22, "source_port": "1024:65535"}])

    assert (rule["dport"], rule["sport"]) == ("22", "1024:65535")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("lan", "192.168.3.0/24"),
        ("lan,10.0.0.1", "192.168.3.0/24,10.0.0.1"),
        ("10.0.0.1,lan", "10.0.0.1,192.168.3.0/24"),
        ("+management", "+management"),
        ("dc/alias", "dc/alias"),
        ("lan-2", "lan-2"),
        ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"),
    ],
)
@pytest.mark.parametrize(("field", "argument"), [("source", "source"), ("destination", "dest")])
def test_a_networks_name_is_its_subnet_and_the_rest_stays(
    field: str, argument: str, written: str, sent: str, tmp_path: Path
) -> None:
    [rule] = rules_of(tmp_path, names={"lan": "192.168.3.0/24"}, rules=[{field: written}])

    assert rule[argument] == sent


def test_with_the_filter_a_machine_may_send_from_its_static_addresses(tmp_path: Path) -> None:
    document = stack_of(tmp_path, ip_filter=True, addresses=["10.0.0.20", None, "10.0.1.20"])

    found = resources(document, IPSET)
    assert [(ipset["name"], ipset["cidr"]) for ipset in found.values()] == [
        ("ipfilter-net0", [{"name": "10.0.0.20"}]),
        ("ipfilter-net2", [{"name": "10.0.1.20"}]),
    ]
    assert {(ipset["node_name"], ipset["vm_id"]) for ipset in found.values()} == {("pve", 9100)}
    waits_for = the_resource(document, OPTIONS)["depends_on"]
    assert set(waits_for) == {GUEST, *(f"{IPSET}.{name}" for name in found)}


def test_without_the_filter_no_address_is_named(tmp_path: Path) -> None:
    assert IPSET not in stack_of(tmp_path, addresses=["10.0.0.20"])["resource"]


def test_options_and_rules_are_all_there_is(tmp_path: Path) -> None:
    document = stack_of(tmp_path, allow=[{"port": 22}])

    assert set(document["resource"]) - {"proxmox_virtual_environment_pool"} == {OPTIONS, RULES}
    assert {type_: len(resources(document, type_)) for type_ in (OPTIONS, RULES)} == {OPTIONS: 1, RULES: 1}
