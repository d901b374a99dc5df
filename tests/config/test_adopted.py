"""Guests that were there before: what goes with `adopted` and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.file_cases import said

DISKS = "adopted: {disks: {ide0: {size: 8GiB, datastore: local-lvm}}}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("vms: {a: {vm_id: 9100}}", "cloned from a template, or it was adopted; here: neither"),
        (
            "vms: {a: {vm_id: 9100, template: debian-12, adopted: true}}",
            "cloned from a template, or it was adopted; here: both template and adopted",
        ),
        (f"vms: {{a: {{vm_id: 9100, disk: 8GiB, {DISKS}}}}}", "an adopted machine has no disk"),
        (f"vms: {{a: {{vm_id: 9100, replicas: 2, {DISKS}}}}}", "an adopted machine has no replicas"),
        ("vms: {a: {vm_id: 9100, adopted: {disks: {ide4: {}}}}}", "this is not a disk interface"),
        ("containers: {a: {vm_id: 9200, adopted: true, replicas: 2}}", "an adopted container is one"),
        ("containers: {a: {vm_id: 9200, adopted: true, os: debian-12}}", "one source, here: os and adopted"),
        ("templates: {a: {vm_id: 9001}}", "made from an image, or it was adopted; here: neither"),
    ],
)
def test_what_is_refused(change: str, message: str, tmp_path: Path) -> None:
    found = said(tmp_path, change)

    assert message in found
    assert "fix:" in found


@pytest.mark.parametrize(
    "change",
    [
        f"vms: {{a: {{vm_id: 9100, {DISKS}}}}}",
        "vms: {a: {vm_id: 9100, adopted: true, network: lan}}",
        "containers: {a: {vm_id: 9200, adopted: {ignore: [cpu, mount_point]}}}",
        # Only root may set it, and somebody did.
        "containers: {a: {vm_id: 9200, adopted: true, features: {fuse: true}}}",
        "templates: {a: {vm_id: 9001, adopted: true}}",
    ],
)
def test_what_is_fine(change: str, tmp_path: Path) -> None:
    assert " error:" not in said(tmp_path, change)
