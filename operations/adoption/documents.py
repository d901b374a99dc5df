"""The environment file and the report of an adoption, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from operations.adoption.adopting import Adoption
from operations.adoption.entries import Entry

_SHORT = 100
_LINE = 120


class _Dumper(yaml.SafeDumper):
    """Writes short maps and lists of plain values on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - a file for people says things twice
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = _is_short(dict(mapping))
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = all(not isinstance(item, dict | list) for item in sequence)
        return node


def _is_short(mapping: Mapping[str, Any]) -> bool:
    plain = not any(isinstance(value, dict) for value in mapping.values())
    return plain and len(str(dict(mapping))) <= _SHORT


def environment_text(adoption: Adoption, *, endpoint: str, report: str) -> str:
    """The environment file: a comment of where it comes from, then its content."""
    body = yaml.dump(adoption.content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LINE)
    return (
        "# yaml-language-server: $schema=../docs/environment.schema.json\n"
        f"# What homelab adopt found at {endpoint}.\n"
        f"# {report} says what stays as it is on the node, and what was not adopted.\n\n"
        f"{body}"
    )


def report_text(adoption: Adoption, *, name: str, endpoint: str) -> str:
    """What was adopted, what was not and why, and what to know about the rest, as Markdown."""
    lines = [f"# Adoption of {endpoint} as environment {name}", "", summary(adoption), ""]
    lines += _section(
        "Not adopted",
        "Nothing of this environment touches them.",
        [f"{guest.label}: {reason}." for guest, reason in adoption.refused],
    )
    lines += _section(
        "Left to the node",
        "These arguments of the provider are ignored (`adopted.ignore`); the settings they stand for have no effect.",
        [
            f"`{entry.section}.{entry.key}`: `{argument}`, because {reason}."
            for entry in adoption.entries
            for argument, reason in sorted(entry.ignored.items())
        ],
    )
    lines += _section("Not managed", "", [f"{_capital(text)}." for text in adoption.left_out])
    lines += _section("Worth knowing", "", [f"{_capital(note)}: {names}." for note, names in _notes(adoption).items()])
    return "\n".join(lines).rstrip("\n") + "\n"


def summary(adoption: Adoption) -> str:
    """One line of what was adopted."""
    counts = dict.fromkeys(("vms", "containers", "templates"), 0)
    for entry in adoption.entries:
        counts[entry.section] += 1
    what = ", ".join(
        f"{number} {noun if number != 1 else noun.removesuffix('s')}"
        for number, noun in (
            (counts["vms"], "virtual machines"),
            (counts["containers"], "containers"),
            (counts["templates"], "templates"),
            (len(adoption.content.get("pools", {})), "pools"),
            (len(adoption.content.get("networks", {})), "networks"),
        )
        if number
    )
    firewall = " and the cluster's firewall" if "firewall" in adoption.content else ""
    refused = len(adoption.refused)
    left = f"; {refused} {'guest was' if refused == 1 else 'guests were'} not adopted" if refused else ""
    return f"Adopted: {what or 'nothing'}{firewall}{left}."


def _section(title: str, introduction: str, items: list[str]) -> list[str]:
    if not items:
        return []
    return [f"## {title}", "", *([introduction, ""] if introduction else []), *(f"* {item}" for item in items), ""]


def _notes(adoption: Adoption) -> dict[str, str]:
    """Notes with the guests that they are about, so that a note on thirty machines is one line."""
    found: dict[str, list[Entry]] = {}
    for entry in adoption.entries:
        for note in entry.notes:
            found.setdefault(note, []).append(entry)
    return {note: ", ".join(f"`{entry.key}`" for entry in entries) for note, entries in found.items()}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
