"""What is left of an environment without its entries that have errors."""

from typing import Any

import pytest

from homelab.config.problems import Path
from homelab.config.proxmox import Proxmox
from homelab.config.pruning import entry_of, without


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        (("vms", "web", "memory"), ("vms", "web")),
        (("vms", "web", "firewall", "allow", 0, "port"), ("vms", "web")),
        (("vms",), ("vms",)),
        (("proxmox", "nodes", "pve", "memory"), ("proxmox", "nodes", "pve")),
        (
            ("proxmox", "nodes", "pve", "datastores", "local", "size"),
            ("proxmox", "nodes", "pve", "datastores", "local"),
        ),
        (("proxmox", "nodes"), ("proxmox", "nodes")),
        (("proxmox", "ssh", "username"), ("proxmox", "ssh")),
        (("firewall", "groups", "web", "rules", 0), ("firewall", "groups", "web")),
        (("firewall", "rules", 0, "port"), ("firewall",)),
        (("networks", "lan", "cidr"), ("networks", "lan")),
        (("defaults", "datastore"), ("defaults",)),
        (("tags", 1), ("tags",)),
        ((), ()),
    ],
)
def test_the_smallest_entry_that_the_rest_can_do_without(path: Path, entry: Path) -> None:
    assert entry_of(path) == entry


DATA: dict[str, Any] = {"a": {"b": {"c": 1}, "d": [1, 2, {"e": 3}]}, "proxmox": {"endpoint": "https://pve"}}


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        (("a", "b"), {"d": [1, 2, {"e": 3}]}),
        (("a", "b", "c"), {"b": {}, "d": [1, 2, {"e": 3}]}),
        (("a", "d", 0), {"b": {"c": 1}, "d": [2, {"e": 3}]}),
        (("a", "d", 2, "e"), {"b": {"c": 1}, "d": [1, 2, {}]}),
        (("a", "d", 9), DATA["a"]),
        (("a", "d", "x"), DATA["a"]),
        (("a", "x", "y"), DATA["a"]),
    ],
)
def test_an_entry_is_left_out_of_a_copy(entry: Path, left: Any) -> None:
    assert without(DATA, [entry])["a"] == left
    assert DATA["a"] == {"b": {"c": 1}, "d": [1, 2, {"e": 3}]}


VALID = {"endpoint": "https://pve.home.arpa:8006"}


def test_the_endpoint_is_replaced_by_one_that_leads_nowhere() -> None:
    assert without(DATA, [("proxmox", "endpoint")])["proxmox"] == {"endpoint": "https://endpoint.invalid:8006"}


def test_a_node_is_replaced_by_one_that_has_enough_of_everything() -> None:
    proxmox = {**VALID, "nodes": {"pve": {"cores": 0}}}
    left = without({"proxmox": proxmox}, [("proxmox", "nodes", "pve")])["proxmox"]
    node = Proxmox.model_validate(left).nodes["pve"]
    assert (node.cores, node.memory) == (1024, 1024**3)


def test_without_a_single_node_there_is_one_all_the_same() -> None:
    left = without({"proxmox": {**VALID, "nodes": {}}}, [("proxmox", "nodes")])["proxmox"]
    assert len(Proxmox.model_validate(left).nodes) == 1
