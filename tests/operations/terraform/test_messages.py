"""Lines of Terraform's machine-readable output, as Terraform 1.11 wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.terraform.messages import (
    Diagnostic,
    Drift,
    Outputs,
    PlannedChange,
    Said,
    Work,
    plain_diagnostics,
    read_message,
)

ADDRESS = "proxmox_virtual_environment_vm.web"


def line(**data: Any) -> str:
    return json.dumps({"@level": "info", "@module": "terraform.ui", **data})


def test_a_planned_change() -> None:
    text = line(
        type="planned_change", change={"resource": {"addr": ADDRESS}, "action": "replace", "reason": "cannot_update"}
    )
    assert read_message(text) == PlannedChange(ADDRESS, "replace", "cannot_update")


def test_terraform_s_remove_is_a_deletion_as_in_the_plan_file() -> None:
    text = line(type="planned_change", change={"resource": {"addr": ADDRESS}, "action": "remove"})
    assert read_message(text) == PlannedChange(ADDRESS, "delete")


def test_drift() -> None:
    text = line(type="resource_drift", change={"resource": {"addr": ADDRESS}, "action": "update"})
    assert read_message(text) == Drift(ADDRESS, "update")


@pytest.mark.parametrize("stage", ["start", "progress", "complete", "errored"])
def test_work_on_a_resource(stage: Any) -> None:
    text = line(type=f"apply_{stage}", hook={"resource": {"addr": ADDRESS}, "action": "create", "elapsed_seconds": 12})
    assert read_message(text) == Work(ADDRESS, "create", stage, 12.0)


def test_outputs_after_an_apply_leave_sensitive_values_out() -> None:
    outputs = {"ids": {"sensitive": False, "value": {"web": 9100}}, "token": {"sensitive": True, "value": "secret"}}
    message = read_message(line(type="outputs", outputs=outputs))
    assert message == Outputs({"ids": {"web": 9100}}, ("token",))
    assert "secret" not in repr(message)


@pytest.mark.parametrize(("action", "changes"), [("create", {"ids": "create"}), ("noop", {})])
def test_outputs_in_a_plan_say_which_change(action: str, changes: dict[str, str]) -> None:
    message = read_message(line(type="outputs", outputs={"ids": {"sensitive": False, "action": action}}))
    assert message == Outputs(changes=changes)


def test_what_a_script_says_is_passed_on() -> None:
    hook = {"resource": {"addr": ADDRESS}, "provisioner": "local-exec", "output": "installing"}
    assert read_message(line(type="provision_progress", hook=hook)) == Said(ADDRESS, "installing")


def test_a_diagnostic_with_its_resource() -> None:
    data = {
        "severity": "error",
        "summary": "VM clone",
        "detail": "no",
        "address": ADDRESS,
        "range": {"filename": "cdk.tf.json"},
    }
    assert read_message(line(type="diagnostic", diagnostic=data)) == Diagnostic(
        "error", "VM clone", "no", ADDRESS, "cdk.tf.json"
    )


@pytest.mark.parametrize("text", ["", "Terraform crashed", "[1]", line(type="version"), line(type="log")])
def test_everything_else_is_passed_over(text: str) -> None:
    assert read_message(text) is None


PLAIN = """
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider bpg/proxmox:
no available releases match the given constraints 0.111.0

Warning: Something else

  with proxmox_virtual_environment_vm.web,
  on cdk.tf.json line 3

A detail.
"""


def test_plain_errors_and_warnings_are_taken_apart() -> None:
    error, warning = plain_diagnostics(PLAIN)
    assert (error.severity, error.summary) == ("error", "Failed to query available provider packages")
    assert error.detail.endswith("no available releases match the given constraints 0.111.0")
    assert (warning.severity, warning.address) == ("warning", ADDRESS)


def test_text_without_errors_has_no_diagnostics() -> None:
    assert plain_diagnostics("") == []
    assert plain_diagnostics("panic: out of cheese") == []
