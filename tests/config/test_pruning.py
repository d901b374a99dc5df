"""What is left of an environment whose entries have errors: enough to find the other errors."""

from pathlib import Path

import pytest

from homelab.config.loading import check_files

TWO_TEMPLATES_WITH_ONE_NUMBER = """
templates:
  a: {vm_id: 9000, image: debian-12}
  b: {vm_id: 9000, image: debian-12}
"""


@pytest.mark.parametrize(
    ("proxmox", "first_error"),
    [
        (
            "proxmox: {endpoint: 'http://pve', nodes: {pve: {cores: 4, memory: 8GiB, datastores: {local: {}}}}}",
            "proxmox.endpoint",
        ),
        (
            "proxmox: {endpoint: 'https://pve', nodes: {pve: {cores: 4, memory: 8GB, datastores: {local: {}}}}}",
            "proxmox.nodes.pve.memory",
        ),
        ("proxmox: {endpoint: 'https://pve', nodes: {}}", "proxmox.nodes"),
        ("proxmox: {endpoint: 'https://pve'}", "proxmox.nodes"),
        ("proxmox: {}", "proxmox.endpoint"),
    ],
)
def test_a_mistake_in_what_an_environment_needs_does_not_hide_the_others(
    tmp_path: Path, proxmox: str, first_error: str
) -> None:
    file = tmp_path / "dev.yaml"
    file.write_text(proxmox + TWO_TEMPLATES_WITH_ONE_NUMBER)
    paths = [problem.key_path for problem in check_files([file]) if problem.severity == "error"]
    assert paths[0] == first_error
    assert "templates.b.vm_id" in paths


def test_nothing_is_said_about_the_place_that_stands_in_for_a_broken_node(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_text(
        "proxmox: {endpoint: 'https://pve', nodes: {pve: {cores: 4, memory: 8GB, datastores: {fast: {}}}}}\n"
        "networks: {lan: {bridge: vmbr7, cidr: 10.0.0.0/24}}\n"
        "containers: {a: {vm_id: 9200, os: debian-12, datastore: fast, network: lan}}\n"
    )
    errors = [problem.key_path for problem in check_files([file]) if problem.severity == "error"]
    assert errors == ["proxmox.nodes.pve.memory"]
