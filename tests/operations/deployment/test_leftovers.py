"""What a killed Terraform left behind is taken up or removed where it is certainly the environment's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from operations.deployment.changes import Change
from operations.deployment.leftovers import CONTAINER, FIREWALL_RULES, NETWORK, Engine, existing_rules
from operations.proxmox_api import ProxmoxApi
from operations.terraform.process import Processes
from operations.terraform.stacks import Resource, Stack
from operations.terraform.terraform import Terraform

SSH = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22", "comment": "SSH"}
WEB = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "8080", "comment": "Web"}
GUESTS = {9900: {"node": "pve", "type": "lxc"}}


class Api:
    """Answers with the rules of one container."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.rules = [{**rule, "pos": place, "enable": 1} for place, rule in enumerate(rules)]

    def get(self, path: str) -> list[dict[str, Any]]:
        assert path == "/nodes/pve/lxc/9900/firewall/rules"
        return self.rules


def created(type_: str, **arguments: Any) -> Change:
    return Change("lab-secrets", Resource(f"{type_}.it", type_, "it", arguments), "create")


def rules_found(*there: dict[str, Any], more: tuple[Change, ...] = ()) -> list[str]:
    wanted = [{**rule, "enabled": True, "log": "nolog"} for rule in (SSH, WEB)]
    changes = [created(FIREWALL_RULES, node_name="pve", container_id=9900, rule=wanted), *more]
    return [one.import_id for one in existing_rules(changes, GUESTS, cast(ProxmoxApi, Api(*there)))]


@pytest.mark.parametrize("there", [(SSH, WEB), (SSH,)])
def test_own_rules_are_taken_up_also_when_some_are_missing(there: tuple[dict[str, Any], ...]) -> None:
    assert rules_found(*there) == ["container/pve/9900"]


@pytest.mark.parametrize("there", [(), (SSH, {**WEB, "dport": "9090"})])
def test_no_rules_and_rules_of_others_are_left_to_the_provider(there: tuple[dict[str, Any], ...]) -> None:
    assert rules_found(*there) == []


def test_the_rules_of_a_guest_that_the_state_does_not_know_either_are_taken_up() -> None:
    guest = created("proxmox_virtual_environment_container", vm_id=9900)
    assert rules_found(SSH, WEB, more=(guest,)) == ["container/pve/9900"]


def test_a_guest_that_is_not_there_has_none() -> None:
    wanted = created(FIREWALL_RULES, node_name="pve", container_id=9901, rule=[SSH])
    assert existing_rules([wanted], GUESTS, cast(ProxmoxApi, Api(SSH))) == []


SSH_PROGRAM = """#!/bin/sh
echo "$@" >> calls
case "$*" in
  *inspect*mine*) echo lab-secrets;;
  *inspect*other*) echo lab-other;;
  *inspect*) exit 1;;
  *network*) [ -e unused ];;
esac
"""


def engine(folder: Path, host: str, outputs: dict[str, object] | None = None) -> Engine:
    (folder / "ssh").write_text(SSH_PROGRAM, encoding="utf-8")
    (folder / "ssh").chmod(0o755)
    provider = {"docker": [{"host": host, "ssh_opts": ["-o", "BatchMode=yes"]}]}
    (folder / "cdk.tf.json").write_text(json.dumps({"provider": provider}), encoding="utf-8")
    terraform = Terraform("terraform", {"PATH": f"{folder}:{os.defpath}"}, Processes())
    return Engine(Stack("lab-secrets", folder), terraform, outputs or {})


CHANGES = [
    created(CONTAINER, name="mine"),
    created(CONTAINER, name="other"),
    created(CONTAINER, name="absent"),
    created(NETWORK, name="infisical"),
]


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def test_only_containers_of_the_stack_are_removed(tmp_path: Path) -> None:
    assert engine(tmp_path, "ssh://root@10.0.0.2:22").remove_leftovers(CHANGES) == ["container mine"]
    removing = [call for call in calls(tmp_path) if "'rm'" in call]
    assert removing == [
        "-o BatchMode=yes -p 22 root@10.0.0.2 docker 'container' 'rm' '--force' 'mine'",
        "-o BatchMode=yes -p 22 root@10.0.0.2 docker 'network' 'rm' 'infisical'",
    ]


def test_a_network_that_nobody_uses_goes_too(tmp_path: Path) -> None:
    (tmp_path / "unused").touch()
    assert engine(tmp_path, "ssh://root@10.0.0.2:22").remove_leftovers(CHANGES[3:]) == ["network infisical"]


def test_the_address_may_come_from_a_stack_before(tmp_path: Path) -> None:
    host = "ssh://root@${data.terraform_remote_state.lab-secrets-host.outputs.docker_container_ip}:22"
    found = engine(tmp_path, host, {"docker_container_ip": "10.0.0.9"}).remove_leftovers(CHANGES)
    assert found == ["container mine"]
    assert " root@10.0.0.9 " in calls(tmp_path)[0]


@pytest.mark.parametrize("host", ["unix:///var/run/docker.sock", "ssh://root@${local.unknown}:22"])
def test_an_engine_that_can_not_be_asked_is_left_to_the_provider(host: str, tmp_path: Path) -> None:
    assert engine(tmp_path, host).remove_leftovers(CHANGES) == []
    assert calls(tmp_path) == []
