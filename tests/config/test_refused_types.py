"""Values of another type, length or size than belongs there."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from pathlib import Path

import pytest

from homelab.config.virtual_machine import VirtualMachine
from tests.config.file_cases import aligned, said

KEYS_OF_A_VM = ", ".join(VirtualMachine.model_fields)

CASES = {
    "number where a text belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, description: 12}}",
        """
        60 error: vms.web.description
            a text belongs here, and YAML reads this as a number
            found:    12
            allowed:  Notes in Proxmox
            fix:      put it in quotes: "12"
        """,
    ),
    "true where a text belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, pool: on}}",
        """
        53 error: vms.web.pool
            a text belongs here, and YAML reads this as true or false
            found:    on
            allowed:  The pool, one of `pools`
            fix:      put it in quotes: "on"
        """,
    ),
    "float where a text belongs": (
        "containers: {dns: {os: 12.5, vm_id: 9200}}",
        """
        24 error: containers.dns.os
            a text belongs here, and YAML reads this as a number
            found:    12.5
            allowed:  A container template from the catalogue, such as debian-12 or alpine-3.22
            fix:      put it in quotes: "12.5"
        """,
    ),
    "map where a text belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, description: {a: b}}}",
        """
        47 error: vms.web.description
            a text belongs here, not a map
            allowed:  Notes in Proxmox
            fix:      write one value
        """,
    ),
    "list where a text belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, pool: [a]}}",
        """
        47 error: vms.web.pool
            a text belongs here, not a list
            allowed:  The pool, one of `pools`
            fix:      write one value
        """,
    ),
    "text where a number belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, cores: two}}",
        """
        54 error: vms.web.cores
            a whole number belongs here
            found:    two
            allowed:  1 to 64
            fix:      write a whole number
        """,
    ),
    "quoted number": (
        'vms: {web: {template: debian-12, vm_id: "9100"}}',
        """
        41 error: vms.web.vm_id
            a whole number belongs here
            found:    9100
            allowed:  100 to 999999999
            fix:      write 9100 without quotes
        """,
    ),
    "fraction where a whole number belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, cores: 2.5}}",
        """
        54 error: vms.web.cores
            a whole number belongs here
            found:    2.5
            allowed:  1 to 64
            fix:      write a whole number
        """,
    ),
    "true where a number belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, cores: yes}}",
        """
        54 error: vms.web.cores
            a whole number belongs here
            found:    true
            allowed:  1 to 64
            fix:      write a whole number
        """,
    ),
    "text where true or false belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, started: maybe}}",
        """
        56 error: vms.web.started
            true or false belongs here
            found:    maybe
            allowed:  true, false
            fix:      write true or false
        """,
    ),
    "text where a number with a point belongs": (
        "policy: {over_commit: {cores_ratio: many}}",
        """
        37 error: policy.over_commit.cores_ratio
            a number belongs here
            found:    many
            allowed:  1 to 100
            fix:      write a number
        """,
    ),
    "text where a map belongs": (
        "vms: {web: small}",
        """
        12 error: vms.web
            a map belongs here, not a text
            found:    small
            allowed:  KEYS_OF_A_VM
            fix:      write `key: value` lines below it
        """,
    ),
    "list where a map belongs": (
        "vms: [web]",
        """
        1 error: vms
            a map belongs here, not a list
            allowed:  Virtual machines by name
            fix:      write `key: value` lines below it
        """,
    ),
    "text where a list belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, tags: web}}",
        """
        53 error: vms.web.tags
            a list belongs here, not a text
            found:    web
            allowed:  Further tags; the environment's own are added
            fix:      write [web]
        """,
    ),
    "map where a list belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, tags: {web: 1}}}",
        """
        47 error: vms.web.tags
            a list belongs here, not a map
            allowed:  Further tags; the environment's own are added
            fix:      write its entries below it, each after `- `
        """,
    ),
    "list where a text or a map belongs": (
        "templates: {debian-12: {vm_id: 9000, image: [debian-12]}}",
        """
        38 error: templates.debian-12.image
            a text or a map belongs here, not a list
            allowed:  A name from the catalogue, such as debian-12, or url and checksum of your own
            fix:      write one of the two
        """,
    ),
    "too small": (
        "vms: {web: {template: debian-12, vm_id: 9100, cores: 0}}",
        """
        54 error: vms.web.cores
            this is too small
            found:    0
            allowed:  1 to 64
            fix:      choose a number: 1 to 64
        """,
    ),
    "too large": (
        "vms: {web: {template: debian-12, vm_id: 9100, cores: 65}}",
        """
        54 error: vms.web.cores
            this is too large
            found:    65
            allowed:  1 to 64
            fix:      choose a number: 1 to 64
        """,
    ),
    "not more than zero": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, rate_limit: 0}}}",
        """
        80 error: vms.web.network.rate_limit
            this is too small
            found:    0
            allowed:  above 0, up to 100000
            fix:      choose a number: above 0, up to 100000
        """,
    ),
    "VMID too small": (
        "vms: {web: {template: debian-12, vm_id: 99}}",
        """
        41 error: vms.web.vm_id
            this is too small
            found:    99
            allowed:  100 to 999999999
            fix:      choose a number: 100 to 999999999
        """,
    ),
    "VMID too large": (
        "vms: {web: {template: debian-12, vm_id: 1000000000}}",
        """
        41 error: vms.web.vm_id
            this is too large
            found:    1000000000
            allowed:  100 to 999999999
            fix:      choose a number: 100 to 999999999
        """,
    ),
    "port too large": (
        "proxmox: {endpoint: 'https://pve:8006', nodes: {pve: {cores: 1, memory: 2GiB, ssh_port: 65536, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        89 error: proxmox.nodes.pve.ssh_port
            this is too large
            found:    65536
            allowed:  1 to 65535
            fix:      choose a number: 1 to 65535
        """,
    ),
    "none of the values": (
        "vms: {web: {template: debian-12, vm_id: 9100, bios: uefi}}",
        """
        53 error: vms.web.bios
            this is none of the possible values
            found:    uefi
            allowed:  seabios, ovmf
            fix:      write one of them
        """,
    ),
    "value in small letters": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {input_policy: drop}}}",
        """
        72 error: vms.web.firewall.input_policy
            this is none of the possible values
            found:    drop
            allowed:  ACCEPT, DROP, REJECT
            fix:      did you mean DROP?
        """,
    ),
    "only one value": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, address_from: vmid}}",
        """
        66 error: networks.lan.address_from
            this is none of the possible values
            found:    vmid
            allowed:  vm_id
            fix:      did you mean vm_id?
        """,
    ),
    "no entry": (
        "proxmox: {endpoint: 'https://pve:8006', nodes: {}}",
        """
        41 error: proxmox.nodes
            there must be at least one entry
            allowed:  The nodes by name
            fix:      add an entry, or remove the key
        """,
    ),
    "too many entries": (
        "vms: {web: {template: debian-12, vm_id: 9100, pci_devices: [{mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}, {mapping: gpu}]}}",
        """
        47 error: vms.web.pci_devices
            there are too many entries
            allowed:  at most 16
            fix:      remove some
        """,
    ),
    "too long a text": (
        "pools: {infra: {comment: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'}}",
        """
        26 error: pools.infra.comment
            this is too long: 1025 characters
            found:    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            allowed:  at most 1024 characters
            fix:      shorten it
        """,
    ),
    "too short a text": (
        "state: {backend: local, directory: ''}",
        """
        36 error: state.directory
            this is too short
            found:    ''
            allowed:  1 or more characters
            fix:      write more
        """,
    ),
    "unknown backend": (
        "state: {backend: http}",
        """
        1 error: state.backend
            the kind of state is missing or not known
            found:    http
            allowed:  local, s3
            fix:      write backend: local or backend: s3
        """,
    ),
    "no backend": (
        "state: {bucket: homelab}",
        """
        1 error: state.backend
            the kind of state is missing or not known
            allowed:  local, s3
            fix:      write backend: local or backend: s3
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert said(tmp_path, change) == aligned(text.replace("KEYS_OF_A_VM", KEYS_OF_A_VM))
