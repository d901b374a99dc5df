"""Placement by policy: what is said about policies, and about places that are missing or no longer right."""

# ruff: noqa: E501 (what is said is compared as it is printed)

import pytest

from tests.config.cluster_cases import cluster, problems

TWO = "containers: {dns: null, web: {node: null, ha: false, placement: all}}\n"
CASES = {
    "placed": (TWO + "placement: {all: {}}", []),
    "no such policy": (
        TWO + "placement: {every: {}}",
        ["error containers.web.placement: there is no placement policy all"],
    ),
    "no such default policy": (
        "defaults: {placement: all}",
        ["error defaults.placement: there is no placement policy all"],
    ),
    "no such node": (
        TWO + "placement: {all: {nodes: [one, two, tow]}}",
        ["error placement.all.nodes[2]: there is no node tow"],
    ),
    "nothing on record": (
        TWO + "placement: {all: {}}\nplaced: {vms.other: one}",
        ["error containers.web.placement: no place is recorded yet; it would be: web-1 on one, web-2 on three"],
    ),
    "a place that is no more": (
        TWO + "placement: {all: {}}\nplaced: {containers.web-1: gone, containers.web-2: one}",
        ["error containers.web.placement: web-1 is recorded on gone, and there is no such node"],
    ),
    "a place that the policy forbids": (
        TWO + "placement: {all: {nodes: [one, two]}}\nplaced: {containers.web-1: three, containers.web-2: one}",
        ["error containers.web.placement: web-1 is recorded on three, and it is not among the nodes of placement.all"],
    ),
    "replicas on one node": (
        TWO + "placement: {all: {}}\nplaced: {containers.web-1: one, containers.web-2: one}",
        ["error containers.web.placement: web-1, web-2 of containers.web are recorded on one node"],
    ),
    "replicas on one node, which is allowed": (
        TWO + "placement: {all: {strict: false}}\nplaced: {containers.web-1: one, containers.web-2: one}",
        [],
    ),
    "more replicas than nodes": (
        TWO.replace("ha:", "replicas: 4, ha:") + "placement: {all: {}}",
        [
            "error containers.web.placement: no node can take web-4: one: another one of containers.web is there; two: another one of containers.web is there; three: another one of containers.web is there"
        ],
    ),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_said(changes: str, said: list[str]) -> None:
    assert problems(cluster(changes)) == said


def test_a_guest_is_on_a_node_or_placed() -> None:
    with pytest.raises(ValueError, match="either on a node or placed by a policy"):
        cluster("placement: {all: {}}\ncontainers: {dns: {placement: all}}")
