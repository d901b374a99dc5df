"""Hypothesis strategies for environments that pass every check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from homelab.config.environment import Environment
from homelab.config.image_catalogue import CONTAINER_TEMPLATES, DISK_IMAGES

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJnkuhbPEG0rrCNCg0tjxYt8xUtxrQZrYPDUu2mKYsN7 somebody@home"

_FIRST_ADDRESS = 20
_LAST_ADDRESS = 190
_ADDRESSES_FOR_ONE_GUEST = 4

names = st.from_regex(r"[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,6})?", fullmatch=True)
tags = st.lists(st.from_regex(r"[a-z0-9_][a-z0-9_+.-]{0,7}", fullmatch=True), max_size=3, unique=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
sizes = st.sampled_from(["512MiB", "1GiB", "1536MiB", "2GiB"])


def optional(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Nothing, or ``key`` with one of ``values``."""
    return st.one_of(st.just({}), values.map(lambda value: {key: value}))


@st.composite
def proxmox(draw: st.DrawFn) -> dict[str, Any]:
    """One to three nodes with two bridges and enough of everything."""
    nodes = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    node = {
        "cores": 64,
        "memory": "256GiB",
        "bridges": draw(st.sampled_from([["vmbr0", "vmbr1"], {"vmbr0": {}, "vmbr1": {"vlan_aware": True}}])),
        "datastores": {
            "local": {"content": ["iso", "vztmpl", "import", "snippets", "backup"]},
            "local-lvm": {"size": "16TiB"},
            "tank": {"content": ["images", "rootdir"], "size": "16TiB", "shared": True},
        },
    }
    return {
        "endpoint": "https://pve.home.arpa:8006",
        "nodes": dict.fromkeys(nodes, node),
        "default_node": draw(st.sampled_from(nodes)),
        **draw(optional("authentication", st.sampled_from(["api_token", "root_password"]))),
    }


@st.composite
def networks(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """One to three networks on VLANs of their own; one of them may take its addresses from VMIDs."""
    result: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(draw(st.lists(names, min_size=1, max_size=3, unique=True))):
        result[name] = {
            "bridge": draw(st.sampled_from(["vmbr0", "vmbr1"])),
            "cidr": f"10.{index}.0.0/24",
            "vlan": 10 + index,
            **draw(optional("gateway", st.just(f"10.{index}.0.1"))),
            **draw(optional("dhcp", st.just({"range": f"10.{index}.0.200-10.{index}.0.250"}))),
            **draw(optional("reserved", st.just([f"10.{index}.0.2", f"10.{index}.0.4-10.{index}.0.9"]))),
            **draw(optional("dns", st.just([f"10.{index}.0.1"]))),
            **draw(optional("domain", st.just("home.arpa"))),
        }
    if draw(st.booleans()):
        result["by-number"] = {"bridge": "vmbr0", "cidr": "172.16.0.0/16", "vlan": 20, "address_from": "vm_id"}
    return result


def guest_firewalls(network_names: list[str], groups: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Firewalls of guests that name ``network_names`` and ``groups`` only."""
    peers = st.sampled_from([*network_names, "192.168.0.0/16", "10.0.0.9", "10.1.0.3-10.1.0.7"])
    ports = st.sampled_from([22, 443, "80,443", "1514:1518"])
    allow = st.builds(lambda port, more: {"port": port, **more}, ports, optional("from", peers))
    return st.fixed_dictionaries(
        {"allow": st.lists(allow, max_size=2)},
        optional={
            "input_policy": st.sampled_from(["DROP", "REJECT"]),
            "groups": st.lists(st.sampled_from(groups), max_size=2, unique=True) if groups else st.just([]),
            "rules": st.lists(st.just({"macro": "SSH", "log": "info"}), max_size=1),
        },
    )


@st.composite
def valid_environments(draw: st.DrawFn, *, most_guests: int = 5) -> dict[str, Any]:
    """The data of an environment file without errors, as a YAML file or a Python program would have it.

    Numbers, names and addresses are each given once. There is at least one template or guest.
    """
    machine_data = draw(proxmox())
    network_data = draw(networks())
    group_names = draw(st.lists(st.sampled_from(["internal", "web", "syslog"]), max_size=2, unique=True))
    pool_names = draw(st.lists(st.sampled_from(["infra", "logging"]), max_size=2, unique=True))
    template_names = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    guest_names = draw(st.lists(names, max_size=2 * most_guests, unique=True).filter(_no_replica_like_a_key))
    half = len(guest_names) // 2
    common = _common_settings(machine_data, network_data, group_names, pool_names)
    result: dict[str, Any] = {
        "proxmox": machine_data,
        "networks": network_data,
        "policy": {"vm_ids": {"vms": {"first": 1000, "last": 4999}, "containers": {"first": 5000, "last": 8999}}},
        "pools": {name: draw(optional("comment", texts)) for name in pool_names},
        "templates": {
            name: {
                "vm_id": 9000 + index,
                "image": draw(st.sampled_from(sorted(DISK_IMAGES))),
                "disk": "10GiB",
                **draw(optional("packages", st.just(["htop"]))),
                **draw(optional("tags", tags)),
            }
            for index, name in enumerate(template_names)
        },
        "vms": {
            name: {
                "template": draw(st.sampled_from(template_names)),
                "vm_id": 1000 + 10 * index,
                **draw(common(index)),
                **draw(optional("disk", st.sampled_from(["10GiB", "32GiB"]))),
                **draw(optional("disks", st.just({"scsi1": {"size": "8GiB", "datastore": "tank"}}))),
                **draw(optional("cloud_init", st.just({"user": "somebody", "ssh_keys": [SSH_KEY]}))),
                **draw(optional("agent", st.booleans())),
            }
            for index, name in enumerate(guest_names[:half])
        },
        "containers": {
            name: {
                "os": draw(st.sampled_from(sorted(CONTAINER_TEMPLATES))),
                "vm_id": 5000 + 10 * index,
                **draw(common(half + index)),
                **draw(optional("disk", st.sampled_from(["4GiB", "12GiB"]))),
                **draw(optional("mount_points", st.just({"mp0": {"path": "/srv/data", "size": "8GiB"}}))),
                **draw(optional("ssh_keys", st.just([SSH_KEY]))),
            }
            for index, name in enumerate(guest_names[half:])
        },
        **draw(optional("tags", tags)),
        **draw(optional("defaults", st.just({"ssh_keys": [SSH_KEY], "dns": {"servers": ["9.9.9.9"]}}))),
    }
    owns_firewall = bool(group_names) or draw(st.booleans())
    if owns_firewall:
        result["firewall"] = {
            "enabled": True,
            "ipsets": {"management": {"addresses": [*network_data]}},
            "groups": {name: {"rules": [{"protocol": "tcp", "port": 22}]} for name in group_names},
        }
    return result


def _no_replica_like_a_key(keys: list[str]) -> bool:
    return not any(key.rpartition("-")[0] in keys for key in keys)


def _common_settings(
    machine_data: dict[str, Any], network_data: dict[str, Any], group_names: list[str], pool_names: list[str]
) -> Callable[[int], st.SearchStrategy[dict[str, Any]]]:
    """What VMs and containers have in common, for the guest with the given index: its addresses are its own."""

    @st.composite
    def settings(draw: st.DrawFn, index: int) -> dict[str, Any]:
        first = _FIRST_ADDRESS + _ADDRESSES_FOR_ONE_GUEST * index
        assert first + _ADDRESSES_FOR_ONE_GUEST <= _LAST_ADDRESS
        chosen = draw(st.lists(st.sampled_from(sorted(network_data)), max_size=2, unique=True))
        return {
            "network": [draw(_interfaces(name, network_data[name], first)) for name in chosen],
            **draw(optional("replicas", st.integers(1, _ADDRESSES_FOR_ONE_GUEST - 1))),
            **draw(optional("node", st.sampled_from(sorted(machine_data["nodes"])))),
            **draw(optional("group", st.sampled_from(["guests", "web", "logging"]))),
            **draw(optional("pool", st.sampled_from(pool_names)) if pool_names else st.just({})),
            **draw(optional("cores", st.integers(1, 4))),
            **draw(optional("memory", sizes)),
            **draw(optional("tags", tags)),
            **draw(optional("description", texts)),
            **draw(optional("started", st.booleans())),
            **draw(optional("startup", st.just({"order": index, "up_delay": 5}))),
            **draw(optional("protection", st.just(value=True))),
            **draw(optional("firewall", guest_firewalls(sorted(network_data), group_names))),
        }

    return settings


def _interfaces(name: str, network: dict[str, Any], first: int) -> st.SearchStrategy[Any]:
    if "address_from" in network:
        return st.sampled_from([name, {"name": name}])
    address = network["cidr"].replace("0/24", str(first))
    return st.sampled_from([name, {"name": name, "address": "dhcp"}, {"name": name, "address": address}])


def environment_models(*, most_guests: int = 5) -> st.SearchStrategy[Environment]:
    """The models of `valid_environments`, with names of their own."""
    return st.builds(
        lambda name, data: Environment.model_validate({**data, "name": name}),
        st.sampled_from(["dev", "staging", "prod"]),
        valid_environments(most_guests=most_guests),
    )
