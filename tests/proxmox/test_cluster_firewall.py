"""`ClusterFirewall`: switched on only after everything that keeps the nodes reachable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab.config.firewall import ClusterFirewall as Settings
from homelab.proxmox.firewall import ClusterFirewall
from tests.synthesis import difference, resources, synthesize, the_resource

OPTIONS = "proxmox_virtual_environment_cluster_firewall"
ALIAS = "proxmox_virtual_environment_firewall_alias"
IPSET = "proxmox_virtual_environment_firewall_ipset"
GROUP = "proxmox_virtual_environment_cluster_firewall_security_group"
RULES = "proxmox_virtual_environment_firewall_rules"
EVERYTHING: dict[str, Any] = {
    "enabled": True,
    "aliases": {"home": {"cidr": "10.0.0.0/8", "comment": "All"}, "away": {"cidr": "172.16.0.0/12"}},
    "ipsets": {"management": {"addresses": ["lan", "home", "10.1.0.1"], "comment": "Admins"}},
    "groups": {"base": {"comment": "All guests", "rules": [{"protocol": "tcp", "port": 22, "source": "+management"}]}},
    "rules": [{"protocol": "tcp", "port": 8006, "source": "lan"}, {"action": "DROP"}],
}


def stack_of(folder: Path, **settings: Any) -> dict[str, Any]:
    names = {"lan": "192.168.3.0/24"}
    return synthesize(
        lambda stack: ClusterFirewall(stack, "firewall", settings=Settings.model_validate(settings), names=names),
        folder,
    )


def addresses_of(document: dict[str, Any], type_: str) -> set[str]:
    return {f"{type_}.{name}" for name in resources(document, type_)}


def test_nothing_but_the_options_where_nothing_is_said(tmp_path: Path) -> None:
    document = stack_of(tmp_path)

    assert set(document["resource"]) == {OPTIONS}
    assert the_resource(document, OPTIONS) == {
        "enabled": False,
        "input_policy": "DROP",
        "output_policy": "ACCEPT",
        "log_ratelimit": {"enabled": True, "burst": 5, "rate": "1/second"},
    }


@pytest.mark.parametrize(
    ("setting", "value", "argument"),
    [
        ("enabled", True, "enabled"),
        ("input_policy", "REJECT", "input_policy"),
        ("output_policy", "DROP", "output_policy"),
        ("log_burst", 10, "log_ratelimit.burst"),
        ("log_rate", "5/second", "log_ratelimit.rate"),
    ],
)
def test_a_setting_is_one_option(setting: str, value: Any, argument: str, tmp_path: Path) -> None:
    before = the_resource(stack_of(tmp_path / "before"), OPTIONS)
    after = the_resource(stack_of(tmp_path / "after", **{setting: value}), OPTIONS)

    assert difference(before, after) == {argument: value}


def test_it_is_switched_on_after_all_the_rest(tmp_path: Path) -> None:
    document = stack_of(tmp_path, **EVERYTHING)

    waits_for = set(the_resource(document, OPTIONS)["depends_on"])
    assert waits_for == set().union(*(addresses_of(document, type_) for type_ in (ALIAS, IPSET, GROUP, RULES)))


def test_aliases_have_their_address_and_comment(tmp_path: Path) -> None:
    aliases = resources(stack_of(tmp_path, **EVERYTHING), ALIAS).values()

    assert {alias["name"]: (alias["cidr"], alias.get("comment")) for alias in aliases} == {
        "home": ("10.0.0.0/8", "All"),
        "away": ("172.16.0.0/12", None),
    }


def test_a_set_has_networks_as_subnets_and_waits_for_the_aliases(tmp_path: Path) -> None:
    document = stack_of(tmp_path, **EVERYTHING)

    ipset = the_resource(document, IPSET)
    assert (ipset["name"], ipset["comment"]) == ("management", "Admins")
    assert [entry["name"] for entry in ipset["cidr"]] == ["192.168.3.0/24", "home", "10.1.0.1"]
    assert set(ipset["depends_on"]) == addresses_of(document, ALIAS)


def test_a_group_has_its_rules_and_waits_for_sets_and_aliases(tmp_path: Path) -> None:
    document = stack_of(tmp_path, **EVERYTHING)

    group = the_resource(document, GROUP)
    assert (group["name"], group["comment"]) == ("base", "All guests")
    assert group["rule"] == [
        {
            "type": "in",
            "action": "ACCEPT",
            "proto": "tcp",
            "dport": "22",
            "source": "+management",
            "log": "nolog",
            "enabled": True,
        }
    ]
    assert set(group["depends_on"]) == addresses_of(document, ALIAS) | addresses_of(document, IPSET)


def test_the_nodes_rules_keep_their_order_and_belong_to_no_guest(tmp_path: Path) -> None:
    document = stack_of(tmp_path, **EVERYTHING)

    rules = the_resource(document, RULES)
    assert [(rule["action"], rule.get("source")) for rule in rules["rule"]] == [
        ("ACCEPT", "192.168.3.0/24"),
        ("DROP", None),
    ]
    assert not {"node_name", "vm_id", "container_id"} & set(rules)
    assert set(rules["depends_on"]) == set().union(*(addresses_of(document, type_) for type_ in (ALIAS, IPSET, GROUP)))


def test_the_order_of_names_changes_nothing(tmp_path: Path) -> None:
    turned = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value for key, value in EVERYTHING.items()
    }

    before, after = stack_of(tmp_path / "before", **EVERYTHING), stack_of(tmp_path / "after", **turned)

    assert difference(before, after) == {}


def test_one_address_is_written_as_proxmox_reads_it_back(tmp_path: Path) -> None:
    stack = stack_of(
        tmp_path,
        aliases={"printer": {"cidr": "10.0.0.9/32"}},
        ipsets={"trusted": {"addresses": ["10.0.0.7/32", "10.0.1.0/24", "fd00::1/128"]}},
    )
    assert the_resource(stack, ALIAS)["cidr"] == "10.0.0.9"
    members = [member["name"] for member in the_resource(stack, IPSET)["cidr"]]
    assert members == ["10.0.0.7", "10.0.1.0/24", "fd00::1"]
