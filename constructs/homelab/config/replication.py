"""Storage replication: copies of a guest's disks on other nodes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from homelab.config.model import Model
from homelab.config.names import NodeName
from homelab.config.text import Matching

Schedule = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9*/,.: -]{1,128}",
        "a schedule",
        "calendar events as Proxmox writes them, such as */15 or 22:30",
        "*/15",
    ),
]


class Replication(Model):
    """One replication job (API: ``/cluster/replication``): all of a guest's disks, at intervals, to one node.

    Proxmox copies ZFS volumes only, into the datastore of the same name. What was written since the last run is lost
    when the guest has to start from the copy.
    """

    target: NodeName = Field(description="The node that gets the copy.")
    schedule: Schedule = Field("*/15", description="When it runs: every fifteen minutes.")
    rate: float | None = Field(None, gt=0, le=100_000, description="Limit in MB/s; none when left out.")
    enabled: bool = Field(True, description="false: kept and not run.")
    comment: str | None = Field(None, min_length=1, max_length=4096, description="A note in Proxmox.")


class ReplicationSpec(Replication):
    """A replication job, everything decided."""

    job: int = Field(ge=0, description="Its number: the second part of its id.")


def _jobs(value: Any) -> Any:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple({"target": item} if isinstance(item, str) else item for item in items)


Replications = Annotated[
    tuple[Replication, ...],
    Field(max_length=9),
    BeforeValidator(_jobs, json_schema_input_type=NodeName | Replication | list[NodeName | Replication]),
]
"""A node, a job, or a list of either. The place in the list is the job's number, so new ones go to its end."""
