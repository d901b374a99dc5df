"""Hypothesis strategies for environments whose guests are placed by policies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from homelab.config.environment import Environment

FILES = ["iso", "vztmpl", "import", "snippets", "backup"]
NODES = ("alpha", "beta", "gamma", "delta")


@st.composite
def nodes(draw: st.DrawFn) -> dict[str, Any]:
    """One to four nodes, of which some lack the bridge or the datastore that some guests need."""
    names = draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=4, unique=True))
    return {
        name: {
            "cores": draw(st.sampled_from([2, 8])),
            "memory": draw(st.sampled_from(["8GiB", "16GiB", "64GiB"])),
            "bridges": ["vmbr0", *draw(st.sampled_from([[], ["vmbr1"]]))],
            "datastores": {
                "local": {"content": FILES},
                "local-lvm": {},
                **draw(st.sampled_from([{}, {"tank": {"type": "zfspool"}}])),
            },
        }
        for name in names
    }


guests = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,3}", fullmatch=True),
    st.fixed_dictionaries(
        {
            "os": st.just("debian-12"),
            "memory": st.sampled_from(["512MiB", "2GiB", "6GiB"]),
            "placement": st.sampled_from(["anywhere", "apart", "even"]),
        },
        optional={
            "replicas": st.integers(1, 5),
            "cores": st.sampled_from([1, 4]),
            "network": st.sampled_from(["lan", "back"]),
            "datastore": st.sampled_from(["local-lvm", "tank"]),
        },
    ),
    max_size=7,
)


def environment(
    node_data: dict[str, Any], guest_data: dict[str, Any], placed: dict[str, str] | None = None
) -> Environment:
    """The environment with these nodes and containers, and with these places on record."""
    numbered = {key: {**guest, "vm_id": 1000 + 10 * index} for index, (key, guest) in enumerate(guest_data.items())}
    return Environment.model_validate(
        {
            "name": "one",
            "proxmox": {
                "endpoint": "https://pve.home.arpa:8006",
                "nodes": node_data,
                "default_node": next(iter(node_data)),
            },
            "placement": {"anywhere": {}, "apart": {"spread": "members"}, "even": {"strict": False}},
            "networks": {
                "lan": {"bridge": "vmbr0", "cidr": "10.0.0.0/16"},
                "back": {"bridge": "vmbr1", "cidr": "10.1.0.0/16"},
            },
            "containers": numbered,
            "placed": placed or {},
        }
    )
