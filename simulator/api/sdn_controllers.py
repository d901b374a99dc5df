"""``/cluster/sdn/controllers``: what EVPN zones speak BGP with; in force only when applied."""

from __future__ import annotations

from typing import Any

from simulator.call import Call
from simulator.endpoints import endpoint
from simulator.errors import bad_parameters, failed
from simulator.sections import change
from simulator.state import Config

from .sdn import show

_VALUES = (
    "asn:int bgp-mode bgp-multipath-as-path-relax:bool ebgp:bool ebgp-multihop:int fabric "
    "isis-domain isis-ifaces isis-net lock-token loopback node nodes peer-group-name peers route-map-in route-map-out"
)
_ALL = "/cluster/sdn/controllers"
_ONE = f"{_ALL}/{{controller}}"


def _controller(call: Call) -> Config:
    found = call.cluster.sdn["controllers"].get(call.path["controller"])
    if found is None:
        raise failed(f"sdn controller '{call.path['controller']}' does not exist")
    return found


def _check(values: Config) -> None:
    if values["type"] == "evpn" and not values.get("asn"):
        raise bad_parameters({"asn": "property is missing and it is not optional"})


@endpoint("GET", _ALL, "pending:bool running:bool type")
def list_controllers(call: Call) -> Any:
    """All controllers."""
    return [show(call, "controllers", name) for name in call.cluster.sdn["controllers"]]


@endpoint("POST", _ALL, f"{_VALUES} controller! type!", check="/sdn/controllers SDN.Allocate")
def create_controller(call: Call) -> None:
    """Defines a controller."""
    values = {key: value for key, value in call.values.items() if key != "lock-token"}
    if values["controller"] in call.cluster.sdn["controllers"]:
        raise failed(f"sdn controller object ID '{values['controller']}' already defined")
    _check(values)
    call.cluster.sdn["controllers"][values["controller"]] = values


@endpoint("GET", _ONE, "pending:bool running:bool", check="/sdn/controllers/{controller} SDN.Allocate")
def read_controller(call: Call) -> Any:
    """One controller."""
    return show(call, "controllers", call.path["controller"])


@endpoint("PUT", _ONE, f"{_VALUES} delete digest", check="/sdn/controllers SDN.Allocate")
def update_controller(call: Call) -> None:
    """Changes a controller."""
    change(_controller(call), {key: value for key, value in call.values.items() if key != "lock-token"})


@endpoint("DELETE", _ONE, "lock-token", check="/sdn/controllers SDN.Allocate")
def delete_controller(call: Call) -> None:
    """Removes a controller that no zone uses."""
    name = _controller(call)["controller"]
    for zone in call.cluster.sdn["zones"].values():
        if zone.get("controller") == name:
            raise failed(f"controller {name} is used by zone {zone['zone']}")
    del call.cluster.sdn["controllers"][name]
