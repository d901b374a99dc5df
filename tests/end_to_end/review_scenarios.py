"""Changes that a review has to judge: each danger with its harmless twin, as resources for the real provider."""

from __future__ import annotations

from typing import Any

from tests.end_to_end.review_containers import containers
from tests.end_to_end.review_machines import machines
from tests.end_to_end.review_protection import availability, backups, firewalls
from tests.end_to_end.review_resources import FILE, IMAGE, VM, Resources, document, snippet, vm

SCENARIOS = {**machines(), **containers(), **firewalls(), **backups(), **availability()}
COMMON: Resources = {
    f"{IMAGE}.ct": {
        "content_type": "vztmpl",
        "datastore_id": "local",
        "node_name": "pve",
        "url": "http://download.proxmox.com/images/system/debian-12-standard_12.7-1_amd64.tar.zst",
    },
}
CANARY = "canary-7f3a91"
"""Every secret begins like this."""


def with_secrets(number: int) -> Resources:
    """Resources with a secret wherever a plan of them can hold one; another ``number`` makes other secrets."""

    def secret(place: str) -> str:
        return f"{CANARY}-{place}-{number}"

    return {
        f"{VM}.secrets": vm(
            1030,
            description=secret("description"),
            kvm_arguments=None,
            initialization=[
                {
                    "datastore_id": "local-lvm",
                    "user_account": [{"username": "admin", "password": secret("password"), "keys": [secret("key")]}],
                }
            ],
        ),
        f"{FILE}.secrets": snippet("secrets.yaml", f"#cloud-config\npassword: {secret('snippet')}\n"),
        "terraform_data.secrets": {"input": f'${{sensitive("{secret("input")}")}}'},
    }


RECORDS: Resources = {
    f"{VM}.drifting": vm(5000, tags=["ours"]),
    f"{VM}.marked": vm(5001, description="not secret"),
    f"{VM}.old_name": vm(5002),
    f"{VM}.forgotten": vm(5003),
    f"{VM}.lost": vm(5004),
    f"{VM}.imported": vm(5005),
}
"""What happens to these is in ``records_changed`` and, without Terraform, in the test."""


def records_changed() -> dict[str, Any]:
    """One resource moved, one forgotten, one imported, one that only gets another mark."""
    resources = {key: value for key, value in RECORDS.items() if key not in (f"{VM}.old_name", f"{VM}.forgotten")}
    resources[f"{VM}.new_name"] = RECORDS[f"{VM}.old_name"]
    resources[f"{VM}.marked"] = vm(5001, description='${sensitive("not secret")}')
    return document(
        resources,
        moved=[{"from": f"{VM}.old_name", "to": f"{VM}.new_name"}],
        removed=[{"from": f"{VM}.forgotten", "lifecycle": [{"destroy": False}]}],
        **{"import": [{"to": f"{VM}.imported", "id": "pve/5005"}]},
    )


def everything(which: str) -> dict[str, Any]:
    """The resources of all scenarios: ``before``, ``danger`` or ``harmless``."""
    found: dict[str, Any] = dict(COMMON)
    for scenario in SCENARIOS.values():
        found |= scenario.before
        if which != "before":
            found |= getattr(scenario, which)
    found |= with_secrets(1 if which == "before" else 2)
    return found
