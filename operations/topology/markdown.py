"""An environment as a Markdown page: the flowchart and the tables. The generated documentation is made of these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from operations.topology.mermaid import as_mermaid
from operations.topology.model import Topology
from operations.topology.tables import Table, tables_of


def as_markdown(topology: Topology) -> str:
    """The page; ends without a newline."""
    nodes = ", ".join(node.name for node in topology.nodes)
    lines = [
        f"# {topology.name}",
        "",
        f"<!-- Made by `make docs` from environments/{topology.name}.yaml: edit that file and run it again. -->",
        "",
        f"{len(topology.guests)} guests and templates on {nodes}, {topology.endpoint}.",
        "",
        "```mermaid",
        as_mermaid(topology),
        "```",
    ]
    for table in tables_of(topology):
        lines += ["", f"## {table.title}", "", *_table(table)]
    return "\n".join(lines)


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(table.columns)} |"
    yield f"|{'---|' * len(table.columns)}"
    for row in table.rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    return re.sub(r"[\\|`*\[]", r"\\\g<0>", escape(" ".join(text.split()), quote=False))
