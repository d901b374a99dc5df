"""Placement: how guests that name no node of their own are given one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from homelab.config.model import Model
from homelab.config.names import NodeName


class PlacementPolicy(Model):
    """A rule by which guests get their node; `homelab place` applies it and records what it decided.

    Among the nodes that can hold a guest (datastores, bridges, cores, memory) the one with the largest share of free
    memory gets it. A guest that has its place keeps it, whatever is added or removed.
    """

    nodes: Annotated[tuple[NodeName, ...], Field(max_length=32)] = Field(
        (), description="Only these nodes; every node when left out."
    )
    spread: Literal["replicas", "members", "none"] = Field(
        "replicas",
        description="What keeps apart: the replicas of a guest (replicas), or all guests with this policy (members).",
    )
    strict: bool = Field(
        True,
        description="true: never two of them on one node, so more than there are nodes is an error. false: as evenly "
        "as possible.",
    )
