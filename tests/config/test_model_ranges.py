"""Every range of the models, at both of its ends."""

from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from homelab.config.container import Container
from homelab.config.firewall import ClusterFirewall
from homelab.config.guest import Startup
from homelab.config.names import Vlan, VmId
from homelab.config.network import Network, NetworkInterface
from homelab.config.virtual_machine import Disk, Template, VirtualMachine

VM = {"template": "debian-12", "vm_id": 9100}
CONTAINER = {"os": "debian-12", "vm_id": 9200}
NETWORK = {"bridge": "vmbr0", "cidr": "10.0.0.0/24"}


class Range(NamedTuple):
    """A key of a model, with its smallest and largest value and those next to them."""

    model: type[BaseModel]
    more: dict[str, Any]
    """What else the model needs."""
    key: str
    low: Any
    high: Any
    below: Any
    above: Any


RANGES = [
    Range(VirtualMachine, VM, "cores", 1, 64, 0, 65),
    Range(VirtualMachine, VM, "sockets", 1, 4, 0, 5),
    Range(VirtualMachine, VM, "memory", "128MiB", "128GiB", "127MiB", "131073MiB"),
    Range(VirtualMachine, VM, "disk", "4GiB", "4TiB", "3GiB", "4097GiB"),
    Range(VirtualMachine, VM, "vm_id", 100, 999_999_999, 99, 1_000_000_000),
    Range(VirtualMachine, VM, "replicas", 1, 99, 0, 100),
    Range(Disk, {}, "size", "1GiB", "128TiB", "0GiB", "131073GiB"),
    Range(Template, {"vm_id": 9000, "image": "debian-12"}, "cores", 1, 64, 0, 65),
    Range(Template, {"vm_id": 9000, "image": "debian-12"}, "memory", "128MiB", "128GiB", "127MiB", "131073MiB"),
    Range(Template, {"vm_id": 9000, "image": "debian-12"}, "disk", "4GiB", "4TiB", "3GiB", "4097GiB"),
    Range(Container, CONTAINER, "cores", 1, 64, 0, 65),
    Range(Container, CONTAINER, "memory", "64MiB", "128GiB", "63MiB", "131073MiB"),
    Range(Container, CONTAINER, "swap", "0MiB", "128GiB", "-1MiB", "131073MiB"),
    Range(Container, CONTAINER, "disk", "1GiB", "4TiB", "0GiB", "4097GiB"),
    Range(Container, CONTAINER, "cpu_units", 8, 500_000, 7, 500_001),
    Range(Network, NETWORK, "vlan", 1, 4094, 0, 4095),
    Range(Network, NETWORK, "mtu", 576, 65520, 575, 65521),
    Range(NetworkInterface, {"name": "lan"}, "vlan", 1, 4094, 0, 4095),
    Range(NetworkInterface, {"name": "lan"}, "rate_limit", 0.001, 100_000, 0, 100_001),
    Range(Startup, {}, "order", 0, 100_000, -1, 100_001),
    Range(ClusterFirewall, {}, "log_burst", 0, 10**9, -1, None),
]


@pytest.mark.parametrize("one", RANGES, ids=lambda one: f"{one.model.__name__}.{one.key}")
def test_both_ends_are_allowed_and_their_neighbours_are_not(one: Range) -> None:
    for value in (one.low, one.high):
        assert getattr(one.model.model_validate({**one.more, one.key: value}), one.key) is not None
    for value in (one.below, one.above):
        if value is not None:
            with pytest.raises(ValidationError):
                one.model.model_validate({**one.more, one.key: value})


@pytest.mark.parametrize("kind", [VmId, Vlan])
@pytest.mark.parametrize("value", [True, "200", 200.0, None])
def test_numbers_are_numbers(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("model", "more", "defaults"),
    [
        (VirtualMachine, VM, {"cores": 2, "memory": 2048, "disk": 20, "start_on_boot": True, "full_clone": True}),
        (Container, CONTAINER, {"cores": 1, "memory": 512, "swap": 512, "disk": 8, "unprivileged": True}),
    ],
)
def test_defaults(model: Any, more: dict[str, Any], defaults: dict[str, Any]) -> None:
    guest = model.model_validate(more)
    assert {key: getattr(guest, key) for key in defaults} == defaults
