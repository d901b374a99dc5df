"""What a drawing of an environment shows, and that every form of it is well-formed whatever the texts are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from operations.topology.flows import Flow
from operations.topology.markdown import as_markdown
from operations.topology.mermaid import as_mermaid
from operations.topology.model import Topology, counted, topology_of
from operations.topology.page import as_page
from operations.topology.svg import LETTER, MONO_LETTER, as_svg, shortened
from operations.topology.tables import tables_of
from tests.config.cases import environment

SVG = "{http://www.w3.org/2000/svg}"
LAB = """
networks:
  internal: {bridge: vmbr0, vlan: 30, cidr: 10.0.30.0/24, gateway: 10.0.30.1}
firewall:
  enabled: true
  groups:
    remote: {rules: [{protocol: tcp, port: 22, source: lan, comment: SSH}]}
templates:
  debian-12: {vm_id: 9000, image: debian-12}
vms:
  web:
    template: debian-12
    vm_id: 9100
    replicas: 2
    group: front
    network: {name: internal, address: 10.0.30.20}
    firewall: {allow: [{port: "80,443"}], groups: [remote]}
containers:
  dns: {os: debian-12, vm_id: 9200, network: {name: lan, address: 10.0.0.53}, protection: true}
  idle: {os: debian-12, vm_id: 9201, started: false, start_on_boot: false}
"""
ONE = "containers: {dns: {os: debian-12, vm_id: 9200, network: lan}}"


def _topology(changes: str = LAB) -> Topology:
    return topology_of(environment(changes))


def _large() -> Topology:
    groups = "".join(
        f"  g{number}: {{os: debian-12, vm_id: {9200 + number * 10}, replicas: {number + 1}, group: group-{number}, "
        "network: lan}\n"
        for number in range(8)
    )
    return topology_of(environment(f"containers:\n{groups}"))


def test_guests_are_in_the_order_of_their_numbers_with_all_that_a_reader_asks_for() -> None:
    guests = {guest.key: guest for guest in _topology().guests}
    assert list(guests) == ["debian-12", "web-1", "web-2", "dns", "idle"]
    web = guests["web-2"]
    assert (web.kind, web.vm_id, web.node, web.group, web.address) == ("VM", 9101, "pve", "front", "10.0.30.21")
    assert web.size == "2 cores · 2GiB · 20GiB"
    assert (guests["dns"].protected, guests["idle"].runs, guests["debian-12"].kind) == (True, False, "template")


def test_what_is_let_in_comes_from_the_guest_s_rules_and_its_groups() -> None:
    web = next(guest for guest in _topology().guests if guest.key == "web-1")
    assert web.flows == (Flow("web-1", "anywhere", "tcp 80,443"), Flow("web-1", "lan", "tcp 22", "SSH", "remote"))


def test_without_a_firewall_everything_comes_in() -> None:
    dns = next(guest for guest in _topology().guests if guest.key == "dns")
    assert [(flow.source, flow.what) for flow in dns.flows] == [("anywhere", "everything")]
    off = _topology(LAB.replace("  enabled: true", "  enabled: false"))
    assert all(flow.what == "everything" for flow in off.flows)


def test_one_is_counted_as_one() -> None:
    drawn = _topology(ONE)
    assert counted(1, "node") == "1 node"
    assert f"{len(drawn.guests)} guest on 1 node" in as_svg(drawn)


def _firewalled(firewall: str, network: str = "lan") -> Topology:
    return _topology(
        "networks: {internal: {bridge: vmbr0, vlan: 30, cidr: 10.0.30.0/24}}\nfirewall: {enabled: true}\n"
        f"containers: {{a: {{os: debian-12, vm_id: 9200, network: {network}, firewall: {firewall}}}}}"
    )


def test_a_policy_that_lets_everything_in_is_told() -> None:
    drawn = _firewalled("{input_policy: ACCEPT, allow: [{port: 22, from: lan}]}")
    assert [(flow.source, flow.what, flow.comment) for flow in drawn.flows] == [
        ("anywhere", "everything", "what no rule forbids: input_policy is ACCEPT"),
        ("lan", "tcp 22", ""),
    ]
    assert drawn.guests[0].openness == "open"


def test_an_interface_that_the_firewall_leaves_out_is_told() -> None:
    drawn = _firewalled("{allow: [{port: 22}]}", "[lan, {name: internal, firewall: false}]")
    assert [(flow.source, flow.what, flow.comment) for flow in drawn.flows] == [
        ("anywhere", "everything", "no firewall in internal"),
        ("anywhere", "tcp 22", ""),
    ]
    assert "no firewall in internal" in as_svg(drawn)
    alone = _firewalled("{allow: [{port: 22}]}", "{name: lan, firewall: false}")
    assert [(flow.what, flow.comment) for flow in alone.flows] == [("everything", "no firewall")]


def test_a_rule_that_lets_everything_in_from_somewhere_is_no_missing_firewall() -> None:
    drawn = _firewalled("{rules: [{source: lan}]}")
    assert [(flow.source, flow.what, flow.is_unfiltered) for flow in drawn.flows] == [("lan", "everything", False)]
    assert drawn.guests[0].openness == ""
    assert "← lan: everything" in as_svg(drawn)
    assert "open to everything" not in as_page(drawn)


def test_texts_do_not_mark_up_the_page_that_they_are_in() -> None:
    comment = "a | b\\n`c` **d** [e](http://f) <g> &lt; </details>"
    drawn = _firewalled(f'{{allow: [{{port: 22, comment: "{comment}"}}]}}')
    row = next(line for line in as_markdown(drawn).splitlines() if "tcp 22" in line and line.startswith("|"))
    assert row == (
        r"| anywhere | a | tcp 22 | a \| b \`c\` \*\*d\*\* \[e](http://f) &lt;g&gt; &amp;lt; &lt;/details&gt; |"
    )


def test_a_disabled_rule_lets_nothing_in() -> None:
    rule = "rules: [{protocol: tcp, port: 22, enabled: false}, {protocol: tcp, port: 23, action: DROP}]"
    drawn = _topology(
        f"firewall: {{enabled: true}}\ncontainers: {{a: {{os: debian-12, vm_id: 9200, network: lan, "
        f"firewall: {{{rule}}}}}}}"
    )
    assert drawn.flows == ()


def test_the_picture_has_every_node_bridge_network_and_guest() -> None:
    root = ET.fromstring(as_svg(_topology()))  # noqa: S314 - our own
    words = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    for expected in ("pve", "vmbr0", "lan", "internal VLAN 30", "web-1", "VM 9100", "10.0.30.20", "← lan: tcp 22"):
        assert expected in words, expected
    assert "protected · no firewall" in words
    assert "stopped" in words


def _boxes(root: ET.Element, style: str) -> list[tuple[float, float, float, float]]:
    return [
        tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height"))  # type: ignore[misc]
        for box in root.iter(f"{SVG}rect")
        if box.get("class") == style
    ]


@pytest.mark.parametrize("drawn", [_topology(), _large()], ids=["small", "large"])
def test_nothing_overlaps_and_nothing_is_cut_off(drawn: Topology) -> None:
    root = ET.fromstring(as_svg(drawn))  # noqa: S314 - our own
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    cards = _boxes(root, "card")
    assert len(cards) == len(drawn.guests)
    for x, y, w, h in [*cards, *_boxes(root, "group"), *_boxes(root, "node")]:
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(cards, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    for group in ("group", "node"):
        for x, y, w, h in cards:
            assert any(
                gx <= x and x + w <= gx + gw and gy <= y and y + h <= gy + gh for gx, gy, gw, gh in _boxes(root, group)
            )


def test_long_names_keep_apart_and_can_be_told_apart() -> None:
    network, guest = "a-long-name-for-the-network-of-storage", "a-remarkably-long-name-of-a-container"
    drawn = _topology(
        f"networks: {{{network}: {{bridge: vmbr0, vlan: 30, cidr: 10.0.30.0/24}}}}\n"
        f"containers: {{{guest}: {{os: debian-12, vm_id: 9200, replicas: 2, "
        f"network: {{name: {network}, address: 10.0.30.20}}}}}}"
    )
    root = ET.fromstring(as_svg(drawn))  # noqa: S314 - our own
    texts = [(text.text or "", text) for text in root.iter(f"{SVG}text")]
    names = [words for words, text in texts if text.get("class") == "b" and "…" in words]
    assert len(set(names)) == 2
    assert [name[-2:] for name in names] == ["-1", "-2"]
    (address,) = [text for words, text in texts if words == "10.0.30.20"]
    (beside,) = [
        text
        for _, text in texts
        if text.get("y") == address.get("y") and text.get("class") == "s end" and text.get("x") != address.get("x")
    ][:1]
    begins = float(beside.attrib["x"]) - len(beside.text or "") * LETTER
    assert float(address.attrib["x"]) + len("10.0.30.20") * MONO_LETTER < begins
    assert (beside.text or "").endswith("torage")


@pytest.mark.parametrize(
    ("room", "shown"), [(1000, "abcdefghij"), (100, "abcdefghij"), (90, "abcd…ghij"), (50, "ab…ij"), (1, "a…j")]
)
def test_what_is_too_long_loses_its_middle(room: float, shown: str) -> None:
    assert shortened("abcdefghij", room, 10) == shown


def test_templates_are_no_guests_of_a_node() -> None:
    assert "· 1 guest<" in as_svg(_topology("templates: {t: {vm_id: 9000, image: debian-12}}\n" + ONE))
    assert "· 0 guests<" in as_svg(_topology("templates: {t: {vm_id: 9000, image: debian-12}}"))


def test_the_chart_names_everything_once_and_draws_what_is_let_in() -> None:
    chart = as_mermaid(_topology())
    assert chart.startswith("flowchart LR\n")
    assert chart.count("subgraph ") == chart.count("\n        end") + chart.count("\n    end")
    ids = re.findall(r"^\s+((?:guest|net)_\w+)[\[({]", chart, re.MULTILINE)
    assert len(ids) == len(set(ids)) == 5 + 2
    assert 'net_lan -.->|"tcp 22"| guest_9100' in chart
    assert "net_internal --- guest_9100" in chart


def test_a_name_that_is_a_word_of_mermaid_breaks_nothing() -> None:
    chart = as_mermaid(_topology("containers: {end: {os: debian-12, vm_id: 9200, network: lan}}"))
    assert 'guest_9200("end (9200)<br/>DHCP")' in chart


def test_tables_are_sorted_as_one_looks_things_up() -> None:
    tables = {table.title: table for table in tables_of(_topology())}
    assert list(tables) == ["Networks", "Addresses", "VMIDs", "Who may reach what"]
    assert [row[0] for row in tables["Addresses"].rows] == ["10.0.0.53", "10.0.30.20", "10.0.30.21"]
    assert [row[0] for row in tables["VMIDs"].rows] == ["9000", "9100", "9101", "9200", "9201"]
    assert ("lan", "web-1", "tcp 22", "SSH") in tables["Who may reach what"].rows


class _Page(HTMLParser):
    """Remembers what is open, and what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input", "rect"):
            self.open.append(tag)
        self.scripts += tag == "script"
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_and_every_text_is_only_text() -> None:
    bad = '<script>alert("x")</script>'
    drawn = _topology(f"{LAB}\n").guests
    spoilt = _topology(LAB.replace("comment: SSH", f"comment: '{bad}'"))
    page = _Page()
    page.feed(as_page(spoilt))
    assert (page.open, page.loads, page.scripts) == ([], [], 1)
    assert len(drawn) == len(spoilt.guests)
    assert "&lt;script&gt;" in as_page(spoilt)
    ET.fromstring(as_svg(spoilt))  # noqa: S314 - our own


def test_markdown_keeps_its_tables_whatever_the_words() -> None:
    text = as_markdown(_topology(LAB.replace("comment: SSH", "comment: 'a|b <c> `d`'")))
    rows = [line for line in text.splitlines() if line.startswith("| lan | web-1")]
    assert rows == ["| lan | web-1 | tcp 22 | a\\|b &lt;c&gt; \\`d\\` |"]


def test_three_hundred_guests_make_a_chart_that_is_still_drawn() -> None:
    guests = "".join(
        f"  {'a-rather-long-name-' * 2}{number}: {{os: debian-12, vm_id: {9200 + number}, network: lan}}\n"
        for number in range(300)
    )
    chart = as_mermaid(topology_of(environment(f"containers:\n{guests}")))
    # What Mermaid takes where nobody set it up otherwise, as GitHub and GitLab didn't: maxTextSize and maxEdges.
    assert len(chart) < 50_000
    assert chart.count(" --- ") + chart.count("-->") < 500
