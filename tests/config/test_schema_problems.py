"""What the models refuse, in the words of the file: place, value, what is allowed, and what to write."""

# ruff: noqa: E501 (what is said is compared as it is printed)

from pathlib import Path
from textwrap import indent

import pytest

from homelab.config.loading import check_files
from homelab.config.problems import render

BASE = """\
proxmox:
  endpoint: https://pve:8006
  nodes: {pve: {cores: 16, memory: 64GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}
networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24}}
templates: {debian-12: {vm_id: 9000, image: debian-12}}
"""


def said(folder: Path, change: str) -> str:
    """What is said about the base with ``change`` as its last line, in place of the section that it begins with; each with its column."""
    section = change.partition(":")[0]
    kept = [part for part in BASE.replace("\n  ", "\0  ").splitlines() if not part.startswith(f"{section}:")]
    path = folder / "dev.yaml"
    path.write_text("\n".join([*kept, change.strip()]).replace("\0", "\n") + "\n")
    line = path.read_text().count("\n")
    return "\n".join(render(problem).replace(f"{path}:{line}:", "") for problem in check_files([path]))


CASES = {
    "unknown key": (
        "vms: {web: {template: debian-12, vm_id: 9100, coers: 2}}",
        """
        47 error: vms.web.coers
            the key coers is not known here
            allowed:  vm_id, hostname, node, group, replicas, pool, description, tags, start_on_boot, started, startup, protection, firewall, cores, sockets, cpu_type, cpu_affinity, memory, ballooning, memory_minimum, bios, machine, os_type, vga, disk, disk_cache, disks, pci_devices, full_clone, agent_timeout, template, network, datastore, agent, cloud_init
            fix:      did you mean cores?
        """,
    ),
    "unknown key that resembles none": (
        "vms: {web: {template: debian-12, vm_id: 9100, flavour: large}}",
        """
        47 error: vms.web.flavour
            the key flavour is not known here
            allowed:  vm_id, hostname, node, group, replicas, pool, description, tags, start_on_boot, started, startup, protection, firewall, cores, sockets, cpu_type, cpu_affinity, memory, ballooning, memory_minimum, bios, machine, os_type, vga, disk, disk_cache, disks, pci_devices, full_clone, agent_timeout, template, network, datastore, agent, cloud_init
            fix:      remove it
        """,
    ),
    "unknown top-level key": (
        "vmss: {}",
        """
        1 error: vmss
            the key vmss is not known here
            allowed:  proxmox, state, defaults, policy, tags, networks, pools, firewall, access, templates, vms, containers
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
            allowed:  endpoint, cluster, authentication, insecure, ssh, nodes, default_node
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
            allowed:  vm_id, hostname, node, group, replicas, pool, description, tags, start_on_boot, started, startup, protection, firewall, cores, sockets, cpu_type, cpu_affinity, memory, ballooning, memory_minimum, bios, machine, os_type, vga, disk, disk_cache, disks, pci_devices, full_clone, agent_timeout, template, network, datastore, agent, cloud_init
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
    "size without unit": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 2048}}",
        """
        55 error: vms.web.memory
            the unit is missing
            found:    2048
            allowed:  a whole number with a unit: MiB, GiB or TiB
            fix:      write 2048MiB or 2048GiB
        """,
    ),
    "size with an unknown unit": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 2GB}}",
        """
        55 error: vms.web.memory
            the unit 'GB' is not known
            found:    2GB
            allowed:  a whole number with a unit: MiB, GiB or TiB
            fix:      write 2GiB
        """,
    ),
    "size that is none": (
        "vms: {web: {template: debian-12, vm_id: 9100, disk: large}}",
        """
        53 error: vms.web.disk
            this is not a size
            found:    large
            allowed:  a whole number with a unit: MiB, GiB or TiB
            fix:      write it as 512MiB or 20GiB
        """,
    ),
    "size out of range": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 64MiB}}",
        """
        55 error: vms.web.memory
            the size is out of range
            found:    64MiB
            allowed:  128MiB to 128GiB
            fix:      choose a size from 128MiB to 128GiB
        """,
    ),
    "disk that is no whole number of GiB": (
        "vms: {web: {template: debian-12, vm_id: 9100, disk: 20500MiB}}",
        """
        53 error: vms.web.disk
            Proxmox sizes disks in whole GiB
            found:    20500MiB
            allowed:  a whole number of GiB
            fix:      write 21GiB
        """,
    ),
    "disk out of range": (
        "vms: {web: {template: debian-12, vm_id: 9100, disk: 3GiB}}",
        """
        53 error: vms.web.disk
            the size is out of range
            found:    3GiB
            allowed:  4GiB to 4TiB
            fix:      choose a size from 4GiB to 4TiB
        """,
    ),
    "key with capitals": (
        "vms: {Web: {template: debian-12, vm_id: 9100}}",
        """
        7 error: vms.Web
            this is not a key
            found:    Web
            allowed:  a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all
            fix:      write web
        """,
    ),
    "key with a number first": (
        "vms: {9100: {template: debian-12, vm_id: 9100}}",
        """
        7 error: vms.9100
            this is not a key
            found:    9100
            allowed:  a letter, then a-z, 0-9 and -, not - last, 1 to 63 in all
            fix:      choose another name
        """,
    ),
    "host name": (
        "vms: {web: {template: debian-12, vm_id: 9100, hostname: web_1}}",
        """
        57 error: vms.web.hostname
            this is not a host name
            found:    web_1
            allowed:  1 to 63 of a-z, 0-9 and -, neither first nor last a - (RFC 1123)
            fix:      write web-1
        """,
    ),
    "tag": (
        "vms: {web: {template: debian-12, vm_id: 9100, tags: [ok, 'expires:2026-01-31']}}",
        """
        58 error: vms.web.tags[1]
            this is not a tag
            found:    expires:2026-01-31
            allowed:  a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)
            fix:      write expires-2026-01-31
        """,
    ),
    "tag with capitals": (
        "vms: {web: {template: debian-12, vm_id: 9100, tags: [Web]}}",
        """
        54 error: vms.web.tags[0]
            this is not a tag
            found:    Web
            allowed:  a-z, 0-9 and _ first, then also - + . (Proxmox shows capitals but stores none)
            fix:      write web
        """,
    ),
    "bridge": (
        "networks: {lan: {bridge: vmbr-0, cidr: 10.0.0.0/24}}",
        """
        26 error: networks.lan.bridge
            this is not a bridge
            found:    vmbr-0
            allowed:  a letter, then letters, digits and _, 2 to 15 in all, such as vmbr0
            fix:      choose another name
        """,
    ),
    "bridge in a list": (
        "proxmox: {endpoint: 'https://pve:8006', nodes: {pve: {cores: 1, memory: 2GiB, bridges: [vmbr0, 0vmbr], datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        96 error: proxmox.nodes.pve.bridges[1]
            this is not a bridge
            found:    0vmbr
            allowed:  a letter, then letters, digits and _, 2 to 15 in all, such as vmbr0
            fix:      choose another name
        """,
    ),
    "datastore": (
        "vms: {web: {template: debian-12, vm_id: 9100, datastore: local lvm}}",
        """
        58 error: vms.web.datastore
            this is not a datastore id
            found:    local lvm
            allowed:  a letter, then letters, digits, _ . -, no _ . - last
            fix:      write local-lvm
        """,
    ),
    "VLAN": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, vlan: 4095}}",
        """
        58 error: networks.lan.vlan
            this is too large
            found:    4095
            allowed:  1 to 4094
            fix:      choose a number: 1 to 4094
        """,
    ),
    "subnet without prefix": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0}}",
        """
        39 error: networks.lan.cidr
            the prefix length is missing
            found:    10.0.0.0
            allowed:  an IPv4 subnet with prefix length
            fix:      write 10.0.0.0/24
        """,
    ),
    "address instead of a subnet": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.1/24}}",
        """
        39 error: networks.lan.cidr
            this is an address inside a subnet, not a subnet
            found:    10.0.0.1/24
            allowed:  the subnet's first address
            fix:      write 10.0.0.0/24
        """,
    ),
    "subnet that is none": (
        "networks: {lan: {bridge: vmbr0, cidr: home}}",
        """
        39 error: networks.lan.cidr
            this is not a subnet
            found:    home
            allowed:  an IPv4 subnet with prefix length
            fix:      write 192.168.3.0/24
        """,
    ),
    "address with prefix": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, address: 10.0.0.5/24}}}",
        """
        77 error: vms.web.network.address
            10.0.0.5/24 is not an IPv4 address
            found:    10.0.0.5/24
            allowed:  four numbers from 0 to 255
            fix:      write 10.0.0.5; the prefix length comes from the network
        """,
    ),
    "address that is none": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, address: 10.0.0.300}}}",
        """
        77 error: vms.web.network.address
            10.0.0.300 is not an IPv4 address
            found:    10.0.0.300
            allowed:  four numbers from 0 to 255
            fix:      write 192.168.3.10
        """,
    ),
    "range that is none": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, dhcp: {range: 10.0.0.100}}}",
        """
        66 error: networks.lan.dhcp.range
            this is not a range of addresses
            found:    10.0.0.100
            allowed:  first-last
            fix:      write 192.168.3.100-192.168.3.199
        """,
    ),
    "range with a wrong address": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, dhcp: {range: 10.0.0.100-10.0.0.300}}}",
        """
        66 error: networks.lan.dhcp.range
            10.0.0.300 is not an IPv4 address
            found:    10.0.0.100-10.0.0.300
            allowed:  four numbers from 0 to 255
            fix:      write 192.168.3.10
        """,
    ),
    "range that ends before it begins": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, dhcp: {range: 10.0.0.199-10.0.0.100}}}",
        """
        66 error: networks.lan.dhcp.range
            the range ends before it begins
            found:    10.0.0.199-10.0.0.100
            allowed:  first-last
            fix:      write 10.0.0.100-10.0.0.199
        """,
    ),
    "reserved range that is none": (
        "networks: {lan: {bridge: vmbr0, cidr: 10.0.0.0/24, reserved: [10.0.0.5-]}}",
        """
        63 error: networks.lan.reserved[0]
            this is not an IPv4 address
            found:    10.0.0.5-
            allowed:  four numbers from 0 to 255
            fix:      write 192.168.3.10
        """,
    ),
    "MAC address": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, mac: 'BC:24:11'}}}",
        """
        73 error: vms.web.network.mac
            this is not a MAC address
            found:    BC:24:11
            allowed:  six pairs of hexadecimal digits
            fix:      write "BC:24:11:00:00:01"
        """,
    ),
    "MAC address of many": (
        "vms: {web: {template: debian-12, vm_id: 9100, network: {name: lan, mac: '01:00:5E:00:00:01'}}}",
        """
        73 error: vms.web.network.mac
            this is a multicast MAC address
            found:    01:00:5E:00:00:01
            allowed:  an even first pair
            fix:      start it with "BC:24:11" or "02"
        """,
    ),
    "endpoint without TLS": (
        "proxmox: {endpoint: 'http://pve:8006', nodes: {pve: {cores: 1, memory: 4GiB, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        21 error: proxmox.endpoint
            this is not the address of a Proxmox API
            found:    http://pve:8006
            allowed:  https://HOST:PORT (the provider speaks HTTPS only)
            fix:      write https://pve.home.arpa:8006
        """,
    ),
    "endpoint with a password": (
        "proxmox: {endpoint: 'https://root:hunter2@pve:8006', nodes: {pve: {cores: 1, memory: 4GiB, datastores: {local: {content: [import, snippets]}, local-lvm: {}}}}}",
        """
        21 error: proxmox.endpoint
            this is not the address of a Proxmox API
            found:    https://***@pve:8006
            allowed:  https://HOST:PORT (the provider speaks HTTPS only)
            fix:      write https://pve.home.arpa:8006
        """,
    ),
    "private key": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {ssh_keys: ['-----BEGIN OPENSSH PRIVATE KEY-----']}}}",
        """
        71 error: vms.web.cloud_init.ssh_keys[0]
            this is a private key
            allowed:  a public key
            fix:      put the contents of the .pub file here
        """,
    ),
    "SSH key": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {ssh_keys: [my-key]}}}",
        """
        71 error: vms.web.cloud_init.ssh_keys[0]
            this is not a public SSH key
            found:    my-key
            allowed:  one line: type, key and comment
            fix:      copy ~/.ssh/id_ed25519.pub
        """,
    ),
    "user data without header": (
        "vms: {web: {template: debian-12, vm_id: 9100, cloud_init: {user_data: 'packages: []'}}}",
        """
        71 error: vms.web.cloud_init.user_data
            this is not cloud-init data
            found:    packages: []
            allowed:  a text whose first line is #cloud-config
            fix:      write it like #cloud-config
        """,
    ),
    "boot disk among the others": (
        "vms: {web: {template: debian-12, vm_id: 9100, disks: {scsi0: {size: 4GiB}}}}",
        """
        55 error: vms.web.disks.scsi0
            scsi0 is the boot disk
            found:    scsi0
            allowed:  scsi1-scsi30, virtio0-virtio15, sata0-sata5
            fix:      use `disk` for its size
        """,
    ),
    "disk interface": (
        "vms: {web: {template: debian-12, vm_id: 9100, disks: {sata6: {size: 4GiB}}}}",
        """
        55 error: vms.web.disks.sata6
            this is not a disk interface
            found:    sata6
            allowed:  scsi1-scsi30, virtio0-virtio15, sata0-sata5
            fix:      write scsi1
        """,
    ),
    "PCI device without either": (
        "vms: {web: {template: debian-12, vm_id: 9100, pci_devices: [{}]}}",
        """
        61 error: vms.web.pci_devices[0]
            a device is given by its mapping or by its id
            allowed:  mapping or id
            fix:      set one of the two
        """,
    ),
    "least memory above memory": (
        "vms: {web: {template: debian-12, vm_id: 9100, memory: 1GiB, memory_minimum: 2GiB}}",
        """
        7 error: vms.web
            memory_minimum is more than memory
            allowed:  128MiB to 1GiB, the guest's memory
            fix:      lower memory_minimum, or raise memory
        """,
    ),
    "port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: 70000}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            70000 is no port and no range
            found:    70000
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      choose ports from 1 to 65535
        """,
    ),
    "port zero": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: 0}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            0 is no port and no range
            found:    0
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      choose ports from 1 to 65535
        """,
    ),
    "port range that ends before it begins": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: '90:80'}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            the range 90:80 ends before it begins
            found:    90:80
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      write 80:90
        """,
    ),
    "port range with three ends": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: '1:2:3'}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            1:2:3 is no port and no range
            found:    1:2:3
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      choose ports from 1 to 65535
        """,
    ),
    "port by name": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: ssh}]}}}",
        """
        73 error: vms.web.firewall.allow[0].port
            these are no ports
            found:    ssh
            allowed:  ports from 1 to 65535, ranges as first:last, several with commas
            fix:      write 22, "80,443" or "1514:1518"
        """,
    ),
    "tcp without port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{from: lan}]}}}",
        """
        66 error: vms.web.firewall.allow[0]
            tcp needs a port
            allowed:  a port, a range first:last, or several with commas
            fix:      add port: 22
        """,
    ),
    "icmp with port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{protocol: icmp, port: 22}]}}}",
        """
        66 error: vms.web.firewall.allow[0]
            icmp has no ports
            fix:      remove port
        """,
    ),
    "port without protocol": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {rules: [{port: 22}]}}}",
        """
        66 error: vms.web.firewall.rules[0]
            ports need a protocol that has ports
            allowed:  tcp, udp or sctp
            fix:      add protocol: tcp
        """,
    ),
    "macro with port": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {rules: [{macro: SSH, protocol: tcp, port: 22}]}}}",
        """
        66 error: vms.web.firewall.rules[0]
            a macro brings its own protocol and ports
            fix:      remove either macro or protocol and port
        """,
    ),
    "group with an action": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {rules: [{group: web, action: DROP}]}}}",
        """
        66 error: vms.web.firewall.rules[0]
            a rule with a group has no action
            fix:      keep only group, interface, comment and enabled
        """,
    ),
    "peer": (
        "vms: {web: {template: debian-12, vm_id: 9100, firewall: {allow: [{port: 22, from: 'lan; drop'}]}}}",
        """
        83 error: vms.web.firewall.allow[0].from
            this is not a peer
            found:    lan; drop
            allowed:  a network, an address, a subnet, a range, an alias or +ipset; several with commas
            fix:      write it like 10.0.0.0/8
        """,
    ),
    "alias": (
        "firewall: {input_policy: ACCEPT, aliases: {nas: {cidr: nas.home.arpa}}}",
        """
        56 error: firewall.aliases.nas.cidr
            this is not an address or subnet
            found:    nas.home.arpa
            allowed:  an address, or a subnet with prefix length
            fix:      write 10.0.0.0/8
        """,
    ),
    "alias of an address in a subnet": (
        "firewall: {input_policy: ACCEPT, aliases: {nas: {cidr: 10.0.0.8/24}}}",
        """
        56 error: firewall.aliases.nas.cidr
            this is an address inside a subnet, not a subnet
            found:    10.0.0.8/24
            allowed:  the subnet's first address
            fix:      write 10.0.0.0/24
        """,
    ),
    "too long a group": (
        "firewall: {input_policy: ACCEPT, groups: {a-group-with-a-long-name: {rules: [{macro: SSH}]}}}",
        """
        43 error: firewall.groups.a-group-with-a-long-name
            this is not a firewall name
            found:    a-group-with-a-long-name
            allowed:  a letter, then letters, digits, - and _, 2 to 18 in all
            fix:      write a-group-with-a-lon
        """,
    ),
    "rate of logs": (
        "firewall: {input_policy: ACCEPT, log_rate: 5}",
        """
        44 error: firewall.log_rate
            a text belongs here, and YAML reads this as a number
            found:    5
            allowed:  Log lines after the burst
            fix:      write it like 1/second
        """,
    ),
    "container with two systems": (
        "containers: {dns: {os: debian-12, vm_id: 9200, clone_from: base}}",
        """
        14 error: containers.dns
            a container has one source, here: os and clone_from
            allowed:  os, image, template_file or clone_from
            fix:      write os: debian-12
        """,
    ),
    "container with no system": (
        "containers: {dns: {vm_id: 9200}}",
        """
        14 error: containers.dns
            a container has one source, here: none of them
            allowed:  os, image, template_file or clone_from
            fix:      write os: debian-12
        """,
    ),
    "container with an image and no type": (
        "containers: {dns: {vm_id: 9200, image: {url: 'https://example.org/x.tar.zst'}}}",
        """
        14 error: containers.dns
            image needs os_type
            allowed:  os_type with image or template_file only
            fix:      add or remove os_type
        """,
    ),
    "type of a known system": (
        "containers: {dns: {os: debian-12, vm_id: 9200, os_type: debian}}",
        """
        14 error: containers.dns
            os decides its own os_type
            allowed:  os_type with image or template_file only
            fix:      add or remove os_type
        """,
    ),
    "mount point with two sources": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp0: {path: /srv, size: 4GiB, host_path: /tank}}}}",
        """
        63 error: containers.dns.mount_points.mp0
            a mount point is either a new volume or a folder of the node
            allowed:  size or host_path
            fix:      set one of the two
        """,
    ),
    "mount points with a gap": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp1: {path: /srv, size: 4GiB}}}}",
        """
        14 error: containers.dns
            mount points are numbered without a gap
            allowed:  mp0
            fix:      call one of them mp0
        """,
    ),
    "mount point": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {srv: {path: /srv, size: 4GiB}}}}",
        """
        63 error: containers.dns.mount_points.srv
            this is not a mount point
            found:    srv
            allowed:  mp0, mp1, ... without a gap
            fix:      write mp0
        """,
    ),
    "path of a mount point": (
        "containers: {dns: {os: debian-12, vm_id: 9200, mount_points: {mp0: {path: srv, size: 4GiB}}}}",
        """
        75 error: containers.dns.mount_points.mp0.path
            this is not an absolute path
            found:    srv
            allowed:  a path that begins with / and has no : , or space
            fix:      write it like /srv/data
        """,
    ),
    "device": (
        "containers: {dns: {os: debian-12, vm_id: 9200, devices: [/etc/passwd]}}",
        """
        58 error: containers.dns.devices[0]
            this is not a device
            found:    /etc/passwd
            allowed:  a path below /dev
            fix:      write it like /dev/net/tun
        """,
    ),
    "template file": (
        "containers: {dns: {vm_id: 9200, os_type: debian, template_file: my.tar.zst}}",
        """
        65 error: containers.dns.template_file
            this is not a container template
            found:    my.tar.zst
            allowed:  DATASTORE:vztmpl/FILE
            fix:      write it like local:vztmpl/my.tar.zst
        """,
    ),
    "checksum": (
        "templates: {own: {vm_id: 9001, image: {url: 'https://example.org/x.qcow2', checksum: 'sha256:abc'}}}",
        """
        86 error: templates.own.image.checksum
            this is not a checksum
            found:    sha256:abc
            allowed:  sha256:, sha384: or sha512: and 64, 96 or 128 hexadecimal digits in small letters
            fix:      copy it from the vendor's checksum file and write its algorithm before it
        """,
    ),
    "url": (
        "templates: {own: {vm_id: 9001, image: {url: 'ftp://example.org/x.qcow2'}}}",
        """
        45 error: templates.own.image.url
            this is not an address for a download
            found:    ftp://example.org/x.qcow2
            allowed:  http:// or https://
            fix:      write it like https://example.org/image.qcow2
        """,
    ),
    "end of a token": (
        "access: {expires: 2027-02-30T00:00:00Z}",
        """
        19 error: access.expires
            this is not a moment in UTC
            found:    2027-02-30T00:00:00Z
            allowed:  YYYY-MM-DDTHH:MM:SSZ
            fix:      write 2027-01-01T00:00:00Z
        """,
    ),
    "user of another realm": (
        "access: {user: homelab}",
        """
        16 error: access.user
            this is not a user of Proxmox
            found:    homelab
            allowed:  NAME@pve or NAME@pam
            fix:      write it like homelab@pve
        """,
    ),
    "privilege": (
        "access: {privileges: [everything]}",
        """
        23 error: access.privileges[0]
            this is not a privilege
            found:    everything
            allowed:  a privilege in Proxmox's words
            fix:      write it like VM.Audit
        """,
    ),
    "range of VMIDs": (
        "policy: {vm_ids: {vms: {first: 9200, last: 9100}}}",
        """
        19 error: policy.vm_ids.vms
            the range ends before it begins
            allowed:  first not above last
            fix:      write first: 9100 and last: 9200
        """,
    ),
}


@pytest.mark.parametrize(("change", "text"), CASES.values(), ids=CASES.keys())
def test_what_is_said(tmp_path: Path, change: str, text: str) -> None:
    assert indent(said(tmp_path, change), " " * 8).strip() == text.strip()
