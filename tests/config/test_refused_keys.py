"""Keys that are not known, that are missing, or that have nothing below them."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from pathlib import Path

import pytest

from homelab.config.json_schema import environment_schema
from homelab.config.virtual_machine import VirtualMachine
from tests.config.file_cases import aligned, said

KEYS_OF_A_VM = ", ".join(VirtualMachine.model_fields)
TOP_LEVEL_KEYS = ", ".join(environment_schema()["properties"])

CASES = {
    "unknown key": (
        "vms: {web: {template: debian-12, vm_id: 9100, coers: 2}}",
        """
        47 error: vms.web.coers
            the key coers is not known here
            allowed:  KEYS_OF_A_VM
            fix:      did you mean cores?
        """,
    ),
    "unknown key that resembles none": (
        "vms: {web: {template: debian-12, vm_id: 9100, flavour: large}}",
        """
        47 error: vms.web.flavour
            the key flavour is not known here
            allowed:  KEYS_OF_A_VM
            fix:      remove it
        """,
    ),
    "unknown top-level key": (
        "vmss: {}",
        """
        1 error: vmss
            the key vmss is not known here
            allowed:  TOP_LEVEL_KEYS
            fix:      did you mean vms?
        """,
    ),
    "unknown key deep inside": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {enabled: false, allow: [{port: 22, form: lan}]}}}",
        """
        93 error: vms.web.firewall.allow[0].form
            the key form is not known here
            allowed:  port, protocol, from, comment
            fix:      did you mean from?
        """,
    ),
    "key of another backend": (
        "state: {backend: local, bucket: x}",
        """
        25 error: state.bucket
            the key bucket is not known here
            allowed:  backend, directory
            fix:      did you mean backend?
        """,
    ),
    "credentials": (
        "proxmox: {endpoint: 'https://pve:8006', api_token: 'root@pam!x=secret', nodes: {pve: {cores: 1, memory: 4GiB, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        41 error: proxmox.api_token
            credentials never stand in this file
            allowed:  endpoint, version, cluster, authentication, insecure, ssh, nodes, default_node
            fix:      remove it; set PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD
        """,
    ),
    "missing key": (
        "vms: {web: {template: debian-12}}",
        """
        7 error: vms.web.vm_id
            the key vm_id is missing
            allowed:  Its VMID. The first of several with `replicas`; the others follow
            fix:      add vm_id: 9100
        """,
    ),
    "missing key of a list's entry": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: [{address: dhcp}]}}",
        """
        57 error: vms.web.network[0].name
            the key name is missing
            allowed:  The network that it joins
            fix:      add name: ...
        """,
    ),
    "missing endpoint": (
        "proxmox: {nodes: {pve: {cores: 1, memory: 4GiB, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        1 error: proxmox.endpoint
            the key endpoint is missing
            allowed:  Address of the API; /api2/json at its end is dropped
            fix:      add endpoint: https://pve.home.arpa:8006
        """,
    ),
    "missing cidr": (
        "networks: {lan: {bridge: vmbr0}}",
        """
        12 error: networks.lan.cidr
            the key cidr is missing
            allowed:  The subnet, such as 192.168.3.0/24
            fix:      add cidr: 192.168.3.0/24
        """,
    ),
    "nothing where a number belongs": (
        "vms: {web: {template: debian-12, vm_id: }}",
        """
        41 error: vms.web.vm_id
            there is nothing here
            allowed:  100 to 999999999
            fix:      give it a value, or remove the key
        """,
    ),
    "nothing where a map belongs": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: }}",
        """
        59 error: vms.web.cloud_init
            there is nothing here
            allowed:  First-boot settings
            fix:      give it a value, or remove the key
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert said(tmp_path, change) == aligned(
        text.replace("KEYS_OF_A_VM", KEYS_OF_A_VM).replace("TOP_LEVEL_KEYS", TOP_LEVEL_KEYS)
    )
