"""The simulator's own tables of parameters against Proxmox's published schema, and the check that tests use."""

from __future__ import annotations

import pytest

from simulator import api
from simulator.endpoints import ENDPOINTS, Endpoint, Routes
from tests.simulator.published_schema import parameters, schema_problems

KINDS = {"integer": "int", "number": "num", "boolean": "bool", "array": "list"}


@pytest.mark.parametrize("item", ENDPOINTS, ids=lambda item: f"{item.method} {item.path}")
def test_a_table_has_exactly_the_published_names_and_kinds(item: Endpoint) -> None:
    ours = {p.name: p for p in item.parameters.exact.values()}
    ours |= {f"{p.name}[n]": p for p in item.parameters.numbered.values()}
    theirs = parameters(item.method, item.path)
    assert ours.keys() == theirs.keys()
    kinds = {name: KINDS.get(str(spec.get("type")), "str") for name, spec in theirs.items()}
    assert {name: p.kind for name, p in ours.items()} == kinds
    required = {name for name, spec in theirs.items() if not spec.get("optional") and "[n]" not in name}
    assert {p.name for p in ours.values() if p.required} == required


def test_every_area_has_endpoints() -> None:
    modules = {item.handler.__module__ for item in ENDPOINTS}
    assert {area.__name__ for area in api.AREAS} <= modules


def test_the_same_endpoint_twice_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="defined twice"):
        Routes([ENDPOINTS[0], ENDPOINTS[0]])


@pytest.mark.parametrize(
    ("method", "path", "sent", "names"),
    [
        ("POST", "/nodes/pve/qemu", {"vmid": ["100"], "cores": ["2"]}, []),
        ("POST", "/nodes/pve/qemu", {"vmid": ["99"], "cores": ["two"], "colour": ["red"]}, ["vmid", "cores", "colour"]),
        ("POST", "/nodes/pve/qemu", {}, ["vmid"]),
        ("POST", "/nodes/pve/qemu", {"vmid": ["100"], "net0": ["virtio,bridge=vmbr0,speed=9"]}, ["net0"]),
        ("GET", "/nodes/pve/storage/local/content/local:iso%2Fa.iso", {}, []),
        ("PUT", "/nodes/pve/qemu/100/config", {"delete": ["cores", "tags"]}, []),
        (
            "POST",
            "/cluster/ha/rules",
            {
                "rule": ["ab"],
                "type": ["resource-affinity"],
                "affinity": ["negative"],
                "resources": ["vm:1"],
                "strict": ["1"],
            },
            ["strict"],
        ),
    ],
)
def test_the_check_finds_what_the_schema_forbids(
    method: str, path: str, sent: dict[str, list[str]], names: list[str]
) -> None:
    assert [problem.partition(":")[0] for problem in schema_problems(method, path, sent)] == names


def test_the_check_knows_every_path() -> None:
    assert schema_problems("GET", "/nodes/pve/nonsense/at/all", {}) == ["not in the schema"]
