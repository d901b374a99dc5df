"""Addresses and ports of services as tables, and the catalogue in the documentation."""

from __future__ import annotations

import re

import pytest
import yaml

from homelab.services.registry import services
from operations.services.catalogue import DOCUMENT, with_current_catalogue
from operations.services.tables import HEADER, Format, rendered, service_rows
from tests.config.test_services import with_services


def test_a_line_for_each_instance() -> None:
    rows = list(service_rows(with_services("{postgresql: {replicas: 1}, redis: {}}")))
    assert rows == [
        ("postgresql", "200", "postgresql-db", "10.0.30.10", "5432/tcp", "", "900"),
        ("postgresql (replica 1)", "210", "postgresql-db-1", "10.0.30.11", "5432/tcp", "", ""),
        ("redis", "201", "redis-cache", "10.0.30.20", "6379/tcp", "", "901"),
    ]


def test_a_web_page_is_named_with_its_address() -> None:
    (row,) = service_rows(with_services("[gitea]"))
    assert row[5] == "http://10.0.30.40:3000"


def test_text_stands_in_columns_and_has_no_blanks_at_the_end() -> None:
    text = rendered(HEADER, list(service_rows(with_services("[postgresql, redis]"))), Format.TEXT)
    lines = text.split("\n")
    assert [line.index("VMID" if number == 0 else "20") for number, line in enumerate(lines)] == [12, 12, 12]
    assert all(line == line.rstrip() for line in lines)


def test_markdown() -> None:
    text = rendered(("a", "b"), [("1", "2")], Format.MARKDOWN)
    assert text == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_documented_catalogue_is_the_current_one() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert with_current_catalogue(document) == document, "run python -m operations.services.catalogue"
    for name in services():
        assert f"| {name} |" in document


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="catalogue: begin"):
        with_current_catalogue("# Services\n")


def test_the_documents_examples_are_environments() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        parts = yaml.safe_load(block.replace("<commit>", "0" * 40).replace("<64 hexadecimal digits>", "0" * 64))
        assert with_services("[]").model_validate({**base(), **parts}).name == "one"


def base() -> dict[str, object]:
    environment = with_services("[]")
    return {"name": environment.name, "proxmox": environment.proxmox, "networks": environment.networks}
