"""`GuestScript` and `NodeScript`: what Terraform is told to run."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from cdktf import TerraformStack

from homelab.config.container import ContainerSpec
from homelab.config.environment import Environment
from homelab.provisioning.guest_script import COMMAND, GuestScript, NodeScript
from homelab.provisioning.script import GivenSecret, Script, StoredSecret
from homelab.proxmox.container import Container
from tests.synthesis import resources, synthesize, the_resource

NULL = "null_resource"
NODE = {
    "cores": 4,
    "memory": "8GiB",
    "address": "192.168.3.2",
    "ssh_port": 2222,
    "datastores": {"local": {}},
}
SCRIPT = Script("set-up", 'echo "${HOME:-x}" %{if} $${a} 100%\n', (StoredSecret("ROOT", "db/root", "hex", 16),))


def environment(**changes: Any) -> Environment:
    proxmox = {"endpoint": "https://pve.home.arpa:8006", "nodes": {"pve": NODE}, "ssh": {"username": "admin"}}
    return Environment.model_validate({"name": "dev", "proxmox": proxmox, **changes})


def container(stack: TerraformStack, **spec: Any) -> Container:
    return Container(
        stack,
        "dns",
        spec=ContainerSpec(vm_id=9200, hostname="dns", node="pve", template_file_id="local:vztmpl/a.tar.zst", **spec),
    )


def guest_script(stack: TerraformStack, script: Script = SCRIPT, **changes: Any) -> GuestScript:
    guest = container(stack, interfaces=({"bridge": "vmbr0", "address": "192.168.3.53/24"},))
    return GuestScript(stack, "dns-set-up", guest=guest, environment=environment(**changes), script=script)


def local_exec(document: dict[str, Any]) -> dict[str, Any]:
    [provisioner] = the_resource(document, NULL)["provisioner"]
    found: dict[str, Any] = provisioner["local-exec"]
    return found


def order(document: dict[str, Any]) -> dict[str, Any]:
    text = local_exec(document)["environment"]["HOMELAB_PROVISIONING"]
    found: dict[str, Any] = json.loads(urllib.parse.unquote(text))
    return found


def test_the_order_says_where_and_what(tmp_path: Path) -> None:
    assert order(synthesize(guest_script, tmp_path)) == {
        "environment": "dev",
        "stack": "test",
        "node": {"name": "pve", "address": "192.168.3.2", "port": 2222, "user": "admin"},
        "vm_id": 9200,
        "guest": "dns",
        "address": "192.168.3.53",
        "script": "set-up",
        "text": SCRIPT.text,
        "timeout_seconds": 1800,
        "secrets": [{"variable": "ROOT", "source": "stored", "name": "db/root", "kind": "hex", "length": 16}],
        "state_folder": "state",
    }


def test_it_runs_again_with_the_script_and_the_guest(tmp_path: Path) -> None:
    made = the_resource(synthesize(guest_script, tmp_path), NULL)

    assert made["triggers"] == {
        "script": SCRIPT.digest,
        "guest": "${proxmox_virtual_environment_container.dns.id}",
    }


def test_nothing_of_it_is_an_argument_of_a_program(tmp_path: Path) -> None:
    made = local_exec(synthesize(guest_script, tmp_path))

    assert made["command"] == COMMAND
    assert made["working_dir"] == "../../.."
    assert set(made["environment"]) == {"HOMELAB_PROVISIONING"}


@pytest.mark.parametrize("sign", ["${", "%{", '"', "\\", "\n"])
def test_neither_terraform_nor_hcl_finds_anything_of_its_own_in_the_order(sign: str, tmp_path: Path) -> None:
    made = local_exec(synthesize(guest_script, tmp_path))

    assert sign in SCRIPT.text + '"\\'
    assert sign not in made["environment"]["HOMELAB_PROVISIONING"]
    assert sign not in made["command"]


def test_a_secret_of_terraform_is_an_expression(tmp_path: Path) -> None:
    script = Script("set-up", "true\n", (GivenSecret("PASSWORD", "${random_password.x.result}"),))
    document = synthesize(lambda stack: guest_script(stack, script), tmp_path)

    assert order(document)["secrets"] == [{"variable": "PASSWORD", "source": "given"}]
    assert local_exec(document)["environment"]["HOMELAB_SECRET_PASSWORD"] == "${random_password.x.result}"
    assert the_resource(document, NULL)["triggers"]["PASSWORD"] == "${sha256(random_password.x.result)}"


def test_so_is_an_attribute_of_a_construct(tmp_path: Path) -> None:
    def define(stack: TerraformStack) -> None:
        guest = container(stack)
        script = Script("set-up", "true\n", (GivenSecret("PASSWORD", guest.id),))
        GuestScript(stack, "a", guest=guest, environment=environment(), script=script)

    document = synthesize(define, tmp_path)
    attribute = "proxmox_virtual_environment_container.dns.id"
    assert local_exec(document)["environment"]["HOMELAB_SECRET_PASSWORD"] == f"${{{attribute}}}"
    assert the_resource(document, NULL)["triggers"]["PASSWORD"] == f"${{sha256({attribute})}}"


def test_the_store_is_beside_a_local_state(tmp_path: Path) -> None:
    local = synthesize(
        lambda stack: guest_script(stack, state={"backend": "local", "directory": "/srv/state"}), tmp_path
    )
    remote = synthesize(lambda stack: guest_script(stack, state={"backend": "s3", "bucket": "abc"}), tmp_path)

    assert order(local)["state_folder"] == "/srv/state"
    assert order(remote)["state_folder"] == "state"


def test_a_guest_with_dhcp_has_no_address_yet(tmp_path: Path) -> None:
    def define(stack: TerraformStack) -> None:
        guest = container(stack, interfaces=({"bridge": "vmbr0"},))
        GuestScript(stack, "a", guest=guest, environment=environment(), script=SCRIPT)

    assert order(synthesize(define, tmp_path))["address"] is None


def test_a_script_for_a_node_names_no_guest(tmp_path: Path) -> None:
    def define(stack: TerraformStack) -> None:
        guest = container(stack)
        NodeScript(
            stack,
            "a",
            node="pve",
            environment=environment(),
            script=SCRIPT,
            triggers={"template": guest.id},
            after=[guest],
        )

    document = synthesize(define, tmp_path)
    assert (order(document)["vm_id"], order(document)["guest"]) == (None, None)
    made = the_resource(document, NULL)
    assert made["triggers"]["template"] == "${proxmox_virtual_environment_container.dns.id}"
    assert made["depends_on"] == ["proxmox_virtual_environment_container.dns"]


def test_a_stack_has_the_provider_once(tmp_path: Path) -> None:
    def define(stack: TerraformStack) -> None:
        guest = container(stack)
        for name in ("a", "b"):
            GuestScript(stack, name, guest=guest, environment=environment(), script=SCRIPT)

    document = synthesize(define, tmp_path)
    assert document["provider"]["null"] == [{}]
    assert document["terraform"]["required_providers"]["null"] == {"source": "hashicorp/null", "version": "3.3.1"}
    assert set(resources(document, NULL)) == {"a", "b"}


def test_a_script_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    script = Script("set-up", "x" * 130_000)

    with pytest.raises(ValueError, match=r"script set-up for dns is too long: 130\d+ bytes .*Split it into two"):
        synthesize(lambda stack: guest_script(stack, script), tmp_path)
