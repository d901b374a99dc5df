"""An environment as one picture: nodes with their bridges, groups of guests, and networks by colour."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from operations.topology.model import GuestView, NetworkView, NodeView, Topology, counted

WIDTH = 1200
MARGIN = 24
GAP = 14
CARD_WIDTH = 210
CARD_HEAD = 44
LINE = 16
GROUP_PAD = 12
GROUP_TITLE = 24
NODE_TITLE = 58
BRIDGE_HEIGHT = 34
LETTER = 6.4
"""Pixels that a letter of 12 px takes on average; texts that would be longer than their place are cut."""
BOLD_LETTER = 8.2
"""Likewise of bold ones of 13 px."""
MONO_LETTER = 6.8
"""Likewise of those of addresses."""
SHORTEST_CHIP = 90
"""Pixels below which a network is not named on its bridge."""
COLORS = ("#3b82f6", "#f59e0b", "#10b981", "#8b5cf6", "#ef4444", "#06b6d4", "#ec4899", "#84cc16", "#a16207", "#64748b")
"""Of networks, in their order; beyond the last the first comes again."""
_KIND = {"VM": "VM", "container": "CT", "template": "TP"}
STYLE = """
.page{fill:#f8fafc}.node{fill:#ffffff;stroke:#cbd5e1}.group{fill:#f1f5f9}.card{fill:#ffffff;stroke:#cbd5e1}
.t{font:12px system-ui,sans-serif;fill:#475569}.b{font:600 13px system-ui,sans-serif;fill:#0f172a}
.h{font:700 18px system-ui,sans-serif;fill:#0f172a}.s{font:11px system-ui,sans-serif;fill:#64748b}
.m{font:11px ui-monospace,monospace;fill:#475569}.track{fill:#e2e8f0}.fill{fill:#3b82f6}.over{fill:#ef4444}
.chip{fill:#e2e8f0}.warn{fill:#b45309}.end{text-anchor:end}.mid{text-anchor:middle}.off{opacity:.6}
@media (prefers-color-scheme:dark){.page{fill:#0b1120}.node{fill:#111827;stroke:#334155}.group{fill:#1e293b}
.card{fill:#0f172a;stroke:#334155}.t,.m{fill:#cbd5e1}.b,.h{fill:#f1f5f9}.s{fill:#94a3b8}.track,.chip{fill:#334155}
.warn{fill:#fbbf24}}
"""


def as_svg(topology: Topology) -> str:
    """The picture as one SVG document; light or dark as the reader's system is. Ends without a newline."""
    canvas = _Canvas()
    y = _header(canvas, topology)
    columns = min(len(topology.nodes), 3 if len(topology.nodes) % 3 == 0 else 2)
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns
    for start in range(0, len(topology.nodes), columns):
        row = topology.nodes[start : start + columns]
        height = max(_node_height(node, topology, width) for node in row)
        for index, node in enumerate(row):
            _node(canvas, node, topology, (MARGIN + index * (width + GAP), y, width, height))
        y += height + GAP
    height = y + MARGIN - GAP
    guests, nodes = counted(len(topology.guests), "guest"), counted(len(topology.nodes), "node")
    title = escape(f"{topology.name}: {guests} on {nodes}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        f'role="img" aria-label="{title}"><title>{title}</title><style>{STYLE}</style>'
        f'<rect class="page" width="{WIDTH}" height="{height:g}"/>{"".join(canvas.parts)}</svg>'
    )


Box = tuple[float, float, float, float]
"""Left, top, width, height."""


@dataclass
class _Canvas:
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, style: str, room: float = 0) -> None:
        """Words at their baseline; cut in their middle where they are longer than ``room`` pixels."""
        shown = shortened(words, room, BOLD_LETTER if style.startswith("b") else LETTER) if room else words
        title = f"<title>{escape(words)}</title>" if shown != words else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(shown)}{title}</text>')

    def box(self, box: Box, style: str = "", radius: float = 8, color: str = "") -> None:
        """A rectangle with round corners."""
        x, y, width, height = box
        paint = f' class="{style}"' if style else f' fill="{color}"'
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"{paint}/>')

    def open(self, classes: str, title: str) -> None:
        self.parts.append(f'<g class="{escape(classes)}"><title>{escape(title)}</title>')

    def close(self) -> None:
        self.parts.append("</g>")


def shortened(words: str, room: float, letter: float) -> str:
    """``words`` in ``room`` pixels, without their middle: names that begin alike end differently, as replicas do."""
    most = max(3, int(room / letter + 0.001))
    if len(words) <= most:
        return words
    tail = (most - 1) // 2
    return f"{words[: most - 1 - tail]}…{words[len(words) - tail :]}"


def color_of(network: NetworkView | None) -> str:
    """The colour of a network; grey for one that the environment doesn't have."""
    return COLORS[network.index % len(COLORS)] if network else COLORS[-1]


def _header(canvas: _Canvas, topology: Topology) -> float:
    canvas.text(MARGIN, 38, topology.name, "h")
    canvas.text(WIDTH - MARGIN, 38, topology.endpoint, "t end")
    x, y = float(MARGIN), 54.0
    for network in topology.networks:
        words = f"{network.key}  {network.cidr}  {network.wire}"
        width = min(len(words) * LETTER + 40, WIDTH - 2 * MARGIN)
        if x + width > WIDTH - MARGIN and x > MARGIN:
            x, y = float(MARGIN), y + 34
        canvas.open(f"net n{network.index}", f"network {network.key}")
        canvas.box((x, y, width, 26), "chip", 13)
        canvas.box((x + 9, y + 8, 10, 10), radius=5, color=color_of(network))
        canvas.text(x + 26, y + 17, words, "t", width - 40)
        canvas.close()
        x += width + 10
    return y + (44 if topology.networks else 4)


def _groups(node: NodeView) -> list[tuple[str, list[GuestView]]]:
    names = dict.fromkeys(guest.group for guest in node.guests)
    return [(name, [guest for guest in node.guests if guest.group == name]) for name in names]


def _card_height(guest: GuestView) -> float:
    return CARD_HEAD + LINE * (len(guest.interfaces) + len(_notes(guest))) + 8


def _notes(guest: GuestView) -> list[tuple[str, str]]:
    """The lines below a guest's addresses, each with its style."""
    let_in = [flow for flow in guest.flows if not flow.is_unfiltered]
    lines = [(f"← {flow.source}: {flow.what}", "m") for flow in let_in[:3]]
    if len(let_in) > 3:
        lines.append((f"  and {len(let_in) - 3} more", "s"))
    words = [("HA", guest.high_availability), ("protected", guest.protected and guest.kind != "template")]
    words += [(guest.openness, bool(guest.openness))]
    words += [("stopped", guest.kind != "template" and not guest.runs)]
    marks = [word for word, holds in words if holds]
    return [*lines, *([(" · ".join(marks), "s")] if marks else [])]


@dataclass(frozen=True)
class _PlacedGroup:
    name: str
    box: Box
    cards: tuple[tuple[GuestView, Box], ...]


def _arranged(node: NodeView, width: float) -> tuple[list[_PlacedGroup], float]:
    """The groups of a node from left to right and then downwards, relative to its corner, and how far they reach."""
    x, y, shelf = GROUP_PAD, float(NODE_TITLE), 0.0
    inner = width - 2 * GROUP_PAD
    per_row = max(1, int((inner - 2 * GROUP_PAD + GAP) // (CARD_WIDTH + GAP)))
    # Where only one card fits beside another, it takes the place that would be left.
    card_width = CARD_WIDTH if per_row > 1 else inner - 2 * GROUP_PAD
    placed = []
    for name, guests in _groups(node):
        columns = min(per_row, len(guests))
        box_width = columns * card_width + (columns - 1) * GAP + 2 * GROUP_PAD
        if x > GROUP_PAD and x + box_width > GROUP_PAD + inner:
            x, y, shelf = GROUP_PAD, y + shelf + GAP, 0.0
        cards, top = [], y + GROUP_TITLE + 4
        for start in range(0, len(guests), columns):
            row = guests[start : start + columns]
            height = max(map(_card_height, row))
            for index, guest in enumerate(row):
                cards.append((guest, (x + GROUP_PAD + index * (card_width + GAP), top, card_width, height)))
            top += height + 10
        height = top - y + GROUP_PAD - 10
        placed.append(_PlacedGroup(name, (x, y, box_width, height), tuple(cards)))
        shelf = max(shelf, height)
        x += round(box_width + GAP)
    return placed, y + shelf


def _node_height(node: NodeView, topology: Topology, width: float) -> float:
    _, bottom = _arranged(node, width)
    return bottom + GAP + len(_bridge_rows(node, topology, width)) * (BRIDGE_HEIGHT + 6) + 8


def _node(canvas: _Canvas, node: NodeView, topology: Topology, box: Box) -> None:
    x, y, width, height = box
    canvas.box(box, "node", 12)
    canvas.text(x + 18, y + 26, node.name, "h")
    guests = sum(guest.kind != "template" for guest in node.guests)
    facts = f"{counted(node.cores, 'core')} · {node.promised} of {node.memory} memory · {counted(guests, 'guest')}"
    canvas.text(x + 18, y + 44, facts, "s", width - 36)
    canvas.box((x + width - 118, y + 15, 100, 8), "track", 4)
    if node.share:
        canvas.box((x + width - 118, y + 15, 100 * min(1, node.share), 8), "over" if node.share > 1 else "fill", 4)
    canvas.text(x + width - 126, y + 23, f"memory {node.share:.0%}", "s end")
    groups, _ = _arranged(node, width)
    for group in groups:
        left, top, group_width, group_height = group.box
        canvas.box((x + left, y + top, group_width, group_height), "group")
        canvas.text(x + left + GROUP_PAD, y + top + 17, group.name, "t", group_width - 2 * GROUP_PAD)
        for guest, (card_x, card_y, card_width, card_height) in group.cards:
            _card(canvas, guest, topology, (x + card_x, y + card_y, card_width, card_height))
    rows = _bridge_rows(node, topology, width)
    top = y + height - 8 - len(rows) * (BRIDGE_HEIGHT + 6)
    for row in rows:
        for bridge, networks, left, bridge_width in row:
            _bridge(canvas, bridge, networks, (x + left, top, bridge_width, BRIDGE_HEIGHT))
        top += BRIDGE_HEIGHT + 6


def _card(canvas: _Canvas, guest: GuestView, topology: Topology, box: Box) -> None:
    x, y, width, height = box
    networks = [topology.network(interface.network) for interface in guest.interfaces]
    classes = " ".join(["guest", *(f"n{network.index}" for network in networks if network)])
    off = guest.kind == "template" or not guest.runs
    canvas.open(f"{classes} off" if off else classes, f"{guest.kind} {guest.label}: {guest.size}")
    canvas.box(box, "card")
    canvas.box((x, y + 6, 4, height - 12), radius=2, color=color_of(networks[0] if networks else None))
    canvas.text(x + 14, y + 19, guest.label, "b", width - 84)
    canvas.text(x + width - 10, y + 19, f"{_KIND[guest.kind]} {guest.vm_id}", "s end")
    canvas.text(x + 14, y + 36, guest.size, "s", width - 24)
    line = y + CARD_HEAD + 10
    for interface, network in zip(guest.interfaces, networks, strict=True):
        canvas.box((x + 14, line - 8, 8, 8), radius=4, color=color_of(network))
        canvas.text(x + 28, line, interface.address, "m")
        room = width - 48 - len(interface.address) * MONO_LETTER
        canvas.text(x + width - 10, line, interface.network, "s end", room)
        line += LINE
    for words, style in _notes(guest):
        is_warning = guest.openness and guest.openness in words
        canvas.text(x + 14, line, words, f"{style} warn" if is_warning else style, width - 24)
        line += LINE
    canvas.close()


def _bridge_rows(
    node: NodeView, topology: Topology, width: float
) -> list[list[tuple[str, list[NetworkView], float, float]]]:
    """The node's bridges with the networks on each, in rows: left edge and width of each."""
    used = {interface.network for guest in node.guests for interface in guest.interfaces}
    bridges: dict[str, list[NetworkView]] = {bridge: [] for bridge in node.bridges}
    for network in topology.networks:
        if network.bridge in bridges or network.key in used:
            bridges.setdefault(network.bridge, []).append(network)
    rows: list[list[tuple[str, list[NetworkView], float, float]]] = [[]]
    x = float(GROUP_PAD)
    for bridge, networks in bridges.items():
        needed = len(bridge) * BOLD_LETTER + 34 + sum(map(_chip_width, networks))
        needed = min(needed, width - 2 * GROUP_PAD)
        if rows[-1] and x + needed > width - GROUP_PAD:
            rows.append([])
            x = float(GROUP_PAD)
        rows[-1].append((bridge, networks, x, needed))
        x += needed + 8
    return rows


def _chip_words(network: NetworkView) -> str:
    return f"{network.key} VLAN {network.vlan}" if network.vlan is not None else network.key


def _chip_width(network: NetworkView) -> float:
    return len(_chip_words(network)) * LETTER + 34


def _bridge(canvas: _Canvas, bridge: str, networks: list[NetworkView], box: Box) -> None:
    x, y, width, _ = box
    canvas.box(box, "group", 6)
    canvas.box((x, y, width, 3), radius=1, color=color_of(networks[0]) if networks else COLORS[-1])
    canvas.text(x + 10, y + 22, bridge, "b")
    left = x + 24 + len(bridge) * BOLD_LETTER
    for network in networks:
        room = x + width + 20 - left
        if room < min(_chip_width(network), SHORTEST_CHIP):
            break
        canvas.open(f"net n{network.index}", f"{network.key}: {network.cidr} on {network.wire}")
        canvas.box((left, y + 14, 8, 8), radius=4, color=color_of(network))
        canvas.text(left + 13, y + 22, _chip_words(network), "t", min(_chip_width(network), room) - 34)
        canvas.close()
        left += _chip_width(network)
