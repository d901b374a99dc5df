"""Causes of failures by their texts, and what is done with them: merged, placed, cleaned of secrets.

The real provider and Terraform wrote these texts; tests/end_to_end/test_bad_input.py makes them write them again.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.diagnosis.diagnosis import Diagnosis, Surroundings, diagnose
from operations.terraform.messages import Diagnostic
from operations.terraform.stacks import Stack
from operations.terraform.terraform import TerraformError

ENDPOINT = "https://pve.home.arpa:8006"
REFUSED = "dial tcp 192.168.3.2:8006: connect: connection refused"


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    guests = {
        key: {"//": {"metadata": {"path": f"dev-web/{key}/Default"}}, "vm_id": number, "node_name": "pve"}
        for key, number in (("web-1", 9100), ("web-2", 9101))
    }
    configuration = {"resource": {"proxmox_virtual_environment_vm": guests}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
    return Surroundings(
        environment="dev",
        endpoint=ENDPOINT,
        file="environments/dev.yaml",
        stacks={"dev-web": Stack("dev-web", tmp_path)},
        key_paths={"web-1": "vms.web", "web-2": "vms.web"},
        privileges=("VM.Allocate", "VM.Audit"),
        secrets=("top-secret-value",),
    )


def failure(*texts: str, address: str = "", step: str = "apply", code: int = 1) -> TerraformError:
    return TerraformError("dev-web", step, [Diagnostic("error", text, address=address) for text in texts], "", code)


def only(error: TerraformError, surroundings: Surroundings) -> Diagnosis:
    (found,) = diagnose(error, surroundings)
    return found


def test_one_cause_for_several_resources_is_said_once_with_all_of_them(surroundings: Surroundings) -> None:
    errors = [
        Diagnostic(
            "error", "VM clone", f'Reason: Post "{ENDPOINT}/x": {REFUSED}', f"proxmox_virtual_environment_vm.{key}"
        )
        for key in ("web-1", "web-2")
    ]
    found = only(TerraformError("dev-web", "apply", errors, "", 1), surroundings)
    assert found.kind == "endpoint_unreachable"
    assert found.places == (
        "stack dev-web, VM web-1 (9100), environments/dev.yaml: vms.web",
        "stack dev-web, VM web-2 (9101), environments/dev.yaml: vms.web",
    )
    assert found.original.count(REFUSED) == 2


def test_different_causes_are_said_each(surroundings: Surroundings) -> None:
    found = diagnose(failure(REFUSED, "received an HTTP 401 response - Reason: invalid token value!"), surroundings)
    assert [item.kind for item in found] == ["endpoint_unreachable", "wrong_credentials"]


def test_warnings_are_no_causes(surroundings: Surroundings) -> None:
    error = TerraformError(
        "dev-web", "plan", [Diagnostic("warning", "deprecated"), Diagnostic("error", REFUSED)], "", 1
    )
    assert only(error, surroundings).kind == "endpoint_unreachable"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            "dial tcp: lookup pve.invalid on 192.168.3.1:53: no such host",
            "endpoint_unreachable",
            "the name pve.invalid can't be resolved",
        ),
        ("dial tcp 192.168.3.9:8006: i/o timeout", "endpoint_unreachable", "pve.home.arpa:8006 does not answer"),
        (
            "dial tcp 192.168.3.9:8006: connect: no route to host",
            "endpoint_unreachable",
            "pve.home.arpa:8006 does not answer",
        ),
        (
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "certificate_unknown",
            "an authority",
        ),
        (
            "x509: certificate is valid for pve.lan, not pve.home.arpa",
            "certificate_name",
            "the certificate of pve.home.arpa:8006 is for another name",
        ),
        (
            (
                "x509: certificate has expired or is not yet valid: current time 2026-11-21T03:00:00Z is after "
                "2026-11-20T00:00:00Z"
            ),
            "certificate_expired",
            "not valid today",
        ),
        ("remote error: tls: protocol version not supported", "old_tls", "TLS 1.3"),
        (
            "received an HTTP 403 response - Reason: Permission check failed (user != root@pam)",
            "root_only",
            "only root@pam",
        ),
        (
            (
                "received an HTTP 403 response - Reason: Permission check failed (/storage/local, "
                "Datastore.Audit|Datastore.AllocateSpace)"
            ),
            "privilege_missing",
            "Datastore.Audit or Datastore.AllocateSpace on /storage/local is missing",
        ),
        (
            (
                "Resource postcondition failed: Container box (9210) is on node pve2, and the environment says\npve1. "
                "Terraform can't move containers: run `homelab migrate box`, or write where it is."
            ),
            "container_on_other_node",
            "container box (9210) is on node pve2, and the environment says pve1",
        ),
        ("Saved plan is stale", "plan_stale", "has changed since it was planned"),
        (
            "can't lock file '/var/lock/qemu-server/lock-9100.conf' - got timeout",
            "guest_locked",
            "another task works on it",
        ),
        (
            "Error creating VM: unable to create VM 9100 - VM 9100 already exists on node 'pve'",
            "already_exists",
            "VMID 9100",
        ),
        ("execution halted", "interrupted", "stopped on request"),
        (
            "volume 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst' does not exist",
            "image_missing",
            "made from a file that is not on its datastore any more",
        ),
        (
            "Cannot do full clones on a running container without snapshots",
            "template_runs",
            "what it is cloned from runs, and is no template any more",
        ),
        (
            (
                "lvcreate 'pve/vm-201-disk-0' error:   Cannot create new thin volume, free space in thin pool "
                "pve/data reached threshold."
            ),
            "storage_full",
            "not enough space",
        ),
        ("checksum mismatch: got 'aa' != expect 'bb'", "checksum_mismatch", "not what its checksum says"),
    ],
)
def test_known_causes(surroundings: Surroundings, text: str, kind: str, words: str) -> None:
    found = only(failure(text), surroundings)
    assert (found.kind, words in found.message) == (kind, True), found
    assert found.fix


def test_what_nobody_knows_is_shown_as_it_is(surroundings: Surroundings) -> None:
    found = only(failure("Something new"), surroundings)
    assert found.kind == "unknown"
    assert found.message == "apply of dev-web failed: Something new"


def test_a_run_that_says_nothing_in_json_is_diagnosed_by_its_text(surroundings: Surroundings) -> None:
    error = TerraformError("dev-web", "init", (), f"panic: {REFUSED}", 2)
    assert only(error, surroundings).kind == "endpoint_unreachable"


def test_a_killed_terraform_is_named_with_its_signal(surroundings: Surroundings) -> None:
    found = only(failure(code=-9), surroundings)
    assert found.message == "Terraform was killed (SIGKILL) during apply, before it could save its state"


def test_secrets_are_in_no_part_of_a_diagnosis(surroundings: Surroundings) -> None:
    token = "root@pam!x=12345678-1234-1234-1234-123456789abc"
    found = only(failure(f"strange: top-secret-value and PVEAPIToken={token}"), surroundings)
    text = found.render(verbose=True) + json.dumps(found.as_json())
    assert "top-secret-value" not in text
    assert "12345678" not in text
    assert "strange: ***" in text


def test_a_diagnosis_reads_as_the_other_messages_do() -> None:
    found = Diagnosis(
        "x", "it broke", found="a\nb", allowed="c", fix=("first", "  second"), places=("here",), original="raw"
    )
    assert found.render(verbose=True).splitlines() == [
        "it broke",
        "    where:    here",
        "    found:    a",
        "              b",
        "    allowed:  c",
        "    fix:      first",
        "                second",
        "    original: raw",
    ]
    assert "raw" not in found.render()


def test_many_places_are_counted() -> None:
    found = Diagnosis("x", "it broke", places=tuple(f"place {number}" for number in range(9)))
    assert "place 5" in found.render()
    assert "place 6" not in found.render()
    assert "and 3 more" in found.render()
