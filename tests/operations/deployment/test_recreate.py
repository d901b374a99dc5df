"""Which containers a request names, and what is planned for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.deployment.backup import Target
from operations.deployment.recreate import destroy_allowed, find_service, rebuilt, recreated, restored, target_of
from operations.deployment.recreate_run import Request
from operations.terraform.stacks import Stack, StackError

CONTAINER = "proxmox_virtual_environment_container"


@pytest.fixture
def stacks(tmp_path: Path) -> list[Stack]:
    def container(key: str, vm_id: int, **more: Any) -> dict[str, Any]:
        return {"//": {"metadata": {"path": f"lab-service-redis/{key}"}}, "vm_id": vm_id, "node_name": "pve", **more}

    keys = {"service-redis-template": 901, "service-redis": 201, "service-redis-1": 220}
    containers = {key: container(key, number) for key, number in keys.items()}
    containers["service-redis"]["disk"] = {"datastore_id": "local-lvm", "size": 8}
    containers["service-redis"]["lifecycle"] = {"prevent_destroy": True, "ignore_changes": ["clone"]}
    scripts = {
        f"configure-{index}": {"triggers": {"guest": f"${{{CONTAINER}.{key}.id}}"}}
        for index, key in enumerate(["service-redis", "service-redis-1"])
    }
    configuration = {
        "resource": {
            CONTAINER: containers,
            "null_resource": scripts,
            "terraform_data": {"template-version": {}},
        }
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
    return [Stack("lab-web", tmp_path / "web"), Stack("lab-service-redis", tmp_path)]


def test_a_service_is_its_containers_without_the_template(stacks: list[Stack]) -> None:
    service = find_service(stacks, "redis", "lab")
    assert [instance.vm_id for instance in service.instances] == [201, 220]
    assert service.template is not None
    assert service.template.vm_id == 901
    (replica,) = find_service(stacks, "redis-1", "lab").instances
    assert replica.vm_id == 220
    with pytest.raises(StackError, match=r"lab has no service gitea\. There are: redis\."):
        find_service(stacks, "gitea", "lab")


def test_what_is_asked_for_is_replaced_and_allowed_and_nothing_else(stacks: list[Stack]) -> None:
    asked = recreated(find_service(stacks, "redis-1", "lab"))
    assert asked.addresses == {"lab-service-redis": [f"{CONTAINER}.service-redis-1"]}
    assert [(entry.address, entry.stack) for entry in asked.allowances] == [
        (f"{CONTAINER}.service-redis-1", "lab-service-redis")
    ]
    asked = rebuilt(find_service(stacks, "redis", "lab"))
    assert asked.addresses == {"lab-service-redis": ["terraform_data.template-version"]}
    template = f"{CONTAINER}.service-redis-template"
    assert [(entry.address, entry.finding) for entry in asked.allowances] == [
        (template, "template-replaced"),
        (template, "guest-replaced"),
    ]


def test_the_first_is_restored_and_configured_again_and_replicas_are_cloned(stacks: list[Stack]) -> None:
    service = find_service(stacks, "redis", "lab")
    assert service.primary is not None
    assert [instance.vm_id for instance in service.primary.instances] == [201]
    assert [instance.vm_id for instance in service.replicas.instances] == [220]
    asked = restored(service)
    replica = f"{CONTAINER}.service-redis-1"
    assert asked.addresses == {"lab-service-redis": ["null_resource.configure-0", replica]}
    assert [entry.address for entry in asked.allowances] == [replica]
    assert find_service(stacks, "redis-1", "lab").primary is None


def test_a_container_is_restored_to_its_own_datastore(stacks: list[Stack]) -> None:
    (instance, _) = find_service(stacks, "redis", "lab").instances
    assert target_of(instance) == Target("pve", "lxc", 201, "local-lvm")


def test_terraform_may_destroy_for_a_moment_even_after_an_error(stacks: list[Stack]) -> None:
    service = find_service(stacks, "redis", "lab")
    file = service.stack.folder / "cdk.tf.json"
    before = file.read_text(encoding="utf-8")

    def fail_inside() -> None:
        with destroy_allowed(service):
            inside = json.loads(file.read_text(encoding="utf-8"))["resource"][CONTAINER]["service-redis"]
            assert inside["lifecycle"] == {"ignore_changes": ["clone"]}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (Request(recreate="a", rebuild_template="b"), "do not go together"),
        (Request(restore="latest"), "--restore goes with --recreate"),
        (Request(recreate="a", restore="latest"), ""),
        (Request(), ""),
    ],
)
def test_requests_that_make_no_sense(request_: Request, problem: str) -> None:
    assert (problem in request_.problem) if problem else request_.problem == ""
