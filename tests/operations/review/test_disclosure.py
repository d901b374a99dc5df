"""No secret is shown, wherever a plan holds it: a canary in each place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from operations.review import as_json, as_markdown, as_text, read_plan, review
from tests.operations.review.plans import CONTAINER, VM, change, container, disk, document, vm

CANARY = "canary-5d1e8c"


def shown(content: dict[str, Any], **more: Any) -> str:
    """Everything that a review of a plan shows in any format."""
    result = review([read_plan(json.dumps(content), "prod")], **more)
    return "\n".join([as_text(result), as_json(result), *as_markdown(result)])


def updated(**after: Any) -> dict[str, Any]:
    return change(f"{VM}.web", vm(), vm(**after))


def marked(name: str, value: Any = CANARY, mask: Any = True) -> dict[str, Any]:
    before, after = {**vm(), name: "old"}, {**vm(), name: value}
    return change(f"{VM}.web", before, after, before_sensitive={}, after_sensitive={name: mask})


ACCOUNT = {"user_account": [{"username": "admin", "password": CANARY, "keys": [CANARY]}]}
PLACES: dict[str, Callable[[], dict[str, Any]]] = {
    "marked name of a guest": lambda: document(marked("name")),
    "marked node": lambda: document(marked("node_name")),
    "marked description": lambda: document(marked("description")),
    "marked list": lambda: document(marked("tags", [CANARY], [True])),
    "marked whole list": lambda: document(marked("tags", [CANARY])),
    "marked block": lambda: document(marked("disk", [disk("scsi0", 5, datastore_id=CANARY)], [{"datastore_id": True}])),
    "marked interface": lambda: document(marked("network_device", [{"bridge": CANARY}], [{"bridge": True}])),
    "marked in a guest that goes": lambda: document(
        change(f"{VM}.web", vm(name=CANARY), None, before_sensitive={"name": True})
    ),
    "marked before and not after": lambda: document(
        change(f"{VM}.web", vm(tags=[CANARY]), vm(tags=["x"]), before_sensitive={"tags": True})
    ),
    "marked in one place, clear in another": lambda: document(
        change("a.b", {"v": CANARY}, None, before_sensitive={"v": True}), updated(name=CANARY, tags=[CANARY, "x"])
    ),
    "marked elsewhere, in an address": lambda: document(
        change("a.b", {"v": CANARY}, None, before_sensitive={"v": True}), change(f'{VM}.web["{CANARY}"]', vm(), None)
    ),
    "account of a machine": lambda: document(updated(initialization=[ACCOUNT])),
    "account of a container": lambda: document(
        change(f"{CONTAINER}.db", container(), container(initialization=[{"hostname": "db", **ACCOUNT}]))
    ),
    "account that forces a replacement": lambda: document(
        change(
            f"{CONTAINER}.db",
            container(initialization=[{"hostname": "db", "user_account": [{"password": "x"}]}]),
            container(initialization=[{"hostname": "db", **ACCOUNT}]),
            actions=["delete", "create"],
            action_reason="replace_because_cannot_update",
            replace_paths=[["initialization", 0, "user_account", 0, "password"]],
        )
    ),
    "description in clear": lambda: document(updated(description=CANARY)),
    "arguments of KVM": lambda: document(updated(kvm_arguments=CANARY)),
    "environment of a container": lambda: document(
        change(f"{CONTAINER}.db", container(), container(environment_variables={"TOKEN": CANARY, "PLAIN": CANARY}))
    ),
    "snippet": lambda: document(
        change(
            "proxmox_virtual_environment_file.s",
            {"content_type": "snippets", "source_raw": [{"data": "old", "file_name": "a"}]},
            {"content_type": "snippets", "source_raw": [{"data": f"password: {CANARY}", "file_name": "a"}]},
            actions=["delete", "create"],
            replace_paths=[["source_raw", 0, "data"]],
        )
    ),
    "address of an image with credentials": lambda: document(
        change("proxmox_download_file.i", {"url": "https://x"}, {"url": f"https://u:{CANARY}@x"})
    ),
    "value of a token": lambda: document(change("proxmox_user_token.t", {"value": CANARY}, {"value": None})),
    "password of a storage": lambda: document(
        change("proxmox_storage_cifs.s", {"password": "x", "id": "nas"}, {"password": CANARY, "id": "nas"})
    ),
    "another provider's resource": lambda: document(
        change("docker_container.c", {"env": ["A=1"]}, {"env": [f"PASSWORD={CANARY}"], "command": [CANARY]})
    ),
    "import id": lambda: document(change("random_password.p", {}, {}, importing={"id": CANARY})),
    "variable": lambda: document(
        updated(name=CANARY), variables={"proxmox_api_token": {"value": CANARY}, "plain": {"value": "web"}}
    ),
    "sensitive variable": lambda: document(
        updated(name=CANARY),
        variables={"anything": {"value": {"deep": [CANARY]}}},
        configuration={"root_module": {"variables": {"anything": {"sensitive": True}}}},
    ),
    "configuration of the provider": lambda: document(
        updated(name=CANARY),
        configuration={"provider_config": {"proxmox": {"expressions": {"api_token": {"constant_value": CANARY}}}}},
    ),
    "configuration of a resource": lambda: document(
        updated(),
        configuration={"root_module": {"resources": [{"expressions": {"password": {"constant_value": CANARY}}}]}},
    ),
    "SSH of the provider": lambda: document(
        updated(name=CANARY),
        configuration={
            "provider_config": {"proxmox": {"expressions": {"ssh": [{"password": {"constant_value": CANARY}}]}}}
        },
    ),
    "output": lambda: document(
        output_changes={"o": {"actions": ["update"], "before": CANARY, "after": CANARY, "after_sensitive": False}}
    ),
    "sensitive output, clear elsewhere": lambda: document(
        updated(name=CANARY),
        output_changes={"o": {"actions": ["create"], "after": {"k": CANARY}, "after_sensitive": {"k": True}}},
    ),
    "drift": lambda: document(
        resource_drift=[change(f"{VM}.web", vm(), vm(description=CANARY, initialization=[ACCOUNT]))]
    ),
    "guest that is gone": lambda: document(
        resource_drift=[change(f"{VM}.web", vm(name=CANARY), None, before_sensitive={"name": True})]
    ),
    "state before": lambda: document(
        prior_state={
            "values": {
                "outputs": {"o": {"value": CANARY, "sensitive": True}},
                "root_module": {
                    "resources": [
                        {
                            "address": f"{VM}.other",
                            "mode": "managed",
                            "type": VM,
                            "values": vm(initialization=[ACCOUNT]),
                        }
                    ]
                },
            }
        }
    ),
    "name in the state that is marked there": lambda: document(
        change("proxmox_backup_job.n", {"id": "n", "vmid": ["777"]}, None),
        prior_state={
            "values": {
                "root_module": {
                    "resources": [
                        {
                            "address": f"{VM}.other",
                            "mode": "managed",
                            "type": VM,
                            "values": vm(777, name=CANARY, node_name=CANARY),
                            "sensitive_values": {"name": True, "node_name": True},
                        }
                    ]
                }
            }
        },
    ),
    "planned values": lambda: document(updated(), planned_values={"outputs": {"o": {"value": CANARY}}}),
    "failing check": lambda: document(
        checks=[
            {"address": {"to_display": "check.c"}, "status": "fail", "instances": [{"problems": [{"message": CANARY}]}]}
        ]
    ),
    "secret of several lines": lambda: document(
        change("a.b", {"v": f"first line\n{CANARY}\nlast"}, None, before_sensitive={"v": True}), updated(name=CANARY)
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_not_shown(place: str) -> None:
    content = PLACES[place]()
    assert CANARY in json.dumps(content)
    text = shown(content)
    assert "Plan review" in text
    assert CANARY not in text


def test_what_is_no_secret_is_shown() -> None:
    text = shown(document(updated(name="renamed", tags=["web", "db"], disk=[disk("scsi0", 25)], on_boot=False)))
    for piece in ("vm-100 → renamed", "tags none → web, db", "disk.size 20 → 25", "on_boot none → false"):
        assert piece in text


def test_a_sensitive_argument_is_named_and_not_shown() -> None:
    assert "description (sensitive)" in shown(document(marked("description")))


def test_a_sensitive_number_is_not_shown() -> None:
    entry = change(f"{VM}.web", vm(pin=1111), vm(pin=98765, size=54321), after_sensitive={"size": True})
    text = shown(document(entry))
    assert "98765" not in text
    assert "54321" not in text


def test_the_size_of_a_disk_that_is_sensitive_is_judged_and_not_shown() -> None:
    entry = change(
        f"{VM}.web",
        vm(disk=[disk("scsi0", 98765)]),
        vm(disk=[disk("scsi0", 54321)]),
        before_sensitive={"disk": [{"size": True}]},
        after_sensitive={"disk": [{"size": True}]},
    )
    text = shown(document(entry))
    assert "shrinks to less" in text
    assert "98765" not in text
    assert "54321" not in text


def test_secrets_of_the_environment_are_hidden_too() -> None:
    assert CANARY not in shown(document(updated(name=CANARY)), secrets=[CANARY])
    assert CANARY in shown(document(updated(name=CANARY)))


def test_what_looks_like_an_api_token_is_hidden() -> None:
    token = "root@pam!ci=00000000-1111-2222-3333-444444444444"
    assert "00000000-1111" not in shown(document(updated(tags=[token])))


STEERING = ["\x1b[31m", "\n", "\r", "\x00", "\u202e", "\u061c", "\u200b", "\ufeff", "\xad", "\x9b", "\u2028"]


@pytest.mark.parametrize("sign", STEERING)
def test_nothing_steers_the_terminal_or_hides(sign: str) -> None:
    result = review([read_plan(json.dumps(document(change(f'{VM}.web["a{sign}b"]', vm(name=f"a{sign}b"), None))), "p")])
    assert sign not in as_text(result).replace("\n", "" if sign == "\n" else "\n")
    assert "VM a b (100)" in as_text(result) or "VM a [31mb (100)" in as_text(result)


@pytest.mark.parametrize("side", ["before_sensitive", "after_sensitive"])
def test_a_short_secret_is_hidden_where_it_is_marked(side: str) -> None:
    masks: dict[str, Any] = {side: {"tags": [True]}}
    text = shown(document(change(f"{VM}.web", vm(tags=["q7x"]), vm(tags=["z9y"]), **masks)))
    assert "tags (sensitive)" in text
    assert "q7x" not in text
    assert "z9y" not in text


def test_a_list_of_secrets_is_hidden_elsewhere_too() -> None:
    entry = change("a.b", {"api_keys": {"private_key": [CANARY]}}, None)
    assert CANARY not in shown(document(entry, updated(name=CANARY)))
