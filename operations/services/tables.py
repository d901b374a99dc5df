"""Addresses and ports of an environment's services, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from homelab.config.environment import Environment
from homelab.config.service_containers import enabled_services
from homelab.services.service import EnabledService

HEADER = ("service", "VMID", "host name", "address", "ports", "web page", "template")


class Format(StrEnum):
    """How something for people is written."""

    TEXT = "text"
    MARKDOWN = "markdown"


def service_rows(environment: Environment) -> Iterator[tuple[str, ...]]:
    """A line for each instance of each service, in the order of the catalogue."""
    for name, enabled in enabled_services(environment).items():
        for instance in enabled.instances:
            first = instance.index == 0
            yield (
                name if first else f"{name} (replica {instance.index})",
                str(instance.vm_id),
                instance.hostname,
                str(instance.address),
                ports_of(enabled),
                (enabled.url or "") if first else "",
                str(enabled.settings.template.vm_id or enabled.service.template_vm_id) if first else "",
            )


def ports_of(enabled: EnabledService) -> str:
    """``5432/tcp``, or several with commas between them."""
    return ", ".join(f"{port.number}/{port.protocol}" for port in enabled.service.ports)


def rendered(header: Sequence[str], rows: Sequence[Sequence[str]], how: Format) -> str:
    """A table for a terminal or for a document; it ends without a newline."""
    if how is Format.MARKDOWN:
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    )
