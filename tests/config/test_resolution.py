"""What an environment leaves open, decided: nodes, addresses, tags, images, users, and names that stacks agree on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from homelab.config.container import ContainerSpec
from homelab.config.environment import Environment
from homelab.config.image import ImageSpec
from homelab.config.image_catalogue import disk_image
from homelab.config.image_lock import ImageLock, LockedFile
from homelab.config.resolution import ResolvedEnvironment, resolve
from homelab.config.virtual_machine import TemplateSpec, VirtualMachineSpec
from tests.config.cases import environment
from tests.strategies import SSH_KEY, environment_models

TEMPLATE = "templates: {debian-12: {vm_id: 9000, image: debian-12}}\n"
TWO_NODES = """
proxmox:
  default_node: pve
  nodes: {two: {cores: 4, memory: 8GiB, datastores: {local: {content: [vztmpl, import, snippets]}, local-lvm: {}}}}
"""
SHA512 = "sha512:" + "ab" * 64


def resolved(changes: str = "", lock: ImageLock | None = None) -> ResolvedEnvironment:
    return resolve(environment(changes), lock)


def machine(settings_: str = "", more: str = "") -> VirtualMachineSpec:
    """The machine web with these settings."""
    found = resolved(f"{TEMPLATE}vms: {{web: {{template: debian-12, vm_id: 9100{settings_}}}}}\n{more}")
    return found.virtual_machines["web"]


def container(settings_: str = "", more: str = "") -> ContainerSpec:
    """The container dns with these settings."""
    found = resolved(f"containers: {{dns: {{os: debian-12, vm_id: 9200{settings_}}}}}\n{more}")
    return found.containers["dns"]


def locked(asked_for: str, /, **changes: str) -> ImageLock:
    entry = {"checksum": SHA512, "file_name": "debian-12-20260101.qcow2", "checksum_source": "https://example.org/SUMS"}
    return ImageLock(
        images={
            asked_for: LockedFile.model_validate({**entry, **changes, "resolved_at": datetime(2026, 1, 1, tzinfo=UTC)})
        }
    )


@given(environment_models(most_guests=4))
@settings(max_examples=60, deadline=None)
def test_what_is_decided_is_valid_by_itself(environment_: Environment) -> None:
    found = resolve(environment_)

    specs: list[VirtualMachineSpec | ContainerSpec | TemplateSpec | ImageSpec] = [
        *found.virtual_machines.values(),
        *found.containers.values(),
        *found.templates.values(),
        *found.images.values(),
    ]
    for spec in specs:
        assert type(spec).model_validate(spec.model_dump()) == spec


@given(environment_models(most_guests=4))
@settings(max_examples=60, deadline=None)
def test_every_guest_is_in_one_group(environment_: Environment) -> None:
    found = resolve(environment_)

    grouped = [key for keys in found.groups.values() for key in keys]
    assert sorted(grouped) == sorted([*found.virtual_machines, *found.containers])


def test_tags_are_the_environments_name_and_its_own_and_the_guests_sorted_and_once() -> None:
    assert machine(", tags: [web, a]", "tags: [home, a]").tags == ("a", "home", "one", "web")
    assert container(", tags: [b]", "tags: [home]").tags == ("b", "home", "one")


def test_a_template_has_tags_too() -> None:
    assert resolved(TEMPLATE + "tags: [home]").templates["debian-12"].tags == ("home", "one")


def test_the_only_node_is_where_everything_goes() -> None:
    assert (machine().node, container().node) == ("pve", "pve")


def test_a_node_of_its_own_and_its_template_on_another() -> None:
    found = machine(", node: two", TWO_NODES)

    assert (found.node, found.template_node) == ("two", "pve")


def test_a_template_on_the_same_node_needs_no_mention() -> None:
    assert machine().template_node is None


def test_vendor_data_goes_to_every_node_with_a_clone_and_to_no_other() -> None:
    found = resolved(f"{TEMPLATE}vms: {{web: {{template: debian-12, vm_id: 9100, node: two}}}}\n{TWO_NODES}")

    assert found.templates["debian-12"].snippet_nodes == ("pve", "two")
    assert resolved(TEMPLATE + TWO_NODES).templates["debian-12"].snippet_nodes == ("pve",)


def test_a_machine_and_its_template_agree_on_number_and_vendor_data() -> None:
    found = resolved(TEMPLATE + "vms: {web: {template: debian-12, vm_id: 9100}}")

    assert found.virtual_machines["web"].template_vm_id == found.templates["debian-12"].vm_id
    assert found.virtual_machines["web"].vendor_data_file_id == found.templates["debian-12"].vendor_data_file_id
    assert found.templates["debian-12"].vendor_data_file_id == "local:snippets/one-debian-12-vendor-data.yaml"


def test_a_template_without_agent_and_packages_has_no_vendor_data() -> None:
    found = resolved("templates: {debian-12: {vm_id: 9000, image: debian-12, guest_agent: false}}")

    assert found.templates["debian-12"].vendor_data_file_id is None


@pytest.mark.parametrize(
    ("template", "own", "agent"),
    [("true", "", True), ("false", "", False), ("true", ", agent: false", False), ("false", ", agent: true", True)],
)
def test_the_agent_is_the_templates_unless_the_machine_says_otherwise(template: str, own: str, agent: bool) -> None:
    found = resolved(
        f"templates: {{debian-12: {{vm_id: 9000, image: debian-12, guest_agent: {template}}}}}\n"
        f"vms: {{web: {{template: debian-12, vm_id: 9100{own}}}}}"
    )

    assert found.virtual_machines["web"].agent is agent


def test_firmware_and_machine_type_are_the_templates() -> None:
    template = "templates: {debian-12: {vm_id: 9000, image: debian-12, bios: ovmf, machine: pc}}\n"

    found = resolved(template + "vms: {web: {template: debian-12, vm_id: 9100}}").virtual_machines["web"]

    assert (found.bios, found.machine) == ("ovmf", "pc")


@pytest.mark.parametrize(
    ("image", "serial"),
    [("debian-12", True), ("ubuntu-24.04", True), ("alma-9", False), ("{url: 'https://a.org/b.raw'}", True)],
)
def test_a_serial_device_is_there_where_the_image_needs_one(image: str, serial: bool) -> None:
    found = resolved(f"templates: {{t: {{vm_id: 9000, image: {image}}}}}\nvms: {{web: {{template: t, vm_id: 9100}}}}")

    assert (found.templates["t"].serial_device, found.virtual_machines["web"].serial_device) == (serial, serial)


def test_ballooning_goes_down_to_half_unless_said_otherwise() -> None:
    assert machine(", memory: 4GiB").memory_minimum == 2048
    assert machine(", memory: 4GiB, memory_minimum: 1GiB").memory_minimum == 1024


@pytest.mark.parametrize(
    ("own", "defaults", "template", "user"),
    [
        ("", "", "", "debian"),
        ("", "", ", user: image", "image"),
        ("", "defaults: {user: everybody}", ", user: image", "everybody"),
        (", cloud_init: {user: me}", "defaults: {user: everybody}", ", user: image", "me"),
    ],
)
def test_the_user_is_the_machines_the_defaults_the_templates_the_images(
    own: str, defaults: str, template: str, user: str
) -> None:
    found = resolved(
        f"templates: {{debian-12: {{vm_id: 9000, image: debian-12{template}}}}}\n"
        f"vms: {{web: {{template: debian-12, vm_id: 9100{own}}}}}\n{defaults}"
    )

    assert found.virtual_machines["web"].user == user


def test_keys_are_the_defaults_and_then_the_guests_each_once() -> None:
    other = SSH_KEY.replace("somebody", "other")
    defaults = f"defaults: {{ssh_keys: ['{SSH_KEY}']}}\n"

    assert container(f", ssh_keys: ['{other}', '{SSH_KEY}']", defaults).ssh_keys == (SSH_KEY, other)
    assert machine(f", cloud_init: {{ssh_keys: ['{other}']}}", defaults).ssh_keys == (SSH_KEY, other)


@pytest.mark.parametrize(
    ("own", "network", "servers", "domain"),
    [
        ("", "{}", ["9.9.9.9"], "default.home"),
        ("", "{dns: [10.0.0.1]}", ["10.0.0.1"], "default.home"),
        ("", "{domain: lan.home}", ["9.9.9.9"], "lan.home"),
        (", dns: {servers: [1.1.1.1]}", "{dns: [10.0.0.1], domain: lan.home}", ["1.1.1.1"], None),
    ],
)
def test_dns_is_the_guests_the_networks_the_defaults(
    own: str, network: str, servers: list[str], domain: str | None
) -> None:
    more = f"networks: {{lan: {network}}}\ndefaults: {{dns: {{servers: [9.9.9.9], domain: default.home}}}}"

    found = container(f", network: lan{own}", more).dns

    assert ([str(server) for server in found.servers], found.domain) == (servers, domain)


def test_a_guest_without_network_has_the_default_dns() -> None:
    assert [str(server) for server in container("", "defaults: {dns: {servers: [9.9.9.9]}}").dns.servers] == ["9.9.9.9"]


def test_an_interface_has_what_its_network_says() -> None:
    [found] = machine(
        ", network: {name: lan, address: 10.0.0.20, mac: 'BC:24:11:00:00:01', rate_limit: 10}",
        "networks: {lan: {vlan: 7, mtu: 1400}}",
    ).interfaces

    assert found.model_dump() == {
        "bridge": "vmbr0",
        "vlan": 7,
        "address": "10.0.0.20/24",
        "gateway": "10.0.0.1",
        "mac": "BC:24:11:00:00:01",
        "mtu": 1400,
        "firewall": False,
        "rate_limit": 10.0,
        "model": "virtio",
    }


def test_only_the_first_interface_has_a_gateway_and_none_with_dhcp() -> None:
    more = "networks: {other: {bridge: vmbr0, cidr: 10.1.0.0/24, gateway: 10.1.0.1}}"
    network = ", network: [{name: lan, address: 10.0.0.20}, {name: other, address: 10.1.0.20}]"

    assert [str(found.gateway) for found in machine(network, more).interfaces] == ["10.0.0.1", "None"]
    assert [found.gateway for found in machine(", network: lan").interfaces] == [None]


def test_an_address_can_come_from_the_number() -> None:
    more = "networks: {lan: {cidr: 10.0.0.0/16, address_from: vm_id}}"

    assert [found.address for found in machine(", network: lan", more).interfaces] == ["10.0.35.140/16"]


def test_replicas_are_guests_of_their_own_and_one_mac_address_is_one_guests() -> None:
    found = resolved(
        "containers: {dns: {os: debian-12, vm_id: 9200, replicas: 2, "
        "network: {name: lan, address: 10.0.0.53, mac: 'BC:24:11:00:00:01'}}}"
    ).containers

    assert {key: (spec.vm_id, spec.hostname) for key, spec in found.items()} == {
        "dns-1": (9200, "dns-1"),
        "dns-2": (9201, "dns-2"),
    }
    assert [spec.interfaces[0].address for spec in found.values()] == ["10.0.0.53/24", "10.0.0.54/24"]
    assert [spec.interfaces[0].mac for spec in found.values()] == ["BC:24:11:00:00:01", None]


def test_names_in_firewall_rules_stand_for_networks() -> None:
    assert machine().firewall_names == {"lan": "10.0.0.0/24"}


def test_own_user_data_gets_the_host_name_and_a_file_of_its_own() -> None:
    found = machine(', cloud_init: {user_data: "#cloud-config\\npackages: [vim]\\n"}, hostname: other')

    assert found.user_data == "#cloud-config\nhostname: other\npackages:\n- vim\n"
    assert found.user_data_file_name == "one-web-user-data.yaml"
    assert machine().user_data is None


def _images(environment: ResolvedEnvironment) -> dict[str, ImageSpec]:
    """The images of templates that are made from one, by the template's key."""
    return {key: spec.image for key, spec in environment.templates.items() if spec.image is not None}


def test_a_template_downloads_an_image_of_its_own() -> None:
    found = _images(resolved("templates: {a: {vm_id: 9000, image: debian-12}, b: {vm_id: 9001, image: debian-12}}"))

    assert {key: image.file_name for key, image in found.items()} == {
        "a": "one-a-debian-12-generic-amd64.qcow2",
        "b": "one-b-debian-12-generic-amd64.qcow2",
    }
    assert found["a"].url == found["b"].url == disk_image("debian-12").url
    assert found["a"].content == "import"


def test_containers_of_one_system_on_one_node_share_its_template() -> None:
    found = resolved("containers: {a: {os: debian-12, vm_id: 9200}, b: {os: debian-12, vm_id: 9201, replicas: 2}}")

    [(name, image)] = found.images.items()
    assert name == "debian-12-pve"
    assert {spec.template_file_id for spec in found.containers.values()} == {image.volume_id}
    assert (image.content, image.node, image.datastore) == ("vztmpl", "pve", "local")


def test_every_node_downloads_its_own() -> None:
    found = resolved(
        f"containers: {{a: {{os: debian-12, vm_id: 9200}}, b: {{os: debian-12, vm_id: 9201, node: two}}}}\n{TWO_NODES}"
    )

    assert {name: image.node for name, image in found.images.items()} == {
        "debian-12-pve": "pve",
        "debian-12-two": "two",
    }


def test_a_second_node_changes_no_name() -> None:
    content = "containers: {a: {os: debian-12, vm_id: 9200}}\n"

    assert set(resolved(content).images) == set(resolved(content + TWO_NODES).images)


def test_a_container_called_like_a_system_does_not_get_that_system() -> None:
    found = resolved(
        "containers:\n"
        "  debian-12: {image: {url: 'https://example.org/own.tar.zst'}, os_type: debian, vm_id: 9200}\n"
        "  other: {os: debian-12, vm_id: 9201}\n"
    )

    assert found.containers["debian-12"].template_file_id == "local:vztmpl/one-own.tar.zst"
    assert found.containers["other"].template_file_id == "local:vztmpl/one-debian-12-standard_12.12-1_amd64.tar.zst"


def test_an_own_image_has_its_system_checksum_and_name() -> None:
    found = resolved(
        "containers: {a: {os_type: alpine, vm_id: 9200, image: "
        f"{{url: 'https://example.org/x?y', file_name: my.tar.xz, checksum: '{SHA512}'}}}}}}"
    )

    assert found.containers["a"].os_type == "alpine"
    assert found.images["my.tar.xz-pve"].model_dump() == {
        "node": "pve",
        "datastore": "local",
        "content": "vztmpl",
        "url": "https://example.org/x?y",
        "file_name": "my.tar.xz",
        "checksum": SHA512,
    }


def test_a_template_file_that_is_there_is_not_downloaded() -> None:
    found = resolved("containers: {a: {template_file: 'tank:vztmpl/a.tar.zst', os_type: debian, vm_id: 9200}}")

    assert found.images == {}
    assert found.containers["a"].template_file_id == "tank:vztmpl/a.tar.zst"


def test_a_locked_image_has_the_locks_checksum_build_and_name() -> None:
    url = disk_image("debian-12").url

    image = _images(resolved(TEMPLATE, locked(url, url="https://example.org/20260101.qcow2")))["debian-12"]

    assert (image.url, image.checksum) == ("https://example.org/20260101.qcow2", SHA512)
    assert image.file_name == "one-debian-12-debian-12-20260101.qcow2"


def test_a_checksum_in_the_file_wins_over_the_lock() -> None:
    url, own = "https://example.org/a.qcow2", "sha256:" + "cd" * 32

    found = resolved(f"templates: {{t: {{vm_id: 9000, image: {{url: '{url}', checksum: '{own}'}}}}}}", locked(url))

    assert (_images(found)["t"].checksum, _images(found)["t"].file_name) == (own, "one-t-a.qcow2")


def test_a_name_in_the_file_wins_over_the_lock() -> None:
    url = "https://example.org/a.qcow2"

    found = resolved(f"templates: {{t: {{vm_id: 9000, image: {{url: '{url}', file_name: b.qcow2}}}}}}", locked(url))

    assert (_images(found)["t"].checksum, _images(found)["t"].file_name) == (SHA512, "b.qcow2")


def test_without_lock_there_is_no_checksum_and_none_is_made_up() -> None:
    assert _images(resolved(TEMPLATE))["debian-12"].checksum is None


CLONE = "containers: {{base: {{{base}, vm_id: 9201, template: true}}, copy: {{clone_from: base, vm_id: 9202{copy}}}}}\n"


def clone(base: str = "os: alpine-3.22", copy: str = "", more: str = "") -> ContainerSpec:
    return resolved(CLONE.format(base=base, copy=copy) + more).containers["copy"]


def test_a_clone_is_as_what_it_is_cloned_from() -> None:
    found = clone("os: alpine-3.22, disk: 3GiB, unprivileged: false")

    assert (found.clone_vm_id, found.clone_node, found.template_file_id) == (9201, None, None)
    assert (found.os_type, found.disk, found.unprivileged, found.full_clone) == ("alpine", 3, False, True)


def test_a_clone_can_have_a_size_of_its_own() -> None:
    assert clone("os: alpine-3.22, disk: 3GiB", ", disk: 5GiB").disk == 5


def test_a_clone_of_an_own_image_has_its_system() -> None:
    assert clone("template_file: 'local:vztmpl/a.tar.zst', os_type: fedora").os_type == "fedora"


def test_a_clone_on_another_node_says_where_from() -> None:
    assert clone(copy=", node: two", more=TWO_NODES).clone_node == "pve"


def test_a_clone_of_a_clone_has_the_disk_of_the_first() -> None:
    found = resolved(
        "containers:\n"
        "  first: {os: debian-12, vm_id: 9201, template: true, disk: 11GiB}\n"
        "  second: {clone_from: first, vm_id: 9202, template: true}\n"
        "  third: {clone_from: second, vm_id: 9203}\n"
    ).containers

    assert (found["third"].disk, found["third"].clone_vm_id) == (11, 9202)


def test_datastores_are_the_guests_and_else_the_defaults() -> None:
    more = "defaults: {datastore: tank, image_datastore: files, snippet_datastore: texts}\n"

    assert (machine(", datastore: local-lvm", more).datastore, machine("", more).datastore) == ("local-lvm", "tank")
    assert (machine("", more).snippet_datastore, container("", more).datastore) == ("texts", "tank")
    assert container("", more).template_file_id == "files:vztmpl/one-debian-12-standard_12.12-1_amd64.tar.zst"


def test_guests_are_grouped_in_the_order_of_the_file() -> None:
    found = resolved(
        "containers: {b: {os: debian-12, vm_id: 9201, group: x}, a: {os: debian-12, vm_id: 9202, group: y}, "
        "c: {os: debian-12, vm_id: 9203, group: x}}"
    )

    assert found.groups == {"x": ("b", "c"), "y": ("a",)}


def test_a_template_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="missing"):
        resolved("vms: {web: {template: missing, vm_id: 9100}}")
