"""High availability: which guests Proxmox restarts on another node, and by which rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from homelab.config.model import Model
from homelab.config.names import Hostname, Key, NodeName

Attempts = Annotated[int, Field(ge=0, le=10, strict=True)]
Priority = Annotated[int, Field(ge=0, le=1000, strict=True)]


class HaResource(Model):
    """A guest under HA (API: ``/cluster/ha/resources``). Where it runs is then Proxmox's decision.

    `node` says where it is made; Terraform does not move it back from where Proxmox has taken it.
    """

    state: Literal["started", "stopped", "disabled", "ignored"] = Field(
        "started",
        description="What HA sees to: started, stopped, disabled (not even moved off a failed node) or ignored.",
    )
    max_restart: Attempts = Field(1, description="Attempts to start it again on its node before it is moved.")
    max_relocate: Attempts = Field(1, description="Nodes that are tried after that.")
    failback: bool | None = Field(
        None,
        description="Move back when the node with the highest priority returns (Proxmox VE 9; its default is true).",
    )
    comment: str | None = Field(None, min_length=1, max_length=4096, description="A note in Proxmox.")


def _switch(value: Any) -> Any:
    return {} if value is True else None if value is False else value


HaSetting = Annotated[HaResource | None, BeforeValidator(_switch, json_schema_input_type=bool | HaResource | None)]
"""``true`` for HA as Proxmox has it by default, or its settings."""


def _with_priorities(value: Any) -> Any:
    named = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return dict.fromkeys(value) if named else value


class _Rule(Model):
    guests: Annotated[tuple[Hostname, ...], Field(min_length=1)] = Field(
        description="The guests it is about, by key; a guest with `replicas` stands for all of them."
    )
    enabled: bool = Field(True, description="false: kept and not followed.")
    comment: str | None = Field(None, min_length=1, max_length=4096, description="A note in Proxmox.")


class NodeAffinity(_Rule):
    """Where guests shall run. An HA group before Proxmox VE 9."""

    type: Literal["node-affinity"]
    nodes: Annotated[
        dict[NodeName, Priority | None],
        Field(min_length=1),
        BeforeValidator(_with_priorities, json_schema_input_type=list[NodeName] | dict[NodeName, Priority | None]),
    ] = Field(description="The nodes: a list, or a map with priorities, of which the highest is preferred.")
    strict: bool = Field(False, description="true: on no other node, even if none of these is there.")


class ResourceAffinity(_Rule):
    """Which guests shall run together or apart. Needs Proxmox VE 9."""

    type: Literal["resource-affinity"]
    affinity: Literal["positive", "negative"] = Field(
        description="positive: on one node. negative: each on a node of its own."
    )


HaRule = Annotated[NodeAffinity | ResourceAffinity, Field(discriminator="type")]


class HighAvailability(Model):
    """What HA of this environment's guests goes by (API: ``/cluster/ha``)."""

    rules: dict[Key, HaRule] = Field({}, description="Rules by their id in Proxmox, unique in the cluster.")
    qdevice: bool = Field(
        False, description="The cluster has a vote besides its nodes' (a QDevice), so that two nodes keep a majority."
    )
