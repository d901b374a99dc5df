"""The privileges of the role: those that the environment's own API calls are checked for, and no others."""

from __future__ import annotations

import pytest
from fakepve import schema

from homelab.config.privileges import required_privileges
from simulator.permissions import PRIVILEGES
from tests.config.cases import environment

TEMPLATE = "templates: {debian-12: {vm_id: 9000, image: debian-12}}\n"
FILE = "containers: {a: {template_file: 'local:vztmpl/a.tar.zst', os_type: debian, vm_id: 9200}}\n"
EVERYTHING = (
    TEMPLATE
    + "vms: {web: {template: debian-12, vm_id: 9100, pci_devices: [{mapping: gpu}]}}\n"
    + "pools: {services: {}}\nfirewall: {enabled: true}\n"
)
DOWNLOADS = {"Datastore.Allocate", "Datastore.AllocateTemplate", "Sys.AccessNetwork"}


def privileges(content: str) -> set[str]:
    return set(required_privileges(environment(content)))


def test_they_are_sorted_and_each_is_there_once() -> None:
    found = required_privileges(environment(EVERYTHING))

    assert list(found) == sorted(set(found))


def test_every_one_of_them_is_one_of_proxmoxs() -> None:
    assert privileges(EVERYTHING) <= PRIVILEGES


def test_an_environment_of_pools_needs_no_guests() -> None:
    assert privileges("pools: {services: {}}") == {"Pool.Allocate", "Pool.Audit"}


def test_guests_alone_neither_download_nor_upload() -> None:
    assert not DOWNLOADS & privileges(FILE)
    assert {"VM.Allocate", "VM.PowerMgmt", "Datastore.AllocateSpace", "SDN.Use"} <= privileges(FILE)


@pytest.mark.parametrize(
    ("content", "added"),
    [
        ("containers: {a: {os: debian-12, vm_id: 9200}}", DOWNLOADS),
        ("containers: {a: {image: {url: 'https://a.org/b.tar.xz'}, os_type: debian, vm_id: 9200}}", DOWNLOADS),
        (TEMPLATE, DOWNLOADS),
        (FILE + "pools: {services: {}}", {"Pool.Allocate", "Pool.Audit"}),
        (FILE + "firewall: {enabled: true}", {"Sys.Modify"}),
        (FILE + "access: {privileges: [VM.Backup]}", {"VM.Backup"}),
        (FILE + "access: {}", set()),
        (FILE.replace("9200", "9200, ha: true"), {"Sys.Console"}),
        (FILE.replace("9200", "9200, replication: pve2"), {"VM.Replicate"}),
        (FILE + "sdn: {zones: {lab: {type: simple}}}", {"SDN.Allocate", "SDN.Audit"}),
    ],
    ids=[
        "container template",
        "own container template",
        "template",
        "pool",
        "firewall",
        "further",
        "nothing",
        "HA",
        "replication",
        "SDN",
    ],
)
def test_what_an_entry_adds(content: str, added: set[str]) -> None:
    assert privileges(content) - privileges(FILE) == added


def test_a_mapped_device_may_be_used() -> None:
    assert "Mapping.Use" in privileges(EVERYTHING)
    assert "Mapping.Use" not in privileges(TEMPLATE)


@pytest.mark.parametrize(
    "dangerous", ["Permissions.Modify", "User.Modify", "Realm.Allocate", "Sys.PowerMgmt", "VM.Console", "Sys.Console"]
)
def test_nobody_gets_what_would_make_more_of_it(dangerous: str) -> None:
    assert dangerous not in privileges(EVERYTHING)


CALLS = [
    ("POST", "/nodes/pve/qemu/9000/clone"),
    ("POST", "/nodes/pve/qemu/9000/template"),
    ("POST", "/nodes/pve/qemu/9100/migrate"),
    ("PUT", "/nodes/pve/qemu/9100/resize"),
    ("POST", "/nodes/pve/qemu/9100/status/start"),
    ("DELETE", "/nodes/pve/qemu/9100"),
    ("GET", "/nodes/pve/qemu/9100/agent/network-get-interfaces"),
    ("POST", "/nodes/pve/storage/local/download-url"),
    ("GET", "/nodes/pve/query-url-metadata"),
    ("GET", "/storage/local"),
    ("GET", "/nodes/pve/storage/local/content"),
    ("PUT", "/nodes/pve/lxc/9200/resize"),
    ("PUT", "/nodes/pve/qemu/9100/firewall/options"),
    ("POST", "/nodes/pve/lxc/9200/firewall/rules"),
    ("POST", "/cluster/firewall/ipset"),
    ("PUT", "/cluster/firewall/options"),
    ("POST", "/pools"),
    ("PUT", "/pools"),
]


def allows(check: list[object], held: set[str]) -> bool:
    """Whether somebody who holds privileges everywhere passes a ``check`` of the published schema."""
    kind, *rest = check
    if kind in ("and", "or"):
        return (all if kind == "and" else any)(allows(part, held) for part in rest if isinstance(part, list))
    assert kind == "perm", check
    names = rest[1]
    assert isinstance(names, list)
    return (any if "any" in rest else all)(name in held for name in names)


@pytest.mark.parametrize(("method", "path"), CALLS, ids=lambda value: value.replace("/", " ").strip())
def test_they_pass_the_published_check_of_a_call(method: str, path: str) -> None:
    match = schema.load().match(path)
    assert match is not None

    check = match.methods[method].get("permissions", {}).get("check")
    assert check is None or allows(check, privileges(EVERYTHING))
    assert check is None or not allows(check, set())
