"""Firewall rules, groups, aliases and IP sets of the cluster, nodes and guests."""

from __future__ import annotations

import pytest

from tests.simulator.api_client import Api

FIREWALL = "/cluster/firewall"


def test_a_new_rule_goes_first_and_one_rule_has_its_position_as_text(api: Api) -> None:
    api.post(f"{FIREWALL}/rules", type="in", action="ACCEPT", comment="first")
    api.post(f"{FIREWALL}/rules", type="out", action="DROP", comment="second", enable=1)
    assert [(r["pos"], r["comment"], r["enable"]) for r in api.get(f"{FIREWALL}/rules")] == [
        (0, "second", 1),
        (1, "first", 0),
    ]
    assert api.get(f"{FIREWALL}/rules/1")["pos"] == "1"


def test_rules_move_change_and_go(api: Api) -> None:
    for name in "cba":
        api.post(f"{FIREWALL}/rules", type="in", action="ACCEPT", comment=name, proto="tcp", dport="22")
    api.put(f"{FIREWALL}/rules/2", moveto=0)
    assert [r["comment"] for r in api.get(f"{FIREWALL}/rules")] == ["c", "a", "b"]
    api.put(f"{FIREWALL}/rules/0", comment="d", delete="dport")
    assert "dport" not in api.get(f"{FIREWALL}/rules/0")
    api.delete(f"{FIREWALL}/rules/0")
    assert [r["comment"] for r in api.get(f"{FIREWALL}/rules")] == ["a", "b"]
    assert api.refused("GET", f"{FIREWALL}/rules/7").message == "no rule at position 7"


@pytest.mark.parametrize(
    ("rule", "errors"),
    [
        ({"action": "MAYBE"}, {"action": "unknown action 'MAYBE'"}),
        ({"macro": "Nope"}, {"macro": "unknown macro 'Nope'"}),
        ({"dport": "22"}, {"proto": "missing property - 'dport' requires this property"}),
        ({"dport": "70000", "proto": "tcp"}, {"dport": "invalid port '70000'"}),
        ({"dport": "90:80", "proto": "tcp"}, {"dport": "invalid port range '90:80'"}),
        ({"source": "+nope"}, {"source": "no such ipset 'nope'"}),
        ({"dest": "lan"}, {"dest": "no such alias 'lan'"}),
        ({"type": "group", "action": "web"}, {"action": "no such security group 'web'"}),
    ],
)
def test_rules_that_can_not_be(api: Api, rule: dict[str, str], errors: dict[str, str]) -> None:
    assert api.refused("POST", f"{FIREWALL}/rules", **{"type": "in", "action": "ACCEPT", **rule}).errors == errors


def test_a_guest_uses_sets_aliases_and_groups_of_the_cluster(api: Api) -> None:
    api.add_machine()
    api.post(f"{FIREWALL}/ipset", name="admins")
    api.post(f"{FIREWALL}/aliases", name="lan", cidr="192.168.3.0/24")
    api.post(f"{FIREWALL}/groups", group="web")
    path = "/nodes/pve/qemu/100/firewall"
    api.post(f"{path}/rules", type="in", action="ACCEPT", source="+dc/admins", dest="LAN")
    api.post(f"{path}/rules", type="group", action="web", iface="net0")
    api.put(f"{path}/options", enable=1, policy_in="DROP")
    assert api.get(f"{path}/options")["policy_in"] == "DROP"
    api.post(f"{FIREWALL}/groups", group="www", rename="web")
    assert api.get(f"{path}/rules/0")["action"] == "www"


def test_sets(api: Api) -> None:
    api.post(f"{FIREWALL}/ipset", name="admins", comment="who")
    api.post(f"{FIREWALL}/ipset/admins", cidr="192.168.3.10/32")
    api.post(f"{FIREWALL}/ipset/admins", cidr="10.0.0.0/8", nomatch=1)
    assert [m["cidr"] for m in api.get(f"{FIREWALL}/ipset/admins")] == ["192.168.3.10", "10.0.0.0/8"]
    assert api.refused("POST", f"{FIREWALL}/ipset/admins", cidr="192.168.3.10").message == (
        "address '192.168.3.10' already exists"
    )
    assert api.refused("DELETE", f"{FIREWALL}/ipset/admins").message == "IPSet 'admins' is not empty"
    assert api.refused("POST", f"{FIREWALL}/ipset", name="admins").message == "IPSet 'admins' already exists"
    api.put(f"{FIREWALL}/ipset/admins/10.0.0.0%2F8", comment="x", nomatch=0)
    assert api.get(f"{FIREWALL}/ipset/admins/10.0.0.0%2F8")["comment"] == "x"
    api.delete(f"{FIREWALL}/ipset/admins/10.0.0.0%2F8")
    api.delete(f"{FIREWALL}/ipset/admins", force=1)
    assert api.get(f"{FIREWALL}/ipset") == []


def test_aliases(api: Api) -> None:
    api.post(f"{FIREWALL}/aliases", name="Lan", cidr="192.168.3.0/24", comment="x")
    assert api.get(f"{FIREWALL}/aliases/lan")["ipversion"] == 4
    assert api.refused("POST", f"{FIREWALL}/aliases", name="lan", cidr="10.0.0.0/8").errors == {
        "name": "alias 'lan' already exists"
    }
    api.put(f"{FIREWALL}/aliases/lan", cidr="fd00::/64", rename="net")
    assert api.get(f"{FIREWALL}/aliases/net")["ipversion"] == 6
    assert api.refused("GET", f"{FIREWALL}/aliases/lan").errors == {"name": "no such alias 'lan'"}
    assert api.refused("POST", f"{FIREWALL}/aliases", name="bad", cidr="x").status == 400


def test_a_group_with_rules_stays(api: Api) -> None:
    api.post(f"{FIREWALL}/groups", group="web", comment="http")
    api.post(f"{FIREWALL}/groups/web", type="in", action="ACCEPT", macro="HTTP", enable=1)
    assert api.refused("DELETE", f"{FIREWALL}/groups/web").message == "Security group 'web' is not empty"
    api.delete(f"{FIREWALL}/groups/web/0")
    api.delete(f"{FIREWALL}/groups/web")
    assert api.refused("GET", f"{FIREWALL}/groups/web").message == "no such security group 'web'"


def test_options_are_per_scope(api: Api) -> None:
    api.put(f"{FIREWALL}/options", enable=1, policy_in="DROP")
    api.put("/nodes/pve/firewall/options", enable=1, log_level_in="info")
    assert "policy_in" not in api.get("/nodes/pve/firewall/options")
    assert api.get("/nodes/pve2/firewall/options").keys() == {"digest"}
    assert api.refused("PUT", f"{FIREWALL}/options", policy_in="MAYBE").status == 400
