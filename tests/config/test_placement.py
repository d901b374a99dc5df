"""Placing guests: where they go, and above all that nothing moves them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homelab.config.expansion import expand
from homelab.config.placement import kept_apart, objections, place, record_name, with_placement
from tests.config.placement_cases import NODES, environment, guests, nodes

BIG: dict[str, Any] = {
    name: {
        "cores": 16,
        "memory": "64GiB",
        "bridges": ["vmbr0", "vmbr1"],
        "datastores": {"local": {"content": ["vztmpl"]}, "local-lvm": {}, "tank": {}},
    }
    for name in NODES
}


def container(**settings: Any) -> dict[str, Any]:
    return {"os": "debian-12", "placement": "anywhere", **settings}


@given(nodes(), guests, guests)
@settings(deadline=None)
def test_guests_that_are_added_or_removed_or_reordered_move_no_other(
    node_data: dict[str, Any], guest_data: dict[str, Any], others: dict[str, Any]
) -> None:
    before = dict(place(environment(node_data, guest_data)).nodes)
    changed = dict(reversed({**others, **guest_data}.items()))
    changed.pop(min(guest_data, default=""), None)

    after = place(environment(node_data, changed, before))

    kept = {name: node for name, node in before.items() if name in {*after.nodes, *after.impossible}}
    assert {name: after.nodes[name] for name in kept} == kept
    assert not kept.keys() & after.new
    assert not kept.keys() & after.impossible.keys()


@given(nodes(), guests)
@settings(deadline=None)
def test_a_node_that_is_added_moves_nobody(node_data: dict[str, Any], guest_data: dict[str, Any]) -> None:
    before = place(environment(node_data, guest_data))
    more = {**node_data, "omega": BIG["alpha"]}

    after = place(environment(more, guest_data, dict(before.nodes)))

    assert {name: after.nodes[name] for name in before.nodes} == dict(before.nodes)
    assert after.new <= before.impossible.keys()


@given(nodes(), guests)
@settings(deadline=None)
def test_where_a_guest_goes_it_can_be(node_data: dict[str, Any], guest_data: dict[str, Any]) -> None:
    bare = environment(node_data, guest_data)
    outcome = place(bare)
    placed = environment(node_data, guest_data, dict(outcome.nodes))
    memory: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    for guest in expand(placed):
        if guest.node is None:
            assert outcome.impossible[record_name(guest)]
            continue
        assert not list(objections(placed, guest, guest.node))
        memory[guest.node] += guest.definition.memory
        apart = kept_apart(placed, guest)
        if apart and placed.placement[str(guest.placement)].strict:
            together[apart, guest.node] += 1
    assert all(count == 1 for count in together.values())
    for name, promised in memory.items():
        node = placed.proxmox.nodes[name]
        assert promised <= node.memory - node.memory_reserved


@given(nodes(), guests, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_nodes_decides_nothing(node_data: dict[str, Any], guest_data: dict[str, Any], random: Any) -> None:
    names = list(node_data)
    random.shuffle(names)

    first, second = environment(node_data, guest_data), environment({n: node_data[n] for n in names}, guest_data)

    assert place(first).nodes == place(second).nodes


def test_replicas_go_to_different_nodes() -> None:
    outcome = place(environment(BIG, {"web": container(replicas=4)}))

    assert sorted(outcome.nodes.values()) == sorted(NODES)


def test_more_replicas_than_nodes_are_impossible_unless_as_evenly_as_possible_will_do() -> None:
    strict = place(environment(BIG, {"web": container(replicas=5)}))
    even = place(environment(BIG, {"web": container(replicas=6, placement="even")}))

    assert len(strict.impossible) == 1
    assert "alpha: another one of containers.web is there" in next(iter(strict.impossible.values()))
    assert sorted(Counter(even.nodes.values()).values()) == [1, 1, 2, 2]


def test_members_of_a_policy_go_to_different_nodes() -> None:
    members = {key: container(placement="apart") for key in ("a", "b", "c", "d")}

    assert sorted(place(environment(BIG, members)).nodes.values()) == sorted(NODES)


def test_the_node_with_the_largest_share_of_free_memory_is_chosen() -> None:
    small = {name: {**node, "memory": "8GiB"} for name, node in BIG.items()}
    data = {**small, "gamma": BIG["gamma"]}

    assert place(environment(data, {"one": container(memory="2GiB")})).nodes == {"containers.one": "gamma"}


def test_a_guest_that_blocks_another_one_gives_way() -> None:
    data = {name: BIG[name] for name in ("alpha", "beta")}
    data["beta"] = {**data["beta"], "bridges": ["vmbr0"]}
    members = {
        "a": container(placement="apart", memory="4GiB"),
        "b": container(placement="apart", network="back"),
    }

    assert place(environment(data, members)).nodes == {"containers.a": "beta", "containers.b": "alpha"}


def test_a_clone_goes_where_the_template_container_is() -> None:
    data = {
        "base": container(template=True),
        "copy": {"clone_from": "base", "placement": "anywhere"},
        "other": container(memory="8GiB"),
    }

    placed = place(environment(BIG, data)).nodes

    assert placed["containers.copy"] == placed["containers.base"]


def test_a_guest_that_is_placed_anew_goes_elsewhere() -> None:
    guest_data = {"one": container()}
    before = dict(place(environment(BIG, guest_data)).nodes)

    after = place(environment(BIG, guest_data, before), forget=["containers.one"])

    assert after.nodes["containers.one"] != before["containers.one"]
    assert after.new == {"containers.one"}


def test_a_guest_with_a_node_is_not_placed() -> None:
    found = with_placement(environment(BIG, {"one": {"os": "debian-12", "node": "beta"}, "two": container()}))

    assert found.placed.keys() == {"containers.two"}
    assert [guest.node for guest in expand(found)] == ["beta", found.placed["containers.two"]]


@pytest.mark.parametrize("reserve", ["error", "ignore"])
def test_memory_counts_where_too_much_of_it_is_an_error(reserve: str) -> None:
    data = environment({"alpha": {**BIG["alpha"], "memory": "4GiB"}}, {"one": container(memory="3GiB")})
    policy = data.policy.model_copy(
        update={"over_commit": data.policy.over_commit.model_copy(update={"memory": reserve})}
    )

    outcome = place(data.model_copy(update={"policy": policy}))

    assert bool(outcome.impossible) == (reserve == "error")
    if outcome.impossible:
        assert outcome.impossible["containers.one"] == "alpha: 2GiB of its memory are free, and 3GiB are needed"
