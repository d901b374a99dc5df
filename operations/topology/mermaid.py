"""An environment as a Mermaid flowchart, which GitHub and GitLab draw in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from operations.topology.model import GuestView, NodeView, Topology, counted

_SHAPES = {"VM": ('["', '"]'), "container": ('("', '")'), "template": ('[["', '"]]')}


def as_mermaid(topology: Topology) -> str:
    """The flowchart: nodes with their groups and guests, the networks that join them, and what is let in from where.

    Ends without a newline.
    """
    lines = ["flowchart LR"]
    for network in topology.networks:
        text = f"{network.key}<br/>{network.cidr}<br/>{network.wire}"
        lines.append(f"    {_id('net', network.key)}{{{{{_quoted(text)}}}}}")
    for node in topology.nodes:
        lines += [f"    {line}" for line in _node(node)]
    for guest in topology.guests:
        flows = _flows_from_networks(topology, guest)
        for interface in guest.interfaces:
            if topology.network(interface.network) is None:
                continue
            what = flows.get(interface.network)
            edge = f"-->|{_quoted(what)}|" if what else "---"
            lines.append(f"    {_id('net', interface.network)} {edge} guest_{guest.vm_id}")
        for source, what in flows.items():
            if source not in {interface.network for interface in guest.interfaces}:
                lines.append(f"    {_id('net', source)} -.->|{_quoted(what)}| guest_{guest.vm_id}")
    return "\n".join(lines)


def _node(node: NodeView) -> Iterator[str]:
    title = f"{node.name}: {counted(node.cores, 'core')}, {node.memory} for guests"
    yield f"subgraph {_id('node', node.name)}[{_quoted(title)}]"
    for group in dict.fromkeys(guest.group for guest in node.guests):
        yield f"    subgraph {_id('group', f'{node.name}-{group}')}[{_quoted(group)}]"
        for guest in node.guests:
            if guest.group == group:
                opening, closing = _SHAPES[guest.kind]
                address = f"<br/>{guest.address}" if guest.address else ""
                text = _quoted(f"{guest.label} ({guest.vm_id}){address}").strip('"')
                yield f"        guest_{guest.vm_id}{opening}{text}{closing}"
        yield "    end"
    yield "end"


def _flows_from_networks(topology: Topology, guest: GuestView) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for flow in guest.flows:
        for source in flow.source.split(","):
            if topology.network(source) is not None:
                found.setdefault(source, []).append(flow.what)
    return {source: ", ".join(what) for source, what in found.items()}


def _id(kind: str, name: str) -> str:
    # A word of Mermaid's own, such as end, would break the chart; with its kind before it none is.
    return f"{kind}_{re.sub(r'[^A-Za-z0-9]', lambda match: f'_{ord(match[0]):x}_', name)}"


def _quoted(text: str) -> str:
    """Mermaid reads entity codes in quoted text, and nothing else of it."""
    safe = re.sub(r'["#&;`\\|]', lambda match: f"#{ord(match[0])};", text)
    return f'"{safe}"'
