"""An environment as one HTML page: the picture and the tables, with nothing to load from anywhere."""

from __future__ import annotations

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup

from operations.topology.model import Topology
from operations.topology.svg import as_svg
from operations.topology.tables import tables_of


def as_page(topology: Topology) -> str:
    """The page; ends without a newline."""
    templates = Templates(
        loader=PackageLoader("operations.topology", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    running = [guest for guest in topology.guests if guest.kind != "template"]
    open_ones = sum(bool(guest.openness) for guest in running)
    numbers = {
        "guest": len(running),
        "template": len(topology.guests) - len(running),
        "node": len(topology.nodes),
        "network": len(topology.networks),
    }
    facts = [(noun if number == 1 else f"{noun}s", str(number)) for noun, number in numbers.items()]
    facts += [("open to everything", str(open_ones))] if open_ones else []
    return templates.get_template("page.html.j2").render(
        topology=topology,
        facts=facts,
        # Every text in the picture is escaped where it is drawn.
        picture=Markup(as_svg(topology)),  # noqa: S704
        tables=tables_of(topology),
        warnings={flow.comment for flow in topology.flows if flow.is_unfiltered},
    )
