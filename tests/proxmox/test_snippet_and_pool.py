"""`Snippet` and `Pool`: the two constructs of one resource each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homelab.proxmox.pool import Pool
from homelab.proxmox.snippet import Snippet
from tests.synthesis import resources, synthesize, the_resource

FILE = "proxmox_virtual_environment_file"
POOL = "proxmox_virtual_environment_pool"


def pool_of(folder: Path, **arguments: Any) -> dict[str, Any]:
    return the_resource(synthesize(lambda stack: Pool(stack, "services", **arguments), folder), POOL)


def test_a_snippet_is_raw_text_on_a_node(tmp_path: Path) -> None:
    document = synthesize(
        lambda stack: Snippet(stack, "s", node="pve", datastore="local", file_name="a.yaml", text="#cloud-config\n"),
        tmp_path,
    )

    assert resources(document, FILE) == {
        "s": {
            "node_name": "pve",
            "datastore_id": "local",
            "content_type": "snippets",
            "source_raw": {"data": "#cloud-config\n", "file_name": "a.yaml"},
        }
    }


def test_a_pool_has_its_id_and_comment(tmp_path: Path) -> None:
    assert pool_of(tmp_path, pool_id="home/services", comment="What is used") == {
        "pool_id": "home/services",
        "comment": "What is used",
    }


def test_a_pool_without_comment_leaves_it_out(tmp_path: Path) -> None:
    assert pool_of(tmp_path, pool_id="services") == {"pool_id": "services"}
